import type {
  WorldSwitchArguments,
  WorldSwitchResponse,
  WorldSwitchRow,
} from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';
import type { WorldSwitchEvent } from '../machine.ts';
import { hex } from '../registers.ts';

const DEFAULT_LIMIT = 1000;

/** Request `trapline/worldSwitch`: the hypervisor's log, with symbols and source lines. */
export function worldSwitch(
  debuggee: Debuggee,
  { since = 0, limit = DEFAULT_LIMIT }: WorldSwitchArguments,
): WorldSwitchResponse {
  const { kvm } = debuggee.machine;
  if (kvm === undefined) return { events: [], nextSeq: 0, firstSeq: 0, totals: [] };
  const events = kvm.events(since, limit);
  const last = events.at(-1);
  return {
    events: events.map((event) => describe(debuggee, event)),
    nextSeq: last === undefined ? kvm.nextSeq : last.seq + 1,
    firstSeq: kvm.firstSeq,
    totals: kvm.totals(),
  };
}

function describe(debuggee: Debuggee, event: WorldSwitchEvent): WorldSwitchRow {
  const position = debuggee.debugInfo.lineFor(event.guestPC);
  const symbol = debuggee.describeAddress(event.guestPC);
  const path = position === undefined ? undefined : debuggee.sources.describe(position.file).path;
  const owner = event.ownerAfter ?? event.ownerBefore;
  return {
    seq: event.seq,
    kind: event.kind,
    policy: event.policy,
    EL: event.EL,
    guestPC: hex(event.guestPC),
    text: event.text,
    ...(event.reg !== undefined && { register: event.reg }),
    ...(event.direction !== undefined && { direction: event.direction }),
    ...(event.old !== undefined && { old: hex(event.old) }),
    ...(event.new !== undefined && { new: hex(event.new) }),
    ...(owner !== undefined && { owner }),
    ...(symbol !== undefined && { symbol }),
    ...(path !== undefined && { path }),
    ...(position !== undefined && { line: position.line }),
  };
}
