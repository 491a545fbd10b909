/** The scope Interrupts: what the board's GIC has enabled, pending and active, and what it signals. */
import type { DebuggedMachine, InterruptRow } from '../machine.ts';
import {
  page,
  READ_ONLY,
  type ChildRange,
  type VariableContainer,
  type VariableItem,
} from './container.ts';

const byte = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`;

export class InterruptsContainer implements VariableContainer {
  readonly #machine: DebuggedMachine;

  constructor(machine: DebuggedMachine) {
    this.#machine = machine;
  }

  children(range: ChildRange): readonly VariableItem[] {
    const { version, cpuInterfaces, interrupts } = this.#machine.interrupts();
    const fixed = (name: string, value: string): VariableItem => ({
      name,
      value,
      presentationHint: READ_ONLY,
    });
    return page(
      [
        fixed('controller', `GICv${version}`),
        ...cpuInterfaces.map(({ cpu, signals, priorityMask, runningPriority }) => {
          const running = runningPriority === 0xff ? 'idle' : byte(runningPriority);
          const mask = `priority mask ${byte(priorityMask)}, running priority ${running}`;
          return fixed(`CPU${cpu}`, `${signals ?? 'nothing'} is signalled; ${mask}`);
        }),
        ...interrupts.map((interrupt) => fixed(nameOf(interrupt), describe(interrupt))),
      ],
      range,
    );
  }
}

function kindOf(INTID: number): string {
  if (INTID < 16) return 'SGI';
  if (INTID < 32) return 'PPI';
  return INTID < 8192 ? 'SPI' : 'LPI';
}

/** Unique: the INTID, and the processor where each has its own. */
function nameOf({ INTID, cpu }: InterruptRow): string {
  return cpu === undefined ? `${INTID}` : `${INTID} (CPU${cpu})`;
}

function describe(interrupt: InterruptRow): string {
  const { INTID, source, cpu, pending, active, enabled, group, priority, trigger } = interrupt;
  const states = [
    ...(pending ? ['pending'] : []),
    ...(active ? ['active'] : []),
    enabled ? 'enabled' : 'disabled',
  ];
  const what = source === undefined ? kindOf(INTID) : `${kindOf(INTID)}, ${source}`;
  const targets = interrupt.targets.map((target) => `CPU${target}`).join(', ');
  const goes = cpu === undefined ? `, goes to ${targets === '' ? 'nobody' : targets}` : '';
  return `${states.join(', ')} - ${what}; group ${group}, priority ${byte(priority)}, ${trigger}${goes}`;
}
