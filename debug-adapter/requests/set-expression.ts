import type { DebugProtocol } from '@vscode/debugprotocol';
import { compile, explained } from '../breakpoints/expressions.ts';
import type { Debuggee } from '../debuggee.ts';
import { assign, valueItem } from '../variables/values.ts';
import { describeValue } from './variables.ts';

/** DAP setExpression: any expression that C could assign to, registers and their fields included. */
export function setExpression(
  debuggee: Debuggee,
  { expression, value, frameId }: DebugProtocol.SetExpressionArguments,
): DebugProtocol.SetExpressionResponse['body'] {
  const context = debuggee.contextOf(debuggee.functionFrame(frameId));
  const compiled = compile(expression, context);
  assign(
    explained(expression, () => compiled.evaluate(context)),
    value,
    context,
  );
  debuggee.changed();
  const now = explained(expression, () => compiled.evaluate(context));
  return describeValue(debuggee, valueItem(expression, now, context, expression));
}
