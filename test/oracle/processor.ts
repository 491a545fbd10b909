/**
 * Runs batches on a processing element of ours.
 *
 * Translation stays off, the addresses are the same, and `HarnessMappings` refuses what the harness
 * does not map: the cases test instructions, not table walks.
 */
import { ProcessingElement } from '../../emulator/cpu/pe.ts';
import type { ProcessorOptions } from '../../emulator/cpu/pe.ts';
import type { MemoryFault } from '../../emulator/cpu/memory-access.ts';
import { ACCESS_ALIGNED } from '../../emulator/engine/layout.ts';
import { v8_0 } from '../../emulator/sysregs/processor-model.ts';
import { slotAddress } from './batch.ts';
import type { Batch } from './batch.ts';
import * as L from './layout.ts';
import { hashSandbox, seedSandbox } from './sandbox.ts';

type Access = 'read' | 'write' | 'execute';

const PAGE_MASK = 0xfffn;
const TRANSLATION_FAULT = 0b000100; // + level
const PERMISSION_FAULT = 0b001100; // + level

const isIn = (va: bigint, base: number, size: number): boolean =>
  va >= BigInt(base) && va < BigInt(base + size);

/**
 * The fault status code of an access under the harness's tables, or undefined where they allow it.
 * They have 39-bit ranges, 4 KiB granules and so start at level 1.
 */
function mappingFault(va: bigint, access: Access): number | undefined {
  if (isIn(va, L.SANDBOX, L.SANDBOX_BYTES)) {
    return access === 'execute' ? PERMISSION_FAULT + 3 : undefined;
  }
  if (isIn(va, L.CODE, L.CODE_BYTES)) return access === 'write' ? PERMISSION_FAULT + 3 : undefined;
  if (va >> 39n === 0x1ff_ffffn) {
    // The harness's own half: one block of 1 GiB, for EL1 only.
    const harness = ((va >> 30n) & 0x1ffn) === 1n;
    return harness ? PERMISSION_FAULT + 1 : TRANSLATION_FAULT + 1;
  }
  if (va >> 39n !== 0n) return TRANSLATION_FAULT;
  if (va >> 30n !== 1n) return TRANSLATION_FAULT + 1;
  const block = va >> 21n;
  const hasTable = block === BigInt(L.CODE) >> 21n || block === BigInt(L.SANDBOX) >> 21n;
  return TRANSLATION_FAULT + (hasTable ? 3 : 2);
}

/** A processing element that meets the harness's mappings at the edge of its engine. */
class MappedProcessingElement extends ProcessingElement {
  #fault: MemoryFault | undefined;

  constructor(options: ProcessorOptions) {
    super(options);
    const { memory, engine } = this;
    const takeFault = memory.takeFault.bind(memory);
    memory.takeFault = () => {
      const fault = this.#fault;
      this.#fault = undefined;
      return fault ?? takeFault();
    };
    const cacheMaintenanceFault = memory.cacheMaintenanceFault.bind(memory);
    memory.cacheMaintenanceFault = (va, isInvalidate) => {
      const FSC = mappingFault(va, 'read');
      if (FSC === undefined) return cacheMaintenanceFault(va, isInvalidate);
      return { kind: 'abort', access: 'write', FSC, FAR: va, cacheMaintenance: true };
    };
    // Code is read-only: its pages never get a fast path for stores.
    const installTlb = engine.installTlb.bind(engine);
    engine.installTlb = (el, va, pa, permissions) => {
      const write = permissions.write && mappingFault(va, 'write') === undefined;
      installTlb(el, va, pa, { ...permissions, write });
    };
  }

  #refused(va: bigint, size: number, access: Access): boolean {
    const last = BigInt.asUintN(64, va + BigInt(size - 1));
    const nextPage = last & ~PAGE_MASK;
    let FAR = va;
    let FSC = mappingFault(va, access);
    if (FSC === undefined && nextPage > va) {
      FAR = nextPage;
      FSC = mappingFault(nextPage, access);
    }
    if (FSC === undefined) return false;
    this.#fault = { kind: 'abort', access, FSC, FAR };
    return true;
  }

  /** Alignment that does not depend on the memory type is checked before translation. */
  #misaligned(va: bigint, flags: number, element: number): boolean {
    return (flags & ACCESS_ALIGNED) !== 0 && (va & BigInt(element - 1)) !== 0n;
  }

  override readMemory(va: bigint, size: number, flags: number, element: number): number {
    if (!this.#misaligned(va, flags, element) && this.#refused(va, size, 'read')) return -1;
    return super.readMemory(va, size, flags, element);
  }
  override writeMemory(va: bigint, size: number, flags: number, element: number): number {
    if (!this.#misaligned(va, flags, element) && this.#refused(va, size, 'write')) return -1;
    return super.writeMemory(va, size, flags, element);
  }
  override fetchPage(va: bigint): bigint {
    return this.#refused(va, 1, 'execute') ? -1n : super.fetchPage(va);
  }
}

/** The harness's SCTLR_EL1, without M and C. */
const SCTLR_EL1 = 0x30d00800n | 0x8n | 0x10n | 0x20n | 0x1000n | 0x4000n | 0x40000n | 0x4000000n;

/** What the harness writes before each case. */
const ZEROED = [
  'TPIDR_EL0',
  'TPIDRRO_EL0',
  'TPIDR_EL1',
  'PAR_EL1',
  'CSSELR_EL1',
  'CNTKCTL_EL1',
  'CNTV_CVAL_EL0',
  'CNTP_CVAL_EL0',
  'DBGBVR0_EL1',
  'DBGWVR0_EL1',
  'ESR_EL1',
  'FAR_EL1',
] as const;

/** Exceptions count too, so this is more than any case takes. */
const BUDGET = 200;

export class TestedProcessor {
  readonly #pe: ProcessingElement;
  readonly #slots: Readonly<
    Record<'SP_EL0' | 'SPSR_EL1' | 'ELR_EL1' | 'ESR_EL1' | 'FAR_EL1', number>
  >;

  readonly #zeroed: readonly { readonly name: string; readonly slot: number }[];

  constructor() {
    const pe = new MappedProcessingElement({
      profile: v8_0,
      ram: [
        { base: BigInt(L.CODE), size: L.CODE_BYTES },
        { base: BigInt(L.SANDBOX), size: L.SANDBOX_BYTES },
      ],
      bus: { read: () => undefined, write: () => false, peek: () => undefined },
      startEL: 1,
      unalignedDeviceAccess: 'allow',
      semihosting: false,
    });
    pe.exceptionHook = () => true;
    this.#pe = pe;
    const slot = (name: string): number => pe.registers.slotOf(name);
    this.#zeroed = ZEROED.map((name) => ({ name, slot: slot(name) }));
    this.#slots = {
      SP_EL0: slot('SP_EL0'),
      SPSR_EL1: slot('SPSR_EL1'),
      ELR_EL1: slot('ELR_EL1'),
      ESR_EL1: slot('ESR_EL1'),
      FAR_EL1: slot('FAR_EL1'),
    };
  }

  /** The output records of the cases `first` to `first + count - 1`. */
  run(batch: Batch, first: number, count: number): Uint8Array {
    const pe = this.#pe;
    pe.reset();
    pe.registers.write('SCTLR_EL1', SCTLR_EL1);
    pe.registers.write('CPACR_EL1', 3n << 20n);
    pe.registers.write('VBAR_EL1', 0n);
    const code = new Uint8Array(batch.code.buffer);
    if (!pe.engine.writePhysical(BigInt(L.CODE), code)) throw new TypeError('no RAM for code');
    const outputs = new Uint8Array(count * L.RECORD_BYTES);
    for (let n = 0; n < count; n += 1) {
      this.#runCase(
        new BigUint64Array(batch.inputs.buffer, (first + n) * L.RECORD_BYTES, L.RECORD_BYTES / 8),
        new BigUint64Array(outputs.buffer, n * L.RECORD_BYTES, L.RECORD_BYTES / 8),
        first + n,
      );
    }
    return outputs;
  }

  #runCase(input: BigUint64Array, output: BigUint64Array, index: number): void {
    const pe = this.#pe;
    const { state, registers } = pe;
    const value = (offset: number): bigint => input[offset / 8] ?? 0n;
    const sandbox = this.#sandboxWords();
    seedSandbox(sandbox, Number(value(L.SEED) & 0xffff_ffffn));

    const EL = value(L.EL) === 1n ? 1 : 0;
    for (const { name, slot } of this.#zeroed) {
      if (state.sysreg(slot) !== 0n) registers.write(name, 0n);
    }
    // As the harness returns from EL1.
    state.setSysreg(this.#slots.ELR_EL1, value(L.PC));
    state.setSysreg(this.#slots.SPSR_EL1, value(L.NZCV) | 0x3c0n | BigInt(EL << 2));
    const NZCV = Number(value(L.NZCV) >> 28n);
    pe.setPstate({ EL, SPSel: 0, NZCV, DAIF: 0xf, SS: 0, IL: false });
    state.SP = value(L.SP);
    state.PC = value(L.PC);
    registers.write('FPCR', value(L.FPCR));
    registers.write('FPSR', value(L.FPSR));
    state.clearExclusiveMonitor();
    pe.eventRegister = false;
    for (let n = 0; n < 31; n += 1) state.setX(n, input[n] ?? 0n);
    for (let n = 0; n < 32; n += 1) {
      state.setV(n, input[L.V / 8 + 2 * n] ?? 0n, input[L.V / 8 + 2 * n + 1] ?? 0n);
    }

    this.#runToException(index);

    for (let n = 0; n < 31; n += 1) output[n] = state.X(n);
    for (let n = 0; n < 32; n += 1) {
      const { lo, hi } = state.V(n);
      output[L.V / 8 + 2 * n] = lo;
      output[L.V / 8 + 2 * n + 1] = hi;
    }
    const slots = this.#slots;
    output[L.SP / 8] = state.sysreg(slots.SP_EL0);
    output[L.SPSR / 8] = state.sysreg(slots.SPSR_EL1);
    output[L.ELR / 8] = state.sysreg(slots.ELR_EL1);
    output[L.ESR / 8] = state.sysreg(slots.ESR_EL1);
    output[L.FAR / 8] = state.sysreg(slots.FAR_EL1);
    output[L.FPCR / 8] = registers.raw('FPCR');
    output[L.FPSR / 8] = registers.raw('FPSR');
    output[L.VECTOR / 8] = state.PC >> 7n;
    hashSandbox(sandbox, new Uint32Array(output.buffer, output.byteOffset + L.HASH, 4));
  }

  #runToException(index: number): void {
    for (;;) {
      const event = this.#pe.run(BUDGET);
      switch (event.kind) {
        case 'exceptionTaken':
          return;
        case 'wfi':
          break;
        case 'unimplemented':
          if (event.resumable) break;
          throw new Error(`0x${slotAddress(index).toString(16)}: ${event.what} is not implemented`);
        default:
          throw new Error(`case at 0x${slotAddress(index).toString(16)} ended as ${event.kind}`);
      }
    }
  }

  #sandboxWords(): Uint32Array {
    const bytes = this.#pe.engine.ram.view(BigInt(L.SANDBOX), L.SANDBOX_BYTES);
    if (bytes === undefined) throw new TypeError('no RAM for the sandbox');
    return new Uint32Array(bytes.buffer, bytes.byteOffset, L.SANDBOX_BYTES / 4);
  }

  /** The sandbox as the last case left it. */
  sandbox(): Uint8Array {
    const words = this.#sandboxWords();
    return new Uint8Array(words.buffer, words.byteOffset, L.SANDBOX_BYTES).slice();
  }
}
