/**
 * The host's own profiling and tracing while a guest runs: SPE, TRBE and the trace filter. Without VHE the
 * host uses them at EL1, so they have to be silent and their buffers drained before the guest's translation
 * regime is installed; with VHE they belong to EL2 and nothing is to be done.
 *
 * When it looks, what it remembers and in which flags is a scheme's decision.
 */
import { hostMode } from '../host-mode.ts';
import type { WorldSwitch } from '../world-switch.ts';
import type { FlagWord } from '../policies/policy.ts';

/** A scheme: one generation of KVM's flags. */
export interface TraceScheme {
  readonly name: string;
  /** One sentence. */
  readonly description: string;
  /** Once for each physical CPU, when the hypervisor starts there. */
  initialise(trace: HostTrace): void;
  vcpuLoad(trace: HostTrace): void;
  vcpuPut(trace: HostTrace): void;
  /** Before the guest's registers and its MDCR_EL2 are installed. */
  enter(trace: HostTrace): void;
  /** After the host's are back. */
  exit(trace: HostTrace): void;
  /** kvm_enable_trbe() and kvm_disable_trbe(), from the host's driver. */
  trbeEnabled(trace: HostTrace, enabled: boolean): void;
  /** kvm_tracing_set_el1_configuration(): TRFCR_EL1 for the time in the guest. */
  setEl1Configuration(trace: HostTrace, TRFCR_EL1: bigint): void;
  flagWords(trace: HostTrace): readonly FlagWord[];
  /** A session wants another filter in the guest than outside; absent: `filterConfigured` says it. */
  hasConfiguration?(trace: HostTrace): boolean;
}

export interface HostTraceData {
  readonly scheme: string;
  readonly iflags: number;
  readonly hostFlags: number;
  readonly flagWrites: number;
  readonly drains: { readonly SPE: number; readonly TRBE: number };
  readonly trfcr_while_in_guest: bigint;
  readonly filterConfigured: boolean;
  readonly saved: SavedTrace;
}

/** What the host has lost for the time in the guest; undefined: nothing. */
export interface SavedTrace {
  PMSCR_EL1: bigint | undefined;
  TRFCR_EL1: bigint | undefined;
  /** Where the scheme disables the buffers themselves as well. */
  PMBLIMITR_EL1: bigint | undefined;
  TRBLIMITR_EL1: bigint | undefined;
}

const nothingSaved = (): SavedTrace => ({
  PMSCR_EL1: undefined,
  TRFCR_EL1: undefined,
  PMBLIMITR_EL1: undefined,
  TRBLIMITR_EL1: undefined,
});

const E = 1n;
const PMBIDR_P = 1n << 4n;
const field = (value: bigint, lsb: bigint): bigint => (value >> lsb) & 0xfn;

export class HostTrace {
  readonly ws: WorldSwitch;
  scheme: TraceScheme;
  /** Told of a broken invariant I5: no buffer is in use under a foreign translation regime. */
  violated: ((what: string) => void) | undefined;
  /** vcpu->arch.iflags, bits 7:5. */
  iflags = 0;
  /** host_data->flags. */
  hostFlags = 0;
  /** Writes of a word of flags: each costs a preempt_disable() and a preempt_enable(). */
  flagWrites = 0;
  drains = { SPE: 0, TRBE: 0 };
  trfcr_while_in_guest = 0n;
  /** A session of the host wants another filter in the guest than outside. */
  filterConfigured = false;
  saved: SavedTrace = nothingSaved();

  constructor(ws: WorldSwitch, scheme: TraceScheme) {
    this.ws = ws;
    this.scheme = scheme;
  }

  get VHE(): boolean {
    return this.ws.profile.VHE;
  }

  // -- flags

  /** Sets or clears bits of a word in one write. */
  writeFlags(word: 'iflags' | 'hostFlags', bits: number, set: boolean, names: string): void {
    this[word] = set ? this[word] | bits : this[word] & ~bits;
    this.flagWrites += 1;
    this.ws.event(set ? 'flagSet' : 'flagClear', `${names} ${set ? 'set' : 'cleared'}`);
  }

  // -- what the processor has

  /** ID_AA64DFR0_EL1.PMSVer is not 0 and no higher EL owns the buffer. */
  hasSpe(): boolean {
    const { cpu } = this.ws;
    if (field(cpu.read('ID_AA64DFR0_EL1'), 32n) === 0n) return false;
    return (cpu.read('PMBIDR_EL1') & PMBIDR_P) === 0n;
  }

  hasTraceFilter(): boolean {
    return field(this.ws.cpu.read('ID_AA64DFR0_EL1'), 40n) !== 0n;
  }

  hasTrbe(): boolean {
    const { cpu } = this.ws;
    if (field(cpu.read('ID_AA64DFR0_EL1'), 44n) === 0n) return false;
    return (cpu.read('TRBIDR_EL1') & PMBIDR_P) === 0n;
  }

  // -- moves

  /** The buffer is drained, or goes on, while addresses still or again mean what the host means. */
  #requireHostRegime(what: string): void {
    const { HCR_HOST_FLAGS } = hostMode(this.ws.profile);
    if (this.ws.cpu.cpu.peekRegister('HCR_EL2') !== HCR_HOST_FLAGS) {
      this.violated?.(`I5: ${what} under the guest's translation regime`);
    }
  }

  #drain(unit: 'SPE' | 'TRBE', text: string): void {
    this.#requireHostRegime(`the ${unit} buffer is drained`);
    this.drains[unit] += 1;
    this.ws.event('drain', `${unit}: ${text}`);
  }

  /** Sampling stops and what was sampled reaches the buffer. */
  saveSpe(): void {
    const { cpu } = this.ws;
    if ((cpu.read('PMBLIMITR_EL1') & E) === 0n) return;
    const PMSCR_EL1 = cpu.read('PMSCR_EL1');
    this.saved.PMSCR_EL1 = PMSCR_EL1;
    cpu.write('PMSCR_EL1', 0n);
    this.#drain('SPE', 'PMSCR_EL1 := 0, ISB, PSB CSYNC, DSB NSH');
  }

  restoreSpe(): void {
    const { PMSCR_EL1 } = this.saved;
    if (PMSCR_EL1 === undefined || PMSCR_EL1 === 0n) return;
    this.#requireHostRegime('profiling goes on');
    this.ws.cpu.write('PMSCR_EL1', PMSCR_EL1);
    this.saved.PMSCR_EL1 = undefined;
  }

  /** Up to 6.13: tracing is off in the guest while the trace buffer is on. */
  saveTrbe(): void {
    const { cpu } = this.ws;
    if ((cpu.read('TRBLIMITR_EL1') & E) === 0n) return;
    this.saved.TRFCR_EL1 = cpu.read('TRFCR_EL1');
    cpu.write('TRFCR_EL1', 0n);
    this.#drain('TRBE', 'TRFCR_EL1 := 0, ISB, TSB CSYNC, DSB NSH');
  }

  restoreTrbe(): void {
    const { TRFCR_EL1 } = this.saved;
    if (TRFCR_EL1 === undefined || TRFCR_EL1 === 0n) return;
    this.#requireHostRegime('tracing goes on');
    this.ws.cpu.write('TRFCR_EL1', TRFCR_EL1);
    this.saved.TRFCR_EL1 = undefined;
  }

  /** Installs a filter. @returns the one before */
  swapFilter(TRFCR_EL1: bigint): bigint {
    const { cpu } = this.ws;
    const before = cpu.read('TRFCR_EL1');
    cpu.write('TRFCR_EL1', TRFCR_EL1);
    return before;
  }

  /** A buffer that has been drained is disabled too, with one more write each way. */
  disableBuffer(limit: 'PMBLIMITR_EL1' | 'TRBLIMITR_EL1'): void {
    const { cpu } = this.ws;
    // What was read when it was drained.
    const value = cpu.cpu.peekRegister(limit);
    if ((value & E) === 0n) return;
    cpu.write(limit, 0n);
    this.saved[limit] = value;
    this.ws.event('drain', `${limit} := 0, ISB`, { reg: limit, old: value, new: 0n });
  }

  enableBuffer(limit: 'PMBLIMITR_EL1' | 'TRBLIMITR_EL1'): void {
    const value = this.saved[limit];
    if (value === undefined) return;
    this.#requireHostRegime(`${limit} is enabled`);
    this.ws.cpu.write(limit, value);
    this.saved[limit] = undefined;
  }

  drainTrbe(): void {
    if ((this.ws.cpu.read('TRBLIMITR_EL1') & E) === 0n) return;
    this.#drain('TRBE', 'ISB, TSB CSYNC, DSB NSH');
  }

  // -- the vCPU

  get exists(): boolean {
    const { FEAT_SPE, FEAT_TRF } = this.ws.profile.processor;
    return FEAT_SPE || FEAT_TRF;
  }

  vcpuLoad(): void {
    if (this.exists) this.scheme.vcpuLoad(this);
  }

  vcpuPut(): void {
    if (this.exists) this.scheme.vcpuPut(this);
  }

  enter(): void {
    if (this.exists) this.scheme.enter(this);
  }

  /** I5, with the guest's regime installed: nothing of the host's writes to a buffer. */
  atEntry(): void {
    if (this.VHE || this.violated === undefined) return;
    const { cpu } = this.ws.cpu;
    const { FEAT_SPE, FEAT_TRBE } = this.ws.profile.processor;
    const on = (limit: string, control: string): boolean =>
      (cpu.peekRegister(limit) & E) !== 0n && cpu.peekRegister(control) !== 0n;
    if (FEAT_SPE && on('PMBLIMITR_EL1', 'PMSCR_EL1')) {
      this.violated('I5: the host profiles the guest into its own buffer');
    }
    if (FEAT_TRBE && on('TRBLIMITR_EL1', 'TRFCR_EL1')) {
      this.violated('I5: the host traces the guest into its own buffer');
    }
  }

  exit(): void {
    if (this.exists) this.scheme.exit(this);
  }

  // -- the host's drivers

  /** The host starts or stops sampling itself. */
  toggleProfiling(): void {
    if (!this.ws.profile.processor.FEAT_SPE) return;
    const { cpu } = this.ws.cpu;
    const isOn = (cpu.peekRegister('PMBLIMITR_EL1') & E) !== 0n;
    const control = this.VHE ? 'PMSCR_EL2' : 'PMSCR_EL1';
    cpu.writeRegister('PMSIRR_EL1', 0x1_0000n);
    cpu.writeRegister('PMBPTR_EL1', isOn ? 0n : HOST_BUFFER);
    cpu.writeRegister('PMBLIMITR_EL1', isOn ? 0n : HOST_BUFFER_LIMIT | E);
    cpu.writeRegister(control, isOn ? 0n : 3n);
    this.ws.event('hostActivity', `the host ${isOn ? 'stops' : 'starts'} profiling itself (SPE)`);
  }

  /** The host starts or stops tracing itself into the trace buffer. */
  toggleTracing(): void {
    if (!this.ws.profile.processor.FEAT_TRBE) return;
    const { cpu } = this.ws.cpu;
    const isOn = (cpu.peekRegister('TRBLIMITR_EL1') & E) !== 0n;
    cpu.writeRegister('TRBBASER_EL1', isOn ? 0n : HOST_BUFFER);
    cpu.writeRegister('TRBPTR_EL1', isOn ? 0n : HOST_BUFFER);
    cpu.writeRegister('TRBLIMITR_EL1', isOn ? 0n : HOST_BUFFER_LIMIT | E);
    cpu.writeRegister(this.VHE ? 'TRFCR_EL2' : 'TRFCR_EL1', isOn ? 0n : 3n);
    this.scheme.trbeEnabled(this, !isOn);
    this.ws.event('hostActivity', `the host ${isOn ? 'stops' : 'starts'} tracing itself (TRBE)`);
  }

  setEl1Configuration(TRFCR_EL1: bigint): void {
    this.scheme.setEl1Configuration(this, TRFCR_EL1);
  }

  /**
   * Another scheme, between vcpu_put and vcpu_load: it begins with what it asks the processor and what the drivers
   * have told.
   */
  changeScheme(scheme: TraceScheme): void {
    const tracing = this.#isTracing;
    const configured = this.filterConfigured || this.scheme.hasConfiguration?.(this) === true;
    const TRFCR_EL1 = this.trfcr_while_in_guest;
    this.scheme = scheme;
    this.iflags = 0;
    this.hostFlags = 0;
    this.filterConfigured = false;
    if (!this.exists) return;
    scheme.initialise(this);
    if (tracing) scheme.trbeEnabled(this, true);
    if (configured) scheme.setEl1Configuration(this, TRFCR_EL1);
  }

  /** The host's driver has the trace buffer on. */
  get #isTracing(): boolean {
    const { cpu } = this.ws.cpu;
    return this.ws.profile.processor.FEAT_TRBE && (cpu.peekRegister('TRBLIMITR_EL1') & E) !== 0n;
  }

  // -- reset and snapshots

  reset(): void {
    this.iflags = 0;
    this.hostFlags = 0;
    this.flagWrites = 0;
    this.drains = { SPE: 0, TRBE: 0 };
    this.trfcr_while_in_guest = 0n;
    this.filterConfigured = false;
    this.saved = nothingSaved();
    if (this.exists) this.scheme.initialise(this);
  }

  saveState(): HostTraceData {
    const { iflags, hostFlags, flagWrites, drains, trfcr_while_in_guest, filterConfigured, saved } =
      this;
    return {
      scheme: this.scheme.name,
      ...{ iflags, hostFlags, flagWrites, trfcr_while_in_guest, filterConfigured },
      drains: { ...drains },
      saved: { ...saved },
    };
  }

  /** The scheme is restored by its owner. */
  restoreState(state: HostTraceData): void {
    this.iflags = state.iflags;
    this.hostFlags = state.hostFlags;
    this.flagWrites = state.flagWrites;
    this.trfcr_while_in_guest = state.trfcr_while_in_guest;
    this.filterConfigured = state.filterConfigured;
    this.drains = { ...state.drains };
    this.saved = { ...state.saved };
  }
}

/** Addresses of the host's kernel, where no guest of ours is. */
const HOST_BUFFER = 0xffff_8000_2000_0000n;
const HOST_BUFFER_LIMIT = 0xffff_8000_2001_0000n;
