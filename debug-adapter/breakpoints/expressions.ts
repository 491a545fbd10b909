/** Conditions and log messages as expressions over the guest: parsed and checked once, evaluated at every hit. */
import { invalidExpression } from '../errors.ts';
import { compileExpression, type Compiled } from '../expressions/compile.ts';
import { compileCondition } from '../expressions/condition.ts';
import type { ExpressionContext } from '../expressions/context.ts';
import { ExpressionError } from '../expressions/expression-error.ts';
import { formatValue } from '../expressions/format-value.ts';
import type { ConditionCompiler } from './condition.ts';

/** The places of what can happen anywhere. */
export interface Places {
  /** Where the guest is now. */
  pc(): bigint;
  /** The scope at a place, for every hit there. */
  scopeAt(pc: bigint): ExpressionContext;
}

/**
 * @param fixed the scope of a breakpoint's address, in which names are looked up once; undefined for what can happen
 * anywhere, where they are looked up once for each of the `places`
 */
export function conditionCompiler(
  fixed: ExpressionContext | undefined,
  places: Places,
): ConditionCompiler {
  const fresh = (): ExpressionContext => places.scopeAt(places.pc());
  return {
    condition(text) {
      const compiled = compile(text, fixed ?? fresh());
      if (fixed !== undefined) return explained(text, () => compileCondition(compiled, fixed));
      if (compiled.hasAssignment) {
        throw invalidExpression(text, 'A condition must not assign; use "==" to compare');
      }
      const byPlace = new Map<bigint, () => boolean>();
      return () => {
        const pc = places.pc();
        let holds = byPlace.get(pc);
        if (holds === undefined) {
          holds = compileCondition(compiled, places.scopeAt(pc));
          byPlace.set(pc, holds);
        }
        return holds();
      };
    },
    text(text) {
      const compiled = compile(text, fixed ?? fresh());
      const options = compiled.format?.base === undefined ? {} : { base: compiled.format.base };
      return () => {
        const context = fixed ?? fresh();
        return formatValue(compiled.evaluate(context), context, options);
      };
    },
  };
}

/** @throws UserError with the place in the text */
export function compile(text: string, context: ExpressionContext): Compiled {
  return explained(text, () =>
    compileExpression(text, { isTypeName: (name) => context.findType(name) !== undefined }),
  );
}

/** Turns what an expression's author can put right into a UserError. */
export function explained<T>(text: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof ExpressionError) throw invalidExpression(text, error.message);
    throw error;
  }
}
