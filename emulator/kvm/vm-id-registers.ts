/**
 * The identification registers of a VM: what userspace may write to them before the first KVM_RUN, and the
 * processor that they then describe to the guest.
 *
 * KVM, sys_regs.c, arm64_check_features() and set_id_aa64dfr0_el1(): a writable field may hold the host's value
 * or one that promises less; every other bit has to be the host's.
 */
import { implementedRegisters } from '../sysregs/definitions.ts';
import type { ImplementedRegisters } from '../sysregs/definitions.ts';
import { idRegisters } from '../sysregs/id-registers.ts';
import type { ProcessorProfile } from '../sysregs/processor-model.ts';
import { EINVAL, OK } from './guest-debug-control.ts';
import type { IoctlResult } from './guest-debug-control.ts';
import type { DebugCounts } from './remap.ts';
import { sanitisedIdRegisters } from './sys-regs.ts';

/**
 * Since which kernel ID_AA64DFR0_EL1 can be written as described here; `architecture` is how this hypervisor does
 * it: BRPs and CTX_CMPs as well, for its REMAP policies, and counts above 16 in ID_AA64DFR1_EL1.
 */
export const idRegisterPeriods = ['6.1', '6.2', '6.7', '6.13', 'architecture'] as const;
export type IdRegisterPeriod = (typeof idRegisterPeriods)[number];

/** A field of ID_AA64DFR0_EL1: 4 bits from `shift` up. */
interface IdField {
  readonly name: string;
  readonly shift: bigint;
  readonly signed: boolean;
  /** The first period in which it can be written. */
  readonly since: IdRegisterPeriod;
}

const DFR0_FIELDS: readonly IdField[] = [
  { name: 'DebugVer', shift: 0n, signed: false, since: '6.7' },
  { name: 'PMUVer', shift: 8n, signed: true, since: '6.2' },
  { name: 'BRPs', shift: 12n, signed: false, since: 'architecture' },
  { name: 'WRPs', shift: 20n, signed: false, since: '6.13' },
  { name: 'CTX_CMPs', shift: 28n, signed: false, since: 'architecture' },
  { name: 'DoubleLock', shift: 36n, signed: true, since: '6.13' },
];

/** Of ID_AA64DFR1_EL1: 8 bits from `shift` up. */
const DFR1_FIELDS: readonly {
  readonly name: 'BRPs' | 'WRPs' | 'CTX_CMPs';
  readonly shift: bigint;
}[] = [
  { name: 'BRPs', shift: 8n },
  { name: 'WRPs', shift: 16n },
  { name: 'CTX_CMPs', shift: 24n },
];

const DFR0 = 'ID_AA64DFR0_EL1';
const DFR1 = 'ID_AA64DFR1_EL1';
const SMALLEST_DEBUG_VERSION = 6n;
/** DebugVer of Armv8.8, the newest that KVM promises. */
const LARGEST_DEBUG_VERSION_OF_KVM = 10n;
/** FEAT_Debugv8p9, the newest there is. */
const LARGEST_DEBUG_VERSION = 11n;
const PMUVER_IMPLEMENTATION_DEFINED = 0xfn;

const raw = (value: bigint, { shift }: Pick<IdField, 'shift'>): bigint => (value >> shift) & 0xfn;
const fieldValue = (value: bigint, field: IdField): bigint => {
  const bits = raw(value, field);
  return field.signed ? BigInt.asIntN(4, bits) : bits;
};
const withField = (value: bigint, { shift }: Pick<IdField, 'shift'>, bits: bigint): bigint =>
  (value & ~(0xfn << shift)) | (bits << shift);
const hex = (value: bigint): string => `0x${value.toString(16)}`;

function requireField(name: string): IdField {
  const field = DFR0_FIELDS.find((candidate) => candidate.name === name);
  if (field === undefined) throw new TypeError(`ID_AA64DFR0_EL1 has no field ${name} here`);
  return field;
}

/** What a value that is written is compared with, by register. */
export type IdLimits = ReadonlyMap<string, bigint>;

/** The largest that a VM on this host may promise. */
export function idLimits(host: ProcessorProfile, period: IdRegisterPeriod): IdLimits {
  const limits = new Map(sanitisedIdRegisters(idRegisters(host)));
  const value = limits.get(DFR0) ?? 0n;
  const debugVersion = { shift: 0n };
  const newest = newestDebugVersion(period);
  const offered = raw(value, debugVersion);
  const limit = withField(value, debugVersion, offered < newest ? offered : newest);
  limits.set(DFR0, limit);
  limits.set(DFR1, fittingCounts(limits.get(DFR1) ?? 0n, limit));
  return limits;
}

function newestDebugVersion(period: IdRegisterPeriod): bigint {
  switch (period) {
    case '6.1':
    case '6.2':
      return SMALLEST_DEBUG_VERSION;
    case '6.7':
    case '6.13':
      return LARGEST_DEBUG_VERSION_OF_KVM;
    case 'architecture':
      return LARGEST_DEBUG_VERSION;
  }
}

/**
 * ID_AA64DFR1_EL1 with the counts that ID_AA64DFR0_EL1 leaves to it: it has them where that has FEAT_Debugv8p9 and all
 * ones, for 16 or more.
 */
function fittingCounts(value: bigint, dfr0: bigint): bigint {
  const DebugVer = raw(dfr0, { shift: 0n });
  return DFR1_FIELDS.reduce((fitting, { name, shift }) => {
    const left = DebugVer >= LARGEST_DEBUG_VERSION && raw(dfr0, requireField(name)) === 0xfn;
    return left ? fitting : fitting & ~(0xffn << shift);
  }, value);
}

const countAbove16 = (value: bigint, { shift }: Pick<IdField, 'shift'>): bigint =>
  (value >> shift) & 0xffn;

/** @returns what is stored in ID_AA64DFR1_EL1, or why not */
function checkDebugCounts(given: bigint, limit: bigint, dfr0: bigint): bigint | string {
  const mask = DFR1_FIELDS.reduce((bits, { shift }) => bits | (0xffn << shift), 0n);
  if (((given ^ limit) & ~mask & 0xffff_ffff_ffff_ffffn) !== 0n) {
    return `ID_AA64DFR1_EL1 can differ from ${hex(limit)} in the bits ${hex(mask)} only.`;
  }
  for (const field of DFR1_FIELDS) {
    const wanted = countAbove16(given, field);
    const most = countAbove16(limit, field);
    if (wanted > most) {
      return `ID_AA64DFR1_EL1.${field.name} is ${hex(wanted)}; the host has ${hex(most)}, and a guest cannot be promised more.`;
    }
    if (wanted !== 0n && wanted < 0x10n) {
      return `ID_AA64DFR1_EL1.${field.name} is for counts above 16; ${hex(wanted)} is reserved.`;
    }
  }
  if (fittingCounts(given, dfr0) !== given) {
    return `ID_AA64DFR1_EL1 can have counts where ID_AA64DFR0_EL1 has DebugVer 11 and all ones for the same count; it is ${hex(dfr0)}.`;
  }
  return given;
}

/** Bits of ID_AA64DFR0_EL1 that userspace may change. */
export function writableMask(period: IdRegisterPeriod): bigint {
  const now = idRegisterPeriods.indexOf(period);
  return DFR0_FIELDS.filter(({ since }) => idRegisterPeriods.indexOf(since) <= now).reduce(
    (mask, { shift }) => mask | (0xfn << shift),
    0n,
  );
}

/**
 * Whether userspace may give ID_AA64DFR0_EL1 this value.
 * @returns what is stored, or why not
 */
export function checkDebugFeatures(
  given: bigint,
  limit: bigint,
  period: IdRegisterPeriod,
): bigint | string {
  const PMUVer = requireField('PMUVer');
  const value =
    raw(given, PMUVer) === PMUVER_IMPLEMENTATION_DEFINED ? withField(given, PMUVer, 0n) : given;
  const mask = writableMask(period);
  if (((value ^ limit) & ~mask & 0xffff_ffff_ffff_ffffn) !== 0n) {
    return `ID_AA64DFR0_EL1 can differ from ${hex(limit)} in the bits ${hex(mask)} only.`;
  }
  for (const field of DFR0_FIELDS) {
    const wanted = fieldValue(value, field);
    const most = fieldValue(limit, field);
    if (wanted > most) {
      return `ID_AA64DFR0_EL1.${field.name} is ${hex(raw(value, field))}; the host has ${hex(raw(limit, field))}, and a guest cannot be promised more.`;
    }
  }
  if (raw(value, requireField('DebugVer')) < SMALLEST_DEBUG_VERSION) {
    return 'ID_AA64DFR0_EL1.DebugVer below 6 is no AArch64 debug architecture.';
  }
  const BRPs = raw(value, requireField('BRPs'));
  const WRPs = raw(value, requireField('WRPs'));
  const CTX_CMPs = raw(value, requireField('CTX_CMPs'));
  if (BRPs === 0n || WRPs === 0n) {
    return 'ID_AA64DFR0_EL1.BRPs and WRPs of 0 are reserved: there are at least two of each.';
  }
  if (CTX_CMPs > BRPs) {
    return `ID_AA64DFR0_EL1.CTX_CMPs is ${hex(CTX_CMPs)} and BRPs ${hex(BRPs)}: there cannot be more context-aware breakpoints than breakpoints.`;
  }
  return value;
}

/** The processor that ID_AA64DFR0_EL1 and ID_AA64DFR1_EL1 describe, on this host. */
function describedProcessor(host: ProcessorProfile, value: bigint, dfr1: bigint): ProcessorProfile {
  const count = (name: string): number => {
    const above = DFR1_FIELDS.find((field) => field.name === name);
    const large = above === undefined ? 0n : countAbove16(dfr1, above);
    return Number(large === 0n ? raw(value, requireField(name)) : large) + 1;
  };
  return {
    ...host,
    debugVersion: Number(raw(value, requireField('DebugVer'))),
    breakpoints: count('BRPs'),
    watchpoints: count('WRPs'),
    contextAwareBreakpoints: count('CTX_CMPs'),
    FEAT_DoubleLock: host.FEAT_DoubleLock && raw(value, requireField('DoubleLock')) === 0n,
  };
}

/** What a VM takes to another host. */
export type IdRegisterValues = Readonly<Record<string, bigint>>;

export class VmIdRegisters {
  readonly period: IdRegisterPeriod;
  readonly #host: ProcessorProfile;
  readonly #limits: IdLimits;
  /** Why the debug policy cannot give a guest these counts. */
  readonly #refusal: (counts: DebugCounts) => string | undefined;
  #values: ReadonlyMap<string, bigint>;
  #withProfiling:
    | { readonly of: ReadonlyMap<string, bigint>; readonly map: ReadonlyMap<string, bigint> }
    | undefined;
  #processor: ProcessorProfile;
  #implemented: ImplementedRegisters;
  /** KVM_RUN has been called: the registers are frozen. */
  #frozen = false;

  constructor(
    host: ProcessorProfile,
    period: IdRegisterPeriod,
    refusal: (counts: DebugCounts) => string | undefined,
  ) {
    this.period = period;
    this.#host = host;
    this.#refusal = refusal;
    this.#limits = idLimits(host, period);
    this.#values = this.#limits;
    this.#processor = this.#described();
    this.#implemented = implementedRegisters(this.#processor);
  }

  #described(): ProcessorProfile {
    return describedProcessor(
      this.#host,
      this.#values.get(DFR0) ?? 0n,
      this.#values.get(DFR1) ?? 0n,
    );
  }

  /** By name; the registers of the ID space that are not named read as zero. */
  get values(): ReadonlyMap<string, bigint> {
    return this.#values;
  }

  /** The same for a vCPU with KVM_ARM_VCPU_SPE: ID_AA64DFR0_EL1.PMSVer is the host's. */
  get valuesWithProfiling(): ReadonlyMap<string, bigint> {
    if (this.#withProfiling?.of !== this.#values) {
      const PMSVer = { shift: 32n };
      const host = raw(idRegisters(this.#host).get(DFR0) ?? 0n, PMSVer);
      const value = withField(this.#values.get(DFR0) ?? 0n, PMSVer, host);
      const map = new Map(this.#values).set(DFR0, value);
      this.#withProfiling = { of: this.#values, map };
    }
    return this.#withProfiling.map;
  }

  /** The guest's processor. */
  get processor(): ProcessorProfile {
    return this.#processor;
  }

  get implemented(): ImplementedRegisters {
    return this.#implemented;
  }

  get counts(): DebugCounts {
    const { breakpoints, contextAwareBreakpoints, watchpoints } = this.#processor;
    return { breakpoints, contextAware: contextAwareBreakpoints, watchpoints };
  }

  /** The processor that is promised is not all of the host's. */
  get differs(): boolean {
    return [DFR0, DFR1].some((name) => this.#values.get(name) !== this.#limits.get(name));
  }

  /** The guest runs for the first time. */
  freeze(): void {
    this.#frozen = true;
  }

  /** Another VM is made, with the same registers. */
  thaw(): void {
    this.#frozen = false;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** KVM_SET_ONE_REG; of any vCPU, for all of them. */
  set(name: string, given: bigint): IoctlResult {
    const current = this.#values.get(name);
    if (current === undefined) return EINVAL(`There is no identification register ${name}.`);
    if (this.#frozen) {
      return given === current
        ? OK
        : {
            ok: false,
            errno: 'EBUSY',
            reason: `${name} cannot change any more: the guest has run.`,
          };
    }
    const limit = this.#limits.get(name) ?? 0n;
    const isDebugCounts = name === DFR1 && this.period === 'architecture';
    if (name !== DFR0 && !isDebugCounts) {
      return given === limit
        ? OK
        : EINVAL(`${name} is ${hex(limit)} on this host and cannot be written.`);
    }
    const before = this.#values;
    const stored = isDebugCounts
      ? checkDebugCounts(given, limit, before.get(DFR0) ?? 0n)
      : checkDebugFeatures(given, limit, this.period);
    if (typeof stored === 'string') return EINVAL(stored);
    this.#values = new Map(before).set(name, stored);
    if (!isDebugCounts) {
      // Fewer are promised here: ID_AA64DFR1_EL1 has nothing to add.
      this.#values = new Map(this.#values).set(DFR1, fittingCounts(before.get(DFR1) ?? 0n, stored));
    }
    const processor = this.#described();
    const refusal = this.#refusal({
      breakpoints: processor.breakpoints,
      contextAware: processor.contextAwareBreakpoints,
      watchpoints: processor.watchpoints,
    });
    if (refusal !== undefined) {
      this.#values = before;
      return EINVAL(refusal);
    }
    this.#processor = processor;
    this.#implemented = implementedRegisters(processor);
    return OK;
  }

  /** Promises these counts. */
  setCounts({ breakpoints, contextAware, watchpoints }: DebugCounts): IoctlResult {
    const counts = { BRPs: breakpoints, CTX_CMPs: contextAware, WRPs: watchpoints };
    const field = (count: number): bigint => BigInt(Math.min(count, 16) - 1);
    const above = (count: number): bigint => (count > 16 ? BigInt(count - 1) : 0n);
    const result = this.setFields({
      BRPs: field(breakpoints),
      CTX_CMPs: field(contextAware),
      WRPs: field(watchpoints),
    });
    if (!result.ok || this.period !== 'architecture') return result;
    const dfr1 = DFR1_FIELDS.reduce(
      (value, { name, shift }) => value | (above(counts[name]) << shift),
      0n,
    );
    return this.set(DFR1, dfr1);
  }

  /** Sets single fields of ID_AA64DFR0_EL1. */
  setFields(fields: Readonly<Record<string, bigint>>): IoctlResult {
    let value = this.#values.get(DFR0) ?? 0n;
    for (const [name, bits] of Object.entries(fields)) {
      const field = DFR0_FIELDS.find((candidate) => candidate.name === name);
      if (field === undefined) {
        const known = DFR0_FIELDS.map((it) => it.name).join(', ');
        return EINVAL(`ID_AA64DFR0_EL1 has no field ${name} that can be set; there are ${known}.`);
      }
      if (bits < 0n || bits > 0xfn) {
        return EINVAL(`ID_AA64DFR0_EL1.${name} has 4 bits, so ${bits} does not fit.`);
      }
      value = withField(value, field, bits);
    }
    return this.set(DFR0, value);
  }

  /**
   * KVM_ARM_GET_REG_WRITABLE_MASKS: the bits of each identification register that can be written.
   * @param reserved words of the request that have to be zero
   */
  masks(
    reserved: readonly number[] = [],
  ): { readonly ok: true; readonly masks: ReadonlyMap<string, bigint> } | IoctlResult {
    if (reserved.some((word) => word !== 0)) {
      return EINVAL('The reserved words of KVM_ARM_GET_REG_WRITABLE_MASKS have to be zero.');
    }
    const masks = new Map<string, bigint>([...this.#values.keys()].map((name) => [name, 0n]));
    masks.set(DFR0, writableMask(this.period));
    if (this.period === 'architecture') {
      masks.set(
        DFR1,
        DFR1_FIELDS.reduce((bits, { shift }) => bits | (0xffn << shift), 0n),
      );
    }
    return { ok: true, masks };
  }

  saveState(): IdRegisterValues {
    return Object.fromEntries(this.#values);
  }

  /**
   * The registers of a VM that comes from another host, before anything else of it. The values that cannot
   * differ have to be those of this host.
   */
  restoreState(state: IdRegisterValues): IoctlResult {
    for (const [name, value] of Object.entries(state)) {
      // Who implements the processor and which one it is among several is not the VM's.
      if (name === 'MIDR_EL1' || name === 'MPIDR_EL1' || name === 'REVIDR_EL1') continue;
      const result = this.set(name, value);
      if (!result.ok) return result;
    }
    return OK;
  }
}
