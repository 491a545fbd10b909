/* Typed arrays over the whole memory: an index computed from the layout is always inside. */
/* eslint-disable @typescript-eslint/no-non-null-assertion */
/**
 * The engine: guest memory and registers in one WebAssembly memory, the generated interpreter over
 * it, predecoded code pages and the TLBs. It executes instructions and knows nothing of
 * exceptions, translation regimes or devices: those come in through `EngineHost`.
 */
import { createDecoder } from '../isa/decode.ts';
import type { Decoder } from '../isa/decode.ts';
import type { Instruction } from '../isa/instruction.ts';
import { CodePages } from './code-pages.ts';
import { descriptorElement, descriptorFlags, descriptorSize } from './core-functions.ts';
import { CpuState } from './cpu-state.ts';
import type { ExceptionLevel } from './cpu-state.ts';
import { exitCode } from './exit.ts';
import type { RunExit } from './exit.ts';
import { generateInterpreter } from './interpreter.ts';
import type { InterpreterModule } from './interpreter.ts';
import * as L from './layout.ts';
import { Ram } from './ram.ts';
import type { RamRegion } from './ram.ts';
import type { RuntimeFunctionDefinition } from './runtime-function.ts';
import { DataTlb } from './tlb.ts';
import type { TlbPermissions } from './tlb.ts';

export type { RamRegion } from './ram.ts';
export type { RunExit } from './exit.ts';
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
   * is for one ASID only, or -1n after recording the fault.
   */
  fetchPage(va: bigint): bigint;
  /** Slot of a system register in the register file, or undefined where this processor has none. */
  systemRegisterSlot(packed: number, direction: 'read' | 'write'): number | undefined;
}

export interface EngineOptions {
  readonly ram: readonly RamRegion[];
  readonly host: EngineHost;
  readonly definitions: readonly Instruction[];
  readonly runtimeFunctions: readonly RuntimeFunctionDefinition[];
  /** Architectural features that are implemented, such as `FEAT_CRC32`. */
  readonly features: ReadonlySet<string>;
}

/** V8 replaces Liftoff code only when a function is entered again, so no run is longer than this. */
const LONGEST_RUN = 1_000_000;

type GeneratedRun = (budget: number, firstHandler: number) => number;

let generated:
  | { key: string; interpreter: InterpreterModule; module: WebAssembly.Module; decoder: Decoder }
  | undefined;

/** The interpreter depends on the definitions alone; one is shared by every engine of a process. */
function sharedInterpreter({
  definitions,
  runtimeFunctions,
  features,
}: EngineOptions): NonNullable<typeof generated> {
  const implemented = definitions.filter(
    ({ feature }) => feature === undefined || features.has(feature),
  );
  const key = `${definitions.length}/${[...features].sort().join()}`;
  if (generated?.key === key) return generated;
  const interpreter = generateInterpreter(implemented, runtimeFunctions);
  generated = {
    key,
    interpreter,
    module: new WebAssembly.Module(interpreter.bytes),
    decoder: createDecoder(implemented),
  };
  return generated;
}

export class Engine {
  readonly state: CpuState;
  readonly ram: Ram;
  readonly tlb: DataTlb;
  readonly #pages: CodePages;
  readonly #run: GeneratedRun;
  readonly #u32: Uint32Array;
  readonly #u64: BigUint64Array;
  readonly #u8: Uint8Array;
  readonly #breakpoints = new Set<bigint>();

  constructor(options: EngineOptions) {
    const { host } = options;
    const { interpreter, module, decoder } = sharedInterpreter(options);
    const codePages = CodePages.capacityFor(options.ram);
    const ramStart =
      Math.ceil((L.CODE_PAGES_START + codePages * L.CODE_PAGE_BYTES) / 0x10000) * 0x10000;
    const ramBytes = Ram.hostBytes(options.ram);
    const memory = new WebAssembly.Memory({ initial: Math.ceil((ramStart + ramBytes) / 0x10000) });
    this.ram = new Ram(memory.buffer, ramStart, options.ram);
    this.tlb = new DataTlb(memory.buffer);
    this.#pages = new CodePages({
      memory: memory.buffer,
      capacity: codePages,
      ram: this.ram,
      decoder,
      interpreter,
      systemRegisterSlot: (packed, direction) => host.systemRegisterSlot(packed, direction),
      onHasCode: (hostPage, page) => {
        this.tlb.protectCode(hostPage, page);
      },
    });
    this.#u8 = new Uint8Array(memory.buffer);
    this.#u32 = new Uint32Array(memory.buffer, 0, L.SAVED_END / 4);
    this.#u64 = new BigUint64Array(memory.buffer, 0, L.SAVED_END / 8);
    const instance = new WebAssembly.Instance(module, {
      env: {
        memory,
        readMemory: (va: bigint, descriptor: number): number =>
          host.readMemory(
            BigInt.asUintN(64, va),
            descriptorSize(descriptor),
            descriptorFlags(descriptor),
            descriptorElement(descriptor),
          ),
        writeMemory: (va: bigint, descriptor: number): number =>
          host.writeMemory(
            BigInt.asUintN(64, va),
            descriptorSize(descriptor),
            descriptorFlags(descriptor),
            descriptorElement(descriptor),
          ),
        fetch: (va: bigint): number => {
          const unsigned = BigInt.asUintN(64, va);
          const pa = host.fetchPage(unsigned);
          if (pa < 0n) return -1;
          return this.#pages.enter(unsigned, pa & ~0xfffn, this.#breakpoints, (pa & 1n) !== 0n);
        },
        decode: (record: number): void => {
          this.#pages.decode(record);
        },
      },
    });
    this.#run = instance.exports['run'] as GeneratedRun;
    this.state = new CpuState(memory.buffer, instance.exports['packFlags'] as () => number);
    this.state.reset();
    const unknown = L.TRAP_BYTES + L.TRAP_BYTES_PER_SLOT * L.UNKNOWN_SLOT;
    this.#u8.fill(L.ACCESS_LEAVES, unknown, unknown + L.TRAP_BYTES_PER_SLOT);
    this.tlb.flush();
    this.#pages.flush();
  }

  /** Executes up to `budget` instructions; the number is exact, and `state.retired` counts them. */
  run(budget: number): RunExit {
    let left = budget;
    for (;;) {
      const slice = Math.min(left, LONGEST_RUN);
      const exit = this.#execute(slice, 0);
      left -= slice - (this.#u32[L.BUDGET_LEFT >> 2]! | 0);
      if (exit !== 'BUDGET' || left <= 0) return exit;
    }
  }

  /** Executes the one instruction at PC, beneath a breakpoint if there is one. */
  runOne(): RunExit {
    const record = this.#pages.recordAt(this.state.PC);
    return this.#execute(1, record === undefined ? 0 : this.#pages.originalHandler(record));
  }

  #execute(budget: number, firstHandler: number): RunExit {
    const before = this.#u64[L.RETIRED >> 3]!;
    this.#u64[L.RETIRED_AT_END >> 3] = before + BigInt(budget);
    const exit = exitCode.name(this.#run(budget, firstHandler));
    const left = this.#u32[L.BUDGET_LEFT >> 2]! | 0;
    this.#u64[L.RETIRED >> 3] = before + BigInt(budget - left);
    return exit;
  }

  /** The instruction word at PC, or undefined where PC has not been fetched. */
  instructionWord(): number | undefined {
    const record = this.#pages.recordAt(this.state.PC);
    return record === undefined ? undefined : this.#pages.wordOf(record);
  }

  // -- breakpoints by virtual address

  /** From now on `run` exits with BREAKPOINT before it executes the instruction at `va`. */
  setBreakpoint(va: bigint): void {
    this.#breakpoints.add(va);
    this.#pages.markBreakpoint(va);
  }
  clearBreakpoint(va: bigint): void {
    this.#breakpoints.delete(va);
    this.#pages.unmarkBreakpoint(va, this.#breakpoints);
  }

  // -- translation caches

  /** Fetches and ordinary accesses use the TLBs of this EL from now on, LDTR and STTR that of `unprivileged`. */
  setRegime(el: ExceptionLevel, unprivileged: ExceptionLevel): void {
    this.#pages.selectLevel(el);
    this.#u32[L.DATA_TLB >> 2] = L.TLB + el * L.TLB_BYTES;
    this.#u32[L.UNPRIVILEGED_TLB >> 2] = L.TLB + unprivileged * L.TLB_BYTES;
  }
  /** Drops all predecoded code: RAM was replaced as a whole. */
  flushCode(): void {
    this.#pages.flush();
    this.tlb.flush();
  }
  /** Forgets which physical page a fetched VA maps to. */
  flushFetch(): void {
    this.#pages.flushTranslations();
  }
  flushTlb(): void {
    this.tlb.flush();
  }
  /** Forgets all translations of the page of `va`, at every EL; bits 63:56 take no part. */
  flushPage(va: bigint): void {
    this.tlb.flushPage(va);
    this.#pages.flushPage(va);
  }
  /** Forgets what EL0 and EL1 have for VAs whose bit 55 is `upper`, and what is for one ASID. */
  flushAddressSpace(upper: 0 | 1): void {
    this.tlb.flushAddressSpace(upper);
    this.#pages.flushAddressSpace(upper);
  }
  /** Predecoded page of the physical page at `hostPage`, or 0: what a TLB entry has to know. */
  codePageOf(hostPage: number): number {
    return this.#pages.pageOfHost(hostPage);
  }
  /** Lets ordinary loads and stores at `va`'s page take the fast path to the RAM page at `pa`. */
  installTlb(el: ExceptionLevel, va: bigint, pa: bigint, permissions: TlbPermissions): void {
    const host = this.ram.hostAddress(pa & ~0xfffn);
    if (host === undefined) throw new TypeError(`0x${pa.toString(16)} is not RAM`);
    this.tlb.install(el, va, host, this.#pages.pageOfHost(host), permissions);
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
  /** How MRS and MSR behave: ACCESS_* of layout.ts for every slot, in the layout's order. */
  setTrapBytes(table: Uint8Array): void {
    this.#u8.set(table, L.TRAP_BYTES);
  }
  /** CNTVCT_EL0 reads that never leave subtract this. */
  setCounterOffset(offset: bigint): void {
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
    return this.#u8.subarray(L.BOUNCE, L.BOUNCE + size);
  }
  storeBytes(size: number): Uint8Array {
    return this.#u8.subarray(L.STORE_BUFFER, L.STORE_BUFFER + size);
  }

  // -- physical memory, without side effects

  readPhysical(pa: bigint, length: number): Uint8Array | undefined {
    return this.ram.read(pa, length);
  }
  /** Writes RAM and drops what was predecoded from it. False where it is not all RAM. */
  writePhysical(pa: bigint, bytes: Uint8Array): boolean {
    if (!this.ram.write(pa, bytes)) return false;
    for (let done = 0; done < bytes.length;) {
      const host = this.ram.hostAddress(pa + BigInt(done))!;
      const inPage = Math.min(bytes.length - done, L.PAGE_BYTES - (host % L.PAGE_BYTES));
      this.#pages.invalidate(host, inPage);
      done += inPage;
    }
    return true;
  }
}
