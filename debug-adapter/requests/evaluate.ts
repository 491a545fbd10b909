import type { DebugProtocol } from '@vscode/debugprotocol';
import { compile, explained } from '../breakpoints/expressions.ts';
import type { Debuggee } from '../debuggee.ts';
import { invalidExpression } from '../errors.ts';
import type { FormatOptions } from '../expressions/format-value.ts';
import { canonicalRegisterName } from '../registers.ts';
import type { VariableItem } from '../variables/container.ts';
import { guestRegisters, RegisterList } from '../variables/registers.ts';
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
  // X0 and its like have C types; system registers have fields.
  if (name === undefined || /^([XV]\d+|SP|PC)$/.test(name) || purpose === 'clipboard') {
    return undefined;
  }
  const access = guestRegisters(debuggee.machine);
  if (access.read(name) === undefined) return undefined;
  const list = new RegisterList([name], access, (address) => debuggee.describeAddress(address));
  return list.children({})[0];
}

function describeResult(
  debuggee: Debuggee,
  item: VariableItem,
): DebugProtocol.EvaluateResponse['body'] {
  const { value, ...rest } = describeValue(debuggee, item);
  return { result: value, ...rest };
}
