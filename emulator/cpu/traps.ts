/**
 * What the trap controls mean for the engine: one byte for each register, direction and EL that
 * says whether an MRS or MSR runs in place or leaves for the processor layer, and whether FP and
 * SIMD instructions leave. Recomputed when a control register has changed.
 */
import type { CpuState, ExceptionLevel } from '../engine/cpu-state.ts';
import type { Engine } from '../engine/engine.ts';
import {
  ACCESS_COUNTER,
  ACCESS_DAIF,
  ACCESS_DIRECT,
  ACCESS_LEAVES,
  SYSTEM_REGISTER_SLOTS,
  TRAP_BYTES_PER_SLOT,
  UNKNOWN_SLOT,
} from '../engine/layout.ts';
import {
  ACCESS_ALLOWED,
  ACCESS_UNDEFINED,
  accessCode,
  activeTraps,
  fpAccessCode,
} from '../sysregs/access-rules.ts';
import type { AccessCode, ActiveTraps, TrapControls } from '../sysregs/access-rules.ts';
import type { ProcessorProfile } from '../sysregs/processor-model.ts';
import type { FineGrainedTrapRegister } from '../sysregs/fine-grained-traps.ts';
import type { Direction } from '../sysregs/sysreg.ts';
import { elIsInHost } from '../sysregs/virtualization-host.ts';
import type { GenericTimers } from './timers.ts';
import type { RegisterEntry, SystemRegisters } from './system-registers.ts';

const CONTROLS = [
  'HCR_EL2',
  'MDCR_EL2',
  'CPTR_EL2',
  'CNTHCTL_EL2',
  'CNTKCTL_EL1',
  'SCTLR_EL1',
  'SCTLR_EL2',
  'CPACR_EL1',
  'MDSCR_EL1',
] as const;

const FINE_GRAINED = [
  'HFGRTR_EL2',
  'HFGWTR_EL2',
  'HFGITR_EL2',
  'HDFGRTR_EL2',
  'HDFGWTR_EL2',
] as const satisfies readonly FineGrainedTrapRegister[];

/** Of a GICv3 CPU interface. */
const GIC_CONTROLS = ['ICH_HCR_EL2', 'ICC_SRE_EL2'] as const;

const DIRECTIONS: readonly Direction[] = ['read', 'write'];
const LEVELS: readonly ExceptionLevel[] = [0, 1, 2];

const MOST_TABLES = 32;

export class TrapTable {
  readonly #engine: Engine;
  readonly #registers: SystemRegisters;
  readonly #timers: GenericTimers;
  readonly #profile: ProcessorProfile;
  /** Tables for the engine: a world switch goes back and forth between a few. */
  readonly #tables = new Map<string, Uint8Array>();
  #active: ActiveTraps | undefined;
  #current = false;
  #appliedSPSel: 0 | 1 = 1;

  constructor(
    engine: Engine,
    registers: SystemRegisters,
    timers: GenericTimers,
    profile: ProcessorProfile,
  ) {
    this.#engine = engine;
    this.#registers = registers;
    this.#timers = timers;
    this.#profile = profile;
  }

  /** A control register has changed, or the counters no longer agree. */
  invalidate(): void {
    this.#active = undefined;
    this.#current = false;
  }

  get active(): ActiveTraps {
    this.#active ??= activeTraps(this.#controls());
    return this.#active;
  }

  #controls(): TrapControls {
    const values = (names: readonly string[]): Record<string, bigint> =>
      Object.fromEntries(names.map((name) => [name, this.#registers.raw(name)]));
    return {
      ...(values(CONTROLS) as Record<(typeof CONTROLS)[number], bigint>),
      ...(this.#profile.FEAT_FGT && {
        fineGrained: values(FINE_GRAINED) as Record<FineGrainedTrapRegister, bigint>,
      }),
      ...(this.#profile.FEAT_GICv3 && {
        ...(values(GIC_CONTROLS) as Record<(typeof GIC_CONTROLS)[number], bigint>),
      }),
      ...(this.#registers.has('PMUSERENR_EL0') && {
        PMUSERENR_EL0: this.#registers.raw('PMUSERENR_EL0'),
      }),
      fpAbsent: !this.#profile.FEAT_FP,
      implementedBreakpoints: this.#profile.breakpoints,
      implementedWatchpoints: this.#profile.watchpoints,
    };
  }

  /** Brings the engine up to date; cheap when nothing has changed, or changed back. */
  apply(SPSel: 0 | 1): void {
    if (this.#current && SPSel === this.#appliedSPSel) return;
    this.#current = true;
    this.#appliedSPSel = SPSel;
    const key = this.#keyOf(SPSel);
    let table = this.#tables.get(key);
    if (table === undefined) {
      if (this.#tables.size === MOST_TABLES) this.#tables.clear();
      this.#tables.set(key, (table = this.#tableFor(SPSel)));
    }
    this.#engine.setTrapBytes(table);
  }

  /** Everything that a table depends on and that can change. */
  #keyOf(SPSel: 0 | 1): string {
    const { fromEL0, toEL2, gic, TGE, E2H, fpFromEL0, fpFromEL1, TFP, fpFromHostEL0 } = this.active;
    const { fineGrained } = this.active;
    const traps = [fromEL0, toEL2, gic, TGE, E2H, fpFromEL0, fpFromEL1, TFP, fpFromHostEL0];
    const fine = fineGrained === undefined ? [] : Object.values(fineGrained);
    return [...traps, ...fine, SPSel, this.#timers.countersAgree].join();
  }

  #tableFor(SPSel: 0 | 1): Uint8Array {
    const table = new Uint8Array(TRAP_BYTES_PER_SLOT * SYSTEM_REGISTER_SLOTS);
    const set = (slot: number, EL: ExceptionLevel, direction: Direction, value: number): void => {
      table[TRAP_BYTES_PER_SLOT * slot + 2 * EL + (direction === 'write' ? 1 : 0)] = value;
    };
    for (const EL of LEVELS) {
      for (const direction of DIRECTIONS) {
        set(UNKNOWN_SLOT, EL, direction, ACCESS_LEAVES);
        for (const entry of this.#registers.entries) {
          set(entry.slot, EL, direction, this.#behaviour(entry, EL, SPSel, direction));
        }
      }
    }
    return table;
  }

  #behaviour(entry: RegisterEntry, EL: ExceptionLevel, SPSel: 0 | 1, direction: Direction): number {
    const { name, register, effects, isObserved } = entry;
    if (accessCode(register.reg, direction, EL, SPSel, this.active) !== ACCESS_ALLOWED) {
      return ACCESS_LEAVES;
    }
    if (entry.banks !== undefined) return ACCESS_LEAVES;
    if (isObserved || this.#registers.reached(entry, EL) !== entry) return ACCESS_LEAVES;
    if (effects?.direct === true) return ACCESS_DIRECT;
    if (name === 'DAIF') return ACCESS_DAIF;
    if (direction === 'write') {
      const plain =
        effects?.written === undefined &&
        effects?.store === undefined &&
        register.writable === 0xffff_ffff_ffff_ffffn;
      return plain ? ACCESS_DIRECT : ACCESS_LEAVES;
    }
    // EL2 of a host, and EL0 of one, see the virtual counter without CNTVOFF_EL2.
    const { countersAgree } = this.#timers;
    const withOffset = !elIsInHost(this.#registers.raw('HCR_EL2'), EL);
    if (name === 'CNTVCT_EL0') return withOffset || countersAgree ? ACCESS_COUNTER : ACCESS_LEAVES;
    if (name === 'CNTPCT_EL0' && countersAgree) return ACCESS_COUNTER;
    return effects?.read === undefined ? ACCESS_DIRECT : ACCESS_LEAVES;
  }

  /** The outcome of an MRS or MSR now. */
  access(entry: RegisterEntry, direction: Direction, state: CpuState): AccessCode {
    if (this.#registers.isBeyond(entry, state.EL)) return ACCESS_UNDEFINED;
    return accessCode(entry.register.reg, direction, state.EL, state.SPSel, this.active);
  }

  /** The outcome of an FP or Advanced SIMD instruction now. */
  fpAccess(EL: ExceptionLevel): AccessCode {
    return fpAccessCode(EL, this.active);
  }
}

/** The registers whose writes change what traps; those of the GIC itself tell it themselves. */
export const trapControlRegisters: readonly string[] = [
  ...CONTROLS,
  ...FINE_GRAINED,
  'ICC_SRE_EL2',
];
