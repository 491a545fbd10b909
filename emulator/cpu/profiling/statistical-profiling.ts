/**
 * The Statistical Profiling Extension, FEAT_SPE: counts operations, looks at every so-manieth and writes what
 * it saw into a buffer. Arm ARM, "The Statistical Profiling Extension".
 *
 * Every instruction is one operation (PMSIDR_EL1.ArchInst). Records go to memory at once, so PSB CSYNC has
 * nothing left to wait for. A cycle is an instruction: issue takes none, an operation takes one, and each
 * translation table that is read one more.
 */
import type { CpuState } from '../../engine/cpu-state.ts';
import type { TranslationRegime } from '../../mmu/regime.ts';
import { translate } from '../../mmu/translate.ts';
import type { TableReader } from '../../mmu/descriptor.ts';
import type { ExceptionLevel } from '../pstate.ts';
import type { SystemRegisters } from '../system-registers.ts';
import { sampledOperation } from './sampled-operation.ts';
import type { SampledOperation } from './sampled-operation.ts';
import {
  encodeSampleRecord,
  EVENT_EXCEPTION,
  EVENT_NOT_TAKEN,
  EVENT_RETIRED,
  EVENT_TLB_ACCESS,
  EVENT_TLB_WALK,
  RECORD_BYTES,
} from './sample-record.ts';

/** What the unit needs of the processor around it. */
export interface ProfilingHost {
  readonly state: CpuState;
  readonly registers: SystemRegisters;
  regime(EL: ExceptionLevel): TranslationRegime;
  /** Reads tables as an access of this processor does. */
  readonly tables: TableReader;
  /** Reads tables without effects. */
  readonly peekedTables: TableReader;
  /** Whether the TLB of `EL` has the page of `va`. */
  holdsTranslation(EL: ExceptionLevel, va: bigint): boolean;
  writePhysical(PA: bigint, bytes: Uint8Array): boolean;
  readonly virtualCount: bigint;
  readonly physicalCount: bigint;
}

/** What was seen of an operation before it executed. */
interface Sample {
  readonly operation: SampledOperation;
  readonly walked: boolean;
  readonly tablesRead: number;
  readonly dataPA: bigint | undefined;
}

/** How the sampled operation ended. */
export interface OperationEnd {
  /** The PC after it. */
  readonly next: bigint;
  readonly exception: boolean;
  readonly retired: boolean;
}

export interface SpeState {
  readonly random: number;
  readonly busyUntil: bigint;
}

const field = (value: bigint, high: number, low: number): bigint =>
  (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);
const bit = (value: bigint, position: number): boolean => field(value, position, position) === 1n;

const PMBIDR_P = 1n << 4n;
const PMBLIMITR_E = 0;
const LIMIT_MASK = ~0xfffn;
const ALIGNMENT_MASK = ~BigInt(RECORD_BYTES - 1);
const PMBSR_COLL = 1n << 16n;
const PMBSR_S = 1n << 17n;
const PMBSR_EA = 1n << 18n;
const PMBSR_DL = 1n << 19n;
const PMBSR_MSS = 0xffffn;
const PMBSR_EC_LSB = 26n;
const EC_BUFFER = 0x00n;
const EC_STAGE1_FAULT = 0x24n;
const EC_STAGE2_FAULT = 0x25n;
const BSC_FILLED = 0b000001n;
const FSC_EXTERNAL_ABORT = 0b010000n;
const COUNT_MASK = 0xffff_ffffn;

export class StatisticalProfiling {
  readonly #host: ProfilingHost;
  readonly #exists: boolean;
  readonly #line = { asserted: false };
  #drive: ((asserted: boolean) => void) | undefined;
  #random = 1;
  /** The sample of the operation that is being executed. */
  #sample: Sample | undefined;
  /** The operation sampled last is in flight until then, in instructions retired. */
  #busyUntil = 0n;
  /** Cached until a register that decides has been written or the EL has changed. */
  #enabledAt: readonly boolean[] | undefined;

  constructor(host: ProfilingHost) {
    this.#host = host;
    const { registers } = host;
    this.#exists = registers.has('PMBLIMITR_EL1');
    const decides = { written: () => (this.#enabledAt = undefined) };
    for (const name of ['PMSCR_EL1', 'PMSCR_EL2']) {
      registers.own(name, {
        written: (value, previous) => {
          decides.written();
          if (value !== previous) this.#enabling();
        },
      });
    }
    registers.own('PMBLIMITR_EL1', {
      written: () => {
        decides.written();
        this.#enabling();
      },
    });
    registers.own('PMBSR_EL1', {
      written: () => {
        decides.written();
        this.#updateLine();
      },
    });
    for (const name of ['PMSICR_EL1', 'PMSIRR_EL1', 'PMSFCR_EL1', 'PMSEVFR_EL1', 'PMSLATFR_EL1']) {
      registers.own(name, {});
    }
    registers.own('PMBPTR_EL1', { store: (written) => written & ALIGNMENT_MASK });
    registers.own('PMBIDR_EL1', {
      // P: the buffer belongs to a higher EL.
      read: () => this.#raw('PMBIDR_EL1') | (host.state.EL < this.owner ? PMBIDR_P : 0n),
      peek: () => this.#raw('PMBIDR_EL1'),
    });
  }

  /** Where the buffer management interrupt goes; level sensitive. */
  connect(drive: (asserted: boolean) => void): void {
    this.#drive = drive;
    drive(this.#line.asserted);
  }

  reset(): void {
    this.#sample = undefined;
    this.#random = 1;
    this.#busyUntil = 0n;
    this.ownerChanged();
    this.#updateLine();
  }

  /** MDCR_EL2 or HCR_EL2 was written. */
  ownerChanged(): void {
    this.#enabledAt = undefined;
  }

  #raw(name: string): bigint {
    return this.#host.registers.raw(name);
  }

  #updateLine(): void {
    if (!this.#exists) return;
    const asserted = (this.#raw('PMBSR_EL1') & PMBSR_S) !== 0n;
    if (asserted === this.#line.asserted) return;
    this.#line.asserted = asserted;
    this.#drive?.(asserted);
  }

  // -- who owns the buffer, and whether operations are sampled

  /** Arm ARM, ProfilingBufferOwner(): MDCR_EL2.E2PB. */
  get owner(): 1 | 2 {
    return field(this.#raw('MDCR_EL2'), 13, 12) === 0n ? 2 : 1;
  }

  /** Arm ARM, ProfilingBufferEnabled(). */
  get bufferEnabled(): boolean {
    return (
      this.#exists &&
      bit(this.#raw('PMBLIMITR_EL1'), PMBLIMITR_E) &&
      (this.#raw('PMBSR_EL1') & PMBSR_S) === 0n
    );
  }

  /** Arm ARM, StatisticalProfilingEnabled(), by EL. */
  #enabled(): readonly boolean[] {
    if (!this.bufferEnabled) return [false, false, false];
    const TGE = bit(this.#raw('HCR_EL2'), 27);
    const { owner } = this;
    if (TGE && owner === 1) return [false, false, false];
    const PMSCR_EL1 = this.#raw('PMSCR_EL1');
    const PMSCR_EL2 = this.#raw('PMSCR_EL2');
    return [
      TGE ? bit(PMSCR_EL2, 0) : bit(PMSCR_EL1, 0),
      bit(PMSCR_EL1, 1),
      owner === 2 && bit(PMSCR_EL2, 1),
    ];
  }

  /** Operations at this EL are counted and sampled. */
  enabledAt(EL: ExceptionLevel): boolean {
    if (!this.#exists) return false;
    this.#enabledAt ??= this.#enabled();
    return this.#enabledAt[EL] === true;
  }

  // -- the sample interval

  /** Profiling becomes enabled: an interval counter of zero is loaded. */
  #enabling(): void {
    if (this.bufferEnabled && (this.#raw('PMSICR_EL1') & COUNT_MASK) === 0n) this.#reload();
  }

  /** COUNT[31:8] = PMSIRR_EL1.INTERVAL; COUNT[7:0] is random where PMSIRR_EL1.RND is set, else 0. */
  #reload(): void {
    const PMSIRR = this.#raw('PMSIRR_EL1');
    const jitter = bit(PMSIRR, 0) ? BigInt(this.#nextRandom() & 0xff) : 0n;
    this.#setCount((PMSIRR & 0xffff_ff00n) | jitter);
  }

  /** xorshift32: the same for every run of a guest. */
  #nextRandom(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x >>> 0;
    return this.#random;
  }

  #setCount(count: bigint): void {
    const { registers } = this.#host;
    const PMSICR = this.#raw('PMSICR_EL1');
    registers.setRaw('PMSICR_EL1', (PMSICR & ~COUNT_MASK) | (count & COUNT_MASK));
  }

  /**
   * Operations up to and with the next one that is sampled, at least 1; undefined while profiling is off at
   * the current EL.
   */
  get untilSample(): number | undefined {
    if (!this.enabledAt(this.#host.state.EL)) return undefined;
    const COUNT = Number(this.#raw('PMSICR_EL1') & COUNT_MASK);
    return COUNT === 0 ? 1 : COUNT;
  }

  /** So many operations were executed without a sample. */
  passed(operations: number): void {
    const COUNT = this.#raw('PMSICR_EL1') & COUNT_MASK;
    const left = COUNT - BigInt(operations);
    this.#setCount(left > 0n ? left : 1n);
  }

  // -- one sample

  /** The instruction at the PC is the one that is sampled, unless an earlier sample is still in flight. */
  begin(word: number): void {
    const { state, registers } = this.#host;
    if (state.retired < this.#busyUntil) {
      registers.setRaw('PMBSR_EL1', this.#raw('PMBSR_EL1') | PMBSR_COLL);
      this.#reload();
      return;
    }
    this.#sample = this.#observe(word);
  }

  #observe(word: number): Sample {
    const { state } = this.#host;
    const operation = sampledOperation(word, state);
    const { address, EL } = operation;
    if (address === undefined)
      return { operation, walked: false, tablesRead: 0, dataPA: undefined };
    const walked = !this.#host.holdsTranslation(EL, address);
    let tablesRead = 0;
    const { peekedTables } = this.#host;
    const counting: TableReader = {
      get low() {
        return peekedTables.low;
      },
      get high() {
        return peekedTables.high;
      },
      read(at) {
        tablesRead += 1;
        return peekedTables.read(at);
      },
    };
    const result = translate(this.#host.regime(EL), counting, address, 'debug');
    const dataPA = result.kind === 'mapped' ? result.PA : undefined;
    return { operation, walked, tablesRead: walked ? tablesRead : 0, dataPA };
  }

  /** The operation was not executed after all: the next one is sampled. */
  cancel(): void {
    this.#sample = undefined;
  }

  /** The operation is over. Does nothing where it was not sampled. */
  finish(outcome: OperationEnd): void {
    const sample = this.#sample;
    if (sample === undefined) return;
    this.#sample = undefined;
    this.#reload();
    this.#record(sample, outcome);
  }

  /** The record is written unless a filter drops it. */
  #record({ operation, walked, tablesRead, dataPA }: Sample, outcome: OperationEnd): void {
    const { state } = this.#host;
    const { pc, EL, kind, subclass, address } = operation;
    const isAccess = kind === 'loadStore' && address !== undefined;
    const taken = kind === 'branch' && outcome.next !== BigInt.asUintN(64, pc + 4n);
    const events =
      (outcome.exception ? EVENT_EXCEPTION : 0) |
      (outcome.retired ? EVENT_RETIRED : 0) |
      (isAccess ? EVENT_TLB_ACCESS : 0) |
      (isAccess && walked ? EVENT_TLB_WALK : 0) |
      (kind === 'branch' && outcome.retired && !taken ? EVENT_NOT_TAKEN : 0);
    const totalLatency = 1 + tablesRead;
    this.#busyUntil = state.retired + BigInt(totalLatency);
    if (!this.#passesFilters(operation, events, totalLatency)) return;
    this.#write(
      encodeSampleRecord({
        pc: { address: pc, EL },
        branchTarget:
          kind === 'branch' && outcome.retired
            ? { address: outcome.next, EL: state.EL }
            : undefined,
        dataVA: isAccess ? address : undefined,
        dataPA: isAccess && this.#collectsPhysicalAddress ? dataPA : undefined,
        totalLatency,
        issueLatency: 0,
        translationLatency: isAccess ? tablesRead : undefined,
        operation: { kind, subclass },
        events,
        CONTEXTIDR_EL1: this.#contextOf(EL),
        timestamp: this.#timestamp,
      }),
    );
  }

  /** PMSFCR_EL1.FT by type, FE by events, FL by latency: a record has to pass each that is on. */
  #passesFilters(
    { kind, isLoad, isStore }: SampledOperation,
    events: number,
    cycles: number,
  ): boolean {
    const PMSFCR = this.#raw('PMSFCR_EL1');
    const [FE, FT, FL, B, LD, ST] = [0, 1, 2, 16, 17, 18].map((n) => bit(PMSFCR, n));
    if (FT === true) {
      const wanted =
        (B === true && kind === 'branch') || (LD === true && isLoad) || (ST === true && isStore);
      if (!wanted) return false;
    }
    if (FE === true) {
      const wanted = this.#raw('PMSEVFR_EL1');
      if ((BigInt(events) & wanted) !== wanted) return false;
    }
    return FL !== true || BigInt(cycles) >= field(this.#raw('PMSLATFR_EL1'), 11, 0);
  }

  /** Arm ARM, CollectPhysicalAddress(). */
  get #collectsPhysicalAddress(): boolean {
    const PMSCR_EL2 = bit(this.#raw('PMSCR_EL2'), 4);
    return PMSCR_EL2 && (this.owner === 2 || bit(this.#raw('PMSCR_EL1'), 4));
  }

  /** Arm ARM, CollectContextIDR1(). */
  #contextOf(EL: ExceptionLevel): bigint | undefined {
    if (EL === 2 || !bit(this.#raw('PMSCR_EL1'), 3)) return undefined;
    return this.#raw('CONTEXTIDR_EL1') & COUNT_MASK;
  }

  /** Arm ARM, CollectTimeStamp(): the virtual counter unless all who decide ask for the physical one. */
  get #timestamp(): bigint | undefined {
    const PMSCR_EL2 = this.#raw('PMSCR_EL2');
    const PMSCR = this.owner === 2 ? PMSCR_EL2 : this.#raw('PMSCR_EL1');
    if (!bit(PMSCR, 5)) return undefined;
    const isPhysical = field(PMSCR, 7, 6) === 1n && field(PMSCR_EL2, 7, 6) === 1n;
    return isPhysical ? this.#host.physicalCount : this.#host.virtualCount;
  }

  // -- the buffer

  #write(record: Uint8Array): void {
    const { registers } = this.#host;
    const pointer = this.#raw('PMBPTR_EL1');
    const LIMIT = this.#raw('PMBLIMITR_EL1') & LIMIT_MASK;
    if (pointer + BigInt(RECORD_BYTES) > LIMIT) {
      this.#event(EC_BUFFER, BSC_FILLED, true);
      return;
    }
    // Records are aligned to their size, so one lies in one page.
    const regime = this.#host.regime(this.owner);
    const result = translate(regime, this.#host.tables, pointer, 'write');
    if (result.kind === 'fault') {
      const EC = result.stage === 1 ? EC_STAGE1_FAULT : EC_STAGE2_FAULT;
      this.#event(EC, BigInt(result.FSC), true);
      return;
    }
    if (!this.#host.writePhysical(result.PA, record)) {
      registers.setRaw('PMBSR_EL1', this.#raw('PMBSR_EL1') | PMBSR_EA);
      this.#event(EC_STAGE1_FAULT, FSC_EXTERNAL_ABORT, true);
      return;
    }
    const next = pointer + BigInt(RECORD_BYTES);
    registers.setRaw('PMBPTR_EL1', next);
    // PMSIDR_EL1.MaxSize does not fit any more.
    if (next + BigInt(RECORD_BYTES) > LIMIT) this.#event(EC_BUFFER, BSC_FILLED, false);
  }

  /** A profiling buffer management event: profiling stops and the interrupt is asserted. */
  #event(EC: bigint, status: bigint, dataLost: boolean): void {
    const kept = this.#raw('PMBSR_EL1') & (PMBSR_COLL | PMBSR_EA | PMBSR_DL);
    this.#host.registers.setRaw(
      'PMBSR_EL1',
      kept | (EC << PMBSR_EC_LSB) | (status & PMBSR_MSS) | PMBSR_S | (dataLost ? PMBSR_DL : 0n),
    );
    this.#enabledAt = undefined;
    this.#updateLine();
  }

  // -- snapshots

  saveState(): SpeState {
    return { random: this.#random, busyUntil: this.#busyUntil };
  }

  restoreState({ random, busyUntil }: SpeState): void {
    this.#random = random;
    this.#busyUntil = busyUntil;
    this.ownerChanged();
    this.#updateLine();
  }
}
