import type { DebugInfo } from '../symbols/debug-info.ts';
import {
  evaluateLocation,
  littleEndian,
  type EvaluationContext,
  type LocationDescription,
} from '../symbols/location.ts';
import type { Variable } from '../symbols/scopes.ts';
import {
  stripTypedefs,
  VOID,
  type ArrayType,
  type EnumType,
  type FunctionType,
  type Type,
} from '../symbols/types.ts';
import type { BoundVariable, ExpressionContext, RegisterHandle } from './context.ts';

/** The stopped frame and the guest, as the adapter provides them. */
export interface FrameAccess {
  /** Registers of the frame, its pc for lookups and its CFA; `readMemory` is the guest's. */
  readonly evaluation: EvaluationContext;
  /** 0 for the innermost inlined copy at the pc. */
  readonly inlineDepth: number;
  register(name: string): RegisterHandle | undefined;
  writeMemory(address: bigint, bytes: Uint8Array): boolean;
  writeRegister(register: number, value: bigint): boolean;
}

/** Names resolved through the debugging information of one image. */
export class DebugInfoContext implements ExpressionContext {
  readonly frame: EvaluationContext;
  readonly #info: DebugInfo;
  readonly #access: FrameAccess;
  #variables: Map<string, Variable> | undefined;

  constructor(info: DebugInfo, access: FrameAccess) {
    this.#info = info;
    this.#access = access;
    this.frame = access.evaluation;
  }

  findVariable(name: string, qualifier: string | undefined): BoundVariable | undefined {
    const variable =
      qualifier === undefined ? this.#unqualified(name) : this.#qualified(name, qualifier);
    return variable && this.bind(variable);
  }

  /** The variable in this frame; a variable-length array gets its length. */
  bind({ type, location }: Variable): BoundVariable {
    return {
      type: concreteType(type, this.frame, this.#info.frameBaseAt(this.frame.pc)),
      locate: () => evaluateLocation(location, this.frame),
    };
  }

  findFunction(name: string): { type: Type; address: bigint } | undefined {
    const [found] = this.#info.findFunction(name);
    if (found !== undefined) return { type: functionType(found.returnType), address: found.lowPc };
    const symbol = this.#info.symbols.named(name)[0];
    if (symbol === undefined) return undefined;
    // A symbol without DWARF: a function can be shown, an object has no type.
    return symbol.kind === 'object'
      ? undefined
      : { type: functionType(VOID), address: symbol.value };
  }

  findEnumerator(name: string): { value: bigint; type: EnumType } | undefined {
    const found = this.#info.findEnumerator(name, this.frame.pc);
    return found && { value: found.enumerator.value, type: found.type };
  }

  findType(name: string): Type | undefined {
    return this.#info.findType(name, this.frame.pc);
  }

  completeType(type: Type): Type {
    return this.#info.completeType(type);
  }

  register(name: string): RegisterHandle | undefined {
    return this.#access.register(name);
  }

  readMemory(address: bigint, length: number): Uint8Array | undefined {
    return this.frame.readMemory(address, length);
  }

  writeMemory(address: bigint, bytes: Uint8Array): boolean {
    return this.#access.writeMemory(address, bytes);
  }

  writeRegister(register: number, value: bigint): boolean {
    return this.#access.writeRegister(register, value);
  }

  describeAddress(address: bigint): string | undefined {
    return this.#info.symbols.describe(address);
  }

  #unqualified(name: string): Variable | undefined {
    this.#variables ??= new Map(
      this.#info
        .variablesAt(this.frame.pc, this.#access.inlineDepth)
        .filter(({ isShadowed }) => !isShadowed)
        .map((variable) => [variable.name, variable]),
    );
    return this.#variables.get(name) ?? this.#info.findGlobal(name, { pc: this.frame.pc });
  }

  /** `file.c::name`, `function::name`, or a name in a C++ scope. */
  #qualified(name: string, qualifier: string): Variable | undefined {
    const { pc } = this.frame;
    const isFile = /[./\\]/.test(qualifier);
    if (isFile) return this.#info.findGlobal(name, { file: qualifier });
    return (
      this.#info.findGlobal(name, { pc, functionName: qualifier }) ??
      this.#info.findGlobal(`${qualifier}::${name}`, { pc })
    );
  }
}

/**
 * The type with the length that a variable-length array has in this frame.
 * @param frameBase of the function: such types often stand outside of it
 */
export function concreteType(
  type: Type,
  frame: EvaluationContext,
  frameBase: LocationDescription | undefined,
): Type {
  const array = stripTypedefs(type);
  if (array.kind !== 'array') return type;
  const element = concreteType(array.element, frame, frameBase);
  const count = array.count ?? dynamicCount(array, frame, frameBase);
  if (element === array.element && count === array.count) return type;
  return { ...array, element, count };
}

/** Most elements that a run-time bound is believed to mean. */
const MAX_DYNAMIC_COUNT = 1n << 32n;

function dynamicCount(
  { dynamicBound, lowerBound }: ArrayType,
  frame: EvaluationContext,
  frameBase: LocationDescription | undefined,
): number | undefined {
  if (dynamicBound === undefined) return undefined;
  const described = dynamicBound.location;
  const isRelative = described.kind === 'expression' || described.kind === 'list';
  const location = evaluateLocation(
    isRelative ? { ...described, frameBase: described.frameBase ?? frameBase } : described,
    frame,
  );
  let bound: bigint | undefined;
  if (location.kind === 'memory') {
    if (dynamicBound.kind === 'value') bound = location.address;
    else {
      const bytes = frame.readMemory(location.address, dynamicBound.byteSize);
      bound = bytes && littleEndian(bytes);
    }
  } else if (location.kind === 'register') {
    bound = frame.register(location.register);
  } else if (location.kind === 'value') {
    bound = littleEndian(location.bytes);
  }
  if (bound === undefined) return undefined;
  const signed = BigInt.asIntN(64, bound);
  const count = dynamicBound.isCount ? signed : signed - BigInt(lowerBound) + 1n;
  return count < 0n || count > MAX_DYNAMIC_COUNT ? undefined : Number(count);
}

function functionType(returnType: Type): FunctionType {
  return { kind: 'function', returnType, parameters: [], isVariadic: false, isPrototyped: false };
}
