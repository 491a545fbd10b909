import type { CheckAbiArguments, CheckAbiResponse } from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';
import { invalidExpression } from '../errors.ts';
import type { StopReason } from '../machine.ts';
import { hex } from '../registers.ts';
import { functionBodies } from '../stepping/function-body.ts';
import { DebuggeeJudge } from '../stop-judge.ts';

/** Instructions after which a function is taken not to return. */
const BUDGET = 2_000_000;
/** Instructions that are looked at one by one to find the one that left a wrong value. */
const STEPS = 200_000;

/** AAPCS64: what a callee preserves; of V8 to V15 the low 64 bits. */
const PRESERVED: readonly string[] = [
  ...Array.from({ length: 11 }, (_, n) => `X${19 + n}`),
  ...Array.from({ length: 8 }, (_, n) => `V${8 + n}`),
];

const LOW = (1n << 64n) - 1n;

type Change = CheckAbiResponse['changes'][number];

/** Request `trapline/checkAbi`: one call with arbitrary values, after which the guest is as it was. */
export function checkAbi(
  debuggee: Debuggee,
  { function: name }: CheckAbiArguments,
): CheckAbiResponse {
  const { machine, debugInfo } = debuggee;
  const [entry] = functionBodies(debugInfo, name);
  const address = entry ?? debugInfo.symbols.named(name)[0]?.value;
  if (address === undefined) {
    throw invalidExpression(name, `The program has no function "${name}"`);
  }
  const snapshot = machine.save();
  const { onOutput } = machine.console;
  const { onException } = machine;
  machine.console.onOutput = undefined;
  // What the function does to the machine is not for the user's catchpoints.
  machine.onException = ({ kind }) => kind === 'synchronous';
  try {
    const call = new Call(debuggee, address);
    const returned = call.run(BUDGET);
    const found = returned ? call.changes() : [];
    const instructions = Number(machine.retired - snapshot.retired);
    if (!returned) {
      const text = `${name} did not return: ${call.why}.`;
      return { verdict: 'did not return', changes: [], instructions, text };
    }
    if (found.length === 0) {
      const text = `${name} preserved X19 to X29, SP and the low halves of V8 to V15.`;
      return { verdict: 'preserved', changes: [], instructions, text };
    }
    machine.restore(snapshot);
    const places = new Call(debuggee, address).lastWrites(found.map(({ register }) => register));
    const changes = found.map((change): Change => {
      const pc = places.get(change.register);
      if (pc === undefined) return change;
      const position = debugInfo.lineFor(pc);
      const path = position && debuggee.sources.pathOf(position.file);
      return {
        ...change,
        address: hex(pc),
        ...(position !== undefined && { line: position.line }),
        ...(path !== undefined && { path }),
      };
    });
    const parts = changes.map(
      ({ register, line }) =>
        `${register.toLowerCase()} changed${line === undefined ? '' : ` at line ${line}`}`,
    );
    return { verdict: 'changed', changes, instructions, text: `${name}: ${parts.join(', ')}.` };
  } finally {
    machine.restore(snapshot);
    machine.console.onOutput = onOutput;
    machine.onException = onException;
    debuggee.changed();
  }
}

/** A call that returns to where the guest stands now. */
class Call {
  readonly #debuggee: Debuggee;
  readonly #judge: DebuggeeJudge;
  readonly #expected = new Map<string, bigint>();
  readonly #returnTo: bigint;
  why = `it ran for more than ${BUDGET.toLocaleString('en')} instructions`;

  constructor(debuggee: Debuggee, address: bigint) {
    this.#debuggee = debuggee;
    this.#judge = new DebuggeeJudge(debuggee);
    this.#returnTo = debuggee.pc;
    const SP = ((debuggee.readRegister('SP') ?? 0n) - 256n) & ~0xfn;
    PRESERVED.forEach((register, index) => {
      // Any values will do that no code makes by accident.
      const value = (0x5a17_0000_0000_c0den + BigInt(index) * 0x0101_0101_0001n) & LOW;
      this.#write(register, value);
      this.#expected.set(register, value);
    });
    this.#write('SP', SP);
    this.#expected.set('SP', SP);
    this.#write('X30', this.#returnTo);
    this.#write('PC', address);
  }

  #write(name: string, value: bigint): void {
    const { machine } = this.#debuggee;
    machine.writeRegister(machine.currentVcpu, name, value);
  }

  #read(name: string): bigint {
    return (this.#debuggee.readRegister(name) ?? 0n) & LOW;
  }

  /** True when the function returned. */
  run(budget: number): boolean {
    const { machine } = this.#debuggee;
    const end = machine.retired + BigInt(budget);
    const id = machine.addBreakpoint(this.#returnTo);
    try {
      while (machine.retired < end) {
        const stop = this.#judge.run(budget, true);
        if (stop.kind === 'breakpoint' && stop.ids.includes(id)) return true;
        if (!this.#goesOn(stop)) return false;
      }
      return false;
    } finally {
      machine.removeBreakpoint(id);
    }
  }

  /** False where the function has left for good; other stops are the user's, and are passed by. */
  #goesOn(stop: StopReason): boolean {
    if (stop.kind === 'exit') this.why = `the guest ended (${stop.how})`;
    else if (stop.kind === 'wfiDeadlock' || stop.kind === 'waiting') {
      this.why = 'it waits for an interrupt';
    } else if (stop.kind === 'exception') {
      const { exceptionId } = this.#debuggee.exceptions.explain(stop.exception);
      this.why = `it took an exception (${exceptionId})`;
    } else return true;
    return false;
  }

  changes(): Change[] {
    return [...this.#expected].flatMap(([register, expected]) => {
      const found = this.#read(register);
      return found === expected ? [] : [{ register, expected: hex(expected), found: hex(found) }];
    });
  }

  /** The instruction that last changed each of the registers, as far as the first steps show. */
  lastWrites(registers: readonly string[]): ReadonlyMap<string, bigint> {
    const places = new Map<string, bigint>();
    const values = new Map(registers.map((name) => [name, this.#read(name)]));
    for (let step = 0; step < STEPS; step += 1) {
      const { pc } = this.#debuggee;
      if (step > 0 && pc === this.#returnTo) break;
      const stop = this.#judge.step();
      if (stop.kind !== 'step') break;
      for (const name of registers) {
        const now = this.#read(name);
        if (now === values.get(name)) continue;
        values.set(name, now);
        places.set(name, pc);
      }
    }
    return places;
  }
}
