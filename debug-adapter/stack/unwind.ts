/**
 * The chain of machine frames: call frame information where there is some, else the frame pointer (AAPCS64 frame
 * records), else the link register; and across exception entries by ELR_ELx and SPSR_ELx.
 */
import type { TakenException } from '../exceptions.ts';
import type { ExceptionRecord } from '../machine.ts';
import { exceptionLevelOf } from '../registers.ts';
import { readPrologue, type PrologueFrame } from './prologue.ts';
import { DWARF_PC, DWARF_SP, DWARF_X30, stripPointerAuthentication } from '../symbols/cfi.ts';
import type { DebugInfo } from '../symbols/debug-info.ts';

const DWARF_X29 = 29;

/** The registers of one machine frame, as far as they could be recovered. */
export interface MachineFrame {
  readonly level: number;
  readonly pc: bigint;
  /**
   * For symbols, scopes and locations: the last byte of the call instruction for a caller's frame, else the pc. gcc ends
   * the locations that a call destroys one byte in front of the return address.
   */
  readonly lookupPc: bigint;
  /** Canonical frame address; undefined where nothing tells it. */
  readonly cfa: bigint | undefined;
  readonly EL: 0 | 1 | 2;
  /** By DWARF number; undefined where the value is lost. */
  register(number: number): bigint | undefined;
  /**
   * The same for the locations of variables. gcc knows which registers its callees leave alone (-fipa-ra), keeps
   * variables in them across the call, and ends a location in front of a call that changes the register: where it gives
   * a location in a register that no table tells, the callee's value is the caller's.
   */
  locationRegister(number: number): bigint | undefined;
  /** The exception that interrupted this frame and led to the frames above it. */
  readonly interruptedBy: ExceptionRecord | undefined;
}

export interface UnwindSource {
  readonly debugInfo: DebugInfo;
  /** Of the vCPU, now. */
  readRegister(name: string): bigint | undefined;
  /** By DWARF number, of the vCPU, now. */
  dwarfRegister(number: number): bigint | undefined;
  readMemory(address: bigint, length: number): Uint8Array | undefined;
  readUint64(address: bigint): bigint | undefined;
  readInstruction(address: bigint): number | undefined;
  /** Newest first. */
  readonly exceptions: readonly TakenException[];
}

/** A stack deeper than this is taken for a broken one. */
export const DEEPEST_STACK = 10_000;

interface Step {
  readonly pc: bigint;
  /** False when the pc is that of an interrupted instruction rather than a return address. */
  readonly isReturnAddress: boolean;
  readonly registers: ReadonlyMap<number, bigint>;
  readonly exception?: TakenException;
}

/** Frames from the innermost out; stops where nothing more can be recovered. */
export function* unwind(source: UnwindSource): Generator<MachineFrame> {
  const pc = source.readRegister('PC') ?? 0n;
  let EL = exceptionLevelOf(source.readRegister('PSTATE') ?? 0n);
  let register = (number: number): bigint | undefined => source.dwarfRegister(number);
  let locationRegister = register;
  let at: { pc: bigint; lookupPc: bigint; interruptedBy: ExceptionRecord | undefined } = {
    pc,
    lookupPc: pc,
    interruptedBy: undefined,
  };
  let exceptions = activeExceptions(source, EL);
  let previousSP: bigint | undefined;

  for (let level = 0; level < DEEPEST_STACK; level++) {
    const { lookupPc } = at;
    const context = { register, readMemory: source.readMemory.bind(source) };
    const unwound = source.debugInfo.frames.unwind(lookupPc, context);
    yield {
      level,
      pc: at.pc,
      lookupPc,
      cfa: unwound?.cfa ?? frameAddress(source, lookupPc, register),
      EL,
      register,
      locationRegister,
      interruptedBy: at.interruptedBy,
    };

    if (isOutermost(source.debugInfo, lookupPc)) return;
    let next: Step | undefined =
      unwound === undefined
        ? withoutTables(source, at, register, exceptions)
        : {
            pc: unwound.returnAddress,
            isReturnAddress: !unwound.signalFrame,
            registers: unwound.registers,
          };
    next = acrossException(next, exceptions);
    if (next === undefined || next.pc === 0n) return;
    const SP = next.registers.get(DWARF_SP);
    if (next.exception === undefined && isStuck(previousSP, SP, at.pc, next.pc)) return;
    previousSP = next.exception === undefined ? SP : undefined;

    if (next.exception !== undefined) {
      EL = next.exception.record.fromEL;
      exceptions = exceptions.slice(exceptions.indexOf(next.exception) + 1);
    }
    at = {
      pc: next.pc,
      lookupPc: next.isReturnAddress ? next.pc - 1n : next.pc,
      interruptedBy: next.exception?.record,
    };
    const { registers } = next;
    const framePc = at.pc;
    const own = (number: number): bigint | undefined =>
      number === DWARF_PC ? framePc : registers.get(number);
    const calleeRegister = locationRegister;
    const survives =
      next.exception === undefined && source.debugInfo.endsLocationsBeforeCalls(at.lookupPc);
    register = own;
    locationRegister = survives ? (number) => own(number) ?? calleeRegister(number) : own;
  }
}

/** Start-up code says that it has no caller by an undefined return address. */
function isOutermost(debugInfo: DebugInfo, pc: bigint): boolean {
  const row = debugInfo.frames.rowAt(pc);
  return row !== undefined && row.rules.get(row.returnAddressRegister)?.kind === 'undefined';
}

/** A caller's stack pointer is never below its callee's; equal is possible for a leaf only. */
function isStuck(
  previous: bigint | undefined,
  SP: bigint | undefined,
  pc: bigint,
  nextPc: bigint,
): boolean {
  if (previous === undefined || SP === undefined) return false;
  return SP < previous || (SP === previous && pc === nextPc);
}

/** Exceptions that may still be being handled, newest first: the last is confirmed by ELR_ELx and SPSR_ELx. */
function activeExceptions(source: UnwindSource, EL: 0 | 1 | 2): readonly TakenException[] {
  if (EL === 0) return [];
  const ELR = source.readRegister(`ELR_EL${EL}`);
  const SPSR = source.readRegister(`SPSR_EL${EL}`);
  const index = source.exceptions.findIndex(
    ({ record }) => record.targetEL === EL && record.ELR === ELR && record.SPSR === SPSR,
  );
  // A handler may have taken and finished other exceptions since, or changed ELR: then the newest of this EL is tried.
  const start =
    index >= 0 ? index : source.exceptions.findIndex(({ record }) => record.targetEL === EL);
  return start < 0 ? [] : source.exceptions.slice(start);
}

/**
 * Frame records that hold ELR as their return address, as kernels and our samples write them, lead into the interrupted
 * program: the step is an exception, not a return.
 */
function acrossException(
  step: Step | undefined,
  exceptions: readonly TakenException[],
): Step | undefined {
  if (step === undefined || step.exception !== undefined) return step;
  const exception = exceptions.find(({ record }) => record.ELR === step.pc);
  if (exception === undefined) return step;
  return { ...step, ...interrupted(exception, step.registers) };
}

/** The interrupted program's registers: what the frames above preserved, and what was noted at entry. */
function interrupted(
  exception: TakenException,
  preserved: ReadonlyMap<number, bigint>,
): Pick<Step, 'pc' | 'isReturnAddress' | 'registers' | 'exception'> & {
  exception: TakenException;
} {
  const registers = new Map(preserved);
  registers.set(DWARF_SP, exception.SP);
  registers.set(DWARF_X29, exception.X29);
  registers.set(DWARF_X30, exception.X30);
  registers.set(DWARF_PC, exception.record.ELR);
  return { pc: exception.record.ELR, isReturnAddress: false, registers, exception };
}

function withoutTables(
  source: UnwindSource,
  at: { readonly pc: bigint; readonly lookupPc: bigint },
  register: (number: number) => bigint | undefined,
  exceptions: readonly TakenException[],
): Step | undefined {
  const stub = exceptions.find((it) => isEntryCode(source, it.record, at.lookupPc));
  if (stub !== undefined) return interruptedHere(stub, register);
  return byPrologue(source, at, register) ?? fromFramePointer(source, register);
}

/** The caller as the function's own first instructions have stored it. */
function byPrologue(
  source: UnwindSource,
  at: { readonly pc: bigint; readonly lookupPc: bigint },
  register: (number: number) => bigint | undefined,
): Step | undefined {
  const frame = prologueAt(source, at.lookupPc);
  const cfa = frame === undefined ? undefined : addressOfFrame(frame, register);
  if (frame === undefined || cfa === undefined) return undefined;
  const registers = new Map<number, bigint>();
  for (let number = FIRST_CALLEE_SAVED; number <= DWARF_X29; number++) {
    const offset = frame.saved.get(number);
    const value = offset === undefined ? register(number) : source.readUint64(cfa + offset);
    if (value !== undefined) registers.set(number, value);
  }
  registers.set(DWARF_SP, cfa);
  const saved = frame.saved.get(DWARF_X30);
  // A function that has called others must have stored X30; in the innermost it may still be in the register.
  const isInnermost = at.pc === at.lookupPc;
  if (saved === undefined && !isInnermost) return undefined;
  const signed = saved === undefined ? register(DWARF_X30) : source.readUint64(cfa + saved);
  const pc = signed && plainAddress(source, signed);
  if (pc === undefined || !isCode(source, pc)) return undefined;
  return { pc, isReturnAddress: true, registers };
}

const FIRST_CALLEE_SAVED = 19;

function prologueAt(
  source: Pick<UnwindSource, 'debugInfo' | 'readInstruction'>,
  pc: bigint,
): PrologueFrame | undefined {
  const entry =
    source.debugInfo.functionAt(pc).at(-1)?.lowPc ?? source.debugInfo.symbols.at(pc)?.symbol.value;
  if (entry === undefined || pc < entry) return undefined;
  return readPrologue(entry, pc & ~3n, (address) => source.readInstruction(address));
}

function addressOfFrame(
  { fpOffset, spOffset }: PrologueFrame,
  register: (number: number) => bigint | undefined,
): bigint | undefined {
  const base = register(fpOffset === undefined ? DWARF_SP : DWARF_X29);
  return base === undefined ? undefined : BigInt.asUintN(64, base + (fpOffset ?? spOffset));
}

/** The canonical frame address at a pc without call frame information. */
export function frameAddress(
  source: Pick<UnwindSource, 'debugInfo' | 'readInstruction'>,
  pc: bigint,
  register: (number: number) => bigint | undefined,
): bigint | undefined {
  const frame = prologueAt(source, pc);
  return frame === undefined ? register(DWARF_SP) : addressOfFrame(frame, register);
}

function interruptedHere(
  exception: TakenException,
  register: (number: number) => bigint | undefined,
): Step {
  const preserved = new Map<number, bigint>();
  for (let number = FIRST_CALLEE_SAVED; number < DWARF_X29; number++) {
    const value = register(number);
    if (value !== undefined) preserved.set(number, value);
  }
  return interrupted(exception, preserved);
}

/** Whether code belongs to the vector of an exception: the table itself, or what its entry branches to. */
function isEntryCode(source: UnwindSource, { vector }: ExceptionRecord, pc: bigint): boolean {
  const table = vector & ~0x7ffn;
  if (pc >= table && pc < table + 0x800n) return true;
  const symbol = source.debugInfo.symbols.at(pc);
  if (symbol === undefined) return false;
  for (let address = vector; address < vector + 0x80n; address += 4n) {
    const word = source.readInstruction(address);
    if (word === undefined) return false;
    const target = branchTarget(word, address);
    if (target === undefined) continue;
    if (source.debugInfo.symbols.at(target)?.symbol === symbol.symbol) return true;
  }
  return false;
}

/** Target of B or BL. */
export function branchTarget(word: number, pc: bigint): bigint | undefined {
  if ((word & 0x7c000000) >>> 0 !== 0x14000000) return undefined;
  return BigInt.asUintN(64, pc + BigInt.asIntN(28, BigInt(word & 0x03ffffff) << 2n));
}

/** Code that no symbol covers: the frame record at X29 is all there is. */
function fromFramePointer(
  source: UnwindSource,
  register: (number: number) => bigint | undefined,
): Step | undefined {
  const X29 = register(DWARF_X29);
  if (X29 === undefined || X29 === 0n || X29 % 8n !== 0n) return undefined;
  const callerX29 = source.readUint64(X29);
  const signed = source.readUint64(X29 + 8n);
  if (callerX29 === undefined || signed === undefined || signed === 0n) return undefined;
  const pc = plainAddress(source, signed);
  const registers = new Map([
    [DWARF_X29, callerX29],
    [DWARF_SP, X29 + 16n],
  ]);
  return { pc, isReturnAddress: true, registers };
}

/**
 * A return address without its pointer authentication code, which PACIASP has put there when the plain address has
 * code. TCR_EL1 says how wide addresses are below it.
 */
function plainAddress(source: UnwindSource, signed: bigint): bigint {
  if (isCode(source, signed)) return signed;
  const TCR_EL1 = source.readRegister('TCR_EL1') ?? 0n;
  const TnSZ = Number(((signed & (1n << 55n)) === 0n ? TCR_EL1 : TCR_EL1 >> 16n) & 0x3fn);
  const plain = stripPointerAuthentication(signed, TnSZ === 0 ? undefined : 64 - TnSZ);
  return isCode(source, plain) ? plain : signed;
}

function isCode(source: UnwindSource, address: bigint): boolean {
  return address % 4n === 0n && source.readInstruction(address) !== undefined;
}
