/** The scopes Debug registers and Hypervisor: what `kvm/` holds, does and has counted. */
import type { DebuggedMachine, HypervisorView, SlotRow } from '../machine.ts';
import { hex } from '../registers.ts';
import {
  page,
  READ_ONLY,
  type ChildRange,
  type VariableContainer,
  type VariableItem,
} from './container.ts';
import { guestRegisters, listedRegisters, NamedContainers, RegisterList } from './registers.ts';

/** Guest, physical and debugger, then the ledger of slots with its verdicts. */
export function debugRegisterContainer(
  machine: DebuggedMachine,
  describe: (address: bigint) => string | undefined,
): VariableContainer {
  const { kvm } = machine;
  if (kvm === undefined) {
    const names = machine
      .registerGroups()
      .filter(({ kind }) => kind === 'system')
      .flatMap(({ registers }) => registers)
      .filter((name) => /^(DBG|MDSCR_EL1|MDCR_EL2|OSLSR_EL1|OSDLR_EL1)/.test(name));
    return new RegisterList(names, guestRegisters(machine), describe);
  }
  const views = kvm.debugRegisters();
  const guestNames = views.guest.map(({ name }) => name);
  return new NamedContainers([
    {
      name: 'Guest',
      value: 'what the guest has written',
      container: new RegisterList(guestNames, guestRegisters(machine), describe),
    },
    {
      name: 'Physical',
      value: `what the processor holds, owner ${kvm.owner}`,
      container: list(views.physical, describe),
    },
    {
      name: 'Debugger',
      value: 'what the debugger asks for',
      container: list(views.debugger, describe),
    },
    { name: 'Slots', value: 'who owns what', container: new Slots(kvm, describe) },
  ]);
}

function list(
  values: readonly { readonly name: string; readonly value: bigint }[],
  describe: (address: bigint) => string | undefined,
): VariableContainer {
  return new RegisterList(
    values.map(({ name }) => name),
    listedRegisters(values),
    describe,
  );
}

class Slots implements VariableContainer {
  readonly #kvm: HypervisorView;
  readonly #describe: (address: bigint) => string | undefined;

  constructor(kvm: HypervisorView, describe: (address: bigint) => string | undefined) {
    this.#kvm = kvm;
    this.#describe = describe;
  }

  children(range: ChildRange): readonly VariableItem[] {
    return page(
      this.#kvm.guestDebug.slots().map((row) => ({
        name: `${row.kind} ${row.slot}`,
        value: this.#text(row),
        presentationHint: READ_ONLY,
      })),
      range,
    );
  }

  #text(row: SlotRow): string {
    if (row.owner === 'free') return row.verdict;
    const place = this.#describe(row.value);
    const name = place === undefined ? hex(row.value) : `${hex(row.value)} <${place}>`;
    return `${row.owner}: ${name}. ${row.verdict}`;
  }
}

/** Policy and owner, trap bits and flags, counters, accesses by register. */
export class HypervisorContainer implements VariableContainer {
  readonly #kvm: HypervisorView | undefined;

  constructor(kvm: HypervisorView | undefined) {
    this.#kvm = kvm;
  }

  children(range: ChildRange): readonly VariableItem[] {
    const kvm = this.#kvm;
    if (kvm === undefined) {
      const value = 'none: the guest runs at EL2 and is its own hypervisor';
      return page([{ name: 'hypervisor', value, presentationHint: READ_ONLY }], range);
    }
    const fixed = (name: string, value: string): VariableItem => ({
      name,
      value,
      presentationHint: READ_ONLY,
    });
    const totals = kvm.totals();
    return page(
      [
        fixed('policy', kvm.policy),
        fixed('owner', kvm.owner),
        ...kvm.state().map(({ name, value, bits }) => ({
          ...fixed(name, value),
          ...(bits !== undefined && {
            container: new Rows(() =>
              bits.map((it) => fixed(it.name, `${it.set ? 1 : 0} (bit ${it.bit})`)),
            ),
          }),
        })),
        {
          ...fixed('counters', 'since reset'),
          container: new Rows(() =>
            kvm.counters().map(({ name, value }) => fixed(name, `${value}`)),
          ),
        },
        {
          ...fixed('registers', `${totals.length} with traps or accesses`),
          container: new Rows(() =>
            kvm
              .totals()
              .map(({ register, traps, reads, writes }) =>
                fixed(register, `${traps} traps, ${reads} reads, ${writes} writes`),
              ),
          ),
        },
      ],
      range,
    );
  }
}

class Rows implements VariableContainer {
  readonly #rows: () => readonly VariableItem[];

  constructor(rows: () => readonly VariableItem[]) {
    this.#rows = rows;
  }

  children(range: ChildRange): readonly VariableItem[] {
    return page(this.#rows(), range);
  }
}
