/**
 * The CPU interface of a GICv2 without the Security Extensions. Arm GIC architecture specification
 * version 2.0 (IHI 0048), "CPU interface register descriptions" and "Interrupt prioritization".
 *
 * All 8 priority bits are implemented, which gives 128 levels of preemption: bit n of
 * GICC_APR0-3 stands for the group priority 2 * n.
 */
import type { DeviceEvents, IrqLine } from '../../device.ts';
import type { CpuInterfaceDescription } from '../interrupt-controller.ts';
import { SGIS, SPURIOUS } from '../interrupt-states.ts';
import type { RegisterFrame } from './banked-frame.ts';
import { INTERRUPTS } from './interrupts.ts';
import type { GicV2Interrupts } from './interrupts.ts';

const GICC_CTLR = 0x0000;
const GICC_PMR = 0x0004;
const GICC_BPR = 0x0008;
const GICC_IAR = 0x000c;
const GICC_EOIR = 0x0010;
const GICC_RPR = 0x0014;
const GICC_HPPIR = 0x0018;
const GICC_ABPR = 0x001c;
const GICC_AIAR = 0x0020;
const GICC_AEOIR = 0x0024;
const GICC_AHPPIR = 0x0028;
const GICC_APR0 = 0x00d0;
const GICC_NSAPR0 = 0x00e0;
const GICC_IIDR = 0x00fc;
const GICC_DIR = 0x1000;

const GICC_CTLR_AckCtl = 1 << 2; // GICC_IAR acknowledges group 1 too
const GICC_CTLR_FIQEn = 1 << 3; // group 0 is signalled as FIQ
const GICC_CTLR_CBPR = 1 << 4; // GICC_BPR is for group 1 too
const GICC_CTLR_EOImode = 1 << 9; // GICC_EOIR drops the priority only
/** There are no bypass signals: the IRQBypDis and FIQBypDis bits are RAZ/WI. */
const GICC_CTLR_WRITABLE = 0x21f;
/** Implementer Arm, product GIC-400, GICv2, r0p1. */
const GICC_IIDR_GIC400 = 0x0202_143b;
/** Highest pending is of group 1 and this register does not acknowledge it. */
const GROUP1_PENDING = 1022;
const IDLE_PRIORITY = 0xff;
const INTID_MASK = 0x3ff;

export interface CpuInterfaceOptions {
  readonly cpu: number;
  readonly interrupts: GicV2Interrupts;
  /** Bit n: the distributor forwards group n. */
  readonly forwardedGroups: () => number;
  readonly irq: IrqLine;
  readonly fiq: IrqLine;
  /** The state of an interrupt has changed. */
  readonly changed: () => void;
  readonly events: DeviceEvents;
}

type Registers = readonly number[];

/** The registers of one processor. */
export class GicCpuInterface implements RegisterFrame {
  readonly #options: CpuInterfaceOptions;
  readonly #cpu: number;
  readonly #interrupts: GicV2Interrupts;
  #GICC_CTLR = 0;
  #GICC_PMR = 0;
  #GICC_BPR = 0;
  #GICC_ABPR = 1;
  readonly #GICC_APR = new Uint32Array(4);

  constructor(options: CpuInterfaceOptions) {
    this.#options = options;
    this.#cpu = options.cpu;
    this.#interrupts = options.interrupts;
  }

  reset(): void {
    this.#GICC_CTLR = 0;
    this.#GICC_PMR = 0;
    this.#GICC_BPR = 0;
    this.#GICC_ABPR = 1;
    this.#GICC_APR.fill(0);
    this.update();
  }

  // -- prioritisation

  /** Group priority of the highest active interrupt; 0xff when none is active. GICC_RPR. */
  get runningPriority(): number {
    for (const [n, APR] of this.#GICC_APR.entries()) {
      if (APR !== 0) return 2 * (32 * n + 31 - Math.clz32(APR & -APR));
    }
    return IDLE_PRIORITY;
  }

  #isGroup1(INTID: number): boolean {
    return this.#interrupts.has('group1', this.#cpu, INTID);
  }

  /** The part of a priority that decides about preemption. */
  #groupPriority(INTID: number): number {
    const useABPR = this.#isGroup1(INTID) && (this.#GICC_CTLR & GICC_CTLR_CBPR) === 0;
    // GICC_BPR n leaves [7:n+1] as the group priority, GICC_ABPR n leaves [7:n].
    const bits = useABPR ? this.#GICC_ABPR : this.#GICC_BPR + 1;
    return this.#interrupts.priority(this.#cpu, INTID) & (0xff << bits);
  }

  #highestPending(): number {
    return this.#interrupts.highestPending(this.#cpu, this.#options.forwardedGroups());
  }

  /** Whether this interface signals interrupts of the group. */
  #groupEnabled(INTID: number): boolean {
    return ((this.#GICC_CTLR >>> (this.#isGroup1(INTID) ? 1 : 0)) & 1) === 1;
  }

  /** The interrupt that is signalled to the processor, or SPURIOUS. */
  #signalled(): number {
    const INTID = this.#highestPending();
    return INTID !== SPURIOUS && this.#passes(INTID) ? INTID : SPURIOUS;
  }

  /** Whether this interface signals the interrupt when it is the highest pending one. */
  #passes(INTID: number): boolean {
    return (
      this.#groupEnabled(INTID) &&
      this.#interrupts.priority(this.#cpu, INTID) < this.#GICC_PMR &&
      this.#groupPriority(INTID) < this.runningPriority
    );
  }

  /** Whether the processor hears of the interrupt as soon as it is pending, if nothing more urgent is. */
  wouldSignal(INTID: number): boolean {
    const group = this.#isGroup1(INTID) ? 1 : 0;
    return (
      ((this.#options.forwardedGroups() >>> group) & 1) === 1 &&
      this.#interrupts.has('enabled', this.#cpu, INTID) &&
      !this.#interrupts.has('active', this.#cpu, INTID) &&
      this.#interrupts.isTarget(this.#cpu, INTID) &&
      this.#passes(INTID)
    );
  }

  /** Drives the outputs to what they are now. */
  update(): void {
    const INTID = this.#signalled();
    const asFiq =
      INTID !== SPURIOUS && !this.#isGroup1(INTID) && (this.#GICC_CTLR & GICC_CTLR_FIQEn) !== 0;
    this.#options.irq.set(INTID !== SPURIOUS && !asFiq);
    this.#options.fiq.set(asFiq);
  }

  describe(): CpuInterfaceDescription {
    const INTID = this.#signalled();
    const asFiq = !this.#isGroup1(INTID) && (this.#GICC_CTLR & GICC_CTLR_FIQEn) !== 0;
    return {
      cpu: this.#cpu,
      priorityMask: this.#GICC_PMR,
      runningPriority: this.runningPriority,
      signals: INTID === SPURIOUS ? undefined : asFiq ? 'FIQ' : 'IRQ',
    };
  }

  // -- registers

  /** The word at an offset, without side effects; undefined where nothing can be read. */
  peek(offset: number): number | undefined {
    switch (offset) {
      case GICC_CTLR:
        return this.#GICC_CTLR;
      case GICC_PMR:
        return this.#GICC_PMR;
      case GICC_BPR:
        return this.#GICC_BPR;
      case GICC_IAR:
        return this.#identifier(this.#visible(this.#signalled(), false));
      case GICC_RPR:
        return this.runningPriority;
      case GICC_HPPIR:
        return this.#identifier(this.#visible(this.#pending(), false));
      case GICC_ABPR:
        return this.#GICC_ABPR;
      case GICC_AIAR:
        return this.#identifier(this.#visible(this.#signalled(), true));
      case GICC_AHPPIR:
        return this.#identifier(this.#visible(this.#pending(), true));
      case GICC_IIDR:
        return GICC_IIDR_GIC400;
      default:
        if (offset >= GICC_APR0 && offset < GICC_APR0 + 16) {
          return this.#GICC_APR[(offset - GICC_APR0) / 4];
        }
        // GICC_NSAPR<n>: Security Extensions only.
        return offset >= GICC_NSAPR0 && offset < GICC_NSAPR0 + 16 ? 0 : undefined;
    }
  }

  /** The highest pending one of an enabled group, whether or not its priority suffices. */
  #pending(): number {
    const INTID = this.#highestPending();
    return INTID !== SPURIOUS && this.#groupEnabled(INTID) ? INTID : SPURIOUS;
  }

  /** What GICC_IAR and GICC_HPPIR, or the aliased registers, show of an interrupt. */
  #visible(INTID: number, aliased: boolean): number {
    if (INTID === SPURIOUS) return SPURIOUS;
    const group1 = this.#isGroup1(INTID);
    if (aliased) return group1 ? INTID : SPURIOUS;
    return group1 && (this.#GICC_CTLR & GICC_CTLR_AckCtl) === 0 ? GROUP1_PENDING : INTID;
  }

  /** With the processor that sent it, for an SGI: of several the lowest. */
  #identifier(INTID: number): number {
    if (INTID >= SGIS) return INTID;
    return INTID | (lowestBit(this.#interrupts.sources(this.#cpu, INTID)) << 10);
  }

  read(offset: number): number | undefined {
    const value = this.peek(offset);
    if (value === undefined || (offset !== GICC_IAR && offset !== GICC_AIAR)) return value;
    const INTID = value & INTID_MASK;
    if (INTID < INTERRUPTS) this.#acknowledge(INTID);
    return value;
  }

  #acknowledge(INTID: number): void {
    const interrupts = this.#interrupts;
    const level = this.#groupPriority(INTID) >>> 1;
    const n = level >>> 5;
    this.#GICC_APR[n] = (this.#GICC_APR[n] ?? 0) | (1 << (level & 31));
    interrupts.set('active', this.#cpu, INTID, true);
    if (INTID < SGIS) {
      const sources = interrupts.sources(this.#cpu, INTID);
      interrupts.setSources(this.#cpu, INTID, sources & (sources - 1));
    } else {
      interrupts.set('latch', this.#cpu, INTID, false);
    }
    this.#options.changed();
  }

  /** False where there is no register that can be written. */
  write(offset: number, value: number): boolean {
    switch (offset) {
      case GICC_CTLR:
        this.#GICC_CTLR = value & GICC_CTLR_WRITABLE;
        break;
      case GICC_PMR:
        this.#GICC_PMR = value & 0xff;
        break;
      case GICC_BPR:
        this.#GICC_BPR = value & 7;
        break;
      case GICC_ABPR:
        this.#GICC_ABPR = Math.max(1, value & 7);
        break;
      case GICC_EOIR:
        this.#endOfInterrupt(value & INTID_MASK, false);
        break;
      case GICC_AEOIR:
        this.#endOfInterrupt(value & INTID_MASK, true);
        break;
      case GICC_DIR:
        this.#deactivateOnly(value & INTID_MASK);
        break;
      default:
        if (offset >= GICC_NSAPR0 && offset < GICC_NSAPR0 + 16) break;
        if (offset < GICC_APR0 || offset >= GICC_APR0 + 16) return false;
        this.#GICC_APR[(offset - GICC_APR0) / 4] = value;
    }
    this.#options.changed();
    return true;
  }

  /** UNPREDICTABLE uses do nothing here, and are told. */
  #endOfInterrupt(INTID: number, aliased: boolean): void {
    if (INTID >= 1020) return; // special INTIDs
    if (INTID >= INTERRUPTS) {
      this.#guestError(`end of interrupt ${INTID}, which does not exist`);
      return;
    }
    if (aliased && !this.#isGroup1(INTID)) {
      this.#guestError(`GICC_AEOIR for interrupt ${INTID} of group 0`);
      return;
    }
    const n = this.#GICC_APR.findIndex((APR) => APR !== 0);
    if (n < 0) {
      this.#guestError(`end of interrupt ${INTID} while none is active`);
      return;
    }
    const APR = this.#GICC_APR[n] ?? 0;
    this.#GICC_APR[n] = APR & (APR - 1);
    if ((this.#GICC_CTLR & GICC_CTLR_EOImode) === 0) {
      this.#interrupts.set('active', this.#cpu, INTID, false);
    }
  }

  #deactivateOnly(INTID: number): void {
    if ((this.#GICC_CTLR & GICC_CTLR_EOImode) === 0) {
      this.#guestError('GICC_DIR is written while GICC_CTLR.EOImode is 0');
    } else if (INTID < INTERRUPTS) {
      this.#interrupts.set('active', this.#cpu, INTID, false);
    } else if (INTID < 1020) {
      this.#guestError(`deactivation of interrupt ${INTID}, which does not exist`);
    }
  }

  #guestError(message: string): void {
    this.#options.events.guestError('GIC CPU interface', message);
  }

  saveState(): Registers {
    return [this.#GICC_CTLR, this.#GICC_PMR, this.#GICC_BPR, this.#GICC_ABPR, ...this.#GICC_APR];
  }
  restoreState(state: unknown): void {
    const [CTLR = 0, PMR = 0, BPR = 0, ABPR = 1, ...APR] = state as Registers;
    this.#GICC_CTLR = CTLR;
    this.#GICC_PMR = PMR;
    this.#GICC_BPR = BPR;
    this.#GICC_ABPR = ABPR;
    this.#GICC_APR.set(APR);
    this.update();
  }
}

const lowestBit = (mask: number): number => (mask === 0 ? 0 : 31 - Math.clz32(mask & -mask));
