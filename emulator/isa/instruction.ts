/**
 * What an instruction is, and the emitter that its semantics are written against.
 *
 * One definition per encoding class of the Arm ARM carries the encoding diagram, the assembly
 * text and the semantics. The interpreter generator, a JIT and a dataflow recorder are emitters.
 */
import type { Expr, IntegerType, ValueType } from './expression.ts';
import type { Encoding, FieldsOf } from './encoding.ts';
import type { PointerKey } from './pointer-authentication.ts';

declare const operandBrand: unique symbol;
/**
 * A decoded operand as the semantics see it: a register number or an immediate whose value is a
 * constant in a JIT and a load from the predecoded record in the interpreter. What it means is
 * decided by the emitter method it is handed to.
 */
export interface Operand {
  readonly [operandBrand]: true;
}

/** Register numbers and 32-bit immediates are numbers, 64-bit immediates are bigints. */
export type OperandValues = Readonly<Record<string, number | bigint>>;
export type Operands<O extends OperandValues> = { readonly [K in keyof O]: Operand };

/** Everything that changes the *shape* of the generated code. Values must be small integers or booleans. */
export type Variant = Readonly<Record<string, number | boolean>>;

export interface Variable<T extends ValueType> {
  readonly type: T;
  readonly value: Expr<T>;
}

/** Why control leaves the engine for the processor layer, with the PC still at the instruction. */
export type ExitReason =
  | 'UNDEFINED'
  | 'SVC'
  | 'HVC'
  | 'SMC'
  | 'BRK'
  | 'HLT'
  | 'DCPS'
  | 'DRPS'
  | 'ERET'
  | 'MSR_IMMEDIATE'
  | 'MSR_REGISTER'
  | 'MRS'
  | 'SYS'
  | 'SYSL'
  | 'WFI'
  | 'WFE'
  | 'SEV'
  | 'SEVL'
  | 'YIELD'
  | 'PC_ALIGNMENT'
  | 'SP_ALIGNMENT'
  | 'ILLEGAL_STATE'
  | 'POINTER_AUTHENTICATION';

/** PSTATE.BTYPE after an indirect branch (FEAT_BTI). */
export interface BranchType {
  readonly fromGuardedPage: Expr<'i32'>;
  readonly otherwise: Expr<'i32'>;
}

export interface MemoryOptions {
  /** LDTR/STTR and relatives: checked as EL0 unless HCR_EL2.{E2H,TGE} say otherwise. */
  readonly unprivileged?: boolean;
  /** Must be aligned to the access size whatever SCTLR.A says: exclusives, acquire/release. */
  readonly aligned?: boolean;
  /**
   * Size in bytes of one element where the access is several (LDP, LD1): alignment is that of the
   * element. Default: the access size.
   */
  readonly element?: number;
}

/** Bytes that one load fetched; offsets are in bytes from the access's own address. */
export interface LoadedData {
  /** The value at `offset`, extended to 64 bits. */
  i64(offset: number, size: 1 | 2 | 4 | 8, signed?: boolean): Expr<'i64'>;
  v128(offset: number): Expr<'v128'>;
}

export interface StoredValue {
  readonly offset: number;
  /** In bytes; `value` is i64 for 1 to 8 (low bytes are stored) and v128 for 16. */
  readonly size: 1 | 2 | 4 | 8 | 16;
  readonly value: Expr<'i64'> | Expr<'v128'>;
}

export interface Emitter {
  // -- general-purpose registers; number 31 is XZR for x/setX and SP for xOrSp/setXOrSp
  x(register: Operand): Expr<'i64'>;
  w(register: Operand): Expr<'i32'>;
  xOrSp(register: Operand): Expr<'i64'>;
  wOrSp(register: Operand): Expr<'i32'>;
  /** An i32 value is zero-extended, as every write of a W register is. */
  setX(register: Operand, value: Expr<IntegerType>): void;
  setXOrSp(register: Operand, value: Expr<IntegerType>): void;
  /** X30 := PC + 4. */
  setLinkRegister(): void;
  /**
   * The base register of a load or store. With `isSP` the SP alignment check is made where the
   * current translation regime asks for it; pass `Rn === 31` from the variant.
   */
  base(register: Operand, isSP: boolean): Expr<'i64'>;

  // -- SIMD and floating-point registers; scalar writes zero the rest of the register
  v(register: Operand): Expr<'v128'>;
  setV(register: Operand, value: Expr<'v128'>): void;
  /** The low 64, 32, 16 or 8 bits, zero-extended into the result type. */
  d(register: Operand): Expr<'i64'>;
  s(register: Operand): Expr<'i32'>;
  h(register: Operand): Expr<'i32'>;
  b(register: Operand): Expr<'i32'>;
  setD(register: Operand, value: Expr<'i64'>): void;
  setS(register: Operand, value: Expr<'i32'>): void;
  setH(register: Operand, value: Expr<'i32'>): void;
  setB(register: Operand, value: Expr<'i32'>): void;
  /** The register `distance` after `register`, modulo 32 (LD1-LD4, TBL). Reads and writes as `v`. */
  vNext(register: Operand, distance: number): Expr<'v128'>;
  setVNext(register: Operand, distance: number, value: Expr<'v128'>): void;
  /** Lane `index` (i32) of lanes of `size` bytes, zero-extended. */
  vLane(register: Operand, size: 1 | 2 | 4 | 8, index: Expr<'i32'>): Expr<'i64'>;
  /** Replaces one lane and keeps the others; `value`'s low bytes are used. */
  setVLane(register: Operand, size: 1 | 2 | 4 | 8, index: Expr<'i32'>, value: Expr<'i64'>): void;
  FPCR(): Expr<'i32'>;
  FPSR(): Expr<'i32'>;
  /** ORs cumulative exception bits into FPSR. */
  accumulateFPSR(bits: Expr<'i32'>): void;

  // -- immediates
  imm32(operand: Operand): Expr<'i32'>;
  imm64(operand: Operand): Expr<'i64'>;

  // -- values and control inside one instruction
  /** Evaluates once, now. */
  let<T extends ValueType>(value: Expr<T>): Expr<T>;
  variable<T extends ValueType>(initial: Expr<T>): Variable<T>;
  set<T extends ValueType>(variable: Variable<T>, value: Expr<T>): void;
  if(condition: Expr<'i32'>, then: () => void, otherwise?: () => void): void;

  // -- PSTATE.NZCV. The setters are lazy: cheap until a flag is read.
  flagsFromAdd(a: Expr<IntegerType>, b: Expr<IntegerType>): void;
  flagsFromSub(a: Expr<IntegerType>, b: Expr<IntegerType>): void;
  /** N and Z from the result, C = V = 0. */
  flagsFromLogical(result: Expr<IntegerType>): void;
  /** Bits 3:0 of `nzcv` are N, Z, C, V. */
  setNZCV(nzcv: Expr<'i32'>): void;
  NZCV(): Expr<'i32'>;
  /** PSTATE.C as 0 or 1. */
  carry(): Expr<'i32'>;
  /** Arm ARM, ConditionHolds(): 0 or 1. `cond` is static (4 bits). */
  conditionHolds(cond: number): Expr<'i32'>;

  // -- program counter
  pc(): Expr<'i64'>;
  /** PC := PC + offset (i32 immediate, bytes). */
  branch(offset: Operand): void;
  branchIf(condition: Expr<'i32'>, offset: Operand): void;
  /** BR, BLR, RET; `type` of those that set PSTATE.BTYPE. */
  branchTo(target: Expr<'i64'>, type?: BranchType): void;

  // -- memory: one contiguous access per instruction, so that faults and watchpoints are precise
  load(address: Expr<'i64'>, size: number, options?: MemoryOptions): LoadedData;
  store(
    address: Expr<'i64'>,
    size: number,
    values: readonly StoredValue[],
    options?: MemoryOptions,
  ): void;
  /**
   * Arm ARM, load-exclusive: as `load`, and marks the range for the exclusive monitors.
   */
  loadExclusive(address: Expr<'i64'>, size: number): LoadedData;
  /**
   * Store-exclusive: 0 when the monitors passed and the store was made, 1 when they failed. The
   * monitors are open afterwards.
   */
  storeExclusive(address: Expr<'i64'>, size: number, values: readonly StoredValue[]): Expr<'i32'>;
  clearExclusive(): void;
  /** DC ZVA: zeroes the aligned block of DCZID_EL0 size around the address. */
  zeroBlock(address: Expr<'i64'>): void;

  // -- pointer authentication: leaves with POINTER_AUTHENTICATION where HCR_EL2.API traps it
  /** Arm ARM, AddPACIA() and its relatives: the pointer with its code, or as it is while the key is disabled. */
  addPAC(key: PointerKey, pointer: Expr<'i64'>, modifier: Expr<'i64'>): Expr<'i64'>;
  /** AuthIA() and its relatives: the pointer without its code, made invalid where the code is wrong. */
  authenticate(key: PointerKey, pointer: Expr<'i64'>, modifier: Expr<'i64'>): Expr<'i64'>;
  /** AddPACGA(): the code in bits 63:32. */
  genericPAC(value: Expr<'i64'>, modifier: Expr<'i64'>): Expr<'i64'>;
  /** Strip() of an address of data or of an instruction; never trapped. */
  stripPAC(pointer: Expr<'i64'>, isData: boolean): Expr<'i64'>;

  // -- system
  /**
   * MRS and MSR by packed encoding (op0<<14 | op1<<11 | CRn<<7 | CRm<<3 | op2). Plain registers are
   * read and written in place; the others exit with `MRS` / `MSR_REGISTER`.
   */
  readSystemRegister(register: Operand, Rt: Operand): void;
  writeSystemRegister(register: Operand, Rt: Operand): void;
  /** MSR DAIFSet and DAIFClr of bits 3:0 = D A I F. */
  maskInterrupts(masks: Operand): void;
  unmaskInterrupts(masks: Operand): void;
  /** YIELD: leaves for the processor layer at the end of its patience, else goes on. */
  yield(): void;
  /** Leaves for the processor layer; nothing after it executes. */
  exit(reason: ExitReason): void;
}

/** What the assembly text may depend on beside the fields. */
export interface AssemblyContext {
  /** Virtual address of the instruction, for PC-relative operands. */
  readonly pc: bigint;
  /** `0x40080010` or `0x40080010 <main+16>` for a PC-relative target. */
  label(address: bigint): string;
  /** The name of a system register, or undefined for the generic S3_0_C1_C0_0 form. */
  systemRegisterName(packed: number, direction: 'read' | 'write'): string | undefined;
}

export interface Instruction<
  S extends string = string,
  V extends Variant = Variant,
  O extends OperandValues = OperandValues,
> {
  /** Title of the encoding class in the Arm ARM, such as "Add/subtract (immediate)". */
  readonly title: string;
  readonly encoding: Encoding<S>;
  /** Architectural feature that must be implemented, such as `FEAT_CRC32`; absent: Armv8.0 base. */
  readonly feature?: string;
  /** Feature or features that some of the encodings need, such as `FEAT_FP16` for those of half precision. */
  featureOf?(fields: FieldsOf<S>): string | readonly string[] | undefined;
  /** Needs FP/SIMD access to be enabled (CPACR_EL1.FPEN, CPTR_EL2.TFP). */
  readonly usesFP?: boolean;
  /**
   * Generated as a function of its own instead of inside the interpreter loop: for rare or large
   * semantics. Such semantics must not branch.
   */
  readonly outOfLine?: boolean;
  /**
   * True where the encoding is unallocated for reasons that do not belong into the shape, such as
   * a reserved immediate: variants are enumerated over the fields that `variant` reads.
   */
  unallocated?(fields: FieldsOf<S>): boolean;
  /** The shape of the semantics; undefined where the encoding is UNDEFINED (unallocated). */
  variant(fields: FieldsOf<S>): V | undefined;
  /** Register numbers and immediates for the semantics. */
  operands(fields: FieldsOf<S>): O;
  /** Preferred disassembly, aliases included, as the GNU and LLVM assemblers print it. */
  assembly(fields: FieldsOf<S>, context: AssemblyContext): string;
  semantics(e: Emitter, variant: V, operands: Operands<O>): void;
}

/** Types a definition by inference; erases to the general form. */
export function instruction<const S extends string, V extends Variant, O extends OperandValues>(
  definition: Instruction<S, V, O>,
): Instruction {
  return definition;
}
