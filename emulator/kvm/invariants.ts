/**
 * What must hold at every world switch, checked on the processor's registers without counting. A violation
 * is our bug, so it is thrown.
 */
import { SPSR_SS } from '../cpu/pstate.ts';
import type { ImplementedRegisters } from '../sysregs/definitions.ts';
import { MDCR_EL2_TDA } from './control-bits.ts';
import { readDebugState } from './debug-state.ts';
import type { DebugPolicy } from './policies/policy.ts';
import type { WorldSwitch } from './world-switch.ts';

function violated(invariant: string, what: string): never {
  throw new TypeError(`Invariant ${invariant}: ${what}`);
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

export class InvariantChecker {
  readonly #implemented: ImplementedRegisters;
  readonly #guest: () => ImplementedRegisters;
  #host: ReadonlyMap<string, bigint> | undefined;
  #guestMdscr: bigint | undefined;
  #injections = 0;

  /** What the processor has, and what the guest's has. */
  constructor(implemented: ImplementedRegisters, guest: () => ImplementedRegisters) {
    this.#implemented = implemented;
    this.#guest = guest;
  }

  /** Nothing is known of what was on the processor. */
  forget(): void {
    this.#host = undefined;
    this.#guestMdscr = undefined;
  }

  /** Before the world switch into the guest. */
  beforeEntry(ws: WorldSwitch): void {
    const names = [...ws.registers.map(({ name }) => name), 'MDCCINT_EL1', 'MDSCR_EL1'];
    this.#host = new Map(names.map((name) => [name, ws.cpu.cpu.peekRegister(name)]));
    this.#guestMdscr = ws.vcpu.sys_regs.MDSCR_EL1;
  }

  /** I1: the processor holds what the policy says, or nothing of the guest while accesses trap. */
  atEntry(ws: WorldSwitch, policy: DebugPolicy): void {
    const { cpu } = ws.cpu;
    const copy = policy.bundleInGuest(ws);
    if (copy === 'H') {
      if ((cpu.peekRegister('MDCR_EL2') & MDCR_EL2_TDA) === 0n) {
        violated('I1', `${policy.name} lets the guest reach the host's debug registers`);
      }
      return;
    }
    const expected = ws.expectedBundle(copy);
    for (const register of ws.registers) {
      const value = this.#masked(register.name, readDebugState(expected, register));
      const actual = cpu.peekRegister(register.name);
      if (actual !== value) {
        violated('I1', `${register.name} is ${hex(actual)} in the guest, not ${hex(value)}`);
      }
    }
  }

  /** I2: the host finds its own registers again. I6: the session of a debugger leaves the guest's alone. */
  afterExit(ws: WorldSwitch, policy: DebugPolicy): void {
    for (const [name, value] of this.#host ?? []) {
      const actual = ws.cpu.cpu.peekRegister(name);
      if (actual !== value) {
        violated('I2', `${name} is ${hex(actual)} in the host, not ${hex(value)}`);
      }
    }
    const { MDSCR_EL1 } = ws.vcpu.sys_regs;
    if (
      this.#guestMdscr !== undefined &&
      !policy.guestMdscrInGuest(ws) &&
      MDSCR_EL1 !== this.#guestMdscr
    ) {
      violated('I6', `the guest's MDSCR_EL1 changed from ${hex(this.#guestMdscr)}`);
    }
    if (policy.bundleInGuest(ws) === 'G') this.#guestCopy(ws);
    this.#injections = ws.log.counters.injections;
  }

  /** I3: what was saved for the guest has only bits that the registers have. */
  #guestCopy(ws: WorldSwitch): void {
    // The bits of a DBGBVR depend on whether its number is a context-aware breakpoint's.
    const rearranged = ws.image?.() !== undefined;
    for (const register of ws.registers) {
      if (rearranged && this.#guest().byName(register.name) === undefined) continue;
      const value = readDebugState(ws.vcpu.vcpu_debug_state, register);
      const implemented = rearranged ? this.#guest() : this.#implemented;
      if (value !== this.#masked(register.name, value, implemented)) {
        violated('I3', `${register.name} was saved as ${hex(value)}`);
      }
    }
  }

  /** I7: an exit gives the guest at most one exception. */
  afterHandling(ws: WorldSwitch): void {
    const injected = ws.log.counters.injections - this.#injections;
    if (injected > 1) violated('I7', `${injected} exceptions were injected at one exit`);
  }

  /** I6: after vcpu_put PSTATE.SS is the guest's. */
  afterPut(ws: WorldSwitch, stolen: boolean): void {
    const { pstate, GUEST_SS_ACTIVE_PENDING } = ws.vcpu;
    if (stolen && ((pstate & SPSR_SS) !== 0n) === GUEST_SS_ACTIVE_PENDING) {
      violated('I6', "PSTATE.SS is the debugger's after vcpu_put");
    }
  }

  #masked(name: string, value: bigint, implemented = this.#implemented): bigint {
    const register = implemented.byName(name);
    if (register === undefined) throw new TypeError(`${name} is not implemented`);
    return (value & register.writable) | register.RES1;
  }
}
