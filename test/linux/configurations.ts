/** The boards on which Linux has to reach its shell. */

export interface Configuration {
  readonly gic: 2 | 3;
  readonly cpus: 1 | 4;
  readonly el: 1 | 2;
  /** Our CPU model, and the one of QEMU's that comes next to it. */
  readonly cpu: 'cortex-a72' | 'max-supported';
}

export function title({ el, gic, cpus, cpu }: Configuration): string {
  return `EL${el}, GICv${gic}, ${cpus} CPU${cpus === 1 ? '' : 's'}, ${cpu}`;
}

/** At EL1 each GIC and number of processors; at EL2, where Linux is a hypervisor itself, each processor. */
export const CONFIGURATIONS: readonly Configuration[] = [
  { el: 1, gic: 3, cpus: 1, cpu: 'max-supported' },
  { el: 1, gic: 3, cpus: 4, cpu: 'max-supported' },
  { el: 1, gic: 2, cpus: 1, cpu: 'max-supported' },
  { el: 1, gic: 2, cpus: 4, cpu: 'max-supported' },
  { el: 1, gic: 3, cpus: 1, cpu: 'cortex-a72' },
  { el: 2, gic: 3, cpus: 1, cpu: 'cortex-a72' },
  { el: 2, gic: 2, cpus: 4, cpu: 'cortex-a72' },
  { el: 2, gic: 3, cpus: 1, cpu: 'max-supported' },
  { el: 2, gic: 3, cpus: 4, cpu: 'max-supported' },
];

export const RAM_BYTES = 512 << 20;
export const COMMAND_LINE = 'console=ttyAMA0';
