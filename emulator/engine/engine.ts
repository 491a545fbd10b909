/* Typed arrays over the whole memory: an index computed from the layout is always inside. */
/* eslint-disable @typescript-eslint/no-non-null-assertion */
/**
 * The engine of one processor: its registers and TLBs in a bank of the machine's WebAssembly memory, and
 * an instance of the generated interpreter over them. It executes instructions and knows nothing of
 * exceptions, translation registers or devices: those come in through `EngineHost`.
 */
import type { CodePages } from './code-pages.ts';
import { descriptorElement, descriptorFlags, descriptorSize } from './core-functions.ts';
import { CpuState } from './cpu-state.ts';
import type { ExceptionLevel } from './cpu-state.ts';
import type { EngineMemory } from './engine-memory.ts';
import { exitCode } from './exit.ts';
import type { RunExit } from './exit.ts';
import { INSTRUCTION_KEYS } from '../isa/pointer-authentication.ts';
import { FetchTlb } from './fetch-tlb.ts';
import * as L from './layout.ts';
import type { Ram } from './ram.ts';
import { TableWalks } from './table-walk.ts';
import type { TableWalk } from './table-walk.ts';
import { DataTlb, dataTlbOf } from './tlb.ts';
import type { DataTlbIndex, TlbPermissions } from './tlb.ts';

export type { RamRegion } from './ram.ts';
export type { RunExit } from './exit.ts';
export type { TableWalk, WalkRange } from './table-walk.ts';
export type { TlbPermissions } from './tlb.ts';

/** What the processor layer supplies; called synchronously while the guest runs. */
export interface EngineHost {
  /**
   * A load that may not take the fast path: a TLB miss, a device, a watched page. Returns a host
   * address whose `size` bytes hold the data (RAM, or `engine.bounce` after filling it), or -1 after
   * recording the fault. `flags` are ACCESS_* of layout.ts; `element` is the alignment unit.
   */
  readMemory(va: bigint, size: number, flags: number, element: number): number;
  /** A store likewise; the bytes are `engine.storeBytes(size)`. 0 when stored, -1 after recording the fault. */
  writeMemory(va: bigint, size: number, flags: number, element: number): number;
  /**
   * Physical address of the page that holds the instruction at `va`, with bit 0 set when the translation
   * is for one ASID only and bit 1 when the page is guarded (FEAT_BTI), or -1n after recording the fault.
   */
  fetchPage(va: bigint): bigint;
  /** How the engine may fill the TLB of `el` itself, until the TLBs are flushed; undefined: not at all. */
  tableWalk(el: ExceptionLevel): TableWalk | undefined;
  /** Slot of a system register in the register file, or undefined where this processor has none. */
  systemRegisterSlot(packed: number, direction: 'read' | 'write'): number | undefined;
}

export interface EngineOptions {
  readonly memory: EngineMemory;
  /** Which of the memory's processors this is. Default 0. */
  readonly cpu?: number;
  readonly host: EngineHost;
}

/** V8 replaces Liftoff code only when a function is entered again, so no run is longer than this. */
const LONGEST_RUN = 1_000_000;

type GeneratedRun = (budget: number, firstHandler: number) => number;
/** `Auth` of isa/runtime-functions.ts. */
type GeneratedAuth = (
  pointer: bigint,
  modifier: bigint,
  key0: bigint,
  key1: bigint,
  data: number,
  keyNumber: number,
) => bigint;

export class Engine {
  readonly state: CpuState;
  readonly ram: Ram;
  readonly tlb: DataTlb;
  readonly memory: EngineMemory;
  readonly #pages: CodePages;
  readonly #walks: TableWalks;
  readonly #fetch: FetchTlb;
  readonly #run: GeneratedRun;
  readonly #auth: GeneratedAuth;
  /** Start of this processor's bank. */
  readonly #base: number;
  readonly #u32: Uint32Array;
  readonly #u64: BigUint64Array;
  readonly #u8: Uint8Array;
  readonly #buffers: Uint8Array;
  readonly #breakpoints = new Set<bigint>();
  #PAN = false;

  constructor({ memory, cpu = 0, host }: EngineOptions) {
    if (cpu >= memory.cpus) throw new RangeError(`the memory has no bank for processor ${cpu}`);
    const { buffer } = memory.memory;
    this.memory = memory;
    this.ram = memory.ram;
    this.#pages = memory.pages;
    this.#base = cpu * L.BANK_BYTES;
    this.tlb = new DataTlb(buffer, this.#base);
    this.#walks = new TableWalks(buffer, this.#base, memory.ram, memory.codeMap);
    this.#fetch = new FetchTlb(buffer, this.#base);
    this.#buffers = new Uint8Array(buffer, 0, L.BANK_BYTES);
    this.#u8 = new Uint8Array(buffer, this.#base, L.SAVED_END);
    this.#u32 = new Uint32Array(buffer, this.#base, L.SAVED_END / 4);
    this.#u64 = new BigUint64Array(buffer, this.#base, L.SAVED_END / 8);
    const instance = new WebAssembly.Instance(memory.module, {
      env: {
        memory: memory.memory,
        stateBase: new WebAssembly.Global({ value: 'i32' }, this.#base),
        readMemory: (va: bigint, descriptor: number): number => {
          this.#prepareWalk(host, descriptor);
          return host.readMemory(
            BigInt.asUintN(64, va),
            descriptorSize(descriptor),
            descriptorFlags(descriptor),
            descriptorElement(descriptor),
          );
        },
        writeMemory: (va: bigint, descriptor: number): number => {
          this.#prepareWalk(host, descriptor);
          return host.writeMemory(
            BigInt.asUintN(64, va),
            descriptorSize(descriptor),
            descriptorFlags(descriptor),
            descriptorElement(descriptor),
          );
        },
        fetch: (va: bigint): number => this.#enterPage(BigInt.asUintN(64, va), host),
        decode: (record: number): void => {
          this.#pages.decode(record);
        },
      },
    });
    this.#run = instance.exports['run'] as GeneratedRun;
    this.#auth = instance.exports['Auth'] as GeneratedAuth;
    const packFlags = instance.exports['packFlags'] as () => number;
    this.state = new CpuState(buffer, this.#base, packFlags);
    this.state.reset();
    const unknown = L.TRAP_BYTES + L.TRAP_BYTES_PER_SLOT * L.UNKNOWN_SLOT;
    this.#u8.fill(L.ACCESS_LEAVES, unknown, unknown + L.TRAP_BYTES_PER_SLOT);
    this.tlb.flush();
    this.#fetch.flush();
    memory.attach(
      {
        pageHasCode: (hostPage, page) => {
          this.tlb.protectCode(hostPage, page);
        },
        codeFlushed: () => {
          this.#fetch.flush();
          this.tlb.flush();
        },
        breakpointRecords: () => this.#breakpointRecords(),
      },
      (packed, direction) => host.systemRegisterSlot(packed, direction),
    );
  }

  /** From the next miss on, the engine's own walk fills the TLB that this access uses. */
  #prepareWalk(host: EngineHost, descriptor: number): void {
    const isUnprivileged = (descriptorFlags(descriptor) & L.ACCESS_UNPRIVILEGED) !== 0;
    const tlb = this.#u32[(isUnprivileged ? L.UNPRIVILEGED_TLB : L.DATA_TLB) >> 2]!;
    const index = ((tlb - this.#base - L.TLB) / L.TLB_BYTES) as DataTlbIndex;
    if (this.#walks.isKnown(index)) return;
    this.#walks.set(
      index,
      host.tableWalk(index > 2 ? ((index - 2) as ExceptionLevel) : (index as ExceptionLevel)),
    );
  }

  /** The predecoded page for instructions at `va`, or -1 where nothing can be fetched. */
  #enterPage(va: bigint, host: EngineHost): number {
    const known = this.#fetch.enterAgain(va);
    if (known !== undefined) return known;
    const pa = host.fetchPage(va);
    if (pa < 0n) return -1;
    const page = this.#pages.enter(pa & ~0xfffn);
    if (page < 0) return page;
    const [notGlobal, guarded] = [(pa & 1n) !== 0n, (pa & 2n) !== 0n];
    this.#fetch.enter(va, { page, notGlobal, guarded });
    for (const breakpoint of this.#breakpoints) {
      if ((breakpoint ^ va) >> 12n === 0n) this.#markAt(breakpoint);
    }
    return page;
  }

  /** Executes up to `budget` instructions; the number is exact, and `state.retired` counts them. */
  run(budget: number): RunExit {
    let left = budget;
    for (;;) {
      const slice = Math.min(left, LONGEST_RUN);
      const exit = this.#execute(slice, 0);
      left -= slice - (this.#u32[L.BUDGET_LEFT >> 2]! | 0);
      if (exit === 'BRANCH_TARGET') return 'BUDGET';
      if (exit !== 'BUDGET' || left <= 0) return exit;
    }
  }

  /** Executes the one instruction at PC, beneath a breakpoint if there is one. */
  runOne(): RunExit {
    const record = this.#fetch.recordAt(this.state.PC);
    const first = record === undefined ? 0 : this.#pages.originalHandler(record);
    const exit = this.#execute(1, first);
    return exit === 'BRANCH_TARGET' ? 'BUDGET' : exit;
  }

  #execute(budget: number, firstHandler: number): RunExit | 'BRANCH_TARGET' {
    const before = this.#u64[L.RETIRED >> 3]!;
    this.#u64[L.RETIRED_AT_END >> 3] = before + BigInt(budget);
    // What PSTATE.BTYPE is holds for the next instruction only.
    if (this.state.BTYPE !== 0) this.#u64[L.BTYPE_RETIRED >> 3] = before;
    const exit = exitCode.name(this.#run(budget, firstHandler));
    const left = this.#u32[L.BUDGET_LEFT >> 2]! | 0;
    const retired = before + BigInt(budget - left);
    this.#u64[L.RETIRED >> 3] = retired;
    if (this.state.BTYPE !== 0 && this.#u64[L.BTYPE_RETIRED >> 3] !== retired) this.state.BTYPE = 0;
    return exit;
  }

  /** The instruction word at PC, or undefined where PC has not been fetched. */
  instructionWord(): number | undefined {
    const record = this.#fetch.recordAt(this.state.PC);
    return record === undefined ? undefined : this.#pages.wordOf(record);
  }

  // -- breakpoints by virtual address

  /** From now on `run` exits with BREAKPOINT before it executes the instruction at `va`. */
  setBreakpoint(va: bigint): void {
    this.#breakpoints.add(va);
    this.#markAt(va);
  }
  clearBreakpoint(va: bigint): void {
    this.#breakpoints.delete(va);
    for (const record of this.#fetch.recordsAt(va)) this.memory.unmark(record);
  }
  #markAt(va: bigint): void {
    for (const record of this.#fetch.recordsAt(va)) this.#pages.mark(record);
  }
  *#breakpointRecords(): Generator<number> {
    for (const va of this.#breakpoints) yield* this.#fetch.recordsAt(va);
  }

  // -- translation caches

  /**
   * Fetches and ordinary accesses use the TLBs of this EL from now on, LDTR and STTR that of `unprivileged`;
   * `PAN` is PSTATE.PAN.
   */
  setRegime(el: ExceptionLevel, unprivileged: ExceptionLevel, PAN = false): void {
    this.#PAN = PAN;
    const addressOf = (level: ExceptionLevel): number =>
      this.#base + L.TLB + this.#tlbOf(level) * L.TLB_BYTES;
    this.#fetch.selectLevel(el);
    this.#u32[L.DATA_TLB >> 2] = addressOf(el);
    this.#u32[L.UNPRIVILEGED_TLB >> 2] = addressOf(unprivileged);
  }
  #tlbOf(el: ExceptionLevel): DataTlbIndex {
    return dataTlbOf(el, this.#PAN);
  }
  /** Whether the data TLB that accesses made at `el` use now has the page of `va`. */
  holdsTranslation(el: ExceptionLevel, va: bigint): boolean {
    return this.tlb.holds(this.#tlbOf(el), va);
  }
  /** Drops all predecoded code: RAM was replaced as a whole. */
  flushCode(): void {
    this.memory.flushCode();
  }
  /** Forgets which physical page a fetched VA maps to. */
  flushFetch(): void {
    this.#fetch.flush();
  }
  flushTlb(): void {
    this.tlb.flush();
    this.#walks.forget();
  }
  /** All translation caches are empty: forgets which mappings were larger than a page. */
  forgetMappings(): void {
    this.#walks.forgetMappings();
  }
  /** Pages of the block or page of 2^sizeBits bytes that holds `va` may be in a TLB. */
  addMapping(va: bigint, sizeBits: number): void {
    this.#walks.addMapping(va, sizeBits);
  }
  /** Whether a TLB may have pages of a larger mapping that holds `va`; bits 63:56 take no part. */
  mayBeLarge(va: bigint): boolean {
    return this.#walks.mayBeLarge(va);
  }
  /** Forgets all translations of the page of `va`, at every EL; bits 63:56 take no part. */
  flushPage(va: bigint): void {
    this.tlb.flushPage(va);
    this.#fetch.flushPage(va);
  }
  /** Forgets what EL0 and `el` have for VAs whose bit 55 is `upper`, and what is for one ASID. */
  flushAddressSpace(upper: 0 | 1, el: 1 | 2): void {
    this.tlb.flushAddressSpace(upper, el);
    this.#walks.forget();
    this.#fetch.flushAddressSpace(upper, el);
  }
  /** Predecoded page of the physical page at `hostPage`, or 0: what a TLB entry has to know. */
  codePageOf(hostPage: number): number {
    return this.#pages.pageOfHost(hostPage);
  }
  /** Lets ordinary loads and stores at `va`'s page take the fast path to the RAM page at `pa`. */
  installTlb(el: ExceptionLevel, va: bigint, pa: bigint, permissions: TlbPermissions): void {
    const host = this.ram.hostAddress(pa & ~0xfffn);
    if (host === undefined) throw new TypeError(`0x${pa.toString(16)} is not RAM`);
    this.tlb.install(this.#tlbOf(el), va, host, this.#pages.pageOfHost(host), permissions);
  }

  // -- run-time switches that generated code reads

  setFpTrap(trapped: boolean): void {
    this.#u32[L.FP_TRAP >> 2] = trapped ? 1 : 0;
  }
  /** DC ZVA leaves as SYS, for the processor layer to refuse it. */
  setZeroBlockTrap(trapped: boolean): void {
    this.#u32[L.ZERO_BLOCK_TRAP >> 2] = trapped ? 1 : 0;
  }
  setSpAlignmentCheck(checked: boolean): void {
    this.#u64[L.SP_ALIGNMENT_MASK >> 3] = checked ? 15n : 0n;
  }
  /** Which keys of pointer authentication are in use, and where pointers have their codes: PAC_* of layout.ts. */
  setPointerAuthentication(controls: number): void {
    this.#u32[L.POINTER_AUTHENTICATION >> 2] = controls;
  }
  /** AuthIA() or AuthIB() at the current EL, as ERETAA needs it; undefined where HCR_EL2.API traps it. */
  authenticate(
    key: (typeof INSTRUCTION_KEYS)[number],
    pointer: bigint,
    modifier: bigint,
  ): bigint | undefined {
    const n = INSTRUCTION_KEYS.indexOf(key);
    const controls = this.#u32[L.POINTER_AUTHENTICATION >> 2]!;
    if ((controls & (1 << n)) === 0) return pointer;
    if ((controls & L.PAC_TRAPPED) !== 0) return undefined;
    const low = L.POINTER_KEY_SLOT + 2 * n;
    const [key0, key1] = [this.state.sysreg(low + 1), this.state.sysreg(low)];
    return BigInt.asUintN(64, this.#auth(pointer, modifier, key0, key1, 0, n));
  }
  /** How MRS and MSR behave: ACCESS_* of layout.ts for every slot, in the layout's order. */
  setTrapBytes(table: Uint8Array): void {
    this.#u8.set(table, L.TRAP_BYTES);
  }
  /** CNTVCT_EL0 reads that never leave give the clock shifted right by `shift`, minus `offset`. */
  setCounter(shift: number, offset: bigint): void {
    this.#u32[L.COUNTER_SHIFT >> 2] = shift;
    this.#u64[L.COUNTER_OFFSET >> 3] = BigInt.asUintN(64, offset);
  }

  /** Marks a range for the exclusive monitor, as a load-exclusive of `size` bytes at `va` does. */
  closeExclusiveMonitor(va: bigint, size: number): void {
    this.#u64[L.EXCLUSIVE_ADDRESS >> 3] = va;
    this.#u32[L.EXCLUSIVE_SIZE >> 2] = size;
  }

  // -- buffers for accesses that the host completes

  /** Host address of the bounce buffer (64 bytes). */
  readonly bounce = L.BOUNCE;
  bounceBytes(size: number): Uint8Array {
    return this.#buffers.subarray(L.BOUNCE, L.BOUNCE + size);
  }
  storeBytes(size: number): Uint8Array {
    return this.#buffers.subarray(L.STORE_BUFFER, L.STORE_BUFFER + size);
  }

  // -- physical memory, without side effects

  readPhysical(pa: bigint, length: number): Uint8Array | undefined {
    return this.ram.read(pa, length);
  }
  /** Writes RAM and drops what was predecoded from it. False where it is not all RAM. */
  writePhysical(pa: bigint, bytes: Uint8Array): boolean {
    return this.memory.writePhysical(pa, bytes);
  }
}
