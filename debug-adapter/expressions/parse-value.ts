import { stripTypedefs, type Type } from '../symbols/types.ts';
import { compileExpression } from './compile.ts';
import type { ExpressionContext } from './context.ts';
import { Evaluator } from './evaluate.ts';
import { ExpressionError } from './expression-error.ts';
import type { ParseOptions } from './parser.ts';
import { writeValue, type Value } from './value.ts';

/**
 * What a user typed for a value of a type, as that type's bytes: any expression, an enumerator of the
 * type, or what `formatValue` printed for it.
 * @throws ExpressionError
 */
export function parseValueForType(
  text: string,
  type: Type,
  context: ExpressionContext,
  options: ParseOptions = {},
): Uint8Array {
  const actual = stripTypedefs(type);
  let source = text.trim();
  if (actual.kind === 'enum') {
    const enumerator = actual.enumerators.find(({ name }) => name === source);
    if (enumerator !== undefined) source = enumerator.value.toString();
  }
  // Formatted values repeat themselves: `97 'a'`, `0x40001000 <main+4>`, `0x4000 "text"`.
  const number = /^(-?\w+)\s+(?:'.*'|<[^>]*>|".*")$/s.exec(source)?.[1];
  const compiled = compileExpression(number ?? source, options);
  if (compiled.hasAssignment) {
    throw new ExpressionError('A value is expected, not an assignment.', compiled.syntax.position);
  }
  const value = compiled.evaluate(context);
  return new Evaluator(context, false).bytesFor(type, value, compiled.syntax.position);
}

/** DAP setVariable and setExpression: stores what the user typed into an object. */
export function setValue(
  target: Value,
  text: string,
  context: ExpressionContext,
  options: ParseOptions = {},
): void {
  writeValue(target, parseValueForType(text, target.type, context, options), context, 0);
}
