import { CallFrameInfo, type UnwindContext, type UnwindResult } from './cfi.ts';
import { CompileUnit, type UnitNames } from './compile-unit.ts';
import { DW_AT, DW_ATE, DW_OP, DW_TAG } from './dwarf/constants.ts';
import type { StackType } from './dwarf/expression-stack.ts';
import { ROW_IS_STMT } from './dwarf/line-program.ts';
import { readLocationList, type AddressRange } from './dwarf/lists.ts';
import { DwarfSections } from './dwarf/sections.ts';
import { qualifiedName, TypeBuilder } from './dwarf/type-builder.ts';
import type { Die, Unit } from './dwarf/unit.ts';
import { UnitSet } from './dwarf/unit-set.ts';
import type { ElfImage } from './elf.ts';
import { rowAt, rowIndexAt, rowsIn, sameLineRange, type LineRow } from './line-lookup.ts';
import {
  evaluateValue,
  expressionLocation,
  toLittleEndian,
  type EntryValueOf,
  type EvaluationContext,
  type ExpressionScope,
  type LocationDescription,
} from './location.ts';
import { RangeIndex } from './range-index.ts';
import {
  enclosingFunction,
  framesAt,
  variableDies,
  type FrameDies,
  type FunctionInfo,
  type Scope,
  type Variable,
} from './scopes.ts';
import { matchingPaths } from './source-path.ts';
import { SymbolError } from './symbol-error.ts';
import { SymbolTable } from './symbol-table.ts';
import {
  canonicalTypeName,
  sizeOf,
  stripTypedefs,
  type Enumerator,
  type EnumType,
  type Type,
} from './types.ts';

export interface LinePosition {
  readonly file: string;
  readonly line: number;
  /** 0 when the compiler gave none. */
  readonly column: number;
  readonly isStmt: boolean;
}

export interface LineAddress {
  readonly address: bigint;
  readonly file: string;
  /** The line that has code, which may lie below the one asked for. */
  readonly line: number;
  readonly column: number;
}

/** Most problems that are kept; a broken file may have one per unit. */
const MAX_PROBLEMS = 1000;

/**
 * The debugging information of one image. Construction reads unit headers and their first entries;
 * everything else is read when asked for. A malformed unit is left out and listed in `problems`.
 */
export class DebugInfo {
  readonly image: ElfImage;
  readonly symbols: SymbolTable;
  readonly frames: CallFrameInfo;
  /** What was malformed and therefore left out. */
  readonly problems: SymbolError[] = [];
  readonly #sections: DwarfSections;
  readonly #units: CompileUnit[] = [];
  readonly #compileUnits = new Map<Unit, CompileUnit>();
  readonly #ranges = new RangeIndex<CompileUnit>();
  readonly #types: TypeBuilder;
  readonly #scopes = new Map<Unit, ExpressionScope>();
  #filesToUnits: Map<string, Set<CompileUnit>> | undefined;
  readonly #set: UnitSet;

  constructor(image: ElfImage) {
    this.image = image;
    this.symbols = new SymbolTable(image);
    this.#sections = new DwarfSections(image);
    this.frames = new CallFrameInfo(image, this.#sections);
    this.#types = new TypeBuilder((die, attribute) =>
      this.#describe(die, attribute, this.#enclosingFrameBase(die)),
    );
    this.#set = new UnitSet(this.#sections, (error) => {
      this.#report(error);
    });
    for (const unit of this.#set.compileUnits) {
      this.#guarded(() => {
        const compileUnit = new CompileUnit(unit, (error) => {
          this.#report(error);
        });
        this.#compileUnits.set(unit, compileUnit);
        this.#units.push(compileUnit);
      });
    }
    for (const unit of this.#units) {
      this.#guarded(() => {
        for (const { low, high } of unit.ranges) {
          if (image.occupies(low)) this.#ranges.add(low, high, unit);
        }
      });
    }
  }

  get hasDebugInfo(): boolean {
    return this.#units.length > 0;
  }

  get compileUnits(): readonly CompileUnit[] {
    return this.#units;
  }

  // --- lines ---

  /** Full paths as the compiler recorded them, sorted. */
  sourceFiles(): string[] {
    return [...this.#files().keys()].sort();
  }

  /** The recorded paths that best agree with a path of the editor, by their last components. */
  matchSource(path: string): string[] {
    return matchingPaths(this.#files().keys(), path);
  }

  /** Source position of an instruction; undefined where no line is recorded. */
  lineFor(pc: bigint): LinePosition | undefined {
    const row = this.#rowFor(pc);
    if (row === undefined || row.line === 0) return undefined;
    const { file, line, column, isStmt } = row;
    return { file, line, column, isStmt };
  }

  /**
   * Where to stop for a line: its first statement in each function or inlined copy, past the prologue
   * for a function's own line. A line without code gives the next one that has some.
   */
  addressesFor(file: string, line: number): LineAddress[] {
    let best: number | undefined;
    let rows: { row: LineRow; unit: CompileUnit }[] = [];
    for (const candidate of this.#statementRows(file)) {
      const candidateLine = candidate.row.line;
      if (candidateLine < line || (best !== undefined && candidateLine > best)) continue;
      if (candidateLine !== best) {
        best = candidateLine;
        rows = [];
      }
      rows.push(candidate);
    }
    return this.#onePerBlock(rows);
  }

  /** Statements between two lines, both included: where breakpoints can be. */
  breakpointLocations(file: string, from: number, to: number): LineAddress[] {
    const locations = new Map<string, LineAddress>();
    for (const { row } of this.#statementRows(file)) {
      if (row.line < from || row.line > to) continue;
      const { address, line, column } = row;
      const key = `${line}:${column}`;
      const known = locations.get(key);
      if (known === undefined || address < known.address) {
        locations.set(key, { address, file: row.file, line, column });
      }
    }
    return [...locations.values()].sort((a, b) => a.line - b.line || a.column - b.column);
  }

  /** Rows of the line tables with code in [low, high), ascending. */
  rowsInRange(low: bigint, high: bigint): LineRow[] {
    const rows: LineRow[] = [];
    for (const unit of new Set(this.#ranges.overlapping(low, high))) {
      this.#guarded(() => {
        rows.push(...rowsIn(unit.lines, low, high));
      });
    }
    return rows.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  }

  /** The contiguous code around a pc that belongs to the same line: what a line step runs through. */
  stepRange(pc: bigint): AddressRange | undefined {
    const unit = this.#unitAt(pc);
    return unit && this.#guarded(() => sameLineRange(unit.lines, pc));
  }

  // --- functions ---

  /** The function at a pc with the inlined copies in it, innermost first; empty without DWARF there. */
  functionAt(pc: bigint): FunctionInfo[] {
    return this.#framesAt(pc).map(({ unit, frame }) => this.#functionInfo(unit, frame.function));
  }

  /** Functions of that name that have code of their own. A C++ name needs its scope: `ns::f`. */
  findFunction(name: string): FunctionInfo[] {
    const found = new Map<bigint, FunctionInfo>();
    const add = (unit: CompileUnit, die: Die): void => {
      const info = this.#functionInfo(unit, die);
      if (info.ranges.length > 0 && this.image.occupies(info.lowPc)) found.set(info.lowPc, info);
    };
    for (const symbol of this.symbols.named(name)) {
      if (symbol.kind !== 'function') continue;
      const outermost = this.#framesAt(symbol.value).at(-1);
      if (outermost === undefined) continue;
      add(outermost.unit, outermost.frame.function);
    }
    if (found.size === 0) {
      for (const { unit, die } of this.#named('functions', name)) add(unit, die);
    }
    return [...found.values()];
  }

  /** Where to stop for a function: past its prologue, in each of its copies, inlined ones included. */
  breakpointAddresses(functionName: string): bigint[] {
    const addresses = new Set<bigint>();
    for (const { lowPc } of this.findFunction(functionName))
      addresses.add(this.afterPrologue(lowPc));
    for (const unit of this.#units) {
      this.#guarded(() => {
        const abstract = unit.names.functions.get(functionName);
        if (abstract === undefined) return;
        for (const copy of unit.inlinedCopies()) {
          if (qualifiedName(copy) !== functionName) continue;
          const entry = copy.address(DW_AT.entry_pc) ?? copy.ranges[0]?.low;
          if (entry !== undefined && this.image.occupies(entry)) addresses.add(entry);
        }
      });
    }
    if (addresses.size === 0) {
      for (const { kind, value } of this.symbols.named(functionName)) {
        if (kind !== 'object') addresses.add(value);
      }
    }
    return [...addresses].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }

  /** The first of `breakpointAddresses`. */
  breakpointAddress(functionName: string): bigint | undefined {
    return this.breakpointAddresses(functionName)[0];
  }

  /**
   * First address of a function at which its arguments can be read: the prologue_end row if there is
   * one; the entry itself when locations are given per address; else the second address with a line.
   */
  afterPrologue(lowPc: bigint): bigint {
    const outermost = this.#framesAt(lowPc).at(-1);
    if (outermost === undefined) return lowPc;
    const { unit, frame } = outermost;
    const range = frame.function.ranges.find(({ low, high }) => lowPc >= low && lowPc < high);
    if (range === undefined) return lowPc;
    const rows = this.#guarded(() => [...rowsIn(unit.lines, lowPc, range.high)]) ?? [];
    const marked = rows.find(({ isPrologueEnd }) => isPrologueEnd);
    if (marked !== undefined) return marked.address;
    if (this.#hasLocationLists(frame.function)) return lowPc;
    const second = rows.find(
      ({ address, line, isStmt }) => address > lowPc && line !== 0 && isStmt,
    );
    return second?.address ?? lowPc;
  }

  // --- variables ---

  /** Scopes of a frame that hold the pc, innermost first. `inlineDepth` 0 is the innermost frame. */
  scopesAt(pc: bigint, inlineDepth = 0): Scope[] {
    const at = this.#framesAt(pc)[inlineDepth];
    if (at === undefined) return [];
    const { unit, frame } = at;
    return this.#scopesOf(unit, frame, this.#frameBase(this.#framesAt(pc).at(-1)?.frame));
  }

  /** Arguments and locals of a frame that are in scope at the pc, outer scopes first. */
  variablesAt(pc: bigint, inlineDepth = 0): Variable[] {
    return this.scopesAt(pc, inlineDepth)
      .reverse()
      .flatMap(({ variables }) => variables);
  }

  /** DW_AT_frame_base of the function at a pc, inlined copies belonging to the function around them. */
  frameBaseAt(pc: bigint): LocationDescription | undefined {
    return this.#guarded(() => this.#frameBase(this.#framesAt(pc).at(-1)?.frame));
  }

  /** Variables with static storage, functions' own included; of all files or of the one named. */
  globals(file?: string): Variable[] {
    const units =
      file === undefined ? this.#units : this.#units.filter(({ name }) => name === file);
    const globals: Variable[] = [];
    for (const unit of units) {
      this.#guarded(() => {
        for (const die of unit.variables()) {
          const variable = this.#staticVariable(unit, die);
          if (variable !== undefined) globals.push(variable);
        }
      });
    }
    return globals;
  }

  /**
   * A variable with static storage by name.
   * @param where a pc or a file whose own statics come first; `functionName` restricts to its statics
   */
  findGlobal(
    name: string,
    where: { readonly pc?: bigint; readonly file?: string; readonly functionName?: string } = {},
  ): Variable | undefined {
    let fallback: Variable | undefined;
    for (const { unit, die } of this.#named('variables', name, where.pc)) {
      const variable = this.#staticVariable(unit, die);
      if (variable === undefined) continue;
      if (where.functionName !== undefined && variable.functionName !== where.functionName)
        continue;
      if (where.functionName === undefined && variable.functionName !== undefined) continue;
      const isLocal = where.pc !== undefined && unit === this.#unitAt(where.pc);
      if (where.file !== undefined) {
        if (matchingPaths([unit.name], where.file).length > 0) return variable;
      } else if (isLocal || variable.isExternal) {
        return variable;
      } else {
        fallback ??= variable;
      }
    }
    return where.file === undefined ? fallback : undefined;
  }

  // --- types ---

  /** `struct task`, `enum color`, `uint32_t`, `unsigned int`; a definition before a declaration. */
  findType(name: string, pc?: bigint): Type | undefined {
    let declared: Type | undefined;
    for (const { die } of this.#named('types', canonicalTypeName(name), pc)) {
      const type = this.#types.build(die);
      if (type.kind !== 'record' || !type.isDeclaration) return type;
      declared ??= type;
    }
    return declared;
  }

  /** The definition of a struct that this unit only declares; other types are returned as they are. */
  completeType(type: Type): Type {
    const actual = stripTypedefs(type);
    if (actual.kind !== 'record' || !actual.isDeclaration || actual.name === undefined) return type;
    const keyword = actual.keyword === 'union' ? 'union' : 'struct';
    const found = this.findType(`${keyword} ${actual.name}`);
    return found ?? type;
  }

  findEnumerator(
    name: string,
    pc?: bigint,
  ): { readonly enumerator: Enumerator; readonly type: EnumType } | undefined {
    for (const { die } of this.#named('enumerators', name, pc)) {
      const type = die.parent === undefined ? undefined : this.#types.build(die.parent);
      if (type?.kind !== 'enum') continue;
      const enumerator = type.enumerators.find((candidate) => candidate.name === name);
      if (enumerator !== undefined) return { enumerator, type };
    }
    return undefined;
  }

  // --- frames ---

  /**
   * The caller of the frame at a pc. gcc ends the location of a variable in a call-clobbered register
   * one byte before the return address, unless it knows that the callee spares it; so what its
   * locations still name behind a call is valid. Other compilers' locations run past the call.
   */
  unwind(pc: bigint, context: UnwindContext, vaBits = 48): UnwindResult | undefined {
    return this.frames.unwind(pc, context, {
      vaBits,
      keepsCallClobbered: (returnAddress) => this.endsLocationsBeforeCalls(returnAddress - 1n),
    });
  }

  /**
   * What a register or an argument held when a function was entered, as the call site in its caller tells it. For
   * DW_OP_entry_value and DW_OP_GNU_parameter_ref.
   * @param returnAddress where the call returns to
   * @param caller its frame
   * @param calleeLowPc entry of the callee; a call site that may lead elsewhere, as when functions in between have left
   *   by tail calls, tells nothing
   */
  entryValue(
    returnAddress: bigint,
    caller: EvaluationContext,
    calleeLowPc: bigint,
    of: EntryValueOf,
  ): bigint | undefined {
    const frames = this.#framesAt(returnAddress - 1n);
    const frameBase = this.#frameBase(frames.at(-1)?.frame);
    for (const { frame } of frames) {
      const site = this.#guarded(() => callSite(frame, returnAddress));
      if (site === undefined) continue;
      const evaluate = (bytes: Uint8Array): bigint | undefined =>
        evaluateValue(bytes, this.#scope(site.unit), frameBase, caller);
      return this.#guarded(() => {
        if (this.#callTarget(site, evaluate) !== calleeLowPc) return undefined;
        const parameter = [...site.children()].find((it) => isCallParameter(it, of));
        const value = parameter?.raw(DW_AT.call_value) ?? parameter?.raw(DW_AT.GNU_call_site_value);
        return value?.class === 'block' ? evaluate(value.bytes) : undefined;
      });
    }
    return undefined;
  }

  /** Entry of the function that a call site calls; calls through pointers tell where the pointer is kept. */
  #callTarget(site: Die, evaluate: (bytes: Uint8Array) => bigint | undefined): bigint | undefined {
    const callee = site.reference(DW_AT.call_origin) ?? site.reference(DW_AT.abstract_origin);
    if (callee !== undefined) {
      const entry = this.#entryOf(callee);
      if (entry !== undefined) return entry;
      const name = callee.string(DW_AT.linkage_name) ?? callee.name;
      const symbols = name === undefined ? [] : this.symbols.named(name);
      return symbols.length === 1 ? symbols[0]?.value : undefined;
    }
    const target = site.raw(DW_AT.call_target) ?? site.raw(DW_AT.GNU_call_site_target);
    return target?.class === 'block' ? evaluate(target.bytes) : undefined;
  }

  #files(): Map<string, Set<CompileUnit>> {
    if (this.#filesToUnits === undefined) {
      const files = new Map<string, Set<CompileUnit>>();
      for (const unit of this.#units) {
        this.#guarded(() => {
          for (const file of unit.lines.files) {
            if (file === '') continue;
            const units = files.get(file);
            if (units === undefined) files.set(file, new Set([unit]));
            else units.add(unit);
          }
        });
      }
      this.#filesToUnits = files;
    }
    return this.#filesToUnits;
  }

  #unitAt(pc: bigint): CompileUnit | undefined {
    return this.#ranges.find(pc)?.value;
  }

  #rowFor(pc: bigint): LineRow | undefined {
    const unit = this.#unitAt(pc);
    if (unit === undefined) return undefined;
    return this.#guarded(() => {
      const index = rowIndexAt(unit.lines, pc);
      return index === undefined ? undefined : rowAt(unit.lines, index);
    });
  }

  /** All is_stmt rows of a file that have code, in every unit that includes it. */
  *#statementRows(path: string): Generator<{ row: LineRow; unit: CompileUnit }> {
    const files = new Set(this.matchSource(path));
    const units = new Set<CompileUnit>();
    for (const file of files) for (const unit of this.#files().get(file) ?? []) units.add(unit);
    for (const unit of units) {
      const { lines } = unit;
      const wanted = new Set<number>();
      for (const [index, file] of lines.files.entries()) if (files.has(file)) wanted.add(index);
      for (const { firstRow, lastRow } of lines.sequences) {
        for (let i = firstRow; i < lastRow; i++) {
          if (!wanted.has(lines.fileIndices[i] ?? 0)) continue;
          if (((lines.flags[i] ?? 0) & ROW_IS_STMT) === 0 || lines.lines[i] === 0) continue;
          const row = rowAt(lines, i);
          if (row !== undefined && row.end > row.address) yield { row, unit };
        }
      }
    }
  }

  /** Whether the compiler of the code at a pc ends the locations that a call destroys in front of it: gcc does. */
  endsLocationsBeforeCalls(pc: bigint): boolean {
    return this.#unitAt(pc)?.producer.startsWith('GNU ') === true;
  }

  /**
   * Keeps the lowest address of each lexical block, as gdb does: an optimiser copies statements, and the copies of one
   * for different paths stand in ranges of different blocks; what it splits within a block is one statement still.
   */
  #onePerBlock(rows: readonly { row: LineRow; unit: CompileUnit }[]): LineAddress[] {
    const byBlock = new Map<string, LineAddress>();
    for (const { row } of rows) {
      const { address, file, line, column } = row;
      const innermost = this.#framesAt(address)[0];
      const die = innermost?.frame.scopes.at(-1);
      const key = die === undefined ? `row ${address}` : `${die.unit.header.start}:${die.offset}`;
      const known = byBlock.get(key);
      if (known !== undefined && known.address <= address) continue;
      byBlock.set(key, { address, file, line, column });
    }
    return [...byBlock.values()]
      .map((location) => {
        const innermost = this.#framesAt(location.address)[0]?.frame.function;
        const isEntry =
          innermost?.tag === DW_TAG.subprogram && this.#entryOf(innermost) === location.address;
        return isEntry ? { ...location, address: this.afterPrologue(location.address) } : location;
      })
      .sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  }

  #framesAt(pc: bigint): { unit: CompileUnit; frame: FrameDies }[] {
    const unit = this.#unitAt(pc);
    if (unit === undefined) return [];
    const frames = this.#guarded(() => framesAt(unit, pc)) ?? [];
    return frames.map((frame) => ({ unit, frame }));
  }

  #functionInfo(unit: CompileUnit, die: Die): FunctionInfo {
    const ranges = die.ranges;
    const entry = this.#entryOf(die) ?? 0n;
    const main = ranges.find(({ low, high }) => entry >= low && entry < high);
    const isInlined = die.tag === DW_TAG.inlined_subroutine;
    const linkage = die.holder(DW_AT.linkage_name) ?? die.holder(DW_AT.MIPS_linkage_name);
    return {
      name: qualifiedName(die) ?? this.symbols.labelAt(entry) ?? '(anonymous)',
      linkageName: linkage?.string(DW_AT.linkage_name) ?? linkage?.string(DW_AT.MIPS_linkage_name),
      ...this.#declaredAt(die),
      lowPc: entry,
      highPc: main?.high ?? entry,
      ranges,
      isInlined,
      callFile: isInlined ? unit.file(die.number(DW_AT.call_file)) : undefined,
      callLine: isInlined ? die.number(DW_AT.call_line) : undefined,
      callColumn: isInlined ? die.number(DW_AT.call_column) : undefined,
      isExternal: die.holder(DW_AT.external)?.flag(DW_AT.external) === true,
      returnType: this.#types.typeOf(die),
    };
  }

  /** DW_AT_low_pc; with DW_AT_ranges, the first range unless DW_AT_entry_pc says otherwise. */
  #entryOf(die: Die): bigint | undefined {
    const entry = die.address(DW_AT.low_pc) ?? die.address(DW_AT.entry_pc);
    return entry !== undefined && !die.has(DW_AT.ranges) ? entry : (die.ranges[0]?.low ?? entry);
  }

  #declaredAt(die: Die): { file: string | undefined; line: number | undefined } {
    const fileHolder = die.holder(DW_AT.decl_file);
    const unit = fileHolder && this.#compileUnits.get(fileHolder.unit);
    return {
      file: fileHolder && unit?.file(fileHolder.number(DW_AT.decl_file)),
      line: die.holder(DW_AT.decl_line)?.number(DW_AT.decl_line),
    };
  }

  #hasLocationLists(die: Die): boolean {
    for (const child of die.children()) {
      const raw = child.raw(DW_AT.location);
      if (raw !== undefined && raw.class !== 'block') return true;
    }
    return false;
  }

  #frameBase(frame: FrameDies | undefined): LocationDescription | undefined {
    if (frame === undefined || !frame.function.has(DW_AT.frame_base)) return undefined;
    return this.#describe(frame.function, DW_AT.frame_base, undefined);
  }

  /** Frame base of the function that an entry stands in, through the inlined copies around it. */
  #enclosingFrameBase(die: Die): LocationDescription | undefined {
    let enclosing = enclosingFunction(die);
    while (enclosing?.tag === DW_TAG.inlined_subroutine) enclosing = enclosingFunction(enclosing);
    if (enclosing?.has(DW_AT.frame_base) !== true) return undefined;
    return this.#describe(enclosing, DW_AT.frame_base, undefined);
  }

  #scopesOf(
    unit: CompileUnit,
    frame: FrameDies,
    frameBase: LocationDescription | undefined,
  ): Scope[] {
    const scopes: Scope[] = [];
    const visible = new Set<string>();
    for (const die of [...frame.scopes].reverse()) {
      const variables =
        this.#guarded(() => {
          const found: Variable[] = [];
          for (const child of variableDies(die)) {
            const variable = this.#variable(unit, child, frameBase, visible);
            if (variable !== undefined) found.push(variable);
          }
          return found;
        }) ?? [];
      for (const { name } of variables) visible.add(name);
      const kind =
        die.tag === DW_TAG.lexical_block
          ? 'block'
          : die.tag === DW_TAG.inlined_subroutine
            ? 'inlined'
            : 'function';
      scopes.push({ kind, ranges: die.ranges, variables });
    }
    return scopes;
  }

  #variable(
    unit: CompileUnit,
    die: Die,
    frameBase: LocationDescription | undefined,
    inner: ReadonlySet<string>,
  ): Variable | undefined {
    const { name } = die;
    if (name === undefined) return undefined;
    const { file, line } = this.#declaredAt(die);
    // `extern int x;` inside a function: the object is elsewhere.
    const isDeclared = die.flag(DW_AT.declaration) && !die.has(DW_AT.location);
    const global = isDeclared ? this.findGlobal(name) : undefined;
    return {
      name,
      type: this.#types.typeOf(die),
      location: global?.location ?? this.#variableLocation(die, frameBase),
      declFile: file ?? unit.name,
      declLine: line,
      isArgument: die.tag === DW_TAG.formal_parameter,
      isExternal: die.holder(DW_AT.external)?.flag(DW_AT.external) === true,
      isArtificial: die.holder(DW_AT.artificial)?.flag(DW_AT.artificial) === true,
      isShadowed: inner.has(name),
      functionName: undefined,
    };
  }

  #staticVariable(unit: CompileUnit, die: Die): Variable | undefined {
    const raw = die.raw(DW_AT.location);
    const enclosing = enclosingFunction(die);
    // Inside functions only an address (DW_OP_addr, DW_OP_addrx) makes a variable static.
    const isStatic = raw?.class === 'block' && (raw.bytes[0] === 0x03 || raw.bytes[0] === 0xa1);
    if (enclosing !== undefined ? !isStatic : raw === undefined && !die.has(DW_AT.const_value)) {
      return undefined;
    }
    const variable = this.#variable(unit, die, undefined, new Set());
    if (variable === undefined) return undefined;
    const name = qualifiedName(die) ?? variable.name;
    return { ...variable, name, functionName: enclosing && qualifiedName(enclosing) };
  }

  #variableLocation(die: Die, frameBase: LocationDescription | undefined): LocationDescription {
    const holder = die.holder(DW_AT.location);
    if (holder !== undefined) return this.#describe(holder, DW_AT.location, frameBase);
    const constant = die.holder(DW_AT.const_value);
    if (constant === undefined) return { kind: 'none', reason: 'the compiler removed it' };
    const raw = constant.raw(DW_AT.const_value);
    const size = sizeOf(this.#types.typeOf(die)) ?? 8;
    switch (raw?.class) {
      case 'constant':
        return { kind: 'constant', bytes: toLittleEndian(signExtend(raw), Math.min(size, 16)) };
      case 'block':
        return { kind: 'constant', bytes: raw.bytes };
      case 'address':
        return { kind: 'constant', bytes: toLittleEndian(raw.value, 8) };
      default:
        return { kind: 'none', reason: 'its constant value has a form that is not supported' };
    }
  }

  #describe(
    die: Die,
    attribute: number,
    frameBase: LocationDescription | undefined,
  ): LocationDescription {
    const raw = die.raw(attribute);
    const scope = this.#scope(die.unit);
    if (raw === undefined) return { kind: 'none', reason: 'the compiler removed it' };
    if (raw.class === 'block') return expressionLocation(raw.bytes, scope, frameBase);
    return { kind: 'list', entries: readLocationList(die.unit, raw), scope, frameBase };
  }

  #scope(unit: Unit): ExpressionScope {
    let scope = this.#scopes.get(unit);
    if (scope === undefined) {
      scope = this.#createScope(unit);
      this.#scopes.set(unit, scope);
    }
    return scope;
  }

  #createScope(unit: Unit): ExpressionScope {
    const { start } = unit.header;
    return {
      fileName: this.image.fileName,
      unitOffset: start,
      indexedAddress: (index) => unit.indexedAddress(index),
      baseType: (offset) => {
        const die = unit.dieAtOffset(start + offset);
        return die === undefined ? undefined : stackType(die);
      },
      procedure: (offset, form) => {
        const die = form === 'unit' ? unit.dieAtOffset(start + offset) : this.#set.dieAt(offset);
        const raw = die?.raw(DW_AT.location);
        return raw?.class === 'block' ? raw.bytes : undefined;
      },
      object: (offset) => {
        const die = this.#set.dieAt(offset);
        if (die === undefined) return undefined;
        const frameBase = this.#enclosingFrameBase(die);
        return { location: this.#variableLocation(die, frameBase), type: this.#types.typeOf(die) };
      },
    };
  }

  /** Entries of a name, those of the unit at `pc` first, then unit by unit. */
  *#named(
    kind: keyof UnitNames,
    name: string,
    pc?: bigint,
  ): Generator<{ unit: CompileUnit; die: Die }> {
    const first = pc === undefined ? undefined : this.#unitAt(pc);
    const units =
      first === undefined ? this.#units : [first, ...this.#units.filter((u) => u !== first)];
    for (const unit of units) {
      const indices = this.#guarded(() => unit.names[kind].get(name)) ?? [];
      for (const index of indices) yield { unit, die: unit.unit.die(index) };
    }
  }

  #report(error: SymbolError): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(error);
  }

  /** Runs what may meet malformed data; reports it and returns undefined then. */
  #guarded<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SymbolError)) throw error;
      this.#report(error);
      return undefined;
    }
  }
}

/** The call site in a frame that returns to an address. */
function callSite(frame: FrameDies, returnAddress: bigint): Die | undefined {
  for (const scope of frame.scopes) {
    for (const child of scope.children()) {
      if (child.tag !== DW_TAG.call_site && child.tag !== DW_TAG.GNU_call_site) continue;
      const at = child.address(DW_AT.call_return_pc) ?? child.address(DW_AT.low_pc);
      if (at === returnAddress) return child;
    }
  }
  return undefined;
}

/** Whether an entry tells what a call passes in a register, or for an argument that is not passed. */
function isCallParameter(die: Die, of: EntryValueOf): boolean {
  if (of.kind === 'parameter') return die.reference(DW_AT.call_parameter)?.offset === of.offset;
  const location = die.raw(DW_AT.location);
  if (location?.class !== 'block') return false;
  const { register } = of;
  const [op, operand] = location.bytes;
  if (location.bytes.length === 1) return register < 32 && op === DW_OP.reg0 + register;
  return location.bytes.length === 2 && op === DW_OP.regx && operand === register;
}

function stackType(die: Die): StackType | undefined {
  if (die.tag !== DW_TAG.base_type) return undefined;
  const byteSize = die.number(DW_AT.byte_size) ?? 0;
  if (byteSize < 1 || byteSize > 16) return undefined;
  switch (die.number(DW_AT.encoding)) {
    case DW_ATE.float:
      return { encoding: 'float', byteSize };
    case DW_ATE.signed:
    case DW_ATE.signed_char:
      return { encoding: 'signed', byteSize };
    default:
      return { encoding: 'unsigned', byteSize };
  }
}

/** Fixed-size constants carry no sign; taken as signed they are right for every type of their size. */
function signExtend({
  value,
  bits,
  signed,
}: {
  value: bigint;
  bits: number;
  signed: boolean;
}): bigint {
  return signed ? value : BigInt.asIntN(bits, value);
}
