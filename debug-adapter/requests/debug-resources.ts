import type { Watchpoint } from '../breakpoints/breakpoints.ts';
import type { DebugResourcesResponse, WatchpointRow } from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';
import type { SlotRow } from '../machine.ts';
import { hex } from '../registers.ts';

/** Request `trapline/debugResources`: the ledger of slots, and all watchpoints. */
export function debugResources(debuggee: Debuggee): DebugResourcesResponse {
  const rows = debuggee.machine.kvm?.guestDebug.slots() ?? [];
  return {
    slots: rows.filter(isOnProcessor).map((row) => {
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
    guest: rows.flatMap((row) => {
      const { kind, guestIndex, link } = row;
      if (row.owner !== 'guest' || guestIndex === undefined) return [];
      const symbol = debuggee.describeAddress(row.value);
      return [
        {
          kind,
          index: guestIndex,
          value: hex(row.value),
          control: hex(row.control),
          ...(link !== undefined && { linkedTo: link }),
          ...(isOnProcessor(row) && { slot: row.slot }),
          ...(symbol !== undefined && { symbol }),
          verdict: row.verdict,
        },
      ];
    }),
    watchpoints: debuggee.breakpoints.watchpoints.map(describeWatchpoint),
  };
}

const isOnProcessor = ({ placement }: SlotRow): boolean => placement === undefined;

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
