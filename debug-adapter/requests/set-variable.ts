import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';
import { notWritable } from '../errors.ts';
import { containerOf, describeValue } from './variables.ts';

/** DAP setVariable: variables, registers and their fields. */
export function setVariable(
  debuggee: Debuggee,
  { variablesReference, name, value }: DebugProtocol.SetVariableArguments,
): DebugProtocol.SetVariableResponse['body'] {
  const container = containerOf(debuggee, variablesReference);
  if (container.set === undefined) throw notWritable(name, 'it only shows what is');
  const item = container.set(name, value);
  // Callers' frames and other variables may depend on it; the references handed out stay good.
  debuggee.changed();
  return describeValue(debuggee, item);
}
