/**
 * Taking exceptions and returning from them. Arm ARM, AArch64.TakeException(),
 * AArch64.ExceptionReturn() and the routing of each kind of exception.
 */
import type { CpuState } from '../engine/cpu-state.ts';
import { elIsInHost } from '../sysregs/virtualization-host.ts';
import { exceptionReturnSS } from './debug/software-step.ts';
import type { DebugControls } from './debug/enable-and-routing.ts';
import {
  DAIF_D,
  illegalReturnReason,
  packSpsr,
  PSTATE_DIT,
  PSTATE_PAN,
  PSTATE_SSBS,
  SPSR_D,
  unpackSpsr,
  withBranchType,
} from './pstate.ts';
import type { ExceptionLevel, Pstate } from './pstate.ts';
import { makeESR } from './syndrome.ts';
import type { SystemRegisters } from './system-registers.ts';

export type ExceptionKind = 'Synchronous' | 'IRQ' | 'FIQ' | 'SError';

/** An exception that is due: a value, never thrown. */
export interface PendingException {
  readonly kind: ExceptionKind;
  readonly targetEL: 1 | 2;
  /** ESR_ELx.EC; absent for IRQ and FIQ, which set no syndrome. */
  readonly EC?: number | undefined;
  readonly ISS?: number | undefined;
  /** Absent: FAR_ELx keeps its value (architecturally UNKNOWN). */
  readonly FAR?: bigint | undefined;
  /** HPFAR_EL2 as a register value; stage 2 faults only. */
  readonly HPFAR?: bigint | undefined;
  /** The value of ELR_ELx. */
  readonly preferredReturn: bigint;
}

/** An exception that has been taken. */
export interface ExceptionRecord extends PendingException {
  readonly ESR?: bigint | undefined;
  readonly fromEL: ExceptionLevel;
  /** Address the PE continues at: VBAR_ELx plus the vector's offset. */
  readonly vector: bigint;
}

/** What exception entry and return need of the processor. */
export interface ExceptionContext {
  readonly state: CpuState;
  readonly registers: SystemRegisters;
  readonly debugControls: DebugControls;
  /** Replaces PSTATE and switches the stack pointer, the TLBs and what depends on EL. */
  setPstate(pstate: Pstate): void;
}

const VECTOR_OFFSET: Readonly<Record<ExceptionKind, bigint>> = {
  Synchronous: 0x000n,
  IRQ: 0x080n,
  FIQ: 0x100n,
  SError: 0x180n,
};
const CURRENT_SPx = 0x200n;
const LOWER_AARCH64 = 0x400n;

export function currentPstate(state: CpuState): Pstate {
  const { NZCV, DAIF, SS, IL, EL, SPSel } = state;
  const extensions = withBranchType(state.extensions, state.BTYPE);
  return { NZCV, DAIF, SS, IL, EL, SPSel, extensions };
}

/** Offset of the vector from VBAR_ELx. */
export function vectorOffset(
  kind: ExceptionKind,
  from: Pick<Pstate, 'EL' | 'SPSel'>,
  targetEL: 1 | 2,
): bigint {
  const base = from.EL < targetEL ? LOWER_AARCH64 : from.SPSel === 1 ? CURRENT_SPx : 0n;
  return base + VECTOR_OFFSET[kind];
}

/** Slots of the registers that exception entry to, and return from, one EL uses. */
interface ExceptionSlots {
  readonly ESR: number;
  readonly FAR: number;
  readonly SPSR: number;
  readonly ELR: number;
  readonly VBAR: number;
  readonly SCTLR: number;
}

const slotsOf = new WeakMap<SystemRegisters, readonly [ExceptionSlots, ExceptionSlots]>();

/** Exceptions are frequent, so their registers are looked up once. */
function exceptionSlots(registers: SystemRegisters, EL: 1 | 2): ExceptionSlots {
  let slots = slotsOf.get(registers);
  if (slots === undefined) {
    const of = (suffix: string): ExceptionSlots => ({
      ESR: registers.slotOf(`ESR_${suffix}`),
      FAR: registers.slotOf(`FAR_${suffix}`),
      SPSR: registers.slotOf(`SPSR_${suffix}`),
      ELR: registers.slotOf(`ELR_${suffix}`),
      VBAR: registers.slotOf(`VBAR_${suffix}`),
      SCTLR: registers.slotOf(`SCTLR_${suffix}`),
    });
    slotsOf.set(registers, (slots = [of('EL1'), of('EL2')]));
  }
  return slots[EL - 1] as ExceptionSlots;
}

const SCTLR_SPAN = 1n << 23n;
const SCTLR_DSSBS = 1n << 44n;

/**
 * PSTATE.{PAN, UAO, DIT, SSBS} at the vector; those that the processor does not have stay clear, which is the
 * caller's business. `setsPAN`: there is an EL0 under the target EL that SCTLR_ELx.SPAN protects from.
 */
function extensionsOnEntry(before: number, setsPAN: boolean, SCTLR: bigint): number {
  const PAN = setsPAN && (SCTLR & SCTLR_SPAN) === 0n ? PSTATE_PAN : before & PSTATE_PAN;
  const SSBS = (SCTLR & SCTLR_DSSBS) !== 0n ? PSTATE_SSBS : 0;
  return PAN | SSBS | (before & PSTATE_DIT);
}

/** Arm ARM, AArch64.TakeException(). The PE continues at the vector. */
export function takeException(
  context: ExceptionContext,
  exception: PendingException,
): ExceptionRecord {
  const { state, registers } = context;
  const { kind, targetEL, EC, ISS, FAR, HPFAR, preferredReturn } = exception;
  const slots = exceptionSlots(registers, targetEL);
  const from = currentPstate(state);
  const ESR = EC === undefined ? undefined : makeESR(EC, ISS);
  if (ESR !== undefined) state.setSysreg(slots.ESR, ESR);
  if (FAR !== undefined) state.setSysreg(slots.FAR, FAR);
  if (HPFAR !== undefined) registers.setRaw('HPFAR_EL2', HPFAR);
  state.setSysreg(slots.SPSR, packSpsr(from));
  state.setSysreg(slots.ELR, preferredReturn);
  context.setPstate({
    NZCV: from.NZCV,
    DAIF: 0xf,
    SS: 0,
    IL: false,
    EL: targetEL,
    SPSel: 1,
    extensions: extensionsOnEntry(
      state.extensions,
      targetEL === 1 || elIsInHost(registers.raw('HCR_EL2'), 0),
      state.sysreg(slots.SCTLR),
    ),
  });
  // IMPLEMENTATION DEFINED: taking an exception opens the monitor, as it does on most cores.
  state.clearExclusiveMonitor();
  const vector = state.sysreg(slots.VBAR) + vectorOffset(kind, from, targetEL);
  state.PC = vector;
  const fromEL = from.EL;
  return { kind, targetEL, EC, ISS, FAR, HPFAR, preferredReturn, ESR, fromEL, vector };
}

/** What became of an ERET: the reason when SPSR_ELx named a state it cannot return to. */
export interface ReturnOutcome {
  readonly illegal: string | undefined;
}

/** Arm ARM, AArch64.ExceptionReturn() from the current EL, to `target` or else to ELR_ELx. */
export function exceptionReturn(context: ExceptionContext, target?: bigint): ReturnOutcome {
  const { state, registers, debugControls } = context;
  const source = currentPstate(state);
  if (source.EL === 0) throw new TypeError('ERET is UNDEFINED at EL0');
  const slots = exceptionSlots(registers, source.EL);
  const SPSR = state.sysreg(slots.SPSR);
  const ELR = target ?? state.sysreg(slots.ELR);
  const saved = unpackSpsr(SPSR);
  const TGE = debugControls.TGE;
  const illegal = illegalReturnReason(SPSR, source.EL, { el2Implemented: debugControls.el2, TGE });
  const EL = illegal === undefined ? saved.EL : source.EL;
  const SS = exceptionReturnSS(
    debugControls,
    { EL: source.EL, D: (source.DAIF & DAIF_D) !== 0 },
    { EL, D: (SPSR & SPSR_D) !== 0n },
    saved.SS,
  );
  context.setPstate({
    NZCV: saved.NZCV,
    DAIF: saved.DAIF,
    SS,
    // An illegal return keeps EL and SP and sets IL: the next instruction takes an exception.
    IL: illegal === undefined ? saved.IL : true,
    EL,
    SPSel: illegal === undefined ? saved.SPSel : source.SPSel,
    extensions: saved.extensions ?? 0,
  });
  state.clearExclusiveMonitor();
  state.PC = ELR;
  return { illegal };
}

/** HCR_EL2 bits that route exceptions. */
export interface RoutingControls {
  readonly TGE: boolean;
  readonly AMO: boolean;
  readonly IMO: boolean;
  readonly FMO: boolean;
}

const HCR_VF = 1n << 6n;
const HCR_VI = 1n << 7n;
const HCR_VSE = 1n << 8n;
const HCR_VIRTUAL = HCR_VF | HCR_VI | HCR_VSE;
const bit = (value: bigint, position: bigint): boolean => ((value >> position) & 1n) === 1n;

export function routingControls(HCR_EL2: bigint): RoutingControls {
  return {
    TGE: bit(HCR_EL2, 27n),
    AMO: bit(HCR_EL2, 5n),
    IMO: bit(HCR_EL2, 4n),
    FMO: bit(HCR_EL2, 3n),
  };
}

/** Where a synchronous exception that is not routed otherwise goes: EL1, or EL2 from EL2 and with TGE from EL0. */
export function defaultTarget(EL: ExceptionLevel, TGE: boolean): 1 | 2 {
  return EL === 2 || (EL === 0 && TGE) ? 2 : 1;
}

export interface InterruptLines {
  readonly irq: boolean;
  readonly fiq: boolean;
  readonly serror: boolean;
  readonly virq: boolean;
  readonly vfiq: boolean;
}

interface Candidate {
  readonly kind: Exclude<ExceptionKind, 'Synchronous'>;
  readonly virtual: boolean;
}

export interface DeliverableInterrupt extends Candidate {
  readonly targetEL: 1 | 2;
}

/**
 * The interrupt to take before the next instruction, if any. Arm ARM, "Asynchronous exception
 * types, routing, masking and priorities". IMPLEMENTATION DEFINED priority: SError, FIQ, IRQ,
 * physical before virtual.
 */
export function deliverableInterrupt(
  lines: InterruptLines,
  HCR_EL2: bigint,
  { EL, DAIF }: Pick<Pstate, 'EL' | 'DAIF'>,
): DeliverableInterrupt | undefined {
  if (!anyInterruptPending(lines, HCR_EL2)) return undefined;
  const routing = routingControls(HCR_EL2);
  const physical = [
    { kind: 'SError', pending: lines.serror, toEL2: routing.AMO, mask: 4 },
    { kind: 'FIQ', pending: lines.fiq, toEL2: routing.FMO, mask: 1 },
    { kind: 'IRQ', pending: lines.irq, toEL2: routing.IMO, mask: 2 },
  ] as const;
  for (const { kind, pending, toEL2, mask } of physical) {
    if (!pending) continue;
    const targetEL = toEL2 || routing.TGE ? 2 : 1;
    // Interrupts for a lower EL wait; those for a higher EL cannot be masked, unless EL0 is the host's.
    if (targetEL < EL) continue;
    if (targetEL === EL || (EL === 0 && (targetEL === 1 || elIsInHost(HCR_EL2, 0)))) {
      if ((DAIF & mask) !== 0) continue;
    }
    return { kind, virtual: false, targetEL };
  }
  if (EL === 2 || routing.TGE) return undefined;
  const virtual = [
    { kind: 'SError', pending: (HCR_EL2 & HCR_VSE) !== 0n, enabled: routing.AMO, mask: 4 },
    { kind: 'FIQ', pending: virtualFiq(lines, HCR_EL2), enabled: routing.FMO, mask: 1 },
    { kind: 'IRQ', pending: virtualIrq(lines, HCR_EL2), enabled: routing.IMO, mask: 2 },
  ] as const;
  for (const { kind, pending, enabled, mask } of virtual) {
    if (pending && enabled && (DAIF & mask) === 0) return { kind, virtual: true, targetEL: 1 };
  }
  return undefined;
}

const virtualIrq = ({ virq }: InterruptLines, HCR_EL2: bigint): boolean =>
  virq || (HCR_EL2 & HCR_VI) !== 0n;
const virtualFiq = ({ vfiq }: InterruptLines, HCR_EL2: bigint): boolean =>
  vfiq || (HCR_EL2 & HCR_VF) !== 0n;

/** An interrupt is pending, whether or not it can be taken here. */
export function anyInterruptPending(lines: InterruptLines, HCR_EL2: bigint): boolean {
  const { irq, fiq, serror, virq, vfiq } = lines;
  return irq || fiq || serror || virq || vfiq || (HCR_EL2 & HCR_VIRTUAL) !== 0n;
}

/**
 * Whether WFI has nothing to wait for at this EL: a physical interrupt is pending, or a virtual one that
 * this EL can take, masked or not. Arm ARM, "WFI wake-up events".
 */
export function interruptPending(
  lines: InterruptLines,
  HCR_EL2: bigint,
  EL: ExceptionLevel,
): boolean {
  if (lines.irq || lines.fiq || lines.serror) return true;
  const { AMO, IMO, FMO, TGE } = routingControls(HCR_EL2);
  if (EL === 2 || TGE) return false;
  return (
    (AMO && (HCR_EL2 & HCR_VSE) !== 0n) ||
    (IMO && virtualIrq(lines, HCR_EL2)) ||
    (FMO && virtualFiq(lines, HCR_EL2))
  );
}

/** ISR_EL1 bits A (8), I (7), F (6): virtual ones at EL0 and EL1 while they are routed to EL2. */
export function interruptStatus(
  lines: InterruptLines,
  HCR_EL2: bigint,
  EL: ExceptionLevel,
): bigint {
  const { AMO, IMO, FMO, TGE } = routingControls(HCR_EL2);
  const seen = (routed: boolean, physical: boolean, virtual: boolean): boolean =>
    EL < 2 && routed && !TGE ? virtual : physical;
  return (
    (seen(AMO, lines.serror, (HCR_EL2 & HCR_VSE) !== 0n) ? 1n << 8n : 0n) |
    (seen(IMO, lines.irq, virtualIrq(lines, HCR_EL2)) ? 1n << 7n : 0n) |
    (seen(FMO, lines.fiq, virtualFiq(lines, HCR_EL2)) ? 1n << 6n : 0n)
  );
}
