import type { SetWatchpointArguments, WatchpointRow } from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';
import { invalidWatchpoint } from '../errors.ts';
import { dataBreakpointInfo, watchableExpression } from './data-breakpoint-info.ts';
import { parseDataId, type WatchedData } from '../breakpoints/data-id.ts';
import { describeWatchpoint } from './debug-resources.ts';

/** Request `trapline/setWatchpoint`: for clients whose own data breakpoints know no modes. */
export function setWatchpoint(debuggee: Debuggee, given: SetWatchpointArguments): WatchpointRow {
  const data = find(debuggee, given);
  const watchpoint = debuggee.breakpoints.addWatchpoint({
    label: data.label,
    address: data.address,
    length: data.length,
    access: given.accessType,
    mode: given.mode ?? 'auto',
    byCommand: true,
    key: '',
    condition: given.condition,
    hitCondition: given.hitCondition,
  });
  if (watchpoint.armed === undefined) {
    debuggee.breakpoints.removeWatchpoint(watchpoint.id);
    throw invalidWatchpoint(watchpoint.message);
  }
  return describeWatchpoint(watchpoint);
}

/** Request `trapline/removeWatchpoint`. */
export function removeWatchpoint(debuggee: Debuggee, { id }: { readonly id: number }): void {
  if (!debuggee.breakpoints.removeWatchpoint(id)) {
    throw invalidWatchpoint(`There is no watchpoint ${id}. It may have been removed already`);
  }
}

function find(
  debuggee: Debuggee,
  { expression, address, length, frameId }: SetWatchpointArguments,
): WatchedData {
  if (address !== undefined) {
    const info = dataBreakpointInfo(debuggee, {
      name: address,
      asAddress: true,
      ...(length !== undefined && { bytes: length }),
    });
    const data = info.dataId === null ? undefined : parseDataId(info.dataId);
    if (data === undefined) throw invalidWatchpoint(info.description);
    return data;
  }
  if (expression === undefined) {
    throw invalidWatchpoint('A watchpoint needs an "expression", or an "address" with a "length"');
  }
  const found = watchableExpression(debuggee, expression, frameId, length);
  if (typeof found === 'string') throw invalidWatchpoint(found);
  return found;
}
