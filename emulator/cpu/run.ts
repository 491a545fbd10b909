/**
 * The run loop: interrupts, software step and breakpoints between instructions, and what each exit
 * of the engine means. Arm ARM, "Synchronous exception prioritization", gives the order.
 */
import type { RunExit } from '../engine/engine.ts';
import {
  ACCESS_ALLOWED,
  accessResult,
  daifImmediateAccessCode,
  unimplementedAccessCode,
} from '../sysregs/access-rules.ts';
import type { AccessCode } from '../sysregs/access-rules.ts';
import { byEncoding } from '../sysregs/catalogue.ts';
import { genericName } from '../sysregs/sysreg.ts';
import type { Direction } from '../sysregs/sysreg.ts';
import { breakpointInstructionTarget } from './debug/enable-and-routing.ts';
import { isLoadExclusive } from './debug/software-step.ts';
import { currentPstate, defaultTarget, deliverableInterrupt } from './exceptions.ts';
import type { ExceptionRecord } from './exceptions.ts';
import type { MemoryFault } from './memory-access.ts';
import type { ProcessingElement } from './pe.ts';
import {
  dataAbortIss,
  EC_BREAKPOINT_LOWER,
  EC_BRK64,
  EC_DATA_ABORT_LOWER,
  EC_HVC64,
  EC_ILLEGAL_STATE,
  EC_INSTRUCTION_ABORT_LOWER,
  EC_PC_ALIGNMENT,
  EC_SERROR,
  EC_SMC64,
  EC_SOFTWARE_STEP_LOWER,
  EC_SP_ALIGNMENT,
  EC_SVC64,
  EC_UNKNOWN,
  EC_WATCHPOINT_LOWER,
  EC_WFX,
  FSC_DEBUG,
  softwareStepIss,
  watchpointIss,
  wfxIss,
} from './syndrome.ts';
import { executeSystemInstruction } from './system-instructions.ts';

export type PeEvent =
  | { readonly kind: 'budget' }
  /** Before the instruction executes; continue with `run(budget, { resume: true })`. */
  | { readonly kind: 'machineBreakpoint'; readonly pc: bigint }
  /** Before the access is made; continue likewise. `pc` is the accessing instruction. */
  | {
      readonly kind: 'machineWatchpoint';
      readonly id: number;
      readonly address: bigint;
      readonly size: number;
      readonly isWrite: boolean;
      readonly pc: bigint;
    }
  | { readonly kind: 'exceptionTaken'; readonly exception: ExceptionRecord }
  /** The WFI is done and no interrupt is pending. */
  | { readonly kind: 'wfi' }
  /** HLT #0xF000, not yet completed: set X0, then `completeInstruction()`. */
  | { readonly kind: 'halt'; readonly pc: bigint }
  /** The PE is at EL2 for EL2 software, which has stopped it or does not exist. */
  | { readonly kind: 'el2'; readonly exception: ExceptionRecord | undefined }
  /**
   * Met for the first time. `resumable`: the architected exception was taken, or the effect is
   * absent; otherwise the instruction at `pc` cannot execute and every run ends here.
   */
  | {
      readonly kind: 'unimplemented';
      readonly what: string;
      readonly pc: bigint;
      readonly resumable: boolean;
    }
  /** `requestStop()` without an event of its own. */
  | { readonly kind: 'stopped' };

const SEMIHOSTING_IMMEDIATE = 0xf000;
const SCTLR_nTWI = 1n << 16n;
const SCTLR_nTWE = 1n << 18n;
const HCR_TWI = 1n << 13n;
const HCR_TWE = 1n << 14n;
const HCR_TSC = 1n << 19n;
const HCR_HCD = 1n << 29n;
const HCR_TGE = 1n << 27n;

/** What the last instruction was to the software step state machine. */
interface LastStep {
  readonly stepped: boolean;
  readonly loadExclusive: boolean;
}
const NOT_STEPPED: LastStep = { stepped: false, loadExclusive: false };

interface SyncDetails {
  readonly ISS?: number | undefined;
  readonly FAR?: bigint | undefined;
  readonly preferredReturn?: bigint | undefined;
}

export class Runner {
  readonly #pe: ProcessingElement;
  readonly #slotHCR: number;
  #lastStep: LastStep = NOT_STEPPED;
  /** The instruction that passes the debugger's stops, and was checked for all else before them. */
  #resumeAt: bigint | undefined;
  /** The instruction being executed began in the active-not-pending state. */
  #stepping = false;

  constructor(pe: ProcessingElement) {
    this.#pe = pe;
    this.#slotHCR = pe.registers.slotOf('HCR_EL2');
  }

  reset(): void {
    this.#lastStep = NOT_STEPPED;
    this.#stepping = false;
    this.#resumeAt = undefined;
  }

  saveState(): unknown {
    return { lastStep: this.#lastStep };
  }
  restoreState(state: unknown): void {
    this.reset();
    this.#lastStep = (state as { lastStep: LastStep }).lastStep;
  }

  run(budget: number, resume: boolean): PeEvent {
    const pe = this.#pe;
    const { state } = pe;
    const limit = state.retired + BigInt(budget);
    if (resume) this.#resumeAt = state.PC;
    for (;;) {
      const requested = pe.takeEvent();
      if (requested !== undefined) return requested;
      if (state.EL === 2 && pe.startEL === 1) {
        return { kind: 'el2', exception: pe.lastEl2Exception };
      }
      if (state.retired >= limit) return { kind: 'budget' };
      pe.timers.update();
      const resuming = this.#resumeAt === state.PC;
      this.#resumeAt = undefined;
      if (!resuming && this.#beforeInstruction()) continue;
      pe.synchronise();
      const event = this.#execute(limit, resuming);
      if (event !== undefined) return event;
    }
  }

  /** What comes between two instructions. True when an exception was taken. */
  #beforeInstruction(): boolean {
    const pe = this.#pe;
    const { state } = pe;
    if (pe.debug.stepState === 'active-pending') {
      const { stepped, loadExclusive } = this.#lastStep;
      this.#debugException(EC_SOFTWARE_STEP_LOWER, softwareStepIss(stepped, loadExclusive));
      return true;
    }
    const interrupt = deliverableInterrupt(pe.pendingInterrupts, this.#HCR_EL2, state);
    if (interrupt === undefined) return false;
    const { kind, targetEL, virtual } = interrupt;
    // HCR_EL2.VSE is cleared by taking the virtual SError; the other virtual interrupts are levels.
    if (kind === 'SError' && virtual) {
      pe.registers.write('HCR_EL2', pe.registers.raw('HCR_EL2') & ~(1n << 8n));
    }
    pe.takeException({
      kind,
      targetEL,
      preferredReturn: state.PC,
      // IDS = 0 and DFSC = 0: an uncategorized SError.
      ...(kind === 'SError' && { EC: EC_SERROR, ISS: 0 }),
    });
    return true;
  }

  /** Runs the engine once. An event ends the run. */
  #execute(limit: bigint, resume: boolean): PeEvent | undefined {
    const pe = this.#pe;
    const { state, debug } = pe;
    const stepping = debug.stepState === 'active-not-pending';
    if (resume || stepping || state.IL || debug.firesInThisContext) {
      return this.#executeOne(stepping, resume);
    }
    this.#lastStep = NOT_STEPPED;
    this.#stepping = false;
    const deadline = pe.nextDeadline();
    const until = deadline !== undefined && deadline < limit ? deadline : limit;
    const exit = pe.engine.run(Number(until - state.retired));
    return exit === 'BREAKPOINT' ? this.#executeOne(false, false) : this.#handleExit(exit);
  }

  /** One instruction with every check before it made here. `resume` passes the debugger's stops. */
  #executeOne(stepping: boolean, resume: boolean): PeEvent | undefined {
    const pe = this.#pe;
    const { state, memory } = pe;
    const pc = state.PC;
    this.#stepping = stepping;
    if ((pc & 3n) !== 0n) return this.#handleExit('PC_ALIGNMENT');
    const fault = memory.fetchFault(pc);
    if (fault !== undefined) return this.#handleFault(fault);
    if (!resume && pe.machineBreakpoints.has(pc)) return { kind: 'machineBreakpoint', pc };
    if (pe.debug.breakpointAt(pc) !== undefined) {
      this.#debugException(EC_BREAKPOINT_LOWER, FSC_DEBUG);
      return undefined;
    }
    if (state.IL) return this.#handleExit('ILLEGAL_STATE');

    const [b0 = 0, b1 = 0, b2 = 0, b3 = 0] = stepping ? memory.peek(pc, 4) : [];
    const loadExclusive = stepping && isLoadExclusive(b0 | (b1 << 8) | (b2 << 16) | (b3 << 24));
    memory.ignoreMachineWatchpoints = resume;
    let exit = pe.engine.runOne();
    // The page was not entered before, so the engine met the mark: now it finds what is beneath.
    if (exit === 'BREAKPOINT') exit = pe.engine.runOne();
    memory.ignoreMachineWatchpoints = false;
    if (exit === 'BUDGET' || exit === 'PC_ALIGNMENT' || exit === 'HOST_FAULT') {
      // A branch to where nothing can be fetched has retired.
      if (exit === 'BUDGET' || state.PC !== pc) this.#advanceStep(loadExclusive);
    }
    return exit === 'BREAKPOINT' ? undefined : this.#handleExit(exit);
  }

  /** Arm ARM, SSAdvance(). */
  #advanceStep(loadExclusive = false): void {
    if (!this.#stepping) {
      this.#lastStep = NOT_STEPPED;
      return;
    }
    this.#stepping = false;
    this.#pe.state.SS = 0;
    this.#lastStep = { stepped: true, loadExclusive };
  }

  completeInstruction(): void {
    const { state } = this.#pe;
    state.PC = BigInt.asUintN(64, state.PC + 4n);
    state.retired += 1n;
    this.#advanceStep();
  }

  exceptionTaken({ kind }: ExceptionRecord): void {
    this.#stepping = false;
    if (kind !== 'Synchronous') this.#lastStep = NOT_STEPPED;
  }

  /** ERET sets PSTATE.SS itself; the step state machine sees an instruction that was not stepped. */
  exceptionReturned(): void {
    this.#stepping = false;
    this.#lastStep = NOT_STEPPED;
  }

  // -- exits of the engine

  #handleExit(exit: RunExit): PeEvent | undefined {
    const pe = this.#pe;
    switch (exit) {
      case 'BUDGET':
      case 'BREAKPOINT':
        return undefined;
      case 'HOST_FAULT':
        return this.#handleFault(pe.memory.takeFault());
      case 'PC_ALIGNMENT':
        this.#synchronous(EC_PC_ALIGNMENT, { FAR: pe.state.PC });
        return undefined;
      case 'SP_ALIGNMENT':
        this.#synchronous(EC_SP_ALIGNMENT);
        return undefined;
      case 'ILLEGAL_STATE':
        this.#synchronous(EC_ILLEGAL_STATE);
        return undefined;
      case 'FP_ACCESS':
        this.#refused(pe.traps.fpAccess(pe.state.EL), 0, 'read', 0);
        return undefined;
      case 'UNDEFINED':
        this.#undefinedInstruction();
        return undefined;
      case 'DCPS':
      case 'DRPS':
        this.#undefined(); // outside Debug state, which does not exist here
        return undefined;
      case 'HLT':
        return this.#halt();
      case 'BRK':
        this.#breakpointInstruction();
        return undefined;
      case 'SVC':
        this.#supervisorCall();
        return undefined;
      case 'HVC':
        this.#hypervisorCall();
        return undefined;
      case 'SMC':
        this.#secureMonitorCall();
        return undefined;
      case 'ERET':
        this.#exceptionReturn();
        return undefined;
      case 'MRS':
        this.#moveSystemRegister('read');
        return undefined;
      case 'MSR_REGISTER':
        this.#moveSystemRegister('write');
        return undefined;
      case 'MSR_IMMEDIATE':
        this.#moveImmediate();
        return undefined;
      case 'SYS':
      case 'SYSL':
        return this.#systemInstruction(exit);
      case 'WFI':
        return this.#waitForInterrupt();
      case 'WFE':
        this.#waitForEvent();
        return undefined;
      case 'SEV':
      case 'SEVL':
        pe.eventRegister = true;
        this.completeInstruction();
        return undefined;
    }
  }

  get #word(): number {
    const word = this.#pe.engine.instructionWord();
    if (word === undefined) throw new TypeError('an instruction that exited was never fetched');
    return word;
  }

  get #imm16(): number {
    return (this.#word >>> 5) & 0xffff;
  }

  get #HCR_EL2(): bigint {
    return this.#pe.state.sysreg(this.#slotHCR);
  }

  /** A synchronous exception to EL1, or to EL2 from EL2 and with TGE from EL0. */
  #synchronous(EC: number, details: SyncDetails = {}): void {
    const TGE = (this.#HCR_EL2 & HCR_TGE) !== 0n;
    this.#exceptionTo(defaultTarget(this.#pe.state.EL, TGE), EC, details);
  }

  #exceptionTo(
    targetEL: 1 | 2,
    EC: number,
    { ISS = 0, FAR, preferredReturn }: SyncDetails = {},
  ): void {
    this.#pe.takeException({
      kind: 'Synchronous',
      targetEL,
      EC,
      ISS,
      FAR,
      preferredReturn: preferredReturn ?? this.#pe.state.PC,
    });
  }

  /** Breakpoint, watchpoint or software step: to EL_D; the EC is one higher from the same EL. */
  #debugException(lowerEC: number, ISS: number, FAR?: bigint): void {
    const { debug, state } = this.#pe;
    const targetEL = debug.target;
    const EC = lowerEC + (state.EL === targetEL ? 1 : 0);
    this.#exceptionTo(targetEL, EC, { ISS, FAR });
  }

  #undefined(): void {
    this.#synchronous(EC_UNKNOWN);
  }

  /** UDF is permanently undefined; any other word is an instruction that is not implemented. */
  #undefinedInstruction(): void {
    const word = this.#word;
    if (word >>> 16 !== 0) {
      this.#pe.tellUnimplemented(`instruction 0x${word.toString(16).padStart(8, '0')}`);
    }
    this.#undefined();
  }

  /** An access that is not allowed. */
  #refused(code: AccessCode, encoding: number, direction: Direction, Rt: number): void {
    const result = accessResult(code, encoding, direction, Rt);
    switch (result.kind) {
      case 'allowed':
        throw new TypeError('an allowed access left the engine as refused');
      case 'undefined':
        this.#undefined();
        break;
      case 'trapped':
        this.#exceptionTo(result.targetEL, result.EC, { ISS: result.ISS });
        break;
    }
  }

  #handleFault(fault: MemoryFault): PeEvent | undefined {
    const { state } = this.#pe;
    switch (fault.kind) {
      case 'abort': {
        const { access, FSC, FAR } = fault;
        const TGE = (this.#HCR_EL2 & HCR_TGE) !== 0n;
        const targetEL = defaultTarget(state.EL, TGE);
        const same = targetEL === state.EL ? 1 : 0;
        if (access === 'execute') {
          this.#exceptionTo(targetEL, EC_INSTRUCTION_ABORT_LOWER + same, { ISS: FSC, FAR });
        } else {
          const ISS = dataAbortIss({
            FSC,
            isWrite: access === 'write',
            cacheMaintenance: fault.cacheMaintenance === true,
          });
          this.#exceptionTo(targetEL, EC_DATA_ABORT_LOWER + same, { ISS, FAR });
        }
        return undefined;
      }
      case 'watchpoint':
        this.#debugException(
          EC_WATCHPOINT_LOWER,
          watchpointIss(fault.isWrite, fault.cacheMaintenance === true),
          fault.FAR,
        );
        return undefined;
      case 'machineWatchpoint': {
        const { watchpoint, address, size, isWrite } = fault;
        return {
          kind: 'machineWatchpoint',
          id: watchpoint.id,
          address,
          size,
          isWrite,
          pc: state.PC,
        };
      }
      case 'unimplemented':
        return { kind: 'unimplemented', what: fault.what, pc: state.PC, resumable: false };
    }
  }

  // -- exception-generating instructions

  #halt(): PeEvent | undefined {
    const { state, semihosting } = this.#pe;
    if (semihosting && state.EL > 0 && this.#imm16 === SEMIHOSTING_IMMEDIATE) {
      return { kind: 'halt', pc: state.PC };
    }
    this.#undefined();
    return undefined;
  }

  #breakpointInstruction(): void {
    const { debug, state } = this.#pe;
    const targetEL = breakpointInstructionTarget(debug.controls, state.EL);
    this.#exceptionTo(targetEL, EC_BRK64, { ISS: this.#imm16 });
  }

  #supervisorCall(): void {
    const { state } = this.#pe;
    const details = { ISS: this.#imm16, preferredReturn: state.PC + 4n };
    this.#advanceStep();
    this.#synchronous(EC_SVC64, details);
  }

  #hypervisorCall(): void {
    const pe = this.#pe;
    const { state } = pe;
    if (state.EL === 0 || (this.#HCR_EL2 & HCR_HCD) !== 0n) {
      this.#undefined();
      return;
    }
    const imm16 = this.#imm16;
    if (pe.startEL === 1 && pe.el2Software === undefined) {
      // A guest without a hypervisor: what stands in for firmware answers, or nobody does.
      if (pe.firmware === undefined) this.#undefined();
      else this.#callFirmware(pe.firmware, 'HVC', imm16);
      return;
    }
    const details = { ISS: imm16, preferredReturn: state.PC + 4n };
    this.#advanceStep();
    this.#exceptionTo(2, EC_HVC64, details);
  }

  /**
   * HCR_EL2.TSC traps although there is no EL3 (where the Arm ARM makes the bit RES0), because there
   * is something behind SMC: the board's firmware.
   */
  #secureMonitorCall(): void {
    const pe = this.#pe;
    const { EL } = pe.state;
    if (EL === 1 && (this.#HCR_EL2 & HCR_TSC) !== 0n) {
      this.#exceptionTo(2, EC_SMC64, { ISS: this.#imm16 });
    } else if (EL === 0 || pe.firmware === undefined) {
      this.#undefined();
    } else {
      this.#callFirmware(pe.firmware, 'SMC', this.#imm16);
    }
  }

  #callFirmware(
    firmware: NonNullable<ProcessingElement['firmware']>,
    conduit: 'SMC' | 'HVC',
    imm16: number,
  ): void {
    const { state } = this.#pe;
    this.completeInstruction();
    firmware({
      conduit,
      imm16,
      functionId: Number(state.X(0) & 0xffff_ffffn),
      arguments: [state.X(1), state.X(2), state.X(3)],
      setResult(value) {
        state.setX(0, BigInt.asUintN(64, value));
      },
    });
  }

  #exceptionReturn(): void {
    const pe = this.#pe;
    if (pe.state.EL === 0) {
      this.#undefined();
      return;
    }
    pe.state.retired += 1n;
    pe.exceptionReturn();
  }

  // -- system registers and system instructions

  #moveSystemRegister(direction: Direction): void {
    const pe = this.#pe;
    const { state } = pe;
    const word = this.#word;
    const encoding = (word >>> 5) & 0xffff;
    const Rt = word & 31;
    const entry = pe.registers.byEncoding(encoding, direction);
    if (entry === undefined) {
      this.#tellRegister(encoding, direction);
      const code = unimplementedAccessCode(encoding, state.EL, pe.traps.active);
      this.#refused(code, encoding, direction, Rt);
      return;
    }
    const code = pe.traps.access(entry, direction, state);
    if (code !== ACCESS_ALLOWED) {
      this.#refused(code, encoding, direction, Rt);
      return;
    }
    if (direction === 'read') state.setXOrDiscard(Rt, pe.registers.readEntry(entry));
    else pe.registers.writeEntry(entry, state.xOrZero(Rt));
    this.completeInstruction();
  }

  #tellRegister(encoding: number, direction: Direction): void {
    const register = byEncoding(encoding, direction);
    // A breakpoint or watchpoint beyond the implemented number is UNDEFINED, not missing.
    if (register !== undefined && /^DBG[BW][CV]R\d+_EL1$/.test(register.name)) return;
    const name = register?.name ?? genericName(encoding);
    this.#pe.tellUnimplemented(`system register ${name}`);
  }

  #moveImmediate(): void {
    const pe = this.#pe;
    const { state } = pe;
    const word = this.#word;
    const field = (((word >>> 16) & 7) << 3) | ((word >>> 5) & 7);
    const CRm = (word >>> 8) & 15;
    const SPSel = 0b000_101;
    const DAIFSet = 0b011_110;
    const DAIFClr = 0b011_111;
    switch (field) {
      case SPSel:
        if (state.EL === 0) {
          this.#undefined();
          return;
        }
        pe.setPstate({ ...currentPstate(state), SPSel: (CRm & 1) as 0 | 1 });
        break;
      case DAIFSet:
      case DAIFClr: {
        const code = daifImmediateAccessCode(state.EL, pe.traps.active);
        if (code !== ACCESS_ALLOWED) {
          this.#refused(code, (word >>> 5) & 0xffff, 'write', 31);
          return;
        }
        state.DAIF = field === DAIFSet ? state.DAIF | CRm : state.DAIF & ~CRm;
        break;
      }
      default:
        this.#undefinedInstruction();
        return;
    }
    this.completeInstruction();
  }

  #systemInstruction(exit: 'SYS' | 'SYSL'): PeEvent | undefined {
    const pe = this.#pe;
    const word = this.#word;
    const encoding = (word >>> 5) & 0xffff;
    const Rt = word & 31;
    const outcome = executeSystemInstruction(pe, exit, encoding, pe.state.xOrZero(Rt));
    switch (outcome.kind) {
      case 'done':
        this.completeInstruction();
        return undefined;
      case 'refused':
        this.#refused(outcome.code, encoding, exit === 'SYSL' ? 'read' : 'write', Rt);
        return undefined;
      case 'fault':
        return this.#handleFault(outcome.fault);
    }
  }

  // -- waiting

  /** Arm ARM, "WFI wake-up events": pending interrupts, masked or not. */
  #interruptPending(): boolean {
    const { irq, fiq, serror } = this.#pe.pendingInterrupts;
    const virtualPending = this.#HCR_EL2 & 0b1_1100_0000n;
    return irq || fiq || serror || (this.#pe.state.EL < 2 && virtualPending !== 0n);
  }

  /** Takes the trap of a WFI or WFE that would wait; true when there is one. */
  #waitTrapped(which: 'WFI' | 'WFE'): boolean {
    const pe = this.#pe;
    const { EL } = pe.state;
    const [notTrapped, trap] = which === 'WFI' ? [SCTLR_nTWI, HCR_TWI] : [SCTLR_nTWE, HCR_TWE];
    const details = { ISS: wfxIss(which) };
    if (EL === 0 && (pe.registers.raw('SCTLR_EL1') & notTrapped) === 0n) {
      this.#synchronous(EC_WFX, details);
      return true;
    }
    if (EL < 2 && (this.#HCR_EL2 & trap) !== 0n) {
      this.#exceptionTo(2, EC_WFX, details);
      return true;
    }
    return false;
  }

  #waitForInterrupt(): PeEvent | undefined {
    if (this.#interruptPending()) {
      this.completeInstruction();
      return undefined;
    }
    if (this.#waitTrapped('WFI')) return undefined;
    this.completeInstruction();
    return { kind: 'wfi' };
  }

  /** Without an event WFE waits no longer than an instruction, as the architecture permits. */
  #waitForEvent(): void {
    const pe = this.#pe;
    if (pe.eventRegister) pe.eventRegister = false;
    else if (!this.#interruptPending() && this.#waitTrapped('WFE')) return;
    this.completeInstruction();
  }
}
