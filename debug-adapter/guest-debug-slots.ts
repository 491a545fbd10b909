/** The guest's own breakpoints and watchpoints, as it has programmed them, and where they are on the processor. */
import type { HypervisorView, NamedValue, SlotRow } from './machine.ts';

export interface GuestDebugSlot {
  readonly kind: SlotRow['kind'];
  /** The guest's n of DBGBVR<n>_EL1 or DBGWVR<n>_EL1. */
  readonly index: number;
  readonly value: bigint;
  readonly control: bigint;
  readonly enabled: boolean;
  /** The guest's number of the context comparator that it is linked to. */
  readonly linkedTo?: number;
  /** The processor's slot that holds it; undefined while none does. */
  readonly slot?: number;
}

/** Arm ARM, DBGBCR<n>_EL1 and DBGWCR<n>_EL1: E, LBN and, of a watchpoint, WT. */
const E = 1n;
const LBN_SHIFT = 16n;
const BT_SHIFT = 20n;
const LINKED_ADDRESS_MATCH = 1n;

export function guestDebugSlots(kvm: HypervisorView): readonly GuestDebugSlot[] {
  const { guest } = kvm.debugRegisters();
  const rows = kvm.guestDebug.slots();
  return [...ofKind('breakpoint', 'B', guest, rows), ...ofKind('watchpoint', 'W', guest, rows)];
}

function ofKind(
  kind: SlotRow['kind'],
  letter: 'B' | 'W',
  registers: readonly NamedValue[],
  rows: readonly SlotRow[],
): GuestDebugSlot[] {
  const values = new Map(registers.map(({ name, value }) => [name, value]));
  const found: GuestDebugSlot[] = [];
  for (let index = 0; ; index += 1) {
    const value = values.get(`DBG${letter}VR${index}_EL1`);
    const control = values.get(`DBG${letter}CR${index}_EL1`);
    if (value === undefined || control === undefined) return found;
    const enabled = (control & E) === E;
    const type = (control >> BT_SHIFT) & 0xfn;
    const isLinked = kind === 'breakpoint' ? type === LINKED_ADDRESS_MATCH : (type & 1n) === 1n;
    const row = rows.find(
      (it) => it.kind === kind && it.owner === 'guest' && (it.guestIndex ?? it.slot) === index,
    );
    found.push({
      kind,
      index,
      value,
      control,
      enabled,
      ...(isLinked && { linkedTo: Number((control >> LBN_SHIFT) & 0xfn) }),
      ...(row !== undefined && { slot: row.slot }),
    });
  }
}
