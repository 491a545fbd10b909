/** What a value unfolds into in the Variables view. */
import { sizeOf, stripTypedefs, typeName, type RecordType, type Type } from '../symbols/types.ts';
import type { ExpressionContext } from './context.ts';
import { Evaluator, memberOf } from './evaluate.ts';
import { ExpressionError } from './expression-error.ts';
import { registerField, registerType } from './register-types.ts';
import { addressOf, part, stored, type Value } from './value.ts';

export interface Child {
  readonly name: string;
  readonly value: Value;
  /** An expression for the child; undefined where C has none. */
  readonly evaluateName: string | undefined;
}

export interface Page {
  /** First element, counted from 0. */
  readonly start?: number;
  readonly count?: number;
}

/** Most elements that one request gets. */
const MAX_CHILDREN = 10_000;

/**
 * How many children there are: `named` members or `indexed` elements. Cheap; reads no memory but a
 * pointer.
 */
export function childCount(
  value: Value,
  context: ExpressionContext,
): { named: number; indexed: number } {
  const unfolded = unfold(value, context);
  switch (unfolded?.kind) {
    case 'record':
      return { named: flatMembers(unfolded.record).length, indexed: 0 };
    case 'array':
      return { named: 0, indexed: unfolded.count };
    case 'target':
      return { named: 1, indexed: 0 };
    case 'fields':
      return { named: unfolded.names.length, indexed: 0 };
    case undefined:
      return { named: 0, indexed: 0 };
  }
}

/** @param evaluateName an expression for `value` itself, if there is one */
export function children(
  value: Value,
  context: ExpressionContext,
  evaluateName: string | undefined,
  { start = 0, count = MAX_CHILDREN }: Page = {},
): Child[] {
  const unfolded = unfold(value, context);
  const prefix = evaluateName === undefined ? undefined : asOperand(evaluateName);
  switch (unfolded?.kind) {
    case undefined:
      return [];
    case 'fields': {
      const { storage } = value;
      if (storage.kind !== 'register') return [];
      return unfolded.names.slice(start, start + count).map((name) => ({
        name,
        value: registerField(storage.handle, name, 0),
        evaluateName: prefix && `${prefix}.${name}`,
      }));
    }
    case 'target':
      return [
        {
          name: `*${evaluateName ?? ''}`,
          value: unfolded.object,
          evaluateName: prefix && `*${prefix}`,
        },
      ];
    case 'array': {
      const { array, element, lowerBound } = unfolded;
      const size = sizeOf(element) ?? 0;
      const last = Math.min(unfolded.count, start + Math.min(count, MAX_CHILDREN));
      const elements: Child[] = [];
      for (let i = start; i < last; i++) {
        const index = i + lowerBound;
        elements.push({
          name: `[${index}]`,
          value: part(array, element, i * size),
          evaluateName: prefix && `${prefix}[${index}]`,
        });
      }
      return elements;
    }
    case 'record': {
      const { object, record, isPointer } = unfolded;
      const sign = isPointer ? '->' : '.';
      return flatMembers(record)
        .slice(start, start + count)
        .map(({ path, name }) => {
          let part = object;
          for (const member of path) part = memberOf(part, member);
          return {
            name: name ?? `(${typeName(part.type)})`,
            value: part,
            evaluateName: prefix && name && `${prefix}${sign}${name}`,
          };
        });
    }
  }
}

type Unfolded =
  | {
      readonly kind: 'record';
      readonly object: Value;
      readonly record: RecordType;
      readonly isPointer: boolean;
    }
  | {
      readonly kind: 'array';
      readonly array: Value;
      readonly element: Type;
      readonly count: number;
      readonly lowerBound: number;
    }
  | { readonly kind: 'target'; readonly object: Value }
  | { readonly kind: 'fields'; readonly names: readonly string[] };

function unfold(value: Value, context: ExpressionContext): Unfolded | undefined {
  const { storage, bitField } = value;
  if (
    storage.kind === 'register' &&
    storage.handle.fields !== undefined &&
    bitField === undefined
  ) {
    if (value.type === registerType(storage.handle) || storage.bitOffset === 0) {
      return { kind: 'fields', names: storage.handle.fields.map(({ name }) => name) };
    }
  }
  if (storage.kind === 'location' && storage.location.kind === 'optimizedOut') return undefined;
  const type = stripTypedefs(context.completeType(value.type));
  switch (type.kind) {
    case 'record':
      return type.isDeclaration
        ? undefined
        : { kind: 'record', object: value, record: type, isPointer: false };
    case 'array': {
      const { element, count, lowerBound } = type;
      if (count === undefined) return undefined;
      return { kind: 'array', array: value, element, count, lowerBound };
    }
    case 'pointer':
      return unfoldPointer(value, type.target, context);
    default:
      return undefined;
  }
}

/** A pointer shows the members of what it points to; null, void and function pointers show nothing. */
function unfoldPointer(
  value: Value,
  target: Type,
  context: ExpressionContext,
): Unfolded | undefined {
  const kind = stripTypedefs(target).kind;
  if (kind === 'void' || kind === 'function') return undefined;
  let object: Value;
  try {
    object = new Evaluator(context, false).dereference(value, 0);
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
  const address = addressOf(object);
  if (address !== undefined && context.readMemory(address, 1) === undefined) return undefined;
  const record = stripTypedefs(object.type);
  if (record.kind === 'record') {
    return record.isDeclaration ? undefined : { kind: 'record', object, record, isPointer: true };
  }
  return { kind: 'target', object };
}

type Members = RecordType['members'];

/** Members as C sees them: those of anonymous structs and unions belong to the outer one. */
function flatMembers(
  record: RecordType,
  outer: readonly RecordType[] = [],
): { readonly path: Members; readonly name: string | undefined }[] {
  return record.members.flatMap((member) => {
    const inner = stripTypedefs(member.type);
    const isFlat = member.name !== undefined || member.isBaseClass || inner.kind !== 'record';
    // Only malformed records are nested in themselves.
    if (isFlat || inner === record || outer.includes(inner) || outer.length > 16) {
      return [{ path: [member], name: member.name }];
    }
    return flatMembers(inner, [...outer, record]).map(({ path, name }) => ({
      path: [member, ...path],
      name,
    }));
  });
}

/** Parentheses around what does not bind as tightly as a postfix operator. */
function asOperand(expression: string): string {
  const isPostfix = /^[$@]?[\w:]+(?:\.\w+|->\w+|\[\d+\])*$/.test(expression);
  return isPostfix ? expression : `(${expression})`;
}

/** An object of a type at an address, as for a cast that the adapter makes itself. */
export function objectAt(type: Type, address: bigint): Value {
  return stored(type, { kind: 'memory', address });
}
