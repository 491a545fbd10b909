/** DWARF 5, 6.4, "Call Frame Information", and the DWARF for the Arm 64-bit Architecture (AADWARF64). */
import { ByteReader } from './byte-reader.ts';
import { DW_CFA } from './dwarf/constants.ts';
import { readPointer } from './dwarf/eh-pointer.ts';
import { DwarfSections } from './dwarf/sections.ts';
import type { ElfImage } from './elf.ts';
import {
  evaluateValue,
  littleEndian,
  type EvaluationContext,
  type ExpressionScope,
} from './location.ts';
import { RangeIndex } from './range-index.ts';
import { SymbolError } from './symbol-error.ts';

/** DWARF register numbers of AADWARF64. */
export const DWARF_X30 = 30;
export const DWARF_SP = 31;
export const DWARF_PC = 32;
export const DWARF_RA_SIGN_STATE = 34;
export const DWARF_V0 = 64;

/** Most instructions that one frame's program may execute. */
const MAX_INSTRUCTIONS = 100_000;
const MAX_REMEMBERED = 256;
/** Rows kept by pc: breakpoint conditions ask for the same few again and again. */
const ROW_CACHE_SIZE = 512;

/** How to recover one register of the caller. */
export type RegisterRule =
  | { readonly kind: 'undefined' }
  | { readonly kind: 'sameValue' }
  /** Stored at CFA + offset. */
  | { readonly kind: 'offset'; readonly offset: bigint }
  /** Equal to CFA + offset. */
  | { readonly kind: 'valOffset'; readonly offset: bigint }
  | { readonly kind: 'register'; readonly register: number }
  /** Stored at the address that the expression computes. */
  | { readonly kind: 'expression'; readonly expression: Uint8Array }
  | { readonly kind: 'valExpression'; readonly expression: Uint8Array };

export type CfaRule =
  | { readonly kind: 'register'; readonly register: number; readonly offset: bigint }
  | { readonly kind: 'expression'; readonly expression: Uint8Array };

/** The rules that hold at one pc. */
export interface FrameRow {
  readonly cfa: CfaRule;
  /** By DWARF register; one that is missing has no rule. */
  readonly rules: ReadonlyMap<number, RegisterRule>;
  readonly returnAddressRegister: number;
  /** The frame of an exception handler or signal trampoline: its caller's pc is not behind a call. */
  readonly signalFrame: boolean;
  /** The return address carries a pointer authentication code. */
  readonly returnAddressSigned: boolean;
}

export interface UnwindResult {
  readonly cfa: bigint;
  /** The caller's registers. One that is missing was not preserved. */
  readonly registers: ReadonlyMap<number, bigint>;
  /** Without its pointer authentication code. */
  readonly returnAddress: bigint;
  readonly returnAddressSigned: boolean;
  readonly signalFrame: boolean;
}

/** The callee's side of an unwind step. */
export interface UnwindContext {
  /** DWARF register; V registers are 128 bits wide. */
  register(number: number): bigint | undefined;
  readMemory(address: bigint, length: number): Uint8Array | undefined;
}

export interface UnwindOptions {
  /** Width of virtual addresses below a pointer authentication code; 48 unless given. */
  readonly vaBits?: number;
  /**
   * Whether the code behind this return address says itself which registers the call destroys, so
   * that all others can be taken to keep their values.
   */
  readonly keepsCallClobbered?: (returnAddress: bigint) => boolean;
}

interface CommonInformation {
  readonly codeAlignment: bigint;
  readonly dataAlignment: bigint;
  readonly returnAddressRegister: number;
  readonly signalFrame: boolean;
  /** Encoding of pointers in the FDEs. */
  readonly pointerEncoding: number;
  readonly hasAugmentationData: boolean;
  readonly instructions: ByteReader;
}

interface FrameDescription {
  readonly cie: CommonInformation;
  readonly low: bigint;
  readonly instructionsOffset: number;
  readonly end: number;
  readonly section: SectionKind;
}

type SectionKind = '.debug_frame' | '.eh_frame';

const NO_SCOPE_ERROR = 'a CFI expression refers to a unit';

/** The unwind tables of an image. */
export class CallFrameInfo {
  readonly #image: ElfImage;
  readonly #sections: DwarfSections;
  readonly #scope: ExpressionScope;
  /** What could not be read. */
  readonly problems: SymbolError[] = [];
  #index: RangeIndex<FrameDescription> | undefined;
  readonly #rows = new Map<bigint, FrameRow | undefined>();

  constructor(image: ElfImage, sections: DwarfSections = new DwarfSections(image)) {
    this.#image = image;
    this.#sections = sections;
    this.#scope = {
      fileName: image.fileName,
      unitOffset: 0,
      indexedAddress: () => {
        throw this.#malformed(NO_SCOPE_ERROR);
      },
      baseType: () => undefined,
      procedure: () => undefined,
      object: () => undefined,
    };
  }

  /**
   * The rules at a pc; undefined where the image has none.
   * @param pc of a caller's frame: the return address minus 1
   */
  rowAt(pc: bigint): FrameRow | undefined {
    if (this.#rows.has(pc)) return this.#rows.get(pc);
    const row = this.#computeRow(pc);
    if (this.#rows.size >= ROW_CACHE_SIZE) this.#rows.clear();
    this.#rows.set(pc, row);
    return row;
  }

  /** Canonical frame address at a pc. */
  cfa(pc: bigint, context: UnwindContext): bigint | undefined {
    const row = this.rowAt(pc);
    return row === undefined ? undefined : this.#evaluateCfa(row.cfa, pc, context);
  }

  /**
   * The caller's registers, by AAPCS64 where the tables are silent: X19-X29, SP and V8-V15 survive a
   * call; the others are unknown unless the options say that the caller's debugging information
   * already accounts for what the call changes.
   */
  unwind(
    pc: bigint,
    context: UnwindContext,
    options: UnwindOptions = {},
  ): UnwindResult | undefined {
    const row = this.rowAt(pc);
    if (row === undefined) return undefined;
    const cfa = this.#evaluateCfa(row.cfa, pc, context);
    if (cfa === undefined) return undefined;
    const returnRule = row.rules.get(row.returnAddressRegister) ?? { kind: 'sameValue' };
    const raw = this.#apply(returnRule, row.returnAddressRegister, cfa, pc, context);
    if (raw === undefined) return undefined;
    const returnAddress = row.returnAddressSigned
      ? stripPointerAuthentication(raw, options.vaBits)
      : raw;

    const registers = new Map<number, bigint>();
    const recover = (register: number, rule: RegisterRule): void => {
      const value = this.#apply(rule, register, cfa, pc, context);
      if (value !== undefined) registers.set(register, value);
    };
    const keepsAll = row.signalFrame || options.keepsCallClobbered?.(returnAddress) === true;
    for (const register of keepsAll ? ALL_REGISTERS : PRESERVED) {
      if (!row.rules.has(register)) recover(register, { kind: 'sameValue' });
    }
    for (const [register, rule] of row.rules) {
      if (register !== DWARF_RA_SIGN_STATE) recover(register, rule);
    }
    const sp = row.rules.get(DWARF_SP);
    if (sp === undefined || sp.kind === 'undefined') registers.set(DWARF_SP, cfa);

    registers.set(DWARF_PC, returnAddress);
    return {
      cfa,
      registers,
      returnAddress,
      returnAddressSigned: row.returnAddressSigned,
      signalFrame: row.signalFrame,
    };
  }

  #computeRow(pc: bigint): FrameRow | undefined {
    this.#index ??= this.#buildIndex();
    const found = this.#index.find(pc);
    if (found === undefined) return undefined;
    try {
      return new RowProgram(found.value.cie, found.value.low).run(
        this.#sections.source(found.value.section),
        found.value,
        pc,
      );
    } catch (error) {
      if (!(error instanceof SymbolError)) throw error;
      this.problems.push(error);
      return undefined;
    }
  }

  #evaluateCfa(rule: CfaRule, pc: bigint, context: UnwindContext): bigint | undefined {
    if (rule.kind === 'register') {
      const base = context.register(rule.register);
      return base === undefined ? undefined : BigInt.asUintN(64, base + rule.offset);
    }
    return this.#evaluate(rule.expression, pc, undefined, context);
  }

  #apply(
    rule: RegisterRule,
    register: number,
    cfa: bigint,
    pc: bigint,
    context: UnwindContext,
  ): bigint | undefined {
    switch (rule.kind) {
      case 'undefined':
        return undefined;
      case 'sameValue':
        return context.register(register);
      case 'register':
        return context.register(rule.register);
      case 'offset':
        return load(context, BigInt.asUintN(64, cfa + rule.offset));
      case 'valOffset':
        return BigInt.asUintN(64, cfa + rule.offset);
      case 'expression': {
        const address = this.#evaluate(rule.expression, pc, cfa, context);
        return address === undefined ? undefined : load(context, address);
      }
      case 'valExpression':
        return this.#evaluate(rule.expression, pc, cfa, context);
    }
  }

  #evaluate(
    expression: Uint8Array,
    pc: bigint,
    cfa: bigint | undefined,
    context: UnwindContext,
  ): bigint | undefined {
    const evaluation: EvaluationContext = {
      pc,
      register: (number) => context.register(number),
      readMemory: (address, length) => context.readMemory(address, length),
      cfa: () => cfa,
    };
    try {
      return evaluateValue(expression, this.#scope, undefined, evaluation, cfa);
    } catch (error) {
      if (!(error instanceof SymbolError)) throw error;
      this.problems.push(error);
      return undefined;
    }
  }

  #buildIndex(): RangeIndex<FrameDescription> {
    const index = new RangeIndex<FrameDescription>();
    for (const section of ['.eh_frame', '.debug_frame'] as const) {
      try {
        this.#readSection(section, index);
      } catch (error) {
        if (!(error instanceof SymbolError)) throw error;
        this.problems.push(error);
      }
    }
    return index;
  }

  #readSection(section: SectionKind, index: RangeIndex<FrameDescription>): void {
    const reader = this.#sections.reader(section);
    const isEh = section === '.eh_frame';
    const sectionAddress = this.#image.section(section)?.address ?? 0n;
    const cies = new Map<number, CommonInformation | undefined>();
    const cieAt = (offset: number): CommonInformation | undefined => {
      if (!cies.has(offset)) {
        cies.set(offset, undefined);
        cies.set(offset, this.#readCie(section, offset));
      }
      return cies.get(offset);
    };
    while (!reader.atEnd) {
      const start = reader.offset;
      let length = reader.u32();
      if (length === 0 && isEh) continue; // terminator, or padding between input sections
      let offsetSize: 4 | 8 = 4;
      if (length === 0xffff_ffff) {
        length = reader.size64();
        offsetSize = 8;
      }
      const idOffset = reader.offset;
      if (length > reader.remaining)
        throw reader.error(`entry of ${length} bytes runs past the end`, start);
      const end = idOffset + length;
      try {
        const id = isEh || offsetSize === 4 ? BigInt(reader.u32()) : reader.u64();
        const isCie = id === (isEh ? 0n : offsetSize === 4 ? 0xffff_ffffn : 0xffff_ffff_ffff_ffffn);
        const cie = isCie ? undefined : cieAt(isEh ? idOffset - Number(id) : Number(id));
        if (cie !== undefined) {
          const encoding = cie.pointerEncoding;
          const low = readPointer(reader, encoding, sectionAddress);
          // The length has the pointer's size but is relative to nothing.
          const size = readPointer(reader, encoding & 0x0f, 0n);
          if (cie.hasAugmentationData) reader.skip(reader.uleb());
          if (this.#image.occupies(low)) {
            const description = { cie, low, instructionsOffset: reader.offset, end, section };
            index.add(low, BigInt.asUintN(64, low + size), description);
          }
        }
      } catch (error) {
        if (!(error instanceof SymbolError)) throw error;
        this.problems.push(error);
      }
      reader.offset = end;
    }
  }

  #readCie(section: SectionKind, start: number): CommonInformation {
    const reader = this.#sections.reader(section, start);
    const isEh = section === '.eh_frame';
    let length = reader.u32();
    let offsetSize: 4 | 8 = 4;
    if (length === 0xffff_ffff) {
      length = reader.size64();
      offsetSize = 8;
    }
    const end = reader.offset + length;
    if (end > reader.end) throw reader.error(`CIE of ${length} bytes runs past the end`, start);
    if (isEh ? reader.u32() !== 0 : !isDebugFrameCieId(reader, offsetSize)) {
      throw reader.error('an FDE refers to something that is no CIE', start);
    }
    const version = reader.u8();
    if (version !== 1 && version !== 3 && version !== 4) {
      throw reader.unsupported(`CIE version ${version}`, start);
    }
    const augmentation = reader.string();
    if (version === 4) {
      const addressSize = reader.u8();
      if (addressSize !== 8)
        throw reader.unsupported(`CIE with address size ${addressSize}`, start);
      reader.u8(); // segment_selector_size
    }
    const codeAlignment = reader.ulebBig();
    const dataAlignment = reader.slebBig();
    const returnAddressRegister = version === 1 ? reader.u8() : reader.uleb();
    let pointerEncoding = 0x00;
    let signalFrame = false;
    const hasAugmentationData = augmentation.startsWith('z');
    if (hasAugmentationData) {
      const dataEnd = reader.uleb() + reader.offset;
      for (const letter of augmentation.slice(1)) {
        if (letter === 'R') pointerEncoding = reader.u8();
        else if (letter === 'P') readPointer(reader, reader.u8(), 0n);
        else if (letter === 'L') reader.u8();
        else if (letter === 'S') signalFrame = true;
        // 'B' selects the B key and 'G' marks tagged frames: neither changes the rules.
        else if (letter !== 'B' && letter !== 'G') break;
      }
      reader.offset = dataEnd;
    } else if (augmentation !== '') {
      throw reader.unsupported(`CIE augmentation "${augmentation}"`, start);
    }
    if (reader.offset > end) throw reader.error('CIE augmentation runs past its end', start);
    return {
      codeAlignment,
      dataAlignment,
      returnAddressRegister,
      signalFrame,
      pointerEncoding,
      hasAugmentationData,
      instructions: new ByteReader(this.#sections.source(section), reader.offset, end),
    };
  }

  #malformed(detail: string): SymbolError {
    return new SymbolError('malformed-dwarf', this.#image.fileName, 'DWARF expression', 0, detail);
  }
}

/** Replaces a pointer authentication code with what bit 55 says the address had there. */
export function stripPointerAuthentication(address: bigint, vaBits = 48): bigint {
  const low = BigInt.asUintN(vaBits, address);
  const isUpper = (address & (1n << 55n)) !== 0n;
  return isUpper ? BigInt.asUintN(64, low | (-1n << BigInt(vaBits))) : low;
}

const PRESERVED: readonly number[] = [
  ...Array.from({ length: 11 }, (_, i) => 19 + i),
  ...Array.from({ length: 8 }, (_, i) => DWARF_V0 + 8 + i),
];

const ALL_REGISTERS: readonly number[] = [
  ...Array.from({ length: 31 }, (_, i) => i),
  ...Array.from({ length: 32 }, (_, i) => DWARF_V0 + i),
];

function load(context: UnwindContext, address: bigint): bigint | undefined {
  const bytes = context.readMemory(address, 8);
  return bytes === undefined ? undefined : littleEndian(bytes);
}

function isDebugFrameCieId(reader: ByteReader, offsetSize: 4 | 8): boolean {
  if (offsetSize === 4) return reader.u32() === 0xffff_ffff;
  return reader.u64() === 0xffff_ffff_ffff_ffffn;
}

interface RowState {
  cfa: CfaRule;
  rules: Map<number, RegisterRule>;
  signed: boolean;
}

/** Executes the instructions of a CIE and an FDE up to a pc. */
class RowProgram {
  readonly #cie: CommonInformation;
  #state: RowState = {
    cfa: { kind: 'register', register: DWARF_SP, offset: 0n },
    rules: new Map(),
    signed: false,
  };
  #initial: RowState = this.#state;
  readonly #remembered: RowState[] = [];
  #location: bigint;
  #executed = 0;

  constructor(cie: CommonInformation, low: bigint) {
    this.#cie = cie;
    this.#location = low;
  }

  run(source: ByteReader['source'], fde: FrameDescription, pc: bigint): FrameRow {
    const { instructions } = this.#cie;
    this.#execute(new ByteReader(source, instructions.offset, instructions.end), pc);
    this.#initial = copyOf(this.#state);
    this.#execute(new ByteReader(source, fde.instructionsOffset, fde.end), pc);
    return {
      cfa: this.#state.cfa,
      rules: this.#state.rules,
      returnAddressRegister: this.#cie.returnAddressRegister,
      signalFrame: this.#cie.signalFrame,
      returnAddressSigned: this.#state.signed,
    };
  }

  #execute(reader: ByteReader, pc: bigint): void {
    while (!reader.atEnd) {
      if (++this.#executed > MAX_INSTRUCTIONS) {
        throw reader.error(`more than ${MAX_INSTRUCTIONS} call frame instructions`);
      }
      const next = this.#step(reader);
      if (next === undefined) continue;
      if (next > pc) return;
      this.#location = next;
    }
  }

  /** Executes one instruction; returns the location it advances to, if it does. */
  #step(reader: ByteReader): bigint | undefined {
    const at = reader.offset;
    const opcode = reader.u8();
    const operand = opcode & 0x3f;
    switch (opcode & 0xc0) {
      case DW_CFA.advance_loc:
        return this.#advanced(BigInt(operand));
      case DW_CFA.offset:
        this.#set(operand, { kind: 'offset', offset: reader.ulebBig() * this.#cie.dataAlignment });
        return undefined;
      case DW_CFA.restore:
        this.#restore(operand);
        return undefined;
    }
    switch (opcode) {
      case DW_CFA.nop:
        break;
      case DW_CFA.set_loc:
        return reader.u64();
      case DW_CFA.advance_loc1:
        return this.#advanced(BigInt(reader.u8()));
      case DW_CFA.advance_loc2:
        return this.#advanced(BigInt(reader.u16()));
      case DW_CFA.advance_loc4:
        return this.#advanced(BigInt(reader.u32()));
      case DW_CFA.offset_extended:
        this.#set(reader.uleb(), this.#scaled('offset', reader, false));
        break;
      case DW_CFA.offset_extended_sf:
        this.#set(reader.uleb(), this.#scaled('offset', reader, true));
        break;
      case DW_CFA.val_offset:
        this.#set(reader.uleb(), this.#scaled('valOffset', reader, false));
        break;
      case DW_CFA.val_offset_sf:
        this.#set(reader.uleb(), this.#scaled('valOffset', reader, true));
        break;
      case DW_CFA.restore_extended:
        this.#restore(reader.uleb());
        break;
      case DW_CFA.undefined:
        this.#set(reader.uleb(), { kind: 'undefined' });
        break;
      case DW_CFA.same_value:
        this.#set(reader.uleb(), { kind: 'sameValue' });
        break;
      case DW_CFA.register:
        this.#set(reader.uleb(), { kind: 'register', register: reader.uleb() });
        break;
      case DW_CFA.expression:
        this.#set(reader.uleb(), { kind: 'expression', expression: reader.block(reader.uleb()) });
        break;
      case DW_CFA.val_expression:
        this.#set(reader.uleb(), {
          kind: 'valExpression',
          expression: reader.block(reader.uleb()),
        });
        break;
      case DW_CFA.remember_state:
        if (this.#remembered.length >= MAX_REMEMBERED) {
          throw reader.error('too many remembered states', at);
        }
        this.#remembered.push(copyOf(this.#state));
        break;
      case DW_CFA.restore_state: {
        const state = this.#remembered.pop();
        if (state === undefined) throw reader.error('no state was remembered', at);
        this.#state = state;
        break;
      }
      case DW_CFA.def_cfa:
        this.#defineCfa(reader.uleb(), reader.ulebBig());
        break;
      case DW_CFA.def_cfa_sf:
        this.#defineCfa(reader.uleb(), reader.slebBig() * this.#cie.dataAlignment);
        break;
      case DW_CFA.def_cfa_register:
        this.#defineCfa(reader.uleb(), this.#cfaRegister(reader, at).offset);
        break;
      case DW_CFA.def_cfa_offset:
        this.#defineCfa(this.#cfaRegister(reader, at).register, reader.ulebBig());
        break;
      case DW_CFA.def_cfa_offset_sf: {
        const offset = reader.slebBig() * this.#cie.dataAlignment;
        this.#defineCfa(this.#cfaRegister(reader, at).register, offset);
        break;
      }
      case DW_CFA.def_cfa_expression:
        this.#state.cfa = { kind: 'expression', expression: reader.block(reader.uleb()) };
        break;
      case DW_CFA.AARCH64_negate_ra_state:
      case DW_CFA.AARCH64_negate_ra_state_with_pc:
        this.#state.signed = !this.#state.signed;
        break;
      case DW_CFA.GNU_args_size:
        reader.uleb();
        break;
      default:
        throw reader.error(`unknown DW_CFA 0x${opcode.toString(16)}`, at);
    }
    return undefined;
  }

  #advanced(delta: bigint): bigint {
    return this.#location + delta * this.#cie.codeAlignment;
  }

  #scaled(kind: 'offset' | 'valOffset', reader: ByteReader, isSigned: boolean): RegisterRule {
    const factor = isSigned ? reader.slebBig() : reader.ulebBig();
    return { kind, offset: factor * this.#cie.dataAlignment };
  }

  #set(register: number, rule: RegisterRule): void {
    this.#state.rules.set(register, rule);
  }

  #restore(register: number): void {
    const rule = this.#initial.rules.get(register);
    if (rule === undefined) this.#state.rules.delete(register);
    else this.#state.rules.set(register, rule);
  }

  #defineCfa(register: number, offset: bigint): void {
    this.#state.cfa = { kind: 'register', register, offset };
  }

  #cfaRegister(reader: ByteReader, at: number): { register: number; offset: bigint } {
    const { cfa } = this.#state;
    if (cfa.kind !== 'register') throw reader.error('changes a CFA that is an expression', at);
    return cfa;
  }
}

function copyOf({ cfa, rules, signed }: RowState): RowState {
  return { cfa, rules: new Map(rules), signed };
}
