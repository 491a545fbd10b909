import type { DebugProtocol } from '@vscode/debugprotocol';
import { compile } from '../breakpoints/expressions.ts';
import { formatDataId, type WatchedData } from '../breakpoints/data-id.ts';
import type { Debuggee } from '../debuggee.ts';
import { UserError } from '../errors.ts';
import { ExpressionError } from '../expressions/expression-error.ts';
import { littleEndian } from '../symbols/location.ts';
import { readValue, type Value } from '../expressions/value.ts';
import { stripTypedefs } from '../symbols/types.ts';
import { hex } from '../registers.ts';
import { watchableValue } from '../variables/values.ts';
import { containerOf } from './variables.ts';

const ACCESS_TYPES: DebugProtocol.DataBreakpointAccessType[] = ['write', 'read', 'readWrite'];
const LONGEST = 1 << 20;

type Found = (WatchedData & { readonly isLocal: boolean }) | string;

/** DAP dataBreakpointInfo: whether and how a variable, an expression or a range of addresses can be watched. */
export function dataBreakpointInfo(
  debuggee: Debuggee,
  given: DebugProtocol.DataBreakpointInfoArguments,
): DebugProtocol.DataBreakpointInfoResponse['body'] {
  const found = find(debuggee, given);
  if (typeof found === 'string') return { dataId: null, description: found };
  const bytes = found.length === 1 ? '1 byte' : `${found.length} bytes`;
  const scope = found.isLocal
    ? '. It is on the stack: after the function has returned, other variables may use the place'
    : '';
  return {
    dataId: formatDataId(found),
    description: `${found.label} (${bytes} at ${hex(found.address)})${scope}`,
    accessTypes: ACCESS_TYPES,
    canPersist: !found.isLocal,
  };
}

function find(
  debuggee: Debuggee,
  {
    name,
    variablesReference,
    frameId,
    bytes,
    asAddress,
  }: DebugProtocol.DataBreakpointInfoArguments,
): Found {
  if (asAddress === true) return rangeAt(debuggee, name, bytes);
  if (variablesReference !== undefined && variablesReference > 0) {
    const container = containerOf(debuggee, variablesReference);
    return container.watchable?.(name) ?? `"${name}" is not in memory, so it cannot be watched.`;
  }
  return watchableExpression(debuggee, name, frameId, bytes);
}

/** `0x40081000`, or an expression with an address for its value. */
function rangeAt(debuggee: Debuggee, text: string, bytes = 8): Found {
  if (bytes < 1 || bytes > LONGEST) {
    return `${bytes} bytes cannot be watched; give a length from 1 to ${LONGEST}.`;
  }
  const number = /^\s*(0x[0-9a-f]{1,16}|\d+)\s*$/i.exec(text)?.[1];
  const address = number === undefined ? addressFrom(debuggee, text) : BigInt(number);
  if (typeof address === 'string') return address;
  const end = address + BigInt(bytes);
  if (end > 1n << 64n)
    return `${hex(address)} and ${bytes} bytes reach past the end of the address space.`;
  const symbol = debuggee.describeAddress(address);
  return { address, length: bytes, label: symbol ?? hex(address), isLocal: false };
}

function addressFrom(debuggee: Debuggee, text: string): bigint | string {
  const found = evaluated(debuggee, text, undefined);
  if (typeof found === 'string') return found;
  const { value, context } = found;
  const kind = stripTypedefs(value.type).kind;
  if (kind === 'record' || kind === 'array') {
    const watchable = watchableValue(text, value, false);
    return typeof watchable === 'string' ? watchable : watchable.address;
  }
  const bytes = readValue(value, context);
  if (!(bytes instanceof Uint8Array)) return `"${text}" has no value here: ${bytes.reason}.`;
  return littleEndian(bytes);
}

/** A watchpoint on what an expression such as `sensor.limit` stands for. */
export function watchableExpression(
  debuggee: Debuggee,
  expression: string,
  frameId: number | undefined,
  bytes?: number,
): Found {
  const found = evaluated(debuggee, expression, frameId);
  if (typeof found === 'string') return found;
  const length = bytes === 0 ? undefined : bytes;
  const watchable = watchableValue(
    expression,
    found.value,
    isLocal(debuggee, expression, frameId),
    length,
  );
  if (typeof watchable === 'string' || length === undefined) return watchable;
  return { ...watchable, length };
}

function evaluated(
  debuggee: Debuggee,
  expression: string,
  frameId: number | undefined,
): { value: Value; context: ReturnType<Debuggee['contextOf']> } | string {
  try {
    const context = debuggee.contextOf(debuggee.functionFrame(frameId));
    return { value: compile(expression, context).evaluate(context), context };
  } catch (error) {
    if (error instanceof UserError || error instanceof ExpressionError) return error.message;
    throw error;
  }
}

/** Whether the first name of an expression is a variable of the frame. */
function isLocal(debuggee: Debuggee, expression: string, frameId: number | undefined): boolean {
  const name = /[A-Za-z_]\w*/.exec(expression)?.[0];
  const frame = debuggee.functionFrame(frameId);
  if (name === undefined || frame === undefined) return false;
  return debuggee.debugInfo
    .variablesAt(frame.machineFrame.lookupPc, frame.inlineDepth)
    .some((variable) => variable.name === name && variable.functionName === undefined);
}
