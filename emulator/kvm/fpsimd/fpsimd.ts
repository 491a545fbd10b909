/**
 * The V registers of one physical CPU and all who want them: the thread that runs the vCPU, another thread,
 * the kernel itself in a softirq, and the guest. The host's half is Linux's arch/arm64/kernel/fpsimd.c in
 * its own names; when the guest's half moves is a policy's decision.
 *
 * What is in the registers has a letter: (a) the state of the thread that runs, (b) the vCPU's, (c) what
 * nobody needs, (d) another thread's, which is (c) with a history.
 */
import type { EventDetail, WorldSwitch } from '../world-switch.ts';
import type { Vcpu } from '../vcpu.ts';
import { HostTask } from './host-task.ts';
import type { HostTaskState } from './host-task.ts';
import type { FpPolicy } from './policy.ts';
import { fpsimdPattern, V_COUNT } from './state.ts';
import type { FpsimdState } from './state.ts';

export type FpLetter = 'a' | 'b' | 'c' | 'd';
/** Who has the registers of the CPU. */
export type FpOwner = 'HOST' | 'GUEST' | 'FREE';

type Context =
  | { readonly kind: 'task'; readonly task: HostTask }
  | { readonly kind: 'vcpu'; readonly vcpu: Vcpu }
  | { readonly kind: 'kernel' };

/** The registers with their history, as a lazy host context keeps them. */
interface Contents {
  readonly context: Context;
  /** The context may go on with what is in the registers. */
  readonly valid: boolean;
  /** The registers may be newer than the context's memory. */
  readonly dirty: boolean;
}

export interface FpCounters {
  traps: number;
  saves: { host: number; guest: number };
  loads: { host: number; guest: number };
  /** A thread of the host has found registers that were not its own. */
  corruptions: number;
  softirqs: number;
  taskSwitches: number;
}

type SavedContext =
  | { readonly kind: 'task'; readonly task: number }
  | { readonly kind: 'vcpu'; readonly id: number }
  | { readonly kind: 'kernel' };
type SavedContents = Omit<Contents, 'context'> & { readonly context: SavedContext };

export interface FpsimdData {
  readonly policy: string;
  readonly contents: SavedContents;
  readonly bound: SavedContext | undefined;
  readonly tasks: readonly HostTaskState[];
  readonly running: number;
  readonly host: (SavedContents & { readonly state: FpsimdState }) | undefined;
  readonly trapping: boolean;
  readonly counters: FpCounters;
  readonly softirqRound: number;
}

const KERNEL = { kind: 'kernel' } as const;
const TRANSITIONS: ReadonlySet<string> = new Set([
  'FREE-GUEST',
  'HOST-GUEST',
  'GUEST-FREE',
  'FREE-HOST',
  'HOST-FREE',
]);

function noCounts(): FpCounters {
  return {
    traps: 0,
    saves: { host: 0, guest: 0 },
    loads: { host: 0, guest: 0 },
    corruptions: 0,
    softirqs: 0,
    taskSwitches: 0,
  };
}

const sameContext = (a: Context | undefined, b: Context): boolean =>
  a !== undefined &&
  ((a.kind === 'task' && b.kind === 'task' && a.task === b.task) ||
    (a.kind === 'vcpu' && b.kind === 'vcpu' && a.vcpu === b.vcpu));

function nameOf(context: Context): string {
  switch (context.kind) {
    case 'task':
      return `thread ${context.task.name}`;
    case 'vcpu':
      return `vCPU ${context.vcpu.id}`;
    case 'kernel':
      return 'the kernel';
  }
}

export class Fpsimd {
  readonly ws: WorldSwitch;
  policy: FpPolicy;
  /** Told of a broken invariant I4: every context has one fresh copy of its registers. */
  violated: ((what: string) => void) | undefined;
  counters = noCounts();
  /** CPTR_EL2 traps the guest's FP instructions. */
  trapping = true;
  /** The thread that runs the vCPU, and another one of the host. */
  readonly vmm = new HostTask('vmm', 'Host', 1);
  readonly other = new HostTask('task', 'Task', 2);
  #current = this.vmm;
  #contents: Contents = { context: KERNEL, valid: false, dirty: false };
  /** fpsimd_last_state: where the host saves the registers if it needs them. */
  #bound: Context | undefined;
  /** host_cpu_context, of the policies that switch without asking the host. */
  #host: (Contents & { readonly state: FpsimdState }) | undefined;
  #softirqRound = 0;
  #before: { owner: FpOwner; letter: FpLetter } = { owner: 'FREE', letter: 'c' };

  constructor(ws: WorldSwitch, policy: FpPolicy) {
    this.ws = ws;
    this.policy = policy;
  }

  // -- what is where

  get vcpu(): Vcpu {
    return this.ws.vcpu;
  }

  /** The thread that the host runs. */
  get current(): HostTask {
    return this.#current;
  }

  get letter(): FpLetter {
    const { context, valid } = this.#contents;
    if (context.kind === 'task' && context.task !== this.#current) return 'd';
    if (!valid) return 'c';
    return context.kind === 'task' ? 'a' : context.kind === 'vcpu' ? 'b' : 'c';
  }

  get owner(): FpOwner {
    const { letter } = this;
    return letter === 'a' ? 'HOST' : letter === 'b' ? 'GUEST' : 'FREE';
  }

  /** One sentence. */
  get description(): string {
    const { context, dirty } = this.#contents;
    const meanings: Readonly<Record<FpLetter, string>> = {
      a: `the registers are those of ${nameOf(context)}, which runs`,
      b: `the registers are those of ${nameOf(context)}`,
      c: `nobody needs what is in the registers`,
      d: `the registers are those of ${nameOf(context)}, which does not run; they have been saved`,
    };
    const newer = dirty ? ', newer than its memory' : '';
    return `(${this.letter}): ${meanings[this.letter]}${newer}`;
  }

  /** Whether the registers of this vCPU are on the processor. */
  holds(vcpu: Vcpu): boolean {
    const { context, valid } = this.#contents;
    return valid && context.kind === 'vcpu' && context.vcpu === vcpu;
  }

  get tasks(): readonly HostTask[] {
    return [this.vmm, this.other];
  }

  get TIF_FOREIGN_FPSTATE(): boolean {
    return this.#current.TIF_FOREIGN_FPSTATE;
  }

  // -- reports

  #violate(what: string): void {
    this.violated?.(what);
  }

  #event(
    kind: 'fpSave' | 'fpLoad' | 'trapFp' | 'flagSet' | 'flagClear' | 'hostActivity',
    text: string,
    detail: EventDetail = {},
  ): void {
    const { letter, owner } = this;
    const { letter: was, owner: from } = this.#before;
    const change = letter === was ? `(${letter})` : `(${was}) to (${letter})`;
    if (owner !== from && !this.#isTransition(from, owner)) {
      this.#violate(`FP state goes from ${from} to ${owner}: ${text}`);
    }
    this.#before = { letter, owner };
    this.ws.event(kind, `${text}; FP state ${change}`, { fp: letter, ...detail });
  }

  #isTransition(from: FpOwner, to: FpOwner): boolean {
    return (
      TRANSITIONS.has(`${from}-${to}`) ||
      (this.policy.switchesAtExit && from === 'GUEST' && to === 'HOST')
    );
  }

  // -- moves

  #readRegisters(): FpsimdState {
    const { cpu } = this.ws;
    const V: bigint[] = [];
    for (let n = 0; n < V_COUNT; n += 1) {
      const { lo, hi } = cpu.cpu.readV(n);
      V.push(lo, hi);
    }
    return { V, FPSR: cpu.read('FPSR'), FPCR: cpu.read('FPCR') };
  }

  #writeRegisters({ V, FPSR, FPCR }: FpsimdState): void {
    const { cpu } = this.ws;
    for (let n = 0; n < V_COUNT; n += 1) cpu.cpu.writeV(n, V[2 * n] ?? 0n, V[2 * n + 1] ?? 0n);
    cpu.write('FPSR', FPSR);
    cpu.write('FPCR', FPCR);
  }

  /** Before the registers get other contents. */
  #leave(why: string): void {
    const { context, dirty } = this.#contents;
    if (dirty)
      this.#violate(`I4: ${why} loses the only copy of the registers of ${nameOf(context)}`);
  }

  #save(to: Context): void {
    const { context } = this.#contents;
    if (!sameContext(context, to)) {
      this.#violate(`I4: the registers of ${nameOf(context)} are saved as those of ${nameOf(to)}`);
    }
    const state = this.#readRegisters();
    if (to.kind === 'task') to.task.fpsimd_state = state;
    else if (to.kind === 'vcpu') to.vcpu.fpsimd_state = state;
    this.#contents = { ...this.#contents, dirty: false };
    this.counters.saves[to.kind === 'vcpu' ? 'guest' : 'host'] += 1;
  }

  #load(from: Context, state: FpsimdState, dirty: boolean): void {
    if (this.#contents.dirty && sameContext(this.#contents.context, from)) {
      this.#violate(`I4: old registers of ${nameOf(from)} are loaded over newer ones`);
    }
    this.#leave('a load');
    this.#writeRegisters(state);
    this.#contents = { context: from, valid: true, dirty };
    this.counters.loads[from.kind === 'vcpu' ? 'guest' : 'host'] += 1;
  }

  /** fpsimd_save_state() of the thread that runs. */
  saveHostTask(): void {
    this.#save({ kind: 'task', task: this.#current });
    this.#event('fpSave', `save the registers of thread ${this.#current.name}`);
  }

  saveGuest(): void {
    this.#save({ kind: 'vcpu', vcpu: this.vcpu });
    this.#event('fpSave', `save the guest's V0 to V31, FPSR and FPCR`);
  }

  loadGuest(): void {
    this.#load({ kind: 'vcpu', vcpu: this.vcpu }, this.vcpu.fpsimd_state, true);
    this.#event('fpLoad', `load the guest's V0 to V31, FPSR and FPCR`);
  }

  /** The registers, whosever they are, into host_cpu_context. */
  saveHostContext(): void {
    this.#host = { ...this.#contents, state: this.#readRegisters() };
    this.#contents = { ...this.#contents, dirty: false };
    this.counters.saves.host += 1;
    this.#event('fpSave', "save the host's V0 to V31, FPSR and FPCR");
  }

  loadHostContext(): void {
    const host = this.#host;
    if (host === undefined) throw new TypeError('there is no FP context of the host to load');
    this.#leave("loading the host's registers");
    this.#writeRegisters(host.state);
    const { context, valid, dirty } = host;
    this.#contents = { context, valid, dirty };
    this.#host = undefined;
    this.counters.loads.host += 1;
    this.#event('fpLoad', "load the host's V0 to V31, FPSR and FPCR");
  }

  /** A flag of the policy changes. */
  setFlag(text: string, set: boolean): void {
    this.#event(set ? 'flagSet' : 'flagClear', text);
  }

  // -- the host's bookkeeping

  #setForeign(task: HostTask, foreign: boolean): void {
    if (task.TIF_FOREIGN_FPSTATE === foreign) return;
    task.TIF_FOREIGN_FPSTATE = foreign;
    this.#event(
      foreign ? 'flagSet' : 'flagClear',
      `TIF_FOREIGN_FPSTATE of thread ${task.name} ${foreign ? 'set' : 'cleared'}`,
    );
  }

  /** fpsimd_bind_state_to_cpu() for the vCPU: if the host needs the registers, it saves them there. */
  bindGuest(): void {
    this.#bound = { kind: 'vcpu', vcpu: this.vcpu };
    this.#setForeign(this.#current, false);
  }

  /** fpsimd_save(): the registers go to whoever is bound, unless nobody needs them. */
  #saveBound(): void {
    if (this.#current.TIF_FOREIGN_FPSTATE) return;
    const bound = this.#bound;
    if (bound === undefined) return;
    this.#save(bound);
    this.#event('fpSave', `save the registers of ${nameOf(bound)}, to which they are bound`);
  }

  /** fpsimd_save_and_flush_cpu_state(). */
  saveAndFlush(): void {
    this.#saveBound();
    this.#flush();
  }

  #flush(): void {
    this.#bound = undefined;
    this.#contents = { ...this.#contents, valid: false };
    this.#setForeign(this.#current, true);
  }

  /** fpsimd_restore_current_state(), on the way back to the thread's own instructions. */
  returnToUser(): void {
    const task = this.#current;
    if (!this.exists || !task.TIF_FOREIGN_FPSTATE) return;
    this.#load({ kind: 'task', task }, task.fpsimd_state, true);
    this.#bound = { kind: 'task', task };
    task.TIF_FOREIGN_FPSTATE = false;
    this.#event('fpLoad', `load the registers of thread ${task.name}`);
  }

  /** The thread that runs computes with its registers. */
  compute(): void {
    if (!this.exists) return;
    const task = this.#current;
    this.returnToUser();
    const { left, intact } = task.compute(this.#readRegisters());
    if (!intact) {
      this.counters.corruptions += 1;
      this.ws.event('warning', `thread ${task.name} finds registers that are not its own`);
      this.#violate(`I4: thread ${task.name} finds registers that are not its own`);
    }
    this.#writeRegisters(left);
    this.#contents = { ...this.#contents, dirty: true };
  }

  /** kernel_neon_begin() to kernel_neon_end() in a softirq: after it the registers are nobody's. */
  softirqNeon(): void {
    if (!this.exists) return;
    this.counters.softirqs += 1;
    this.saveAndFlush();
    this.#leave('kernel-mode NEON');
    this.#softirqRound += 1;
    this.#writeRegisters(fpsimdPattern('NEON', this.#softirqRound, 3));
    this.#contents = { context: KERNEL, valid: false, dirty: false };
    this.#event('hostActivity', 'a softirq computes with V0 to V31 (kernel-mode NEON)');
  }

  /** fpsimd_thread_switch(). The vCPU has been put. */
  switchTo(task: HostTask): void {
    this.#saveBound();
    this.#current = task;
    this.counters.taskSwitches += 1;
    const keeps = this.#contents.valid && sameContext(this.#bound, { kind: 'task', task });
    task.TIF_FOREIGN_FPSTATE = !keeps;
    this.#event('hostActivity', `the host switches to thread ${task.name}`);
  }

  // -- the vCPU

  /** A machine whose processor has no FP traps nothing and moves nothing. */
  get exists(): boolean {
    return this.ws.profile.processor.FEAT_FP;
  }

  vcpuLoad(): void {
    if (this.exists) this.policy.vcpuLoad(this);
  }

  vcpuPut(): void {
    if (this.exists) this.policy.vcpuPut(this);
  }

  /** @returns whether CPTR_EL2 has to trap */
  enter(): boolean {
    this.trapping = !this.exists || this.policy.enter(this);
    if (!this.trapping) {
      if (!this.holds(this.vcpu)) {
        this.#violate(
          `I4: the guest is entered with the registers of ${nameOf(this.#contents.context)}`,
        );
      }
      this.#contents = { ...this.#contents, dirty: true };
    }
    return this.trapping;
  }

  /** EC 0x07. False where the trap is not the policy's. */
  trap(): boolean {
    if (!this.exists || !this.trapping) return false;
    this.counters.traps += 1;
    this.#event('trapFp', 'an FP instruction of the guest traps', { EC: 0x07 });
    this.policy.trap(this);
    this.trapping = false;
    return true;
  }

  exit(): void {
    if (this.exists) this.policy.exit(this);
  }

  /** V<n> (128 bits), FPSR or FPCR as the guest would read it. */
  readGuest(name: string, vcpu: Vcpu): bigint | undefined {
    const n = vectorNumber(name);
    if (this.holds(vcpu)) {
      if (n === undefined) return this.ws.cpu.cpu.peekRegister(name);
      const { lo, hi } = this.ws.cpu.cpu.readV(n);
      return (hi << 64n) | lo;
    }
    const { V, FPSR, FPCR } = vcpu.fpsimd_state;
    if (n === undefined) return name === 'FPSR' ? FPSR : FPCR;
    return ((V[2 * n + 1] ?? 0n) << 64n) | (V[2 * n] ?? 0n);
  }

  writeGuest(name: string, value: bigint, vcpu: Vcpu): void {
    const n = vectorNumber(name);
    const [low, high] = [BigInt.asUintN(64, value), BigInt.asUintN(64, value >> 64n)];
    if (this.holds(vcpu)) {
      if (n === undefined) this.ws.cpu.cpu.writeRegister(name, low);
      else this.ws.cpu.cpu.writeV(n, low, high);
      return;
    }
    const state = vcpu.fpsimd_state;
    if (n === undefined) {
      vcpu.fpsimd_state = { ...state, [name]: low & (name === 'FPSR' ? FPSR_MASK : FPCR_MASK) };
      return;
    }
    const V = [...state.V];
    V[2 * n] = low;
    V[2 * n + 1] = high;
    vcpu.fpsimd_state = { ...state, V };
  }

  // -- reset, change of policy, snapshots

  /**
   * The host boots and its VMM runs; what the registers hold is the guest's and goes to its memory.
   */
  reset(): void {
    const { vcpu } = this;
    vcpu.fpsimd_state = this.#readRegisters();
    this.counters = noCounts();
    this.trapping = true;
    this.#host = undefined;
    this.#bound = undefined;
    this.#softirqRound = 0;
    this.#current = this.vmm;
    for (const task of this.tasks) task.reset();
    this.#contents = { context: KERNEL, valid: false, dirty: false };
    this.#before = { owner: 'FREE', letter: 'c' };
    this.returnToUser();
    this.counters = noCounts();
  }

  #saveContext(context: Context): SavedContext {
    switch (context.kind) {
      case 'task':
        return { kind: 'task', task: this.tasks.indexOf(context.task) };
      case 'vcpu':
        return { kind: 'vcpu', id: context.vcpu.id };
      case 'kernel':
        return KERNEL;
    }
  }

  saveState(): FpsimdData {
    const { traps, saves, loads, corruptions, softirqs, taskSwitches } = this.counters;
    return {
      policy: this.policy.name,
      contents: { ...this.#contents, context: this.#saveContext(this.#contents.context) },
      bound: this.#bound && this.#saveContext(this.#bound),
      tasks: this.tasks.map((task) => task.saveState()),
      running: this.tasks.indexOf(this.#current),
      host: this.#host && { ...this.#host, context: this.#saveContext(this.#host.context) },
      trapping: this.trapping,
      counters: {
        ...{ traps, corruptions, softirqs, taskSwitches },
        saves: { ...saves },
        loads: { ...loads },
      },
      softirqRound: this.#softirqRound,
    };
  }

  /** The processor and the policy are restored by their owners. */
  restoreState(state: FpsimdData, vcpus: readonly Vcpu[]): void {
    const contextOf = (saved: SavedContext): Context => {
      if (saved.kind === 'kernel') return KERNEL;
      if (saved.kind === 'task') {
        const task = this.tasks[saved.task];
        if (task === undefined) throw new RangeError(`The snapshot has a thread ${saved.task}`);
        return { kind: 'task', task };
      }
      const vcpu = vcpus[saved.id];
      if (vcpu === undefined) throw new RangeError(`The snapshot has a vCPU ${saved.id}`);
      return { kind: 'vcpu', vcpu };
    };
    this.#contents = { ...state.contents, context: contextOf(state.contents.context) };
    this.#bound = state.bound && contextOf(state.bound);
    this.#host = state.host && { ...state.host, context: contextOf(state.host.context) };
    this.tasks.forEach((task, n) => {
      const saved = state.tasks[n];
      if (saved !== undefined) task.restoreState(saved);
    });
    this.#current = this.tasks[state.running] ?? this.vmm;
    this.trapping = state.trapping;
    const { saves, loads } = state.counters;
    this.counters = { ...state.counters, saves: { ...saves }, loads: { ...loads } };
    this.#softirqRound = state.softirqRound;
    this.#before = { letter: this.letter, owner: this.owner };
  }
}

/** FPSR.QC and the cumulative exception bits; FPCR without the controls of later extensions. */
const FPSR_MASK = 0x0800_009fn;
const FPCR_MASK = 0x07c0_0000n;

function vectorNumber(name: string): number | undefined {
  return name.startsWith('V') ? Number(name.slice(1)) : undefined;
}
