/** C values as variables: locals, arguments, globals and what they unfold into. */
import { explained } from '../breakpoints/expressions.ts';
import { unknownVariable } from '../errors.ts';
import { childCount, children, type Child } from '../expressions/children.ts';
import type { DebugInfoContext } from '../expressions/debug-info-context.ts';
import { formatValue, type FormatOptions } from '../expressions/format-value.ts';
import { setValue } from '../expressions/parse-value.ts';
import { addressOf, stored, type Value } from '../expressions/value.ts';
import { littleEndian } from '../symbols/location.ts';
import { readValue } from '../expressions/value.ts';
import { reference } from '../registers.ts';
import type { Variable } from '../symbols/scopes.ts';
import { sizeOf, stripTypedefs, typeName } from '../symbols/types.ts';
import { SymbolError } from '../symbols/symbol-error.ts';
import type { WatchedData } from '../breakpoints/data-id.ts';
import type { ChildRange, VariableContainer, VariableItem } from './container.ts';
import { READ_ONLY } from './container.ts';

/** Arrays longer than this are asked for in pages. */
const PAGED_FROM = 100;

/** An item for a value, with a container where it unfolds. */
export function valueItem(
  name: string,
  value: Value,
  context: DebugInfoContext,
  evaluateName: string | undefined,
  options: FormatOptions = {},
  isLocal = true,
): VariableItem {
  const { named, indexed } = childCount(value, context);
  const memory = memoryOf(value, context);
  return {
    name,
    value: formatValue(value, context, options),
    type: typeName(value.type),
    ...(evaluateName !== undefined && { evaluateName }),
    ...(memory !== undefined && { memoryReference: reference(memory) }),
    ...(named + indexed > 0 && {
      container: new ValueChildren(value, context, evaluateName, { named, indexed }, isLocal),
    }),
  };
}

/** What "View Binary Data" shows: the object that a pointer points to, else the object itself. */
function memoryOf(value: Value, context: DebugInfoContext): bigint | undefined {
  if (stripTypedefs(value.type).kind !== 'pointer') return addressOf(value);
  const bytes = readValue(value, context);
  return bytes instanceof Uint8Array ? littleEndian(bytes) : addressOf(value);
}

class ValueChildren implements VariableContainer {
  readonly indexedCount?: number;
  readonly namedCount?: number;
  readonly #value: Value;
  readonly #context: DebugInfoContext;
  readonly #evaluateName: string | undefined;
  readonly #total: number;
  readonly #isLocal: boolean;

  constructor(
    value: Value,
    context: DebugInfoContext,
    evaluateName: string | undefined,
    count: { readonly named: number; readonly indexed: number },
    isLocal: boolean,
  ) {
    this.#value = value;
    this.#context = context;
    this.#evaluateName = evaluateName;
    this.#total = count.named + count.indexed;
    this.#isLocal = isLocal;
    if (count.indexed > PAGED_FROM) {
      this.indexedCount = count.indexed;
      this.namedCount = 0;
    }
  }

  children({ filter, start = 0, count }: ChildRange): readonly VariableItem[] {
    if (filter === 'named' && this.indexedCount !== undefined) return [];
    const page = { start, ...(count !== undefined && count > 0 && { count }) };
    return children(this.#value, this.#context, this.#evaluateName, page).map((child) =>
      this.#item(child),
    );
  }

  set(name: string, text: string): VariableItem {
    const child = this.#child(name);
    assign(child.value, text, this.#context);
    return this.#item(this.#child(name));
  }

  watchable(name: string): (WatchedData & { readonly isLocal: boolean }) | string {
    const { value, evaluateName } = this.#child(name);
    return watchableValue(evaluateName ?? name, value, this.#isLocal);
  }

  #child(name: string): Child {
    const index = /^\[(\d+)\]$/.exec(name)?.[1];
    const found =
      index !== undefined && this.indexedCount !== undefined
        ? children(this.#value, this.#context, this.#evaluateName, {
            start: Number(index),
            count: 1,
          })[0]
        : children(this.#value, this.#context, this.#evaluateName, { count: this.#total }).find(
            (child) => child.name === name,
          );
    if (found === undefined) throw unknownVariable(name);
    return found;
  }

  #item({ name, value, evaluateName }: Child): VariableItem {
    return valueItem(name, value, this.#context, evaluateName, {}, this.#isLocal);
  }
}

/** Locals, arguments or globals. */
export class VariableList implements VariableContainer {
  readonly #variables: readonly Variable[];
  readonly #context: DebugInfoContext;
  readonly #isLocal: boolean;

  constructor(variables: readonly Variable[], context: DebugInfoContext, isLocal: boolean) {
    this.#variables = variables;
    this.#context = context;
    this.#isLocal = isLocal;
  }

  get namedCount(): number {
    return this.#variables.length;
  }

  children({ start = 0, count }: ChildRange): readonly VariableItem[] {
    const end = count === undefined || count === 0 ? this.#variables.length : start + count;
    return this.#variables.slice(start, end).map((variable) => this.#item(variable));
  }

  set(name: string, text: string): VariableItem {
    const variable = this.#find(name);
    assign(this.#valueOf(variable), text, this.#context);
    return this.#item(variable);
  }

  watchable(name: string): (WatchedData & { readonly isLocal: boolean }) | string {
    const variable = this.#find(name);
    return watchableValue(variable.name, this.#valueOf(variable), this.#isLocal);
  }

  #find(name: string): Variable {
    const found = this.#variables.find((it) => displayName(it) === name);
    if (found === undefined) throw unknownVariable(name);
    return found;
  }

  #valueOf(variable: Variable): Value {
    const bound = this.#context.bind(variable);
    return stored(bound.type, bound.locate());
  }

  #item(variable: Variable): VariableItem {
    const name = displayName(variable);
    try {
      const evaluateName = variable.isShadowed ? undefined : evaluateNameOf(variable);
      return valueItem(
        name,
        this.#valueOf(variable),
        this.#context,
        evaluateName,
        {},
        this.#isLocal,
      );
    } catch (error) {
      if (!(error instanceof SymbolError)) throw error;
      return { name, value: `<${error.message}>`, presentationHint: READ_ONLY };
    }
  }
}

/** A function's static is shown below the function it belongs to; a shadowed variable says so. */
function displayName({ name, functionName, isShadowed }: Variable): string {
  if (functionName !== undefined) return `${functionName}::${name}`;
  return isShadowed ? `${name} (shadowed)` : name;
}

function evaluateNameOf({ name, functionName }: Variable): string {
  return functionName === undefined ? name : `${functionName}::${name}`;
}

/** @throws UserError */
export function assign(target: Value, text: string, context: DebugInfoContext): void {
  explained(text, () => {
    setValue(target, text, context, { isTypeName: (name) => context.findType(name) !== undefined });
  });
}

/** Where a value is in memory, or why it cannot be watched; `length` in bytes instead of the size of its type. */
export function watchableValue(
  label: string,
  value: Value,
  isLocal: boolean,
  length?: number,
): (WatchedData & { readonly isLocal: boolean }) | string {
  const { storage, bitField } = value;
  // A label of assembly has no type.
  const bytes = length ?? sizeOf(value.type);
  if (storage.kind === 'location' && storage.location.kind === 'memory') {
    const { address } = storage.location;
    if (bitField !== undefined) {
      const first = BigInt(bitField.bitOffset >> 3);
      const length = Math.ceil(((bitField.bitOffset & 7) + bitField.bitSize) / 8);
      return { address: address + first, length, label, isLocal };
    }
    if (bytes === undefined || bytes === 0)
      return `The size of ${label} is not known, so it cannot be watched without a length in bytes.`;
    return { address, length: bytes, label, isLocal };
  }
  if (storage.kind === 'location' && storage.location.kind === 'register') {
    return `${label} is in a register here, not in memory, so it cannot be watched. Step instead, or build with -O0.`;
  }
  return `${label} is not in memory here, so it cannot be watched.`;
}
