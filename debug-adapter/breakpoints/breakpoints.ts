/** All breakpoints of a session: what was asked for, where it is armed, and what a stop of the machine means for it. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../errors.ts';
import { BREAKPOINT_MODES, type BreakpointMode } from '../launch-arguments.ts';
import type { StopReason, WatchAccess } from '../machine.ts';
import { reference } from '../registers.ts';
import type { SessionStop } from '../stops.ts';
import type { Armed, Armory, WatchHit } from './armory.ts';
import { Assertion } from './assertion.ts';
import { BreakpointCondition, type ConditionCompiler, type ConditionTexts } from './condition.ts';
import { parseDataId } from './data-id.ts';

/** Where a breakpoint is, as far as the request tells and the program has it. */
export interface Resolution {
  readonly addresses: readonly bigint[];
  readonly source?: DebugProtocol.Source;
  readonly line?: number;
  readonly column?: number;
  /** Why there are no addresses, with what to do about it. */
  readonly problem?: string;
}

export interface BreakpointEnvironment {
  readonly armory: Armory;
  readonly defaultMode: BreakpointMode;
  /** Expressions of a breakpoint refer to what is in scope at its address. */
  compilerAt(address: bigint | undefined): ConditionCompiler;
  /** Output of a logpoint. */
  print(text: string, place: Resolution): void;
  describeBytes(bytes: Uint8Array): string;
}

type CodeKind = 'source' | 'function' | 'instruction' | 'annotation';

interface CodeBreakpoint {
  readonly id: number;
  readonly kind: CodeKind;
  /** Equal requests keep their breakpoint, with its hits. */
  readonly key: string;
  readonly mode: BreakpointMode;
  readonly resolution: Resolution;
  readonly condition: BreakpointCondition | undefined;
  readonly assertion: Assertion | undefined;
  armed: { readonly address: bigint; readonly armed: Armed }[];
  message: string;
  failed: boolean;
}

export interface Watchpoint {
  readonly id: number;
  readonly key: string;
  readonly label: string;
  readonly address: bigint;
  readonly length: number;
  readonly access: WatchAccess;
  readonly mode: BreakpointMode;
  readonly condition: BreakpointCondition | undefined;
  armed: Armed | undefined;
  message: string;
  /** Set by command rather than by the client's data breakpoints, which replace each other. */
  readonly byCommand: boolean;
}

export interface CodeRequest extends ConditionTexts {
  readonly mode?: string | undefined;
  readonly resolution: Resolution;
  /** What was asked for, to recognise it when it is asked for again. */
  readonly key: string;
  /** The expression that must hold; the condition is that it does not. */
  readonly assertion?: string;
}

export class Breakpoints {
  readonly #environment: BreakpointEnvironment;
  /** Groups replace each other: one per source file, one for functions, one for instructions. */
  readonly #code = new Map<string, CodeBreakpoint[]>();
  #watchpoints: Watchpoint[] = [];
  #nextId = 1;
  #reservedIds: number[] = [];

  constructor(environment: BreakpointEnvironment) {
    this.#environment = environment;
  }

  /** Replaces the breakpoints of a group; those that were there already stay armed. */
  setCode(
    group: string,
    kind: CodeKind,
    requests: readonly CodeRequest[],
  ): DebugProtocol.Breakpoint[] {
    const before = [...(this.#code.get(group) ?? [])];
    const keys = requests.map((request) =>
      JSON.stringify([request.key, texts(request), request.mode]),
    );
    const kept = new Set<CodeBreakpoint>();
    const reused = keys.map((key) => {
      const known = before.find((it) => it.key === key && !kept.has(it));
      if (known !== undefined) kept.add(known);
      return known;
    });
    // Slots of those that go are free for those that come.
    for (const gone of before) if (!kept.has(gone)) this.#disarm(gone);
    const now = requests.map((request, i) => {
      const known = reused[i];
      if (known === undefined) return this.#create(kind, keys[i] ?? '', request);
      // What was refused before may find a free slot now.
      if (known.armed.length === 0) this.#arm(known);
      return known;
    });
    this.#code.set(group, now);
    return now.map(describeCode);
  }

  setData(requests: readonly DebugProtocol.DataBreakpoint[]): DebugProtocol.Breakpoint[] {
    const before = this.#watchpoints.filter(({ byCommand }) => !byCommand);
    const keys = requests.map((request) =>
      JSON.stringify([request.dataId, request.accessType, texts(request)]),
    );
    for (const gone of before) if (!keys.includes(gone.key)) this.removeWatchpoint(gone.id);
    return requests.map((request, i) => {
      const key = keys[i] ?? '';
      const known = before.find((it) => it.key === key);
      if (known !== undefined) {
        if (known.armed === undefined) this.#armWatchpoint(known);
        return describeWatchpoint(known);
      }
      const data = parseDataId(request.dataId);
      if (data === undefined) {
        return {
          verified: false,
          reason: 'failed' as const,
          message: `"${request.dataId}" is not a place that can be watched. Set the data breakpoint again.`,
        };
      }
      try {
        return describeWatchpoint(
          this.addWatchpoint({
            ...data,
            ...texts(request),
            key,
            access: request.accessType ?? 'write',
            mode: modeOf((request as { mode?: string }).mode, 'auto'),
            byCommand: false,
          }),
        );
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        return { verified: false, reason: 'failed' as const, message: error.message };
      }
    });
  }

  /** @throws UserError when the condition is wrong */
  addWatchpoint(
    request: ConditionTexts & {
      readonly label: string;
      readonly address: bigint;
      readonly length: number;
      readonly access: WatchAccess;
      readonly mode: BreakpointMode;
      readonly byCommand: boolean;
      readonly key: string;
    },
  ): Watchpoint {
    const resolution: Resolution = { addresses: [] };
    const condition = this.#conditionFor(request, undefined, resolution);
    const watchpoint: Watchpoint = {
      id: this.#takeId(),
      key: request.key,
      label: request.label,
      address: request.address,
      length: request.length,
      access: request.access,
      mode: request.mode,
      condition,
      armed: undefined,
      message: '',
      byCommand: request.byCommand,
    };
    this.#armWatchpoint(watchpoint);
    this.#watchpoints.push(watchpoint);
    return watchpoint;
  }

  /** The watchpoints of another guest's that were set by command are set here, under the same numbers. */
  takeOver(other: Breakpoints): DebugProtocol.Breakpoint[] {
    return other.#watchpoints
      .filter(({ byCommand }) => byCommand)
      .map((watchpoint) => {
        const { id, label, address, length, access, mode, key, condition } = watchpoint;
        this.reserveIds([id]);
        const taken = this.addWatchpoint({
          ...{ label, address, length, access, mode, key, byCommand: true },
          ...(condition !== undefined && condition.texts),
        });
        return describeWatchpoint(taken);
      });
  }

  /** @returns false when there is none of that id */
  removeWatchpoint(id: number): boolean {
    const found = this.#watchpoints.find((it) => it.id === id);
    if (found === undefined) return false;
    if (found.armed !== undefined) this.#environment.armory.disarmWatchpoint(found.armed);
    this.#watchpoints = this.#watchpoints.filter((it) => it !== found);
    return true;
  }

  /** The next breakpoints that are made get these numbers, under which the client knows them already. */
  reserveIds(ids: readonly number[]): void {
    this.#reservedIds = [...ids];
    this.#nextId = Math.max(this.#nextId, ...ids.map((id) => id + 1));
  }

  get watchpoints(): readonly Watchpoint[] {
    return this.#watchpoints;
  }

  /** Arms everything anew, as after a change of policy. @returns what the client is to be told */
  armAgain(): DebugProtocol.Breakpoint[] {
    const all = [...this.#code.values()].flat();
    this.#disarmAll();
    for (const breakpoint of all) this.#arm(breakpoint);
    for (const watchpoint of this.#watchpoints) this.#armWatchpoint(watchpoint);
    return [...all.map(describeCode), ...this.#watchpoints.map(describeWatchpoint)];
  }

  /** Nothing of the debugger's is in the guest meanwhile, such as BRK instructions. */
  whileDisarmed<T>(body: () => T): T {
    this.#disarmAll();
    const result = body();
    this.armAgain();
    return result;
  }

  #disarmAll(): void {
    for (const breakpoint of [...this.#code.values()].flat()) this.#disarm(breakpoint);
    for (const watchpoint of this.#watchpoints) {
      if (watchpoint.armed === undefined) continue;
      this.#environment.armory.disarmWatchpoint(watchpoint.armed);
      watchpoint.armed = undefined;
    }
  }

  /** Counts from the beginning: the guest starts again. */
  resetHits(): void {
    for (const { condition } of [...[...this.#code.values()].flat(), ...this.#watchpoints]) {
      if (condition !== undefined) condition.hits = 0;
    }
  }

  /** What a stop of the machine means; undefined where it is none of the user's, `false` where a condition says go on. */
  judge(stop: StopReason): SessionStop | false | undefined {
    switch (stop.kind) {
      case 'breakpoint': {
        const hit = this.#codeWhere(
          ({ armed }) => armed.mechanism === 'vm' && stop.ids.includes(armed.id),
        );
        return hit.length > 0 ? codeStop(hit) : undefined;
      }
      case 'hwBreakpoint': {
        const hit = this.#codeWhere(
          ({ armed }) => armed.mechanism === 'hw' && armed.slot === stop.slot,
        );
        return this.#decide(hit);
      }
      case 'brk': {
        const hit = this.#codeWhere(
          ({ armed }) => armed.mechanism === 'sw' && armed.address === stop.pc,
        );
        return this.#decide(hit);
      }
      case 'watchpoint': {
        const hit = this.#watchpoints.find(
          ({ armed }) => armed?.mechanism === 'vm' && stop.ids.includes(armed.id),
        );
        return hit === undefined ? undefined : this.#watchStop(hit, stop);
      }
      case 'hwWatchpoint': {
        const hit = this.#watchpoints.find(
          ({ armed }) => armed?.mechanism === 'hw' && armed.slot === stop.slot,
        );
        if (hit === undefined) return undefined;
        if (hit.condition?.hit() === false) return false;
        return this.#watchStop(hit, stop);
      }
      default:
        return undefined;
    }
  }

  /** For a place that was reached by a single step, where the machine does not ask. */
  judgeAt(pc: bigint): SessionStop | undefined {
    const here = this.#codeWhere(({ address }) => address === pc);
    const decided = here.length === 0 ? undefined : this.#decide(here);
    return decided === false ? undefined : decided;
  }

  /** Whether a user's breakpoint, of any mechanism, is at the address. */
  isAt(address: bigint): boolean {
    return this.#codeWhere((it) => it.address === address).length > 0;
  }

  #takeId(): number {
    return this.#reservedIds.shift() ?? this.#nextId++;
  }

  #codeWhere(test: (it: CodeBreakpoint['armed'][number]) => boolean): CodeBreakpoint[] {
    const found: CodeBreakpoint[] = [];
    for (const group of this.#code.values()) {
      for (const breakpoint of group) if (breakpoint.armed.some(test)) found.push(breakpoint);
    }
    return found;
  }

  #decide(hit: readonly CodeBreakpoint[]): SessionStop | false | undefined {
    if (hit.length === 0) return undefined;
    const stopping = hit.filter(({ condition }) => condition?.hit() ?? true);
    return stopping.length === 0 ? false : codeStop(stopping);
  }

  #create(kind: CodeKind, key: string, request: CodeRequest): CodeBreakpoint {
    const { resolution } = request;
    let condition: BreakpointCondition | undefined;
    let assertion: Assertion | undefined;
    let problem = resolution.problem;
    try {
      if (request.assertion !== undefined) {
        const compiler = this.#environment.compilerAt(resolution.addresses[0]);
        assertion = new Assertion(request.assertion, compiler);
      }
      condition = this.#conditionFor(request, resolution.addresses[0], resolution);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problem ??= error.message;
    }
    const breakpoint: CodeBreakpoint = {
      id: this.#takeId(),
      kind,
      key,
      mode: modeOf(request.mode, this.#environment.defaultMode),
      resolution: problem === undefined ? resolution : { ...resolution, addresses: [], problem },
      condition,
      assertion,
      armed: [],
      message: '',
      failed: false,
    };
    this.#arm(breakpoint);
    return breakpoint;
  }

  #conditionFor(
    request: ConditionTexts,
    address: bigint | undefined,
    place: Resolution,
  ): BreakpointCondition | undefined {
    const { condition, hitCondition, logMessage } = request;
    if (!condition && !hitCondition && !logMessage) return undefined;
    return new BreakpointCondition(request, this.#environment.compilerAt(address), (text) => {
      this.#environment.print(text, place);
    });
  }

  #arm(breakpoint: CodeBreakpoint): void {
    const { condition, mode, resolution } = breakpoint;
    breakpoint.failed = false;
    breakpoint.message = resolution.problem ?? '';
    for (const address of resolution.addresses) {
      const result = this.#environment.armory.armBreakpoint(
        address,
        mode,
        () => condition?.hit() ?? true,
      );
      breakpoint.message = result.message;
      if (!result.ok) {
        breakpoint.failed = true;
        break;
      }
      breakpoint.armed.push({ address, armed: result.armed });
    }
    // One place of several without a slot would make the others a half-truth.
    if (breakpoint.failed) this.#disarm(breakpoint);
  }

  #disarm(breakpoint: CodeBreakpoint): void {
    for (const { armed } of breakpoint.armed) this.#environment.armory.disarmBreakpoint(armed);
    breakpoint.armed = [];
  }

  #armWatchpoint(watchpoint: Watchpoint): void {
    const { address, length, access, condition } = watchpoint;
    const result = this.#environment.armory.armWatchpoint(
      { address, length, access },
      watchpoint.mode,
      () => condition?.hit() ?? true,
    );
    watchpoint.armed = result.ok ? result.armed : undefined;
    watchpoint.message = result.message;
  }

  #watchStop(
    watchpoint: Watchpoint,
    stop: Extract<StopReason, { kind: 'watchpoint' | 'hwWatchpoint' }>,
  ): SessionStop {
    const { label, condition } = watchpoint;
    const text =
      stop.kind === 'watchpoint' ? this.#change(label, stop) : aboutTo(label, stop.isWrite);
    return {
      reason: 'data breakpoint',
      description:
        condition?.failure === undefined ? text : `${text} (condition: ${condition.failure})`,
      text,
      hitBreakpointIds: [watchpoint.id],
    };
  }

  #change(label: string, hit: WatchHit & { readonly pc: bigint }): string {
    const describeBytes = (bytes: Uint8Array): string => this.#environment.describeBytes(bytes);
    const at = ` by the instruction at ${reference(hit.pc)}`;
    if (!hit.isWrite) return `${label} was read (${describeBytes(hit.new)})${at}`;
    const old = describeBytes(hit.old);
    const now = describeBytes(hit.new);
    return old === now
      ? `${label} was written, still ${now},${at}`
      : `${label} changed from ${old} to ${now}${at}`;
  }
}

function aboutTo(label: string, isWrite: boolean): string {
  return `${label} is about to be ${isWrite ? 'written' : 'read'} by this instruction`;
}

function codeStop(hit: readonly CodeBreakpoint[]): SessionStop {
  const kinds: Record<CodeKind, SessionStop['reason']> = {
    source: 'breakpoint',
    function: 'function breakpoint',
    instruction: 'instruction breakpoint',
    annotation: 'assertion',
  };
  const assertion = hit.find((it) => it.assertion !== undefined)?.assertion;
  const failure = hit.find(({ condition }) => condition?.failure !== undefined)?.condition?.failure;
  return {
    reason: kinds[hit[0]?.kind ?? 'source'],
    hitBreakpointIds: hit.map(({ id }) => id),
    ...(failure === undefined &&
      assertion !== undefined && {
        description: `Paused: assertion failed: ${assertion.text}`,
        text: assertion.describe(),
      }),
    ...(failure !== undefined && {
      description: `Paused: the breakpoint's condition has no value here (${failure})`,
    }),
  };
}

function describeCode(breakpoint: CodeBreakpoint): DebugProtocol.Breakpoint {
  const { resolution, armed, message, failed } = breakpoint;
  const [address] = resolution.addresses;
  return {
    id: breakpoint.id,
    verified: armed.length > 0,
    ...(message !== '' && { message }),
    ...(armed.length === 0 && { reason: failed ? ('failed' as const) : ('pending' as const) }),
    ...(resolution.source !== undefined && { source: resolution.source }),
    ...(resolution.line !== undefined && { line: resolution.line }),
    ...(resolution.column !== undefined && { column: resolution.column }),
    ...(address !== undefined && { instructionReference: reference(address) }),
  };
}

function describeWatchpoint(watchpoint: Watchpoint): DebugProtocol.Breakpoint {
  return {
    id: watchpoint.id,
    verified: watchpoint.armed !== undefined,
    message: watchpoint.message,
    ...(watchpoint.armed === undefined && { reason: 'failed' as const }),
  };
}

function texts({ condition, hitCondition, logMessage }: ConditionTexts): ConditionTexts {
  return { condition, hitCondition, logMessage };
}

function modeOf(mode: string | undefined, otherwise: BreakpointMode): BreakpointMode {
  return BREAKPOINT_MODES.find((it) => it === mode) ?? otherwise;
}
