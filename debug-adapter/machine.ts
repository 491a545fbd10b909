/**
 * The border between the debug adapter and the machine that it debugs: everything that the adapter asks for, and
 * nothing else. All calls are synchronous; none but `run` and `stepInstruction` lets the guest execute, and none of the
 * reading ones has a side effect on the guest.
 */

import type { DeviceAttribute, DeviceAttributeResult } from '../emulator/kvm/device-attributes.ts';
import type { IoctlResult } from '../emulator/kvm/guest-debug-control.ts';
import type { HostActivityName } from '../emulator/kvm/host-activity.ts';
import type { MachineOptions, RecordedRun, RunOptions } from '../emulator/machine.ts';
import type { MigratingGuest } from '../emulator/machine/migration.ts';
import type { PolicyResult } from '../emulator/policy-comparison.ts';
import type { AccessPrediction } from '../emulator/machine/access-prediction.ts';
import type { ExceptionRecord, StopReason } from '../emulator/machine/stop-reason.ts';

export type { HostActivityName } from '../emulator/kvm/host-activity.ts';
export type { ImageSegment, MachineOptions } from '../emulator/machine.ts';
export type { ExceptionRecord, StopReason } from '../emulator/machine/stop-reason.ts';

/** A place that RAM or a device occupies in the physical address space; `size` in bytes. */
export interface PhysicalRange {
  readonly name: string;
  readonly base: bigint;
  readonly size: bigint;
}

export interface HostProfileDescription {
  readonly name: string;
  readonly breakpoints: number;
  readonly contextAware: number;
  readonly watchpoints: number;
}

export interface PolicyDescription {
  readonly name: string;
  /** One sentence. */
  readonly description: string;
  /** Whether KVM_SET_GUEST_DEBUG exists under it; without it `hw` and `sw` breakpoints are refused. */
  readonly guestDebug: boolean;
}

/** `description` is one sentence. */
export interface Described {
  readonly name: string;
  readonly description: string;
}

/** What can be known before a machine exists, and the way to make one. */
export interface MachineFactory {
  readonly cpuModels: readonly { readonly name: string; readonly description: string }[];
  readonly defaultCpuModel: string;
  readonly hostProfiles: readonly HostProfileDescription[];
  readonly defaultHostProfile: string;
  readonly policies: readonly PolicyDescription[];
  readonly defaultPolicy: string;
  readonly fpPolicies: readonly Described[];
  readonly defaultFpPolicy: string;
  readonly traceSchemes: readonly Described[];
  readonly defaultTraceScheme: string;
  /** What the host can do beside running the guest. */
  readonly hostActivities: readonly (Described & { readonly name: HostActivityName })[];
  /** Base of RAM and its size in bytes when nothing else is asked for. */
  readonly defaultRam: { readonly base: bigint; readonly size: number };
  readonly devices: readonly PhysicalRange[];
  create(options: MachineOptions): DebuggedMachine;
  /** @throws RangeError for a guest that starts at EL2 */
  comparePolicies(run: RecordedRun): PolicyComparison;
}

/** The same guest under every policy; it executes nothing but in `advance`. */
export interface PolicyComparison {
  /** Of all runs, from 0 to 1. */
  readonly progress: number;
  /** The policy that runs now. */
  readonly current: string | undefined;
  readonly results: readonly PolicyResult[];
  /** Executes about so many instructions. @returns whether anything is left */
  advance(instructions: number): boolean;
}

export interface VcpuDescription {
  readonly id: number;
  /** `CPU0`. */
  readonly name: string;
}

/** Registers that belong together, in display order: General, FP/SIMD, and the groups of system registers. */
export interface RegisterGroup {
  readonly name: string;
  readonly kind: 'general' | 'FP/SIMD' | 'system';
  readonly registers: readonly string[];
}

/** An interrupt that is enabled, pending or active. */
export interface InterruptRow {
  readonly INTID: number;
  /** The processor whose own it is; undefined for a shared one. */
  readonly cpu: number | undefined;
  /** What the board has there, such as `virtual timer`. */
  readonly source?: string;
  readonly pending: boolean;
  readonly active: boolean;
  readonly enabled: boolean;
  readonly group: 0 | 1;
  readonly priority: number;
  readonly trigger: 'edge' | 'level';
  /** The processors that it is offered to. */
  readonly targets: readonly number[];
}

export interface InterruptView {
  /** Of the GIC. */
  readonly version: number;
  readonly cpuInterfaces: readonly {
    readonly cpu: number;
    readonly priorityMask: number;
    readonly runningPriority: number;
    readonly signals: 'IRQ' | 'FIQ' | undefined;
  }[];
  readonly interrupts: readonly InterruptRow[];
}

export type WatchAccess = 'read' | 'write' | 'readWrite';

export type SlotResult =
  | { readonly ok: true; readonly slot: number }
  /** Why, in one sentence: the policy cannot, or every slot is taken. */
  | { readonly ok: false; readonly reason: string };

/** One DBGB or DBGW register pair and what it will do. */
export interface SlotRow {
  readonly kind: 'breakpoint' | 'watchpoint';
  /**
   * Physical index n of DBGBVR<n>_EL1 or DBGWVR<n>_EL1; for an entry that is not on the processor, its index in the
   * registers of its owner. One slot can serve several entries of the guest that are alike.
   */
  readonly slot: number;
  readonly owner: 'guest' | 'debugger' | 'free';
  /** Absent: on the processor. `software`: compared by the hypervisor; `memory`: compared by nobody now. */
  readonly placement?: 'software' | 'memory';
  /** The guest's own index. */
  readonly guestIndex?: number;
  /** The guest's index of the context comparator that it is linked to. */
  readonly link?: number;
  /** What the debugger got as its slot when it asked. */
  readonly request?: number;
  /** DBGBVR or DBGWVR. */
  readonly value: bigint;
  /** DBGBCR or DBGWCR. */
  readonly control: bigint;
  readonly contextAware: boolean;
  /** In plain words: who owns it, and why it will or will not fire now. */
  readonly verdict: string;
}

/** KVM_SET_GUEST_DEBUG as a debugger uses it. Slots survive until removed; a policy change may remove them. */
export interface GuestDebug {
  addBreakpoint(va: bigint): SlotResult;
  /** Bytes [address, address + length); refused where no DBGWVR/DBGWCR pair can express the range. */
  addWatchpoint(address: bigint, length: number, access: WatchAccess): SlotResult;
  removeBreakpoint(slot: number): void;
  removeWatchpoint(slot: number): void;
  slots(): readonly SlotRow[];
  /**
   * KVM_GUESTDBG_USE_SW_BP: BRK at an address for which `claims` is true leaves the guest with stop reason `brk`; every
   * other BRK is the guest's own. `undefined` ends it.
   */
  claimBreakpointInstructions(
    claims: ((pc: bigint) => boolean) | undefined,
  ): { readonly ok: true } | { readonly ok: false; readonly reason: string };
}

export interface NamedValue {
  readonly name: string;
  readonly value: bigint;
}

/** Debug registers from three sides: what the guest wrote, what the processor holds, what the debugger asked for. */
export interface DebugRegisterViews {
  readonly guest: readonly NamedValue[];
  readonly physical: readonly NamedValue[];
  readonly debugger: readonly NamedValue[];
}

/** One event of the hypervisor, in the words of its log. */
export interface WorldSwitchEvent {
  /** Monotonic from 0 at reset. */
  readonly seq: number;
  readonly vcpu: number;
  readonly kind: string;
  readonly guestPC: bigint;
  readonly EL: number;
  readonly reg?: string;
  readonly direction?: 'read' | 'write';
  readonly old?: bigint;
  readonly new?: bigint;
  readonly policy: string;
  readonly ownerBefore?: string;
  readonly ownerAfter?: string;
  /** One line for people. */
  readonly text: string;
}

export interface RegisterTotals {
  readonly register: string;
  /** Guest accesses that trapped. */
  readonly traps: number;
  /** Physical accesses that the hypervisor made. */
  readonly reads: number;
  readonly writes: number;
}

/** An MRS or MSR of the guest whose register the hypervisor can take from it. */
export interface AccessCount {
  /** VA of the instruction. */
  readonly pc: bigint;
  readonly register: string;
  readonly direction: 'read' | 'write';
  /** Accesses that trapped to the hypervisor, and those that the processor made itself. */
  readonly trapped: number;
  readonly straight: number;
}

/** What the adapter shows of the hypervisor. */
export interface HypervisorView {
  readonly policy: string;
  /** Takes effect at once. @returns why not, in one sentence, or undefined */
  setPolicy(name: string): string | undefined;
  readonly fpPolicy: string;
  /** Takes effect at once. @throws RangeError for a policy that does not exist */
  setFpPolicy(name: string): void;
  readonly traceScheme: string;
  /** Takes effect at once. @throws RangeError for a scheme that does not exist */
  setTraceScheme(name: string): void;
  /** The host does something now. */
  performHostActivity(name: HostActivityName): void;
  /** KVM_SET_DEVICE_ATTR, KVM_GET_DEVICE_ATTR and KVM_HAS_DEVICE_ATTR on a vCPU. */
  setDeviceAttr(vcpu: number, attribute: DeviceAttribute): IoctlResult;
  getDeviceAttr(vcpu: number, attribute: DeviceAttribute): DeviceAttributeResult;
  hasDeviceAttr(vcpu: number, attribute: DeviceAttribute): IoctlResult;
  /** Who owns the debug registers, in the policy's own words, such as `GUEST` or `DIRTY`. */
  readonly owner: string;
  /** Trap bits, FP owner, flags: name and value as text, in display order; words with the bits that have a name. */
  state(): readonly {
    readonly name: string;
    readonly value: string;
    readonly bits?: readonly {
      readonly name: string;
      readonly bit: number;
      readonly set: boolean;
    }[];
  }[];
  /** Cycles by a model of a real machine, the sum last. */
  modelledCosts(): readonly { readonly name: string; readonly cycles: number }[];
  readonly costModel: { readonly name: string; readonly source: string };
  counters(): readonly { readonly name: string; readonly value: number }[];
  totals(): readonly RegisterTotals[];
  accessCounts(): readonly AccessCount[];
  /** Events with seq >= since, oldest first, at most `limit`; older ones than the ring holds are gone. */
  events(since: number, limit: number): readonly WorldSwitchEvent[];
  /** seq of the oldest event still held, and of the next one to come. */
  readonly firstSeq: number;
  readonly nextSeq: number;
  readonly guestDebug: GuestDebug;
  debugRegisters(): DebugRegisterViews;
}

export interface MemoryBytes {
  /** As many as are mapped from the start. */
  readonly bytes: Uint8Array;
  /** True when all the bytes asked for are there. */
  readonly complete: boolean;
}

/** Opaque to the adapter. */
export interface MachineSnapshot {
  readonly retired: bigint;
}

export interface DebuggedMachine {
  readonly vcpus: readonly VcpuDescription[];
  /** Undefined when the guest starts at EL2. */
  readonly kvm?: HypervisorView | undefined;
  /** Instructions retired since reset, over all vCPUs. */
  readonly retired: bigint;
  /** Virtual time since reset, in nanoseconds. */
  readonly virtualNanoseconds: bigint;

  /** What it takes to run this guest again from its reset to where it is. */
  readonly recordedRun: RecordedRun;

  /** The guest for another host. It stays here as well. */
  depart(): MigratingGuest;
  /** Takes a guest from another host. @returns why not, in one sentence, or undefined */
  arrive(guest: MigratingGuest): string | undefined;

  /** Back to the state before the first instruction, image loaded; breakpoints, watchpoints and slots stay. */
  reset(): void;
  /**
   * Executes at most `instructions`. With `pastStop` the instruction at the PC executes without asking breakpoints, slots
   * and watchpoints about it: the way on from where one of them has stopped. A guest that idles is `waiting` where
   * `idle` says `wait`: the clock stands still until `passTime`.
   */
  run(options: RunOptions): StopReason;
  /** One instruction of the current vCPU, always `pastStop`. An interrupt that is pending is taken first. */
  stepInstruction(options?: Pick<RunOptions, 'idle'>): StopReason;
  /** Nobody executes until that time, in virtual nanoseconds since reset. */
  passTime(until: bigint): void;
  /** The vCPU of the last stop, until another one is selected. */
  readonly currentVcpu: number;
  /** What is read, written and stepped from now on; the order in which the vCPUs run stays. */
  selectVcpu(vcpu: number): void;

  /**
   * By Arm ARM name: X0..X30, SP, PC, V0..V31, NZCV, PSTATE, FPCR, FPSR and every system register, as the guest would read
   * it. @returns undefined for an unknown name or one that the profile does not implement
   */
  readRegister(vcpu: number, name: string): bigint | undefined;
  /** @returns why not, in one sentence, or undefined. RES0 and read-only bits are masked as the architecture masks them. */
  writeRegister(vcpu: number, name: string, value: bigint): string | undefined;
  registerGroups(): readonly RegisterGroup[];
  /** The interrupt controller and its interrupts. */
  interrupts(): InterruptView;
  /** What an MRS or MSR would do now. @returns undefined where no register has the name */
  predictAccess(
    vcpu: number,
    name: string,
    direction: 'read' | 'write',
  ): AccessPrediction | undefined;

  /** Through the current translation regime; RAM only, never a device. */
  readVirtual(va: bigint, length: number): MemoryBytes;
  /** @returns the number of bytes written; stops at the first that is not mapped RAM. */
  writeVirtual(va: bigint, bytes: Uint8Array): number;
  /** Text of an instruction word as the GNU assembler prints it; undefined where it is UNDEFINED. */
  disassemble(word: number, pc: bigint, label: (address: bigint) => string): string | undefined;

  /** Before the instruction executes. `onHit` decides whether to stop; without it every hit stops. */
  addBreakpoint(va: bigint, onHit?: () => boolean): number;
  removeBreakpoint(id: number): void;
  /** `onHit` is asked after the access with the bytes before and after it. */
  addWatchpoint(
    watch: { readonly address: bigint; readonly length: number; readonly access: WatchAccess },
    onHit?: (hit: {
      readonly old: Uint8Array;
      readonly new: Uint8Array;
      readonly isWrite: boolean;
    }) => boolean,
  ): number;
  removeWatchpoint(id: number): void;
  /** Asked for every exception that is taken to EL1 or, with el = 2, to EL2. True stops at the vector. */
  onException: ((exception: ExceptionRecord) => boolean) | undefined;
  /** What a guest did to a device that makes no sense; the run goes on. */
  onGuestError: ((device: string, message: string, pc: bigint) => void) | undefined;

  readonly console: {
    /** Bytes that the guest's UART transmits. */
    onOutput: ((bytes: Uint8Array) => void) | undefined;
    input(bytes: Uint8Array): void;
  };

  save(): MachineSnapshot;
  restore(snapshot: MachineSnapshot): void;
}
