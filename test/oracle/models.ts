/** Processors that both QEMU and our machine have. */
import { requireCpuModel } from '../../emulator/sysregs/cpu-model.ts';
import type { CpuModel } from '../../emulator/sysregs/cpu-model.ts';

interface Model {
  readonly model: CpuModel;
  /** `qemu-system-aarch64 -cpu` */
  readonly cpu: string;
}

export const models = {
  'cortex-a72': { model: requireCpuModel('cortex-a72'), cpu: 'cortex-a72' },
  'neoverse-n1': { model: requireCpuModel('neoverse-n1'), cpu: 'neoverse-n1' },
  // QEMU's has more: SVE, SME and MTE are off, the rest is explained.
  'max-supported': { model: requireCpuModel('max-supported'), cpu: 'max,sve=off,sme=off' },
} as const satisfies Record<string, Model>;

export type ModelName = keyof typeof models;
export const modelNames = Object.keys(models) as readonly ModelName[];
