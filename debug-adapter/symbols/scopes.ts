/** DWARF 5, chapters 3 and 4: functions, blocks, inlined copies and the variables in them. */
import type { CompileUnit } from './compile-unit.ts';
import { DW_AT, DW_TAG } from './dwarf/constants.ts';
import type { AddressRange } from './dwarf/lists.ts';
import type { Die } from './dwarf/unit.ts';
import type { LocationDescription } from './location.ts';
import type { Type } from './types.ts';

/** A function, or an inlined copy of one, that an address lies in. */
export interface FunctionInfo {
  /** With its C++ scope; a copy of a function without a name is `(anonymous)`. */
  readonly name: string;
  readonly linkageName: string | undefined;
  /** Where it is declared. */
  readonly file: string | undefined;
  readonly line: number | undefined;
  /** Start of the range that holds the entry. */
  readonly lowPc: bigint;
  /** End of that range. */
  readonly highPc: bigint;
  /** All ranges: compilers move cold parts away. */
  readonly ranges: readonly AddressRange[];
  readonly isInlined: boolean;
  /** Of an inlined copy: where in the next outer function it was called. */
  readonly callFile: string | undefined;
  readonly callLine: number | undefined;
  readonly callColumn: number | undefined;
  readonly isExternal: boolean;
  readonly returnType: Type;
}

export interface Variable {
  readonly name: string;
  readonly type: Type;
  /** Pass it to `evaluateLocation` with the frame's context. */
  readonly location: LocationDescription;
  readonly declFile: string | undefined;
  readonly declLine: number | undefined;
  readonly isArgument: boolean;
  /** Visible outside its file. */
  readonly isExternal: boolean;
  /** Made by the compiler, such as C++'s `this`. */
  readonly isArtificial: boolean;
  /** An inner scope declares the same name. */
  readonly isShadowed: boolean;
  /** Function whose static variable it is. */
  readonly functionName: string | undefined;
}

/** A lexical block, or the function itself. */
export interface Scope {
  readonly kind: 'function' | 'inlined' | 'block';
  readonly ranges: readonly AddressRange[];
  readonly variables: readonly Variable[];
}

export function contains(ranges: readonly AddressRange[], address: bigint): boolean {
  return ranges.some(({ low, high }) => address >= low && address < high);
}

/** One frame of the inline chain and the entries from it down to the next inlined copy. */
export interface FrameDies {
  readonly function: Die;
  /** Starts with `function`; lexical blocks follow, outermost first. */
  readonly scopes: readonly Die[];
}

/** The chain of frames at a pc, innermost first; empty where the unit has no function. */
export function framesAt(unit: CompileUnit, pc: bigint): FrameDies[] {
  const found = unit.functions.find(pc);
  if (found === undefined) return [];
  const frames: { function: Die; scopes: Die[] }[] = [
    { function: found.value, scopes: [found.value] },
  ];
  let current: Die | undefined = found.value;
  while (current !== undefined) {
    const next: Die | undefined = childAt(current, pc);
    if (next?.tag === DW_TAG.inlined_subroutine) {
      frames.unshift({ function: next, scopes: [next] });
    } else if (next !== undefined) {
      frames[0]?.scopes.push(next);
    }
    current = next;
  }
  return frames;
}

/** The inlined copy or block right below an entry that holds the pc. */
function childAt(die: Die, pc: bigint): Die | undefined {
  for (const child of die.children()) {
    if (child.tag !== DW_TAG.inlined_subroutine && child.tag !== DW_TAG.lexical_block) continue;
    if (contains(child.ranges, pc)) return child;
  }
  return undefined;
}

/** Parameters and variables declared right in a scope. */
export function* variableDies(scope: Die): Generator<Die> {
  const seen = new Set<number>();
  for (const child of scope.children()) {
    if (!isVariable(child)) continue;
    const { abstract } = child;
    if (!abstract.is(child)) seen.add(abstract.offset);
    yield child;
  }
  // What a copy of a function leaves out still exists in the source, without a location.
  const origin = scope.has(DW_AT.abstract_origin)
    ? scope.reference(DW_AT.abstract_origin)
    : undefined;
  if (origin === undefined || scope.tag === DW_TAG.lexical_block) return;
  for (const child of origin.children()) {
    if (isVariable(child) && !seen.has(child.offset)) yield child;
  }
}

function isVariable({ tag }: Die): boolean {
  return tag === DW_TAG.formal_parameter || tag === DW_TAG.variable;
}

/** The function, concrete or inlined, that an entry stands in. */
export function enclosingFunction(die: Die): Die | undefined {
  let scope = die.parent;
  for (let i = 0; scope !== undefined && i < 512; i++, scope = scope.parent) {
    if (scope.tag === DW_TAG.subprogram || scope.tag === DW_TAG.inlined_subroutine) return scope;
  }
  return undefined;
}
