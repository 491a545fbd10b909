/**
 * The same guest with the same inputs under every debug policy, from its reset and without a debugger: what each
 * policy traps and moves. A run repeats exactly, and the hypervisor takes no virtual time, so the guest
 * executes the same instructions each time.
 */
import { isBundleRegister } from './kvm/debug-state.ts';
import type { Kvm } from './kvm/kvm.ts';
import { policies } from './kvm/policies/index.ts';
import { Machine } from './machine.ts';
import type { RecordedRun } from './machine.ts';

/** What a run cost, counted from reset. */
export interface PolicyFigures {
  readonly entries: number;
  readonly exits: number;
  /** Accesses of the guest to system registers that trapped. */
  readonly traps: number;
  /** Accesses of the hypervisor to DBGBVR, DBGBCR, DBGWVR, DBGWCR and MDCCINT_EL1. */
  readonly bundleReads: number;
  readonly bundleWrites: number;
  readonly MDCRWrites: number;
  readonly MDSCRReads: number;
  readonly MDSCRWrites: number;
  readonly IDReads: number;
}

export interface PolicyResult {
  readonly policy: string;
  readonly description: string;
  /** Why the guest cannot run under this policy, in one sentence; no figures then. */
  readonly refusal?: string;
  readonly figures?: PolicyFigures;
  /** Instructions that the guest executed. */
  readonly instructions: bigint;
  /** The guest ended by itself before the limit. */
  readonly ended: boolean;
}

export class PolicyComparison {
  readonly #run: RecordedRun;
  readonly #machine: Machine;
  readonly #kvm: Kvm;
  readonly #results: PolicyResult[] = [];
  /** Where the present run is in the list of inputs; undefined before it has begun. */
  #nextInput: number | undefined;

  /**
   * `run.instructions` is what each run executes at most.
   * @throws RangeError for a guest that starts at EL2, where there is no policy
   */
  constructor(run: RecordedRun) {
    this.#run = run;
    this.#machine = new Machine(run.options);
    const { kvm } = this.#machine;
    if (kvm === undefined) throw new RangeError('A guest that starts at EL2 has no debug policy');
    this.#kvm = kvm;
  }

  /** Of all runs, from 0 to 1. */
  get progress(): number {
    const { instructions } = this.#run;
    const current = this.#nextInput === undefined ? 0n : this.#machine.retired;
    const fraction = instructions === 0n ? 0 : Number(current) / Number(instructions);
    return Math.min(1, (this.#results.length + Math.min(1, fraction)) / policies.length);
  }

  /** The policy that runs now; undefined when all have. */
  get current(): string | undefined {
    return policies[this.#results.length]?.name;
  }

  get results(): readonly PolicyResult[] {
    return this.#results;
  }

  /** Executes about so many instructions of what is left. @returns whether anything is left */
  advance(budget: number): boolean {
    const policy = policies[this.#results.length];
    if (policy === undefined) return false;
    if (this.#nextInput === undefined) {
      // The kind of policy is changed while nothing runs, as a user would.
      const refusal = this.#kvm.setPolicy(policy.name);
      if (refusal !== undefined) {
        this.#end({ refusal });
        return this.current !== undefined;
      }
      this.#machine.reset();
      this.#nextInput = 0;
    }
    const ended = this.#advanceRun(BigInt(budget));
    if (ended !== undefined) this.#end({ figures: figuresOf(this.#kvm) }, ended);
    return this.current !== undefined;
  }

  /** @returns how the present run has ended, or undefined */
  #advanceRun(budget: bigint): 'itself' | 'limit' | undefined {
    const machine = this.#machine;
    const { inputs, instructions } = this.#run;
    const until = machine.retired + budget;
    let pastStop = false;
    while (machine.retired < until) {
      let input = inputs[this.#nextInput ?? 0];
      while (input !== undefined && input.retired <= machine.retired) {
        machine.replay(input);
        this.#nextInput = (this.#nextInput ?? 0) + 1;
        input = inputs[this.#nextInput];
      }
      const left = instructions - machine.retired;
      if (left <= 0n) return 'limit';
      const next = [
        left,
        until - machine.retired,
        ...(input ? [input.retired - machine.retired] : []),
      ];
      const count = next.reduce((least, it) => (it < least ? it : least));
      const stop = machine.run({ instructions: Number(count), pastStop, idle: 'within' });
      pastStop = false;
      switch (stop.kind) {
        case 'slice':
        case 'idle':
        case 'waiting':
          break;
        case 'exit':
        case 'wfiDeadlock':
        case 'unimplemented':
          return 'itself';
        case 'step':
        case 'breakpoint':
        case 'hwBreakpoint':
        case 'watchpoint':
        case 'hwWatchpoint':
        case 'brk':
        case 'exception':
          // Nobody debugs this machine; what stops it all the same is passed.
          pastStop = true;
      }
    }
    return undefined;
  }

  #end(outcome: Pick<PolicyResult, 'refusal' | 'figures'>, how?: 'itself' | 'limit'): void {
    const policy = policies[this.#results.length];
    if (policy === undefined) return;
    this.#results.push({
      policy: policy.name,
      description: policy.description,
      ...outcome,
      instructions: how === undefined ? 0n : this.#machine.retired,
      ended: how === 'itself',
    });
    this.#nextInput = undefined;
  }
}

/** The counters of a hypervisor in the terms of the comparison. */
export function figuresOf({ log, ws }: Kvm): PolicyFigures {
  const bundle = ws.cpu.total(isBundleRegister);
  const one = (name: string): { readonly reads: number; readonly writes: number } =>
    ws.cpu.counts.get(name) ?? { reads: 0, writes: 0 };
  return {
    entries: log.counters.entries,
    exits: log.counters.exits,
    traps: log.totalTraps,
    bundleReads: bundle.reads,
    bundleWrites: bundle.writes,
    MDCRWrites: one('MDCR_EL2').writes,
    MDSCRReads: one('MDSCR_EL1').reads,
    MDSCRWrites: one('MDSCR_EL1').writes,
    IDReads: one('ID_AA64DFR0_EL1').reads,
  };
}
