/**
 * What each exit of the engine means: exception-generating instructions, accesses to system
 * registers that may not run in place, faults, and waiting.
 */
import type { RunExit } from '../engine/engine.ts';
import {
  ACCESS_ALLOWED,
  accessResult,
  exceptionInstructionTrapped,
  daifImmediateAccessCode,
  unimplementedAccessCode,
} from '../sysregs/access-rules.ts';
import { branchAddress } from '../mmu/regime.ts';
import type { AccessCode } from '../sysregs/access-rules.ts';
import { byEncoding } from '../sysregs/catalogue.ts';
import { genericName } from '../sysregs/sysreg.ts';
import { elIsInHost, HCR_TGE } from '../sysregs/virtualization-host.ts';
import type { Direction } from '../sysregs/sysreg.ts';
import { breakpointInstructionTarget } from './debug/enable-and-routing.ts';
import { currentPstate, defaultTarget, interruptPending } from './exceptions.ts';
import { dataAbortInstructionSyndrome } from './instruction-syndrome.ts';
import type { MemoryFault } from './memory-access.ts';
import type { ProcessingElement } from './pe.ts';
import type { PeEvent } from './pe-event.ts';
import {
  dataAbortIss,
  EC_BRANCH_TARGET,
  EC_BRK64,
  EC_DATA_ABORT_LOWER,
  EC_ERET,
  EC_HVC64,
  EC_ILLEGAL_STATE,
  EC_INSTRUCTION_ABORT_LOWER,
  EC_PC_ALIGNMENT,
  EC_POINTER_AUTHENTICATION,
  EC_SMC64,
  EC_SP_ALIGNMENT,
  EC_SVC64,
  EC_UNKNOWN,
  EC_WATCHPOINT_LOWER,
  EC_WFX,
  instructionAbortIss,
  watchpointIss,
  wfxIss,
} from './syndrome.ts';
import { PSTATE_DIT, PSTATE_PAN, PSTATE_SSBS, PSTATE_UAO } from './pstate.ts';
import { systemControl } from './regime-controls.ts';
import { executeSystemInstruction } from './system-instructions.ts';

/** MSR (immediate) by op1:op2. */
const PSTATE_IMMEDIATES: ReadonlyMap<number, number> = new Map([
  [0b000_011, PSTATE_UAO],
  [0b000_100, PSTATE_PAN],
  [0b011_001, PSTATE_SSBS],
  [0b011_010, PSTATE_DIT],
]);

const SEMIHOSTING_IMMEDIATE = 0xf000;
/** DC ZVA, X0 */
const DC_ZVA_WORD = 0xd50b7420;
const ERET_WORD = 0xd69f03e0;
const ERETAB_WORD = 0xd69f0fff;
const SCTLR_nTWI = 1n << 16n;
const SCTLR_nTWE = 1n << 18n;
const HCR_TWI = 1n << 13n;
const HCR_TWE = 1n << 14n;
const HCR_TSC = 1n << 19n;
const HCR_HCD = 1n << 29n;

interface SyncDetails {
  readonly ISS?: number | undefined;
  readonly FAR?: bigint | undefined;
  readonly HPFAR?: bigint | undefined;
  readonly preferredReturn?: bigint | undefined;
}

/** The part of the run loop that keeps the software step state machine. */
export interface InstructionSteps {
  /** The instruction at PC is done: PC moves past it and it counts as retired. */
  completeInstruction(): void;
  /** Arm ARM, SSAdvance(). */
  advanceStep(): void;
}

export class EngineExits {
  readonly #pe: ProcessingElement;
  readonly #step: InstructionSteps;
  readonly #slotHCR: number;

  constructor(pe: ProcessingElement, step: InstructionSteps) {
    this.#pe = pe;
    this.#step = step;
    this.#slotHCR = pe.registers.slotOf('HCR_EL2');
  }

  /** An event ends the run. */
  handle(exit: RunExit): PeEvent | undefined {
    const pe = this.#pe;
    switch (exit) {
      case 'BUDGET':
      case 'BREAKPOINT':
        return undefined;
      case 'HOST_FAULT':
        return this.handleFault(pe.memory.takeFault());
      case 'PC_ALIGNMENT':
        // The branch has taken a tag off the address already.
        pe.state.PC = branchAddress(pe.regime(pe.state.EL), pe.state.PC);
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
      case 'POINTER_AUTHENTICATION':
        this.#exceptionTo(2, EC_POINTER_AUTHENTICATION);
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
        return this.#waitForEvent();
      case 'SEV':
      case 'SEVL':
        pe.eventRegister = true;
        if (exit === 'SEV') pe.others?.sendEvent();
        this.#step.completeInstruction();
        return undefined;
      case 'YIELD':
        this.#step.completeInstruction();
        return pe.others === undefined ? undefined : { kind: 'yield' };
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

  get HCR_EL2(): bigint {
    return this.#pe.state.sysreg(this.#slotHCR);
  }

  /** A synchronous exception to EL1, or to EL2 from EL2 and with TGE from EL0. */
  #synchronous(EC: number, details: SyncDetails = {}): void {
    const TGE = (this.HCR_EL2 & HCR_TGE) !== 0n;
    this.#exceptionTo(defaultTarget(this.#pe.state.EL, TGE), EC, details);
  }

  #exceptionTo(
    targetEL: 1 | 2,
    EC: number,
    { ISS = 0, FAR, HPFAR, preferredReturn }: SyncDetails = {},
  ): void {
    this.#pe.takeException({
      kind: 'Synchronous',
      targetEL,
      EC,
      ISS,
      FAR,
      HPFAR,
      preferredReturn: preferredReturn ?? this.#pe.state.PC,
    });
  }

  /** Breakpoint, watchpoint or software step: to EL_D; the EC is one higher from the same EL. */
  debugException(lowerEC: number, ISS: number, FAR?: bigint): void {
    const { debug, state } = this.#pe;
    const targetEL = debug.target;
    const EC = lowerEC + (state.EL === targetEL ? 1 : 0);
    this.#exceptionTo(targetEL, EC, { ISS, FAR });
  }

  /** FEAT_BTI: the instruction at PC is no target for the branch that came here. */
  branchTargetException(): void {
    this.#synchronous(EC_BRANCH_TARGET, { ISS: this.#pe.state.BTYPE });
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

  handleFault(fault: MemoryFault): PeEvent | undefined {
    const { state } = this.#pe;
    switch (fault.kind) {
      case 'abort':
        this.#abort(fault);
        return undefined;
      case 'watchpoint':
        this.debugException(
          EC_WATCHPOINT_LOWER,
          watchpointIss(fault.isWrite, fault.cacheMaintenance === true, fault.n),
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
      case 'taggedPC':
        state.PC = fault.address;
        return undefined;
      case 'device':
        throw new TypeError('an instruction that is executed alone waits for a device');
    }
  }

  /** Arm ARM, AArch64.Abort(): what stage 2 refuses goes to EL2. */
  #abort(fault: Extract<MemoryFault, { kind: 'abort' }>): void {
    const { state } = this.#pe;
    const { access, FSC, stage2 } = fault;
    const TGE = (this.HCR_EL2 & HCR_TGE) !== 0n;
    const targetEL = stage2 === undefined ? defaultTarget(state.EL, TGE) : 2;
    const same = targetEL === state.EL ? 1 : 0;
    const onWalk = stage2?.onWalk === true;
    // FIPA, bits 47:12 of the IPA in bits 39:4.
    const HPFAR = stage2 === undefined ? undefined : (stage2.IPA >> 12n) << 4n;
    if (access === 'execute') {
      const ISS = instructionAbortIss(FSC, onWalk);
      this.#exceptionTo(targetEL, EC_INSTRUCTION_ABORT_LOWER + same, {
        ISS,
        FAR: fault.FAR,
        HPFAR,
      });
      return;
    }
    const isWrite = access === 'write';
    const cacheMaintenance = fault.cacheMaintenance === true;
    const hasSyndrome = stage2 !== undefined && !onWalk && !cacheMaintenance;
    const ISS =
      dataAbortIss({ FSC, isWrite, cacheMaintenance, s1ptw: onWalk }) |
      (hasSyndrome ? dataAbortInstructionSyndrome(this.#word) : 0);
    const FAR = isWrite ? (this.#zeroBlockArgument() ?? fault.FAR) : fault.FAR;
    this.#exceptionTo(targetEL, EC_DATA_ABORT_LOWER + same, { ISS, FAR, HPFAR });
  }

  /**
   * Arm ARM, AArch64.MemZero(): an abort of DC ZVA gives the address in Xt, not the start of the block.
   * Undefined where the instruction at PC is not DC ZVA.
   */
  #zeroBlockArgument(): bigint | undefined {
    const pe = this.#pe;
    const word = pe.engine.instructionWord() ?? 0;
    return (word & ~31) >>> 0 === DC_ZVA_WORD ? pe.state.xOrZero(word & 31) : undefined;
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
    const { state, traps } = this.#pe;
    // Arm ARM, AArch64.CheckForSVCTrap(): the SVC itself is the return address of a trap.
    if (state.EL < 2 && exceptionInstructionTrapped(`SVC_EL${state.EL as 0 | 1}`, traps.active)) {
      this.#exceptionTo(2, EC_SVC64, { ISS: this.#imm16 });
      return;
    }
    const details = { ISS: this.#imm16, preferredReturn: state.PC + 4n };
    this.#step.advanceStep();
    this.#synchronous(EC_SVC64, details);
  }

  #hypervisorCall(): void {
    const pe = this.#pe;
    const { state } = pe;
    if (state.EL === 0 || (this.HCR_EL2 & HCR_HCD) !== 0n) {
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
    this.#step.advanceStep();
    this.#exceptionTo(2, EC_HVC64, details);
  }

  /**
   * HCR_EL2.TSC traps although there is no EL3 (where the Arm ARM makes the bit RES0), because there
   * is something behind SMC: the board's firmware.
   */
  #secureMonitorCall(): void {
    const pe = this.#pe;
    const { EL } = pe.state;
    if (EL === 1 && (this.HCR_EL2 & HCR_TSC) !== 0n) {
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
    this.#step.completeInstruction();
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
    const word = this.#word;
    if (pe.state.EL === 1 && exceptionInstructionTrapped('ERET', pe.traps.active)) {
      const ISS = word === ERET_WORD ? 0 : word === ERETAB_WORD ? 3 : 2;
      this.#exceptionTo(2, EC_ERET, { ISS });
      return;
    }
    let target: bigint | undefined;
    if (word !== ERET_WORD) {
      const ELR = pe.registers.raw(`ELR_EL${pe.state.EL}`);
      target = pe.engine.authenticate(word === ERETAB_WORD ? 'IB' : 'IA', ELR, pe.state.SP);
      if (target === undefined) {
        this.#exceptionTo(2, EC_POINTER_AUTHENTICATION);
        return;
      }
    }
    pe.state.retired += 1n;
    pe.exceptionReturn(target);
  }

  // -- system registers and system instructions

  #moveSystemRegister(direction: Direction): void {
    const pe = this.#pe;
    const { state } = pe;
    const word = this.#word;
    const encoding = (word >>> 5) & 0xffff;
    const Rt = word & 31;
    const named = pe.registers.byEncoding(encoding, direction);
    if (named === undefined) {
      this.#tellRegister(encoding, direction);
      const code = unimplementedAccessCode(encoding, state.EL, pe.traps.active);
      this.#refused(code, encoding, direction, Rt);
      return;
    }
    const code = pe.traps.access(named, direction, state);
    if (code !== ACCESS_ALLOWED) {
      this.#refused(code, encoding, direction, Rt);
      return;
    }
    const entry = pe.registers.reached(named, state.EL);
    if (entry.isObserved) pe.accessObserver?.(entry.name, direction, state.PC);
    if (direction === 'read') state.setXOrDiscard(Rt, pe.registers.readEntry(entry));
    else pe.registers.writeEntry(entry, state.xOrZero(Rt));
    this.#step.completeInstruction();
  }

  #tellRegister(encoding: number, direction: Direction): void {
    const register = byEncoding(encoding, direction);
    // A breakpoint or watchpoint beyond the implemented number is UNDEFINED, not missing.
    if (register !== undefined && /^DBG[BW][CV]R\d+_EL1$/.test(register.name)) return;
    // There is no EL3: what op1 = 6 gives to it alone is UNDEFINED.
    if (((encoding >>> 11) & 7) === 6) return;
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
    const extension = PSTATE_IMMEDIATES.get(field);
    if (extension !== undefined) {
      // The definitions let through what the processor has; PAN and UAO are for EL1 and EL2.
      if (state.EL === 0 && field >> 3 === 0) {
        this.#undefined();
        return;
      }
      const others = state.extensions & ~extension;
      const extensions = (CRm & 1) === 1 ? others | extension : others;
      pe.setPstate({ ...currentPstate(state), extensions });
      this.#step.completeInstruction();
      return;
    }
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
    this.#step.completeInstruction();
  }

  #systemInstruction(exit: 'SYS' | 'SYSL'): PeEvent | undefined {
    const pe = this.#pe;
    const word = this.#word;
    const encoding = (word >>> 5) & 0xffff;
    const Rt = word & 31;
    const outcome = executeSystemInstruction(pe, exit, encoding, pe.state.xOrZero(Rt));
    switch (outcome.kind) {
      case 'done':
        this.#step.completeInstruction();
        return undefined;
      case 'refused':
        this.#refused(outcome.code, encoding, exit === 'SYSL' ? 'read' : 'write', Rt);
        return undefined;
      case 'fault':
        return this.handleFault(outcome.fault);
    }
  }

  // -- waiting

  #interruptPending(): boolean {
    const pe = this.#pe;
    return interruptPending(pe.pendingInterrupts, this.HCR_EL2, pe.state.EL);
  }

  /** Takes the trap of a WFI or WFE that would wait; true when there is one. */
  #waitTrapped(which: 'WFI' | 'WFE'): boolean {
    const pe = this.#pe;
    const { EL } = pe.state;
    const [notTrapped, trap] = which === 'WFI' ? [SCTLR_nTWI, HCR_TWI] : [SCTLR_nTWE, HCR_TWE];
    const details = { ISS: wfxIss(which) };
    if (EL === 0 && (systemControl(pe.registers, 0) & notTrapped) === 0n) {
      this.#synchronous(EC_WFX, details);
      return true;
    }
    if (EL < 2 && (this.HCR_EL2 & trap) !== 0n && !elIsInHost(this.HCR_EL2, EL)) {
      this.#exceptionTo(2, EC_WFX, details);
      return true;
    }
    return false;
  }

  #waitForInterrupt(): PeEvent | undefined {
    if (this.#interruptPending()) {
      this.#step.completeInstruction();
      return undefined;
    }
    if (this.#waitTrapped('WFI')) return undefined;
    this.#step.completeInstruction();
    return { kind: 'wfi' };
  }

  #waitForEvent(): PeEvent | undefined {
    const pe = this.#pe;
    const waits = !pe.takeEventRegister() && !this.#interruptPending();
    if (waits && this.#waitTrapped('WFE')) return undefined;
    this.#step.completeInstruction();
    return waits ? { kind: 'wfe' } : undefined;
  }
}
