import type { DebugProtocol } from '@vscode/debugprotocol';
import { compile, explained } from '../breakpoints/expressions.ts';
import type { Debuggee } from '../debuggee.ts';
import { invalidExpression } from '../errors.ts';
import type { DebugInfoContext } from '../expressions/debug-info-context.ts';
import { bytesOf, type Value } from '../expressions/value.ts';
import type { FormatOptions } from '../expressions/format-value.ts';
import { canonicalRegisterName } from '../registers.ts';
import type { VariableItem } from '../variables/container.ts';
import {
  guestRegisters,
  listedRegisters,
  RegisterList,
  type RegisterAccess,
} from '../variables/registers.ts';
import { valueItem } from '../variables/values.ts';
import { describeValue } from './variables.ts';

/** DAP evaluate. Only the console (`repl`) may change the guest, by assignments; hovers and watches never do. */
export function evaluate(
  debuggee: Debuggee,
  { expression, frameId, context: purpose, format }: DebugProtocol.EvaluateArguments,
): DebugProtocol.EvaluateResponse['body'] {
  const text = expression.trim();
  if (text === '') throw invalidExpression(expression, 'There is nothing to evaluate');
  const register = registerItem(debuggee, text, purpose);
  if (register !== undefined) return describeResult(debuggee, register);
  const decoded = decodedItem(debuggee, text, frameId);
  if (decoded !== undefined) return describeResult(debuggee, decoded);

  const frame = debuggee.functionFrame(frameId);
  const context = debuggee.contextOf(frame);
  const compiled = compile(text, context);
  const value = explained(text, () =>
    compiled.evaluate(context, { allowAssignment: purpose === 'repl' }),
  );
  if (compiled.hasAssignment) debuggee.changed();
  const options: FormatOptions = {
    hex: format?.hex === true,
    ...(compiled.format?.base !== undefined && { base: compiled.format.base }),
    // What is copied is meant to be complete.
    ...(purpose === 'clipboard' && { maxString: 1_000_000, maxItems: 100_000 }),
  };
  const isPlain = compiled.format === undefined && !compiled.hasAssignment;
  return describeResult(
    debuggee,
    explained(text, () => valueItem(text, value, context, isPlain ? text : undefined, options)),
  );
}

/** A register by itself is shown as in the Variables pane, with its fields. */
function registerItem(
  debuggee: Debuggee,
  text: string,
  purpose: string | undefined,
): VariableItem | undefined {
  const match = /^\$(\w+)$/.exec(text);
  const name = match?.[1] === undefined ? undefined : canonicalRegisterName(match[1]);
  if (name === undefined || purpose === 'clipboard') return undefined;
  // X0 and its like have C types; system registers have fields. A hover over the name in assembly means all of it.
  if (/^V\d+$/.test(name) || (/^(X\d+|SP|PC)$/.test(name) && purpose !== 'hover')) return undefined;
  const access: RegisterAccess = {
    ...guestRegisters(debuggee.machine),
    // Only what is asked for in passing marks changes; a watch shows values that can be compared.
    ...(purpose === 'hover' && { before: (it: string) => debuggee.valueBefore(it) }),
  };
  if (access.read(name) === undefined) return undefined;
  const list = new RegisterList([name], access, (address) => debuggee.describeAddress(address));
  return list.children({})[0];
}

/** `value,TRBLIMITR_EL1`: a number as the fields of a system register, whatever that register holds. */
function decodedItem(
  debuggee: Debuggee,
  text: string,
  frameId: number | undefined,
): VariableItem | undefined {
  const match = /^(.+),\s*(\w+_EL[0-3]\w*)$/i.exec(text);
  const name = match?.[2] === undefined ? undefined : canonicalRegisterName(match[2]);
  const expression = match?.[1];
  if (name === undefined || expression === undefined) return undefined;
  const context = debuggee.contextOf(debuggee.functionFrame(frameId));
  const compiled = compile(`(unsigned long)(${expression})`, context);
  const value = explained(text, () => unsignedLong(compiled.evaluate(context), context));
  const list = new RegisterList([name], listedRegisters([{ name, value }]), (address) =>
    debuggee.describeAddress(address),
  );
  return list.children({})[0];
}

function unsignedLong(value: Value, context: DebugInfoContext): bigint {
  const bytes = bytesOf(value, context, 0);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getBigUint64(0, true);
}

function describeResult(
  debuggee: Debuggee,
  item: VariableItem,
): DebugProtocol.EvaluateResponse['body'] {
  const { value, ...rest } = describeValue(debuggee, item);
  return { result: value, ...rest };
}
