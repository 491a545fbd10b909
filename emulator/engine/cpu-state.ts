/* Views on the engine's memory: the typed arrays cover every slot, so indexed reads are never undefined. */
/* eslint-disable @typescript-eslint/no-non-null-assertion */
import * as L from './layout.ts';

export type ExceptionLevel = 0 | 1 | 2;

/** What a run of the engine leaves behind or is given, which says how long it was and not where the guest is. */
const RUN_BOOKKEEPING = [
  [L.RETIRED_AT_END, L.BUDGET_LEFT + 4],
  [L.BTYPE_RETIRED, L.BTYPE_RETIRED + 8],
  [L.DAIF_WATCHED, L.DAIF_WATCHED + 4],
  [L.BOUNCE, L.STORE_BUFFER + L.BUFFER_BYTES],
] as const;

/** The registers of one processing element, as they stand in the engine's memory. */
export class CpuState {
  readonly #bytes: Uint8Array;
  readonly #u32: Uint32Array;
  readonly #u64: BigUint64Array;
  readonly #packFlags: () => number;

  readonly #tlbs: number;

  /**
   * `stateBase` is the start of the processor's bank; `packFlags` materialises the lazy flags as NZCV in
   * bits 3:0.
   */
  constructor(memory: ArrayBuffer, stateBase: number, packFlags: () => number) {
    this.#bytes = new Uint8Array(memory, stateBase, L.SAVED_END);
    this.#u32 = new Uint32Array(memory, stateBase, L.SAVED_END / 4);
    this.#u64 = new BigUint64Array(memory, stateBase, L.SAVED_END / 8);
    this.#tlbs = stateBase + L.TLB;
    this.#packFlags = packFlags;
  }

  /** X0-X30 by number; 31 is not a register here. */
  X(n: number): bigint {
    return this.#u64[(L.X >> 3) + generalRegister(n)]!;
  }
  setX(n: number, value: bigint): void {
    this.#u64[(L.X >> 3) + generalRegister(n)] = value;
  }
  /** The register that an Rt field of 0-31 names in a system instruction: 31 reads as zero. */
  xOrZero(n: number): bigint {
    return n === 31 ? 0n : this.X(n);
  }
  setXOrDiscard(n: number, value: bigint): void {
    if (n !== 31) this.setX(n, value);
  }
  /** The current stack pointer, selected by PSTATE.SP and PSTATE.EL. */
  get SP(): bigint {
    return this.#u64[(L.X >> 3) + L.SP_SLOT]!;
  }
  set SP(value: bigint) {
    this.#u64[(L.X >> 3) + L.SP_SLOT] = value;
  }
  get PC(): bigint {
    return this.#u64[L.PC >> 3]!;
  }
  set PC(value: bigint) {
    this.#u64[L.PC >> 3] = value;
  }
  /** V0-V31. */
  V(n: number): { readonly lo: bigint; readonly hi: bigint } {
    const at = (L.V >> 3) + 2 * (n & 31);
    return { lo: this.#u64[at]!, hi: this.#u64[at + 1]! };
  }
  setV(n: number, lo: bigint, hi: bigint): void {
    const at = (L.V >> 3) + 2 * (n & 31);
    this.#u64[at] = lo;
    this.#u64[at + 1] = hi;
  }
  /** PSTATE.NZCV in bits 3:0. */
  get NZCV(): number {
    return this.#packFlags();
  }
  set NZCV(value: number) {
    this.#u32[L.FLAG_KIND >> 2] = L.FLAGS_PACKED;
    this.#u64[L.FLAG_A >> 3] = BigInt(value & 15);
    this.#u64[L.FLAG_B >> 3] = 0n;
  }
  get EL(): ExceptionLevel {
    return this.#u32[L.PSTATE_EL >> 2]! as ExceptionLevel;
  }
  set EL(value: ExceptionLevel) {
    this.#u32[L.PSTATE_EL >> 2] = value;
    this.#u32[L.TRAP_COLUMN >> 2] = 2 * value;
  }
  get SPSel(): 0 | 1 {
    return this.#u32[L.PSTATE_SPSEL >> 2]! as 0 | 1;
  }
  set SPSel(value: 0 | 1) {
    this.#u32[L.PSTATE_SPSEL >> 2] = value;
  }
  /** Bits 3:0 are D, A, I, F. */
  get DAIF(): number {
    return this.#u32[L.PSTATE_DAIF >> 2]!;
  }
  set DAIF(value: number) {
    this.#u32[L.PSTATE_DAIF >> 2] = value & 15;
  }
  /** Bits of DAIF whose change by MSR leaves the engine, because more depends on it than their value. */
  set watchedMasks(value: number) {
    this.#u32[L.DAIF_WATCHED >> 2] = value;
  }
  get IL(): boolean {
    return this.#u32[L.PSTATE_IL >> 2] !== 0;
  }
  set IL(value: boolean) {
    this.#u32[L.PSTATE_IL >> 2] = value ? 1 : 0;
  }
  get SS(): 0 | 1 {
    return this.#u32[L.PSTATE_SS >> 2]! as 0 | 1;
  }
  set SS(value: 0 | 1) {
    this.#u32[L.PSTATE_SS >> 2] = value;
  }
  /** PAN, UAO, DIT and SSBS at their places in SPSR_ELx. */
  get extensions(): number {
    return this.#u32[L.PSTATE_EXTENSIONS >> 2]!;
  }
  set extensions(value: number) {
    this.#u32[L.PSTATE_EXTENSIONS >> 2] = value;
  }
  /** PSTATE.BTYPE: how the previous instruction came here, if it was an indirect branch (FEAT_BTI). */
  get BTYPE(): number {
    return this.#u32[L.BTYPE >> 2]!;
  }
  set BTYPE(value: number) {
    this.#u32[L.BTYPE >> 2] = value;
  }
  /** Instructions retired since reset. */
  get retired(): bigint {
    return this.#u64[L.RETIRED >> 3]!;
  }
  set retired(value: bigint) {
    this.#u64[L.RETIRED >> 3] = value;
  }

  /** The YIELD that comes as this one from now leaves the engine; 0: none does. */
  set yieldsLeft(value: number) {
    this.#u32[L.YIELDS_LEFT >> 2] = value;
  }

  /** A slot of the system-register file, raw: no masks, no effects. */
  sysreg(slot: number): bigint {
    return this.#u64[(L.SYSTEM_REGISTERS >> 3) + slot]!;
  }
  setSysreg(slot: number, value: bigint): void {
    this.#u64[(L.SYSTEM_REGISTERS >> 3) + slot] = value;
  }

  /** A load-exclusive has marked a range, and nothing has cleared it. */
  get exclusiveMonitorArmed(): boolean {
    return this.#u32[L.EXCLUSIVE_SIZE >> 2] !== 0;
  }
  clearExclusiveMonitor(): void {
    this.#u32[L.EXCLUSIVE_SIZE >> 2] = 0;
  }

  /** Zeroes everything, monitor open. */
  reset(): void {
    this.#bytes.fill(0, 0, L.TRAP_BYTES);
    this.clearExclusiveMonitor();
    this.EL = 0;
    this.#u32[L.DATA_TLB >> 2] = this.#tlbs;
    this.#u32[L.UNPRIVILEGED_TLB >> 2] = this.#tlbs;
  }

  /** The whole register state, flags in canonical form, so that equal states give equal bytes. */
  saveBlock(): Uint8Array {
    const { NZCV } = this;
    this.NZCV = NZCV;
    const block = this.#bytes.slice();
    for (const [start, end] of RUN_BOOKKEEPING) block.fill(0, start, end);
    return block;
  }
  restoreBlock(bytes: Uint8Array): void {
    if (bytes.length !== this.#bytes.length) {
      throw new RangeError(`a register block has ${this.#bytes.length} bytes, not ${bytes.length}`);
    }
    this.#bytes.set(bytes);
  }
}

function generalRegister(n: number): number {
  if (!(n >= 0 && n <= 30)) throw new RangeError(`X${n} is not a general-purpose register`);
  return n;
}
