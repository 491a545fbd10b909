import type { Watchpoint } from '../breakpoints/breakpoints.ts';
import type { DebugResourcesResponse, WatchpointRow } from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';
import { guestDebugSlots, type GuestDebugSlot } from '../guest-debug-slots.ts';
import { hex } from '../registers.ts';

/** Request `trapline/debugResources`: the ledger of slots, and all watchpoints. */
export function debugResources(debuggee: Debuggee): DebugResourcesResponse {
  const { kvm } = debuggee.machine;
  const slots = kvm?.guestDebug.slots() ?? [];
  const guest = kvm === undefined ? [] : guestDebugSlots(kvm);
  return {
    slots: slots.map((row) => {
      const symbol = row.owner === 'free' ? undefined : debuggee.describeAddress(row.value);
      return {
        kind: row.kind,
        slot: row.slot,
        owner: row.owner,
        ...(row.guestIndex !== undefined && { guestIndex: row.guestIndex }),
        value: hex(row.value),
        control: hex(row.control),
        contextAware: row.contextAware,
        verdict: row.verdict,
        ...(symbol !== undefined && { symbol }),
      };
    }),
    guest: guest.map(({ value, control, ...entry }) => {
      const symbol = entry.enabled ? debuggee.describeAddress(value) : undefined;
      return {
        ...entry,
        value: hex(value),
        control: hex(control),
        ...(symbol !== undefined && { symbol }),
        note: noteOf(entry),
      };
    }),
    watchpoints: debuggee.breakpoints.watchpoints.map(describeWatchpoint),
  };
}

function noteOf({ enabled, slot }: Pick<GuestDebugSlot, 'enabled' | 'slot'>): string {
  if (!enabled) return 'Not enabled.';
  return slot === undefined
    ? 'No slot holds it now. While the policy shares the slots, the hypervisor compares it in software; under the others it waits until the guest owns the registers again.'
    : `In slot ${slot}.`;
}

export function describeWatchpoint(watchpoint: Watchpoint): WatchpointRow {
  const { armed } = watchpoint;
  return {
    id: watchpoint.id,
    label: watchpoint.label,
    address: hex(watchpoint.address),
    length: watchpoint.length,
    accessType: watchpoint.access,
    ...(armed?.mechanism === 'hw' && { mechanism: 'hw' as const, slot: armed.slot }),
    ...(armed?.mechanism === 'vm' && { mechanism: 'vm' as const }),
    verified: armed !== undefined,
    message: watchpoint.message,
  };
}
