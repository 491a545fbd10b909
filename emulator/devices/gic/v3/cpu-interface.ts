/**
 * The CPU interface of a GICv3, as system registers. Arm GIC architecture specification (IHI 0069),
 * "AArch64 System register descriptions", for a PE without EL3 and one Security state: group 0 is
 * signalled as FIQ, group 1 as IRQ, and BPR1 is the Non-secure one.
 */
import type { DeviceEvents, IrqLine } from '../../device.ts';
import type { CpuInterfaceDescription } from '../interrupt-controller.ts';
import { SPURIOUS } from '../interrupt-states.ts';
import {
  ActivePriorities,
  groupPriority,
  LEAST_BPR0,
  LEAST_BPR1,
  PRIORITY_BITS,
  PRIORITY_MASK,
} from '../priorities.ts';
import type { BinaryPoints, Candidate, Group } from '../priorities.ts';
import type { RegisterAccess, RegisterAccesses } from '../register-access.ts';
import { FIRST_LPI } from './lpis.ts';

/** The registers that have a virtual form too, for guests of EL2 software. */
export const ICV_REGISTERS = [
  'ICC_PMR_EL1',
  'ICC_IAR0_EL1',
  'ICC_EOIR0_EL1',
  'ICC_HPPIR0_EL1',
  'ICC_BPR0_EL1',
  'ICC_AP0R0_EL1',
  'ICC_AP1R0_EL1',
  'ICC_DIR_EL1',
  'ICC_RPR_EL1',
  'ICC_IAR1_EL1',
  'ICC_EOIR1_EL1',
  'ICC_HPPIR1_EL1',
  'ICC_BPR1_EL1',
  'ICC_CTLR_EL1',
  'ICC_IGRPEN0_EL1',
  'ICC_IGRPEN1_EL1',
] as const;
export type IcvRegister = (typeof ICV_REGISTERS)[number];

export const ICC_REGISTERS = [
  ...ICV_REGISTERS,
  'ICC_SGI1R_EL1',
  'ICC_ASGI1R_EL1',
  'ICC_SGI0R_EL1',
] as const;
export type IccRegister = (typeof ICC_REGISTERS)[number];

export const ICC_CTLR_CBPR = 1; // BPR0 is for group 1 too
export const ICC_CTLR_EOImode = 2; // EOIR drops the priority only
/** A3V, 16 INTID bits, PRIbits; no SEIs, no extended ranges. */
export const ICC_CTLR_CONSTANT = (1 << 15) | ((PRIORITY_BITS - 1) << 8);
const INTID_MASK = 0xff_ffffn;
const NAME = 'GIC CPU interface';

/** Who an SGI goes to: ICC_SGI1R_EL1's fields. */
export interface SgiRequest {
  readonly group: Group;
  readonly INTID: number;
  readonly target:
    | { readonly kind: 'everyone else' }
    /** Bits 31:8 of the affinities, and a mask over Aff0 from 16 * `RS`. */
    | {
        readonly kind: 'list';
        readonly cluster: number;
        readonly RS: number;
        readonly list: number;
      };
}

export interface CpuInterfaceV3Options {
  readonly cpu: number;
  /** The highest pending interrupt of these groups (bit n: group n) that is forwarded here. */
  readonly highestPending: (groups: number) => Candidate | undefined;
  /** An interrupt was acknowledged: it becomes active, an LPI just not pending. */
  readonly activate: (INTID: number) => void;
  readonly deactivate: (INTID: number) => void;
  readonly sendSgi: (request: SgiRequest) => void;
  readonly irq: IrqLine;
  readonly fiq: IrqLine;
  /** Something that decides what is signalled has changed. */
  readonly changed: () => void;
  readonly events: DeviceEvents;
}

interface SavedCpuInterface {
  readonly ICC_PMR: number;
  readonly ICC_BPR: readonly [number, number];
  readonly ICC_CTLR: number;
  readonly ICC_IGRPEN: number;
  readonly ICC_APR: readonly [number, number];
}

export class GicV3CpuInterface {
  readonly registers: RegisterAccesses<IccRegister>;
  readonly #options: CpuInterfaceV3Options;
  #ICC_PMR = 0;
  readonly #ICC_BPR: [number, number] = [LEAST_BPR0, LEAST_BPR1];
  /** CBPR and EOImode. */
  #ICC_CTLR = 0;
  /** Bit n: ICC_IGRPENn_EL1. */
  #ICC_IGRPEN = 0;
  readonly #active = new ActivePriorities();

  constructor(options: CpuInterfaceV3Options) {
    this.#options = options;
    const word = (peek: () => number): RegisterAccess => ({ peek: () => BigInt(peek() >>> 0) });
    const written = (peek: () => number, write: (value: number) => void): RegisterAccess => ({
      ...word(peek),
      write(value) {
        write(Number(value & 0xffff_ffffn));
        options.changed();
      },
    });
    const ICC_APR = (group: Group): RegisterAccess =>
      written(
        () => this.#active.get(group),
        (value) => {
          this.#active.set(group, value);
        },
      );
    const ICC_IAR = (group: Group): RegisterAccess => ({
      peek: () => BigInt(this.#acknowledgeable(group)?.INTID ?? SPURIOUS),
      read: () => BigInt(this.#acknowledge(group)),
    });
    const ICC_HPPIR = (group: Group): RegisterAccess =>
      word(() => {
        const pending = options.highestPending(this.#ICC_IGRPEN);
        return pending?.group === group ? pending.INTID : SPURIOUS;
      });
    const ICC_EOIR = (group: Group): RegisterAccess => ({
      peek: () => 0n,
      write: (value) => {
        this.#endOfInterrupt(group, Number(value & INTID_MASK));
      },
    });
    const ICC_IGRPEN = (group: Group): RegisterAccess =>
      written(
        () => (this.#ICC_IGRPEN >>> group) & 1,
        (value) => {
          const bit = 1 << group;
          this.#ICC_IGRPEN = (value & 1) !== 0 ? this.#ICC_IGRPEN | bit : this.#ICC_IGRPEN & ~bit;
        },
      );
    const SGI = (group: Group | undefined): RegisterAccess => ({
      peek: () => 0n,
      write: (value) => {
        if (group !== undefined) options.sendSgi(sgiRequest(group, value));
        else
          this.#guestError('ICC_ASGI1R_EL1 is for the other Security state, which does not exist');
      },
    });
    this.registers = {
      ICC_PMR_EL1: written(
        () => this.#ICC_PMR,
        (value) => {
          this.#ICC_PMR = value & PRIORITY_MASK;
        },
      ),
      ICC_IAR0_EL1: ICC_IAR(0),
      ICC_EOIR0_EL1: ICC_EOIR(0),
      ICC_HPPIR0_EL1: ICC_HPPIR(0),
      ICC_BPR0_EL1: written(
        () => this.#ICC_BPR[0],
        (value) => {
          this.#ICC_BPR[0] = Math.max(LEAST_BPR0, value & 7);
        },
      ),
      ICC_AP0R0_EL1: ICC_APR(0),
      ICC_AP1R0_EL1: ICC_APR(1),
      ICC_DIR_EL1: {
        peek: () => 0n,
        write: (value) => {
          this.#deactivateOnly(Number(value & INTID_MASK));
        },
      },
      ICC_RPR_EL1: word(() => this.#active.running),
      ICC_SGI1R_EL1: SGI(1),
      ICC_ASGI1R_EL1: SGI(undefined),
      ICC_SGI0R_EL1: SGI(0),
      ICC_IAR1_EL1: ICC_IAR(1),
      ICC_EOIR1_EL1: ICC_EOIR(1),
      ICC_HPPIR1_EL1: ICC_HPPIR(1),
      ICC_BPR1_EL1: written(
        () => (this.#commonBPR ? Math.min(7, this.#ICC_BPR[0] + 1) : this.#ICC_BPR[1]),
        (value) => {
          if (!this.#commonBPR) this.#ICC_BPR[1] = Math.max(LEAST_BPR1, value & 7);
        },
      ),
      ICC_CTLR_EL1: written(
        () => ICC_CTLR_CONSTANT | this.#ICC_CTLR,
        (value) => {
          this.#ICC_CTLR = value & (ICC_CTLR_CBPR | ICC_CTLR_EOImode);
        },
      ),
      ICC_IGRPEN0_EL1: ICC_IGRPEN(0),
      ICC_IGRPEN1_EL1: ICC_IGRPEN(1),
    };
  }

  reset(): void {
    this.#ICC_PMR = 0;
    this.#ICC_BPR[0] = LEAST_BPR0;
    this.#ICC_BPR[1] = LEAST_BPR1;
    this.#ICC_CTLR = 0;
    this.#ICC_IGRPEN = 0;
    this.#active.reset();
  }

  get #commonBPR(): boolean {
    return (this.#ICC_CTLR & ICC_CTLR_CBPR) !== 0;
  }
  get #splitsEOI(): boolean {
    return (this.#ICC_CTLR & ICC_CTLR_EOImode) !== 0;
  }
  get #binaryPoints(): BinaryPoints {
    return { BPR0: this.#ICC_BPR[0], BPR1: this.#ICC_BPR[1], CBPR: this.#commonBPR };
  }

  /** Whether interrupts of the group are enabled here. */
  isGroupEnabled(group: Group): boolean {
    return ((this.#ICC_IGRPEN >>> group) & 1) === 1;
  }

  /** Whether the interrupt would be signalled if it were the highest pending one. */
  passes({ priority, group }: Pick<Candidate, 'priority' | 'group'>): boolean {
    return (
      this.isGroupEnabled(group) &&
      priority < this.#ICC_PMR &&
      groupPriority(priority, group, this.#binaryPoints) < this.#active.running
    );
  }

  #signalled(): Candidate | undefined {
    const pending = this.#options.highestPending(this.#ICC_IGRPEN);
    return pending !== undefined && this.passes(pending) ? pending : undefined;
  }

  /** Drives the outputs to what they are now. */
  update(): void {
    const group = this.#signalled()?.group;
    this.#options.irq.set(group === 1);
    this.#options.fiq.set(group === 0);
  }

  describe(): CpuInterfaceDescription {
    const group = this.#signalled()?.group;
    return {
      cpu: this.#options.cpu,
      priorityMask: this.#ICC_PMR,
      runningPriority: this.#active.running,
      signals: group === undefined ? undefined : group === 1 ? 'IRQ' : 'FIQ',
    };
  }

  #acknowledgeable(group: Group): Candidate | undefined {
    const signalled = this.#signalled();
    return signalled?.group === group ? signalled : undefined;
  }

  #acknowledge(group: Group): number {
    const taken = this.#acknowledgeable(group);
    if (taken === undefined) return SPURIOUS;
    this.#active.activate(group, groupPriority(taken.priority, group, this.#binaryPoints));
    this.#options.activate(taken.INTID);
    this.#options.changed();
    return taken.INTID;
  }

  /** UNPREDICTABLE uses do nothing here, and are told. */
  #endOfInterrupt(group: Group, INTID: number): void {
    if (isSpecial(INTID)) return;
    const running = this.#active.runningGroup;
    if (running !== group) {
      this.#guestError(
        running === undefined
          ? `end of interrupt ${INTID} while none is active`
          : `ICC_EOIR${group}_EL1 for interrupt ${INTID} while group ${running} has the running priority`,
      );
      return;
    }
    this.#active.drop();
    if (!this.#splitsEOI) this.#options.deactivate(INTID);
    this.#options.changed();
  }

  #deactivateOnly(INTID: number): void {
    if (!this.#splitsEOI) {
      this.#guestError('ICC_DIR_EL1 is written while ICC_CTLR_EL1.EOImode is 0');
    } else if (!isSpecial(INTID) && INTID < FIRST_LPI) {
      this.#options.deactivate(INTID);
      this.#options.changed();
    }
  }

  #guestError(message: string): void {
    this.#options.events.guestError(NAME, message);
  }

  saveState(): unknown {
    return {
      ICC_PMR: this.#ICC_PMR,
      ICC_BPR: [...this.#ICC_BPR],
      ICC_CTLR: this.#ICC_CTLR,
      ICC_IGRPEN: this.#ICC_IGRPEN,
      ICC_APR: [this.#active.get(0), this.#active.get(1)],
    } satisfies SavedCpuInterface;
  }
  restoreState(state: unknown): void {
    const saved = state as SavedCpuInterface;
    this.#ICC_PMR = saved.ICC_PMR;
    [this.#ICC_BPR[0], this.#ICC_BPR[1]] = saved.ICC_BPR;
    this.#ICC_CTLR = saved.ICC_CTLR;
    this.#ICC_IGRPEN = saved.ICC_IGRPEN;
    this.#active.set(0, saved.ICC_APR[0]);
    this.#active.set(1, saved.ICC_APR[1]);
  }
}

/** INTIDs 1020 to 1023. */
export const isSpecial = (INTID: number): boolean => INTID >= 1020 && INTID <= SPURIOUS;

/** Arm GIC architecture, ICC_SGI1R_EL1. */
function sgiRequest(group: Group, value: bigint): SgiRequest {
  const field = (lsb: bigint, width: bigint): number =>
    Number((value >> lsb) & ((1n << width) - 1n));
  const INTID = field(24n, 4n);
  if (field(40n, 1n) === 1) return { group, INTID, target: { kind: 'everyone else' } };
  const cluster = (field(48n, 8n) << 16) | (field(32n, 8n) << 8) | field(16n, 8n);
  const target = { kind: 'list', cluster, RS: field(44n, 4n), list: field(0n, 16n) } as const;
  return { group, INTID, target };
}
