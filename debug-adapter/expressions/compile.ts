import { stripTypedefs } from '../symbols/types.ts';
import type { ExpressionContext } from './context.ts';
import { Evaluator } from './evaluate.ts';
import { ExpressionError } from './expression-error.ts';
import { parseExpression, type ParseOptions } from './parser.ts';
import type { FormatSuffix, Syntax } from './syntax.ts';
import type { Value } from './value.ts';

/** An expression that was parsed once and can be evaluated in any frame. */
export interface Compiled {
  readonly text: string;
  readonly syntax: Syntax;
  /** What stands behind the comma: `flags,x`. */
  readonly format: FormatSuffix | undefined;
  /** True when evaluating it may change the guest. */
  readonly hasAssignment: boolean;
  /** @throws ExpressionError; also when it assigns and `allowAssignment` is not set */
  evaluate(context: ExpressionContext, options?: { readonly allowAssignment?: boolean }): Value;
}

/** @throws ExpressionError */
export function compileExpression(text: string, options: ParseOptions = {}): Compiled {
  const { syntax, format } = parseExpression(text, options);
  return {
    text,
    syntax,
    format,
    hasAssignment: containsAssignment(syntax),
    evaluate(context, { allowAssignment = false } = {}) {
      const evaluator = new Evaluator(context, allowAssignment);
      const value = evaluator.evaluate(syntax);
      if (format?.count === undefined) return value;
      return withCount(evaluator, value, format.count);
    },
  };
}

/** `pointer,[count]` and `array,[count]`. */
function withCount(evaluator: Evaluator, value: Value, count: Syntax): Value {
  const { position } = count;
  const { storage } = evaluator.cast(evaluator.evaluate(count), COUNT, position);
  const bytes = storage.kind === 'bytes' ? storage.bytes : new Uint8Array(4);
  const elements = new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true);
  if (elements < 1 || elements > 1 << 20) {
    throw new ExpressionError(`An array of ${elements} elements cannot be shown.`, position);
  }
  const isPointer = stripTypedefs(value.type).kind === 'pointer';
  const first = isPointer ? evaluator.dereference(value, position) : value;
  return evaluator.slice(first, elements, position);
}

const COUNT = { kind: 'base', name: 'int', byteSize: 4, encoding: 'signed' } as const;

function containsAssignment(node: Syntax): boolean {
  switch (node.kind) {
    case 'assign':
      return true;
    case 'unary':
    case 'cast':
    case 'sizeof':
      return containsAssignment(node.operand);
    case 'binary':
    case 'logical':
      return containsAssignment(node.left) || containsAssignment(node.right);
    case 'conditional':
      return [node.condition, node.whenTrue, node.whenFalse].some(containsAssignment);
    case 'member':
      return containsAssignment(node.object);
    case 'index':
      return containsAssignment(node.object) || containsAssignment(node.index);
    case 'slice':
      return containsAssignment(node.first) || containsAssignment(node.count);
    default:
      return false;
  }
}
