/**
 * The emitter that turns semantics into interpreter code. Operands are loads from the predecoded
 * record at `ip`; which ones a handler uses, and as what, is recorded for the predecoder.
 */
import {
  add,
  and,
  call,
  eq,
  eqz,
  extendS,
  extendU,
  geS,
  geU,
  gtS,
  gtU,
  i32,
  i64,
  leS,
  leU,
  ltS,
  ltU,
  mul,
  ne,
  not,
  or,
  select,
  shl,
  shrU,
  STATE_BASE,
  stateLoad,
  sub,
  V128_ZERO,
  wrap,
  xor,
} from '../isa/expression.ts';
import type { Expr, IntegerType, ValueType } from '../isa/expression.ts';
import { POINTER_KEYS } from '../isa/pointer-authentication.ts';
import type { PointerKey } from '../isa/pointer-authentication.ts';
import type {
  BranchType,
  Emitter,
  ExitReason,
  Instruction,
  LoadedData,
  MemoryOptions,
  Operand,
  StoredValue,
  Variable,
} from '../isa/instruction.ts';
import { cellI32, cellI64, tlbEntry } from './cells.ts';
import { accessDescriptor } from './core-functions.ts';
import { pcOf } from './dispatch-loop.ts';
import type { DispatchLoop, Place } from './dispatch-loop.ts';
import { exitCode } from './exit.ts';
import type { RunExit } from './exit.ts';
import * as L from './layout.ts';
import type { FunctionBuilder } from './wasm.ts';

/** How a handler uses an operand, which decides what the predecoder writes for it. */
export type OperandKind =
  | 'x' // address of the X register; 31 is the slot that reads as zero
  | 'xDestination' // address of the X register; 31 is the slot that swallows writes
  | 'xOrSp' // address of the X register; 31 is SP
  | 'v' // address of the V register
  | 'imm32'
  | 'imm64'
  | 'systemRegisterRead' // address of the slot in the system-register file
  | 'systemRegisterWrite';

export interface OperandUse {
  readonly name: string;
  readonly kind: OperandKind;
  /** Offset in the record. */
  readonly offset: number;
}

class OperandToken {
  readonly name: string;
  readonly wide: boolean;
  constructor(name: string, wide: boolean) {
    this.name = name;
    this.wide = wide;
  }
}

/** One contiguous access of an instruction. */
interface MemoryAccess {
  /** A local or a constant: it is used several times. */
  readonly address: Expr<'i64'>;
  /** In bytes. */
  readonly size: number;
  /** ACCESS_* of layout.ts, without those that `options` stand for. */
  readonly flags: number;
  readonly options: MemoryOptions;
}

/** PSTATE.DAIF in DAIF and SPSR_ELx. */
const SPSR_DAIF_SHIFT = 6;
const ZERO_BLOCK_BYTES = 64; // DCZID_EL0.BS = 4

export class InterpreterEmitter implements Emitter {
  readonly #f: FunctionBuilder;
  readonly #place: Place;
  /** Absent in an out-of-line handler, which cannot change the flow of control. */
  readonly #dispatchLoop: DispatchLoop | undefined;
  #uses: OperandUse[] = [];
  #operandEnd = L.RECORD_OPERANDS;
  #branched = false;

  private constructor(f: FunctionBuilder, place: Place, loop: DispatchLoop | undefined) {
    this.#f = f;
    this.#place = place;
    this.#dispatchLoop = loop;
  }

  /** For handlers inside the loop. */
  static inLoop(f: FunctionBuilder, loop: DispatchLoop): InterpreterEmitter {
    return new InterpreterEmitter(f, loop.place, loop);
  }

  /** For the body of an out-of-line handler, `handler(ip)`, which returns an exit code. */
  static outOfLine(f: FunctionBuilder): InterpreterEmitter {
    const place: Place = {
      ip: f.parameter(0, 'i32'),
      page: cellI32(L.PAGE),
      pageVa: cellI64(L.PAGE_VA),
      dataTlb: cellI32(L.DATA_TLB),
    };
    return new InterpreterEmitter(f, place, undefined);
  }

  get #loop(): DispatchLoop {
    if (!this.#dispatchLoop) {
      throw new TypeError('an out-of-line handler cannot change the flow of control');
    }
    return this.#dispatchLoop;
  }

  #leave(reason: RunExit): void {
    if (this.#dispatchLoop) this.#dispatchLoop.leave(reason);
    else this.#f.return(exitCode.constant(reason));
  }

  // -- one handler

  operandToken(name: string, wide: boolean): Operand {
    return new OperandToken(name, wide) as unknown as Operand;
  }

  begin(definition: Instruction): void {
    this.#uses = [];
    this.#operandEnd = L.RECORD_OPERANDS;
    this.#branched = false;
    if (definition.usesFP === true) {
      this.#f.if(cellI32(L.FP_TRAP), () => {
        this.#leave('FP_ACCESS');
      });
    }
  }

  finish(): { readonly uses: readonly OperandUse[]; readonly branched: boolean } {
    return { uses: this.#uses, branched: this.#branched };
  }

  #use(operand: Operand, kind: OperandKind): number {
    const token = operand as unknown as OperandToken;
    if (!(token instanceof OperandToken))
      throw new TypeError('an operand is what `operands` returned');
    if (token.wide !== (kind === 'imm64')) {
      throw new TypeError(
        `operand ${token.name} is ${token.wide ? 'a bigint' : 'a number'} and is used as ${kind}`,
      );
    }
    const known = this.#uses.find((use) => use.name === token.name && use.kind === kind);
    if (known) return known.offset;
    const offset = this.#operandEnd;
    this.#operandEnd += token.wide ? 8 : 4;
    if (this.#operandEnd > L.RECORD_BYTES) {
      throw new TypeError(`operands take more than ${L.RECORD_OPERAND_BYTES} bytes of the record`);
    }
    this.#uses.push({ name: token.name, kind, offset });
    return offset;
  }

  #operand32(operand: Operand, kind: OperandKind): Expr<'i32'> {
    return stateLoad('i32', 'i32.load', this.#place.ip, this.#use(operand, kind));
  }
  /** Address of the register that an operand names. */
  #register(operand: Operand, kind: OperandKind): Expr<'i32'> {
    return add(STATE_BASE, this.#operand32(operand, kind));
  }

  // -- general-purpose registers

  x(register: Operand): Expr<'i64'> {
    return stateLoad('i64', 'i64.load', this.#register(register, 'x'), 0);
  }
  w(register: Operand): Expr<'i32'> {
    return stateLoad('i32', 'i32.load', this.#register(register, 'x'), 0);
  }
  xOrSp(register: Operand): Expr<'i64'> {
    return stateLoad('i64', 'i64.load', this.#register(register, 'xOrSp'), 0);
  }
  wOrSp(register: Operand): Expr<'i32'> {
    return stateLoad('i32', 'i32.load', this.#register(register, 'xOrSp'), 0);
  }
  setX(register: Operand, value: Expr<IntegerType>): void {
    this.#f.storeTo('i64.store', this.#register(register, 'xDestination'), 0, to64(value));
  }
  setXOrSp(register: Operand, value: Expr<IntegerType>): void {
    this.#f.storeTo('i64.store', this.#register(register, 'xOrSp'), 0, to64(value));
  }
  setLinkRegister(): void {
    this.#f.storeTo('i64.store', STATE_BASE, L.X + 8 * 30, add(this.pc(), i64(4)));
  }
  base(register: Operand, isSP: boolean): Expr<'i64'> {
    const value = this.#f.let(this.xOrSp(register));
    if (isSP) {
      const misaligned = and(value, cellI64(L.SP_ALIGNMENT_MASK));
      this.#f.if(ne(misaligned, i64(0)), () => {
        this.#leave('SP_ALIGNMENT');
      });
    }
    return value;
  }

  // -- SIMD and floating-point registers

  v(register: Operand): Expr<'v128'> {
    return stateLoad('v128', 'v128.load', this.#register(register, 'v'), 0);
  }
  setV(register: Operand, value: Expr<'v128'>): void {
    this.#f.storeTo('v128.store', this.#register(register, 'v'), 0, value);
  }
  d(register: Operand): Expr<'i64'> {
    return stateLoad('i64', 'i64.load', this.#register(register, 'v'), 0);
  }
  s(register: Operand): Expr<'i32'> {
    return stateLoad('i32', 'i32.load', this.#register(register, 'v'), 0);
  }
  h(register: Operand): Expr<'i32'> {
    return stateLoad('i32', 'i32.load16_u', this.#register(register, 'v'), 0);
  }
  b(register: Operand): Expr<'i32'> {
    return stateLoad('i32', 'i32.load8_u', this.#register(register, 'v'), 0);
  }
  setD(register: Operand, value: Expr<'i64'>): void {
    const address = this.#f.let(this.#register(register, 'v'));
    this.#f.storeTo('i64.store', address, 0, value);
    this.#f.storeTo('i64.store', address, 8, i64(0));
  }
  setS(register: Operand, value: Expr<'i32'>): void {
    this.setD(register, extendU(value));
  }
  setH(register: Operand, value: Expr<'i32'>): void {
    this.setD(register, extendU(and(value, i32(0xffff))));
  }
  setB(register: Operand, value: Expr<'i32'>): void {
    this.setD(register, extendU(and(value, i32(0xff))));
  }
  #vNextAddress(register: Operand, distance: number): Expr<'i32'> {
    if (distance === 0) return this.#register(register, 'v');
    const first = this.#operand32(register, 'v');
    const wrapped = and(add(first, i32(16 * distance)), i32(L.V_BYTES - 1));
    return add(STATE_BASE, or(wrapped, i32(L.V)));
  }
  vNext(register: Operand, distance: number): Expr<'v128'> {
    return stateLoad('v128', 'v128.load', this.#vNextAddress(register, distance), 0);
  }
  setVNext(register: Operand, distance: number, value: Expr<'v128'>): void {
    this.#f.storeTo('v128.store', this.#vNextAddress(register, distance), 0, value);
  }
  #laneAddress(register: Operand, size: number, index: Expr<'i32'>): Expr<'i32'> {
    return add(this.#register(register, 'v'), mul(index, i32(size)));
  }
  vLane(register: Operand, size: 1 | 2 | 4 | 8, index: Expr<'i32'>): Expr<'i64'> {
    return stateLoad('i64', LOAD_UNSIGNED[size], this.#laneAddress(register, size, index), 0);
  }
  setVLane(register: Operand, size: 1 | 2 | 4 | 8, index: Expr<'i32'>, value: Expr<'i64'>): void {
    this.#f.storeTo(STORE[size], this.#laneAddress(register, size, index), 0, value);
  }
  FPCR(): Expr<'i32'> {
    return cellI32(L.SYSTEM_REGISTERS + 8 * L.FPCR_SLOT);
  }
  FPSR(): Expr<'i32'> {
    return cellI32(L.SYSTEM_REGISTERS + 8 * L.FPSR_SLOT);
  }
  accumulateFPSR(bits: Expr<'i32'>): void {
    this.#f.storeTo(
      'i32.store',
      STATE_BASE,
      L.SYSTEM_REGISTERS + 8 * L.FPSR_SLOT,
      or(this.FPSR(), bits),
    );
  }

  // -- immediates

  imm32(operand: Operand): Expr<'i32'> {
    return this.#operand32(operand, 'imm32');
  }
  imm64(operand: Operand): Expr<'i64'> {
    return stateLoad('i64', 'i64.load', this.#place.ip, this.#use(operand, 'imm64'));
  }

  // -- values and control inside one instruction

  let<T extends ValueType>(value: Expr<T>): Expr<T> {
    return this.#f.let(value);
  }
  variable<T extends ValueType>(initial: Expr<T>): Variable<T> {
    return this.#f.variable(initial);
  }
  set<T extends ValueType>(variable: Variable<T>, value: Expr<T>): void {
    this.#f.set(variable, value);
  }
  if(condition: Expr<'i32'>, then: () => void, otherwise?: () => void): void {
    this.#f.if(condition, then, otherwise);
  }

  // -- PSTATE.NZCV

  #setFlags(kind: number, a: Expr<'i64'>, b: Expr<'i64'>): void {
    this.#f.storeTo('i64.store', STATE_BASE, L.FLAG_A, a);
    this.#f.storeTo('i64.store', STATE_BASE, L.FLAG_B, b);
    this.#f.storeTo('i32.store', STATE_BASE, L.FLAG_KIND, i32(kind));
  }
  flagsFromAdd(a: Expr<IntegerType>, b: Expr<IntegerType>): void {
    this.#setFlags(
      a.type === 'i64' ? L.FLAGS_ADD64 : L.FLAGS_ADD32,
      signExtended(a),
      signExtended(b),
    );
  }
  flagsFromSub(a: Expr<IntegerType>, b: Expr<IntegerType>): void {
    this.#setFlags(
      a.type === 'i64' ? L.FLAGS_SUB64 : L.FLAGS_SUB32,
      signExtended(a),
      signExtended(b),
    );
  }
  flagsFromLogical(result: Expr<IntegerType>): void {
    const kind = result.type === 'i64' ? L.FLAGS_LOGICAL64 : L.FLAGS_LOGICAL32;
    this.#setFlags(kind, signExtended(result), i64(0));
  }
  setNZCV(nzcv: Expr<'i32'>): void {
    this.#setFlags(L.FLAGS_PACKED, extendU(nzcv), i64(0));
  }
  NZCV(): Expr<'i32'> {
    return call('i32', 'packFlags');
  }
  carry(): Expr<'i32'> {
    return and(shrU(this.NZCV(), i32(1)), i32(1));
  }
  conditionHolds(cond: number): Expr<'i32'> {
    const direct = DIRECT_CONDITION[cond >> 1];
    if (cond >> 1 === 7) return i32(1);
    const fromPacked = (): Expr<'i32'> => conditionOfNZCV(cond, this.#f.let(this.NZCV()));
    if (!direct) return fromPacked();
    const result = this.#f.variable(i32(0));
    const kind = cellI32(L.FLAG_KIND);
    this.#f.if(
      ltU(kind, i32(direct.kinds)),
      () => {
        const compare = (cond & 1) === 0 ? direct.holds : direct.fails;
        this.#f.set(result, compare(cellI64(L.FLAG_A), cellI64(L.FLAG_B)));
      },
      () => {
        this.#f.set(result, fromPacked());
      },
    );
    return result.value;
  }

  // -- program counter

  pc(): Expr<'i64'> {
    return pcOf(this.#place);
  }
  branch(offset: Operand): void {
    const { ip, place } = this.#loop;
    const distance = this.#f.let(this.imm32(offset));
    const target = this.#f.let(add(ip.value, shl(distance, i32(3))));
    const pageBytes = L.RECORD_BYTES * L.INSTRUCTIONS_PER_PAGE;
    this.#f.if(geU(sub(target, place.page), i32(pageBytes)), () => {
      this.#loop.continueAt(add(this.pc(), extendS(distance)));
    });
    this.#f.set(ip, target);
    this.#branched = true;
  }
  branchIf(condition: Expr<'i32'>, offset: Operand): void {
    const { ip } = this.#loop;
    this.#f.if(
      condition,
      () => {
        this.branch(offset);
      },
      () => {
        this.#f.set(ip, add(ip.value, i32(L.RECORD_BYTES)));
      },
    );
    this.#branched = true;
  }
  branchTo(target: Expr<'i64'>, type?: BranchType): void {
    const { ip, place, guardedPages } = this.#loop;
    const va = this.#f.let(target);
    const distance = this.#f.let(sub(va, place.pageVa));
    const leavesPage = ne(and(distance, i64(~(L.PAGE_BYTES - 4))), i64(0));
    const setsType = guardedPages && type !== undefined;
    if (setsType) this.#setBranchType(type);
    // The target in a guarded page is checked where pages are entered.
    this.#f.if(setsType ? or(leavesPage, cellI32(L.GUARDED_PAGE)) : leavesPage, () => {
      this.#loop.continueAt(va);
    });
    this.#f.set(ip, add(place.page, shl(wrap(distance), i32(3))));
    this.#branched = true;
  }
  #setBranchType({ fromGuardedPage, otherwise }: BranchType): void {
    const type = select(cellI32(L.GUARDED_PAGE), fromGuardedPage, otherwise);
    this.#f.storeTo('i32.store', STATE_BASE, L.BTYPE, type);
    const retired = add(this.#loop.retired, i64(1));
    this.#f.storeTo('i64.store', STATE_BASE, L.BTYPE_RETIRED, retired);
  }

  // -- memory

  #tlb(options: MemoryOptions): Expr<'i32'> {
    return options.unprivileged === true ? cellI32(L.UNPRIVILEGED_TLB) : this.#place.dataTlb;
  }

  /** One access: `fast` with its host address when the tag of its TLB entry allows it, else `slow`. */
  #access(
    { address, size, flags, options }: MemoryAccess,
    tagOffset: number,
    fast: (host: Expr<'i32'>) => void,
    slow: (descriptor: Expr<'i32'>, tlb: Expr<'i32'>) => void,
  ): void {
    const element = options.element ?? size;
    const tlb = this.#f.let(this.#tlb(options));
    const entry = this.#f.let(tlbEntry(tlb, address));
    const lastElement = size > element ? add(address, i64(size - element)) : address;
    const wanted = and(lastElement, i64(BigInt(-L.PAGE_BYTES) | BigInt(element - 1)));
    const allFlags =
      flags |
      (options.unprivileged === true ? L.ACCESS_UNPRIVILEGED : 0) |
      (options.aligned === true ? L.ACCESS_ALIGNED : 0);
    // The fast tag says nothing of the memory type, which DC ZVA depends on.
    const tagAllows =
      (flags & L.ACCESS_ZERO_BLOCK) !== 0
        ? i32(0)
        : eq(stateLoad('i64', 'i64.load', entry, tagOffset), wanted);
    this.#f.if(
      tagAllows,
      () => {
        fast(add(wrap(address), stateLoad('i32', 'i32.load', entry, L.TLB_ADDEND)));
      },
      () => {
        slow(i32(accessDescriptor(size, allFlags, element)), tlb);
      },
    );
  }

  load(address: Expr<'i64'>, size: number, options: MemoryOptions = {}): LoadedData {
    return this.#load({ address: this.#f.let(address), size, flags: 0, options });
  }
  #load(access: MemoryAccess): LoadedData {
    const host = this.#f.variable(i32(0));
    this.#access(
      access,
      L.TLB_READ_TAG,
      (fastHost) => {
        this.#f.set(host, fastHost);
      },
      (descriptor, tlb) => {
        this.#f.set(host, call('i32', 'readSlow', access.address, descriptor, tlb));
        this.#leaveIfRefused(host.value);
      },
    );
    return {
      i64: (offset, width, signed = false) =>
        stateLoad('i64', (signed ? LOAD_SIGNED : LOAD_UNSIGNED)[width], host.value, offset),
      v128: (offset) => stateLoad('v128', 'v128.load', host.value, offset),
    };
  }
  #leaveIfRefused(result: Expr<'i32'>): void {
    this.#f.if(ltS(result, i32(0)), () => {
      this.#leave('HOST_FAULT');
    });
  }

  store(
    address: Expr<'i64'>,
    size: number,
    values: readonly StoredValue[],
    options: MemoryOptions = {},
  ): void {
    this.#store({ address: this.#f.let(address), size, flags: 0, options }, values);
  }
  #store(access: MemoryAccess, values: readonly StoredValue[]): void {
    const storeTo = (place: Expr<'i32'>): void => {
      const host = this.#f.let(place);
      for (const { offset, size, value } of values) {
        this.#f.storeTo(STORE[size], host, offset, value);
      }
    };
    this.#access(access, L.TLB_WRITE_TAG, storeTo, (descriptor, tlb) => {
      const host = this.#f.let(call('i32', 'writeSlow', access.address, descriptor, tlb));
      storeTo(host);
      this.#f.if(eq(host, i32(L.STORE_BUFFER)), () => {
        this.#leaveIfRefused(call('i32', 'writeMemory', access.address, descriptor));
      });
    });
  }

  loadExclusive(address: Expr<'i64'>, size: number): LoadedData {
    const va = this.#f.let(address);
    const options = { aligned: true };
    const data = this.#load({ address: va, size, flags: L.ACCESS_EXCLUSIVE, options });
    this.#f.storeTo('i64.store', STATE_BASE, L.EXCLUSIVE_ADDRESS, va);
    this.#f.storeTo('i32.store', STATE_BASE, L.EXCLUSIVE_SIZE, i32(size));
    return data;
  }
  storeExclusive(address: Expr<'i64'>, size: number, values: readonly StoredValue[]): Expr<'i32'> {
    const va = this.#f.let(address);
    const failed = this.#f.variable(i32(1));
    const passes = and(
      eq(cellI64(L.EXCLUSIVE_ADDRESS), va),
      eq(cellI32(L.EXCLUSIVE_SIZE), i32(size)),
    );
    this.#f.if(passes, () => {
      const options = { aligned: true };
      this.#store({ address: va, size, flags: L.ACCESS_EXCLUSIVE, options }, values);
      this.#f.set(failed, i32(0));
    });
    this.clearExclusive();
    return failed.value;
  }
  clearExclusive(): void {
    this.#f.storeTo('i32.store', STATE_BASE, L.EXCLUSIVE_SIZE, i32(0));
  }
  zeroBlock(address: Expr<'i64'>): void {
    this.#f.if(cellI32(L.ZERO_BLOCK_TRAP), () => {
      this.#leave('SYS');
    });
    const start = this.#f.let(and(address, i64(-ZERO_BLOCK_BYTES)));
    const values = [0, 16, 32, 48].map((offset): StoredValue => ({
      offset,
      size: 16,
      value: V128_ZERO,
    }));
    const access = {
      address: start,
      size: ZERO_BLOCK_BYTES,
      flags: L.ACCESS_ZERO_BLOCK,
      options: { element: 16 },
    };
    this.#store(access, values);
  }

  // -- pointer authentication

  /** `authenticated` while the key is enabled at this EL, else the pointer as it is. */
  #whereEnabled(
    key: PointerKey,
    pointer: Expr<'i64'>,
    authenticated: (pointer: Expr<'i64'>) => Expr<'i64'>,
  ): Expr<'i64'> {
    const result = this.#f.variable(pointer);
    const enabled = and(cellI32(L.POINTER_AUTHENTICATION), i32(1 << POINTER_KEYS.indexOf(key)));
    this.#f.if(enabled, () => {
      this.#leaveIfAuthenticationTraps();
      this.#f.set(result, authenticated(result.value));
    });
    return result.value;
  }
  #leaveIfAuthenticationTraps(): void {
    this.#f.if(and(cellI32(L.POINTER_AUTHENTICATION), i32(L.PAC_TRAPPED)), () => {
      this.#leave('POINTER_AUTHENTICATION');
    });
  }
  /** K<127:64> and K<63:0>: the Hi and the Lo register. */
  #key(n: number): readonly [Expr<'i64'>, Expr<'i64'>] {
    const low = L.SYSTEM_REGISTERS + 8 * (L.POINTER_KEY_SLOT + 2 * n);
    return [cellI64(low + 8), cellI64(low)];
  }
  addPAC(key: PointerKey, pointer: Expr<'i64'>, modifier: Expr<'i64'>): Expr<'i64'> {
    const n = POINTER_KEYS.indexOf(key);
    return this.#whereEnabled(key, pointer, (value) =>
      call('i64', 'AddPAC', value, modifier, ...this.#key(n), i32(n >> 1)),
    );
  }
  authenticate(key: PointerKey, pointer: Expr<'i64'>, modifier: Expr<'i64'>): Expr<'i64'> {
    const n = POINTER_KEYS.indexOf(key);
    return this.#whereEnabled(key, pointer, (value) =>
      call('i64', 'Auth', value, modifier, ...this.#key(n), i32(n >> 1), i32(n & 1)),
    );
  }
  genericPAC(value: Expr<'i64'>, modifier: Expr<'i64'>): Expr<'i64'> {
    this.#leaveIfAuthenticationTraps();
    const code = call('i64', 'ComputePAC', value, modifier, ...this.#key(POINTER_KEYS.length));
    return and(code, i64(~0xffff_ffffn));
  }
  stripPAC(pointer: Expr<'i64'>, isData: boolean): Expr<'i64'> {
    return call('i64', 'Strip', pointer, i32(isData ? 1 : 0));
  }

  // -- system

  /** Trap byte of the slot at `address` for a read (0) or write (1) at the current EL. */
  #trapByte(address: Expr<'i32'>, direction: 0 | 1): Expr<'i32'> {
    const column = add(address, cellI32(L.TRAP_COLUMN));
    return stateLoad('i32', 'i32.load8_u', column, L.TRAP_BYTES - L.SYSTEM_REGISTERS + direction);
  }

  readSystemRegister(register: Operand, Rt: Operand): void {
    const { budget } = this.#loop;
    const slot = this.#f.let(this.#register(register, 'systemRegisterRead'));
    const access = this.#f.let(this.#trapByte(slot, 0));
    this.#f.if(
      eqz(access),
      () => {
        this.setX(Rt, stateLoad('i64', 'i64.load', slot, 0));
      },
      () => {
        this.#f.if(eq(access, i32(L.ACCESS_LEAVES)), () => {
          this.#leave('MRS');
        });
        this.#f.if(
          eq(access, i32(L.ACCESS_DAIF)),
          () => {
            this.setX(Rt, shl(cellI32(L.PSTATE_DAIF), i32(SPSR_DAIF_SHIFT)));
          },
          () => {
            const retired = sub(cellI64(L.RETIRED_AT_END), extendU(budget.value));
            const count = shrU(retired, extendU(cellI32(L.COUNTER_SHIFT)));
            this.setX(Rt, sub(count, cellI64(L.COUNTER_OFFSET)));
          },
        );
      },
    );
  }
  writeSystemRegister(register: Operand, Rt: Operand): void {
    const slot = this.#f.let(this.#register(register, 'systemRegisterWrite'));
    const access = this.#f.let(this.#trapByte(slot, 1));
    this.#f.if(
      eqz(access),
      () => {
        this.#f.storeTo('i64.store', slot, 0, this.x(Rt));
      },
      () => {
        this.#f.if(ne(access, i32(L.ACCESS_DAIF)), () => {
          this.#leave('MSR_REGISTER');
        });
        const masks = and(shrU(this.w(Rt), i32(SPSR_DAIF_SHIFT)), i32(15));
        this.#setInterruptMasks(masks, 'MSR_REGISTER');
      },
    );
  }
  maskInterrupts(masks: Operand): void {
    this.#leaveAtEL0('MSR_IMMEDIATE');
    this.#setInterruptMasks(or(cellI32(L.PSTATE_DAIF), this.imm32(masks)), 'MSR_IMMEDIATE');
  }
  unmaskInterrupts(masks: Operand): void {
    this.#leaveAtEL0('MSR_IMMEDIATE');
    const kept = xor(this.imm32(masks), i32(15));
    this.#setInterruptMasks(and(cellI32(L.PSTATE_DAIF), kept), 'MSR_IMMEDIATE');
  }
  #leaveAtEL0(reason: ExitReason): void {
    this.#f.if(eqz(cellI32(L.PSTATE_EL)), () => {
      this.#leave(reason);
    });
  }
  /** Leaves where a bit changes that more depends on than its value. */
  #setInterruptMasks(masks: Expr<'i32'>, reason: ExitReason): void {
    const value = this.#f.let(masks);
    const changed = xor(value, cellI32(L.PSTATE_DAIF));
    this.#f.if(and(changed, cellI32(L.DAIF_WATCHED)), () => {
      this.#leave(reason);
    });
    this.#f.storeTo('i32.store', STATE_BASE, L.PSTATE_DAIF, value);
  }
  yield(): void {
    const left = this.#f.let(cellI32(L.YIELDS_LEFT));
    this.#f.if(left, () => {
      this.#f.if(eq(left, i32(1)), () => {
        this.#leave('YIELD');
      });
      this.#f.storeTo('i32.store', STATE_BASE, L.YIELDS_LEFT, sub(left, i32(1)));
    });
  }
  exit(reason: ExitReason): void {
    this.#leave(reason);
  }
}

const LOAD_UNSIGNED = {
  1: 'i64.load8_u',
  2: 'i64.load16_u',
  4: 'i64.load32_u',
  8: 'i64.load',
} as const;
const LOAD_SIGNED = {
  1: 'i64.load8_s',
  2: 'i64.load16_s',
  4: 'i64.load32_s',
  8: 'i64.load',
} as const;
const STORE = {
  1: 'i64.store8',
  2: 'i64.store16',
  4: 'i64.store32',
  8: 'i64.store',
  16: 'v128.store',
} as const;

function to64(value: Expr<IntegerType>): Expr<'i64'> {
  return value.type === 'i64' ? (value as Expr<'i64'>) : extendU(value as Expr<'i32'>);
}
function signExtended(value: Expr<IntegerType>): Expr<'i64'> {
  return value.type === 'i64' ? (value as Expr<'i64'>) : extendS(value as Expr<'i32'>);
}

type Compare = (a: Expr<'i64'>, b: Expr<'i64'>) => Expr<'i32'>;
/**
 * Conditions that follow from the operands of the last comparison when the flag kind is below
 * `kinds`: subtraction, and for those that ignore C also a logical result against zero.
 */
const DIRECT_CONDITION: Readonly<
  Record<number, { kinds: number; holds: Compare; fails: Compare }>
> = {
  0: { kinds: L.FLAGS_ADD64, holds: eq, fails: ne },
  1: { kinds: L.FLAGS_LOGICAL64, holds: geU, fails: ltU },
  4: { kinds: L.FLAGS_LOGICAL64, holds: gtU, fails: leU },
  5: { kinds: L.FLAGS_ADD64, holds: geS, fails: ltS },
  6: { kinds: L.FLAGS_ADD64, holds: gtS, fails: leS },
};

/** Arm ARM, ConditionHolds() over NZCV in bits 3:0. */
function conditionOfNZCV(cond: number, nzcv: Expr<'i32'>): Expr<'i32'> {
  const bit = (n: number): Expr<'i32'> => and(shrU(nzcv, i32(n)), i32(1));
  const N = bit(3);
  const Z = bit(2);
  const C = bit(1);
  const V = bit(0);
  const holds =
    [Z, C, N, V, and(C, eqz(Z)), eq(N, V), and(eq(N, V), eqz(Z))][cond >> 1] ?? not(i32(0));
  return (cond & 1) === 1 ? eqz(holds) : holds;
}
