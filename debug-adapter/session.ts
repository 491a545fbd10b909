/** One debug session: dispatch of requests and the life of the guest. What requests mean stands in `requests/`. */
import { DebugSession, Event, Response } from '@vscode/debugadapter';
import { BreakpointRequests } from './breakpoints/breakpoint-requests.ts';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { describeClient, fromClient, toClient, type Client } from './client.ts';
import { ConsoleRelay } from './console-relay.ts';
import {
  STATE_EVENT,
  TERMINAL_OUTPUT_EVENT,
  type ComparePoliciesArguments,
  type MigrateArguments,
  type TerminalOutputBody,
} from './custom-requests.ts';
import { threadIdOf, type ConsoleOutput, type Debuggee } from './debuggee.ts';
import {
  alreadyInitialized,
  attachNotSupported,
  guestHasEnded,
  guestIsRunning,
  guestIsStopped,
  INTERNAL_ERROR,
  internalError,
  migrationRefused,
  noHypervisor,
  notLaunched,
  requestCancelled,
  unknownHostProfile,
  unknownRequest,
  unusableProgram,
  UserError,
} from './errors.ts';
import type { Host } from './host.ts';
import { INSPECTIONS, type Allowed } from './inspections.ts';
import {
  describeUnknownLaunchArguments,
  validateLaunchArguments,
  type LaunchArguments,
} from './launch-arguments.ts';
import { launch } from './launch.ts';
import type { MachineFactory } from './machine.ts';
import { OutputQueue } from './output-queue.ts';
import { Progress, progressIdOf } from './progress.ts';
import { checkRequest, withoutNulls } from './request-shapes.ts';
import { comparePolicies } from './requests/compare-policies.ts';
import { goto } from './requests/goto.ts';
import { initialize } from './requests/initialize.ts';
import { next } from './requests/next.ts';
import { state } from './requests/state.ts';
import { stepIn } from './requests/step-in.ts';
import { stepOut } from './requests/step-out.ts';
import { Runner, type Ended } from './runner.ts';
import { functionBodies } from './stepping/function-body.ts';
import { RunTo } from './stepping/step-plan.ts';
import { DebuggeeJudge } from './stop-judge.ts';
import { SymbolError } from './symbols/symbol-error.ts';
import { continuePlan, stopWith, type RunPlan, type SessionStop } from './stops.ts';
import { WatchedMemory } from './watched-memory.ts';

interface Guest {
  readonly debuggee: Debuggee;
  readonly runner: Runner;
  /** `noDebug`: breakpoints are not to be hit. */
  readonly noDebug: boolean;
}

type State =
  | { readonly kind: 'created' }
  | { readonly kind: 'initialized' }
  | { readonly kind: 'launching' }
  /** Loaded, at its first instruction, while the client sends its breakpoints. */
  | { readonly kind: 'configuring'; readonly guest: Guest }
  | { readonly kind: 'stopped'; readonly guest: Guest }
  | { readonly kind: 'running'; readonly guest: Guest }
  | { readonly kind: 'ended'; readonly guest: Guest | undefined };

/** Milliseconds between two state events of a running guest. */
const STATE_INTERVAL = 100;

export class TraplineSession extends DebugSession {
  /** Called once, when the host may close the connection. */
  onEnded: (() => void) | undefined;
  readonly #host: Host;
  readonly #factory: MachineFactory;
  readonly #output = new OutputQueue((body) => {
    this.#event('output', body);
  });
  readonly #console = new ConsoleRelay({
    print: (text) => {
      this.#print({ category: 'stdout', text });
    },
    sendToTerminal: (text) => {
      this.#event(TERMINAL_OUTPUT_EVENT, { text } satisfies TerminalOutputBody);
    },
  });
  readonly #watched = new WatchedMemory();
  #state: State = { kind: 'created' };
  #client: Client = describeClient({ adapterID: '' });
  #launchArguments: unknown;
  #stateSentAt = 0;
  /** Requests under way that take more than one turn, and those of them that the client has cancelled. */
  readonly #pending = new Set<number>();
  readonly #cancelled = new Set<number>();
  readonly #breakpointRequests = new BreakpointRequests();

  constructor(host: Host, factory: MachineFactory) {
    super();
    this.#host = host;
    this.#factory = factory;
    this.setDebuggerLinesStartAt1(true);
    this.setDebuggerColumnsStartAt1(true);
  }

  /** Every request, in order; whatever goes wrong becomes an error response. */
  protected override dispatchRequest(request: DebugProtocol.Request): void {
    const response: DebugProtocol.Response = new Response(request);
    let isAnswered = false;
    const done = (body: unknown): void => {
      response.body = toClient(this.#client, body);
      isAnswered = true;
      this.sendResponse(response);
    };
    const refuse = (error: unknown): void => {
      if (isAnswered) this.#failedAfterwards(error);
      else this.#refuse(response, error);
    };
    try {
      checkRequest(request.command, request.arguments);
      const given = fromClient(this.#client, withoutNulls(request.arguments ?? {}));
      const answer = this.#handle(request, given, done);
      if (answer instanceof Promise) this.#await(request, answer, refuse);
    } catch (error) {
      refuse(error);
    }
  }

  #await(
    request: DebugProtocol.Request,
    answer: Promise<void>,
    refuse: (error: unknown) => void,
  ): void {
    this.#pending.add(request.seq);
    answer.catch(refuse).finally(() => {
      this.#pending.delete(request.seq);
      this.#cancelled.delete(request.seq);
    });
  }

  /** Calls `done` with the body before anything that is to be sent after the response. */
  #handle(
    { command, seq }: DebugProtocol.Request,
    given: unknown,
    done: (body: unknown) => void,
  ): Promise<void> | undefined {
    switch (command) {
      case 'initialize':
        if (this.#state.kind !== 'created') throw alreadyInitialized(command);
        this.#client = describeClient(given as DebugProtocol.InitializeRequestArguments);
        this.#state = { kind: 'initialized' };
        done(initialize());
        return undefined;
      case 'launch':
        return this.#launch(given, done);
      case 'attach':
        throw attachNotSupported();
      case 'configurationDone':
        this.#configurationDone(command, done);
        return undefined;
      case 'restart':
        return this.#restart(given as DebugProtocol.RestartArguments, done);
      case 'terminate':
        done(undefined);
        this.#end(undefined);
        return undefined;
      case 'disconnect':
        this.#abandon();
        done(undefined);
        this.shutdown();
        return undefined;
      case 'cancel':
        this.#cancel(given as DebugProtocol.CancelArguments);
        done(undefined);
        return undefined;
      case 'trapline/comparePolicies':
        return this.#comparePolicies(seq, command, given as ComparePoliciesArguments, done);
      case 'trapline/migrate':
        return this.#migrate(command, given as MigrateArguments, done);
      case 'pause': {
        const { runner, debuggee } = this.#running(command);
        debuggee.selectThread((given as DebugProtocol.PauseArguments).threadId);
        done(undefined);
        runner.pause();
        return undefined;
      }
      default:
        this.#handleGuest(command, given, done);
        return undefined;
    }
  }

  async #comparePolicies(
    seq: number,
    command: string,
    given: ComparePoliciesArguments,
    done: (body: unknown) => void,
  ): Promise<void> {
    const { debuggee } = this.#launchedOrEnded(command);
    if (this.#state.kind === 'running') throw guestIsRunning(command);
    const progress = new Progress(progressIdOf(seq), 'Comparing policies', {
      requestId: seq,
      send: (name, body) => {
        if (this.#client.supportsProgressReporting) this.#event(name, body);
      },
    });
    try {
      done(
        await comparePolicies(debuggee, given, {
          host: this.#host,
          report: (fraction, message) => {
            progress.report(fraction, message);
          },
          checkCancelled: () => {
            if (this.#cancelled.has(seq) || this.#isShutDown()) throw requestCancelled();
          },
        }),
      );
    } finally {
      progress.end();
    }
  }

  async #migrate(
    command: string,
    { hostProfile }: MigrateArguments,
    done: (body: unknown) => void,
  ): Promise<void> {
    const old = this.#stopped(command);
    const { machine, breakpoints, launch: launched } = old.debuggee;
    if (machine.kvm === undefined) throw noHypervisor();
    const profiles = this.#factory.hostProfiles.map(({ name }) => name);
    if (!profiles.includes(hostProfile)) throw unknownHostProfile(hostProfile, profiles);
    const arguments_ = { ...launched, hostProfile, policy: machine.kvm.policy, idRegisters: {} };
    const guest = await this.#createGuest({ noDebug: old.noDebug }, arguments_);
    // The guest may have been let go while the program was read.
    if (this.#state.kind !== 'stopped' || this.#state.guest !== old) {
      guest.debuggee.release();
      throw requestCancelled();
    }
    const refused = guest.debuggee.machine.arrive(
      breakpoints.whileDisarmed(() => machine.depart()),
    );
    (refused === undefined ? old : guest).debuggee.release();
    if (refused !== undefined) throw migrationRefused(hostProfile, refused);
    const changed = [
      ...this.#breakpointRequests.repeat(guest.debuggee),
      ...guest.debuggee.breakpoints.takeOver(breakpoints),
    ];
    this.#state = { kind: 'stopped', guest };
    done(undefined);
    this.#sendBreakpoints(changed);
    this.#stop(guest, { reason: 'goto', description: `Migrated to ${hostProfile}` });
  }

  #isShutDown(): boolean {
    return this.#state.kind === 'ended' && this.#state.guest === undefined;
  }

  #handleGuest(command: string, given: unknown, done: (body: unknown) => void): void {
    switch (command) {
      case 'continue': {
        const { debuggee } = this.#stopped(command);
        debuggee.selectThread((given as DebugProtocol.ContinueArguments).threadId);
        done({ allThreadsContinued: true });
        this.#resume(continuePlan);
        return;
      }
      case 'next':
        this.#step(
          next(this.#stopped(command).debuggee, given as DebugProtocol.NextArguments),
          done,
        );
        return;
      case 'stepIn':
        this.#step(
          stepIn(this.#stopped(command).debuggee, given as DebugProtocol.StepInArguments),
          done,
        );
        return;
      case 'stepOut':
        this.#step(
          stepOut(this.#stopped(command).debuggee, given as DebugProtocol.StepOutArguments),
          done,
        );
        return;
      case 'goto': {
        const guest = this.#stopped(command);
        goto(guest.debuggee, given as DebugProtocol.GotoArguments);
        done(undefined);
        this.#stop(guest, { reason: 'goto' });
        return;
      }
      default:
        this.#inspect(command, given, done);
    }
  }

  #inspect(command: string, given: unknown, done: (body: unknown) => void): void {
    const inspection = Object.hasOwn(INSPECTIONS, command) ? INSPECTIONS[command] : undefined;
    if (inspection === undefined) throw unknownRequest(command);
    const guest = this.#guestFor(inspection.allowed, command);
    const { debuggee } = guest;
    if (command === 'readMemory') this.#watched.note(given as DebugProtocol.ReadMemoryArguments);
    const before = debuggee.pc;
    const body = inspection.answer(debuggee, given as never, {
      running: this.#state.kind === 'running',
      columnsStartAt1: true,
      sendBreakpoints: (changed) => {
        this.#sendBreakpoints(changed);
      },
      wake: () => {
        guest.runner.wake();
      },
      setTerminal: (exists) => {
        this.#console.hasTerminal = exists;
      },
    });
    if (inspection.setsBreakpoints === true) {
      this.#breakpointRequests.note(command, inspection, given, body);
    }
    done(body);
    const assigns =
      command === 'evaluate' && (given as DebugProtocol.EvaluateArguments).context === 'repl';
    if (inspection.changesGuest === true || assigns) this.#guestChanged(debuggee, before);
    if (this.#state.kind !== 'running') this.#flush();
    // What was unwound of a running guest is out of date at once.
    else debuggee.changed();
  }

  // -- launch and restart

  async #launch(given: unknown, done: (body: unknown) => void): Promise<void> {
    if (this.#state.kind === 'created') throw notLaunched('launch');
    if (this.#state.kind !== 'initialized') throw alreadyInitialized('launch');
    const arguments_ = this.#validate(given);
    this.#launchArguments = given;
    this.#state = { kind: 'launching' };
    let guest: Guest;
    try {
      guest = await this.#createGuest(given, arguments_);
      if (this.#cancelled.size > 0) {
        guest.debuggee.release();
        throw requestCancelled();
      }
    } catch (error) {
      if (this.#isLaunching()) this.#state = { kind: 'initialized' };
      throw error;
    }
    // The client may have gone while files were read.
    if (!this.#isLaunching()) {
      guest.debuggee.release();
      throw requestCancelled();
    }
    this.#state = { kind: 'configuring', guest };
    done(undefined);
    this.#flush();
    this.#event('process', {
      name: arguments_.program,
      isLocalProcess: false,
      startMethod: 'launch',
      pointerSize: 64,
    });
    this.#event('initialized', undefined);
    this.#sendState(guest);
  }

  /** Asked after waiting, when other requests may have come. */
  #isLaunching(): boolean {
    return this.#state.kind === 'launching';
  }

  #validate(given: unknown): LaunchArguments {
    const { cpuModels, defaultCpuModel } = this.#factory;
    const { hostProfiles, defaultHostProfile, policies, defaultPolicy } = this.#factory;
    const { fpPolicies, defaultFpPolicy, traceSchemes, defaultTraceScheme } = this.#factory;
    const { hostActivities } = this.#factory;
    return validateLaunchArguments(given, {
      cpuModels: cpuModels.map(({ name }) => name),
      defaultCpuModel,
      hostProfiles: hostProfiles.map(({ name }) => name),
      defaultHostProfile,
      policies: policies.map(({ name }) => name),
      defaultPolicy,
      fpPolicies: fpPolicies.map(({ name }) => name),
      defaultFpPolicy,
      traceSchemes: traceSchemes.map(({ name }) => name),
      defaultTraceScheme,
      hostActivities: hostActivities.map(({ name }) => name),
    });
  }

  async #createGuest(given: unknown, arguments_: LaunchArguments): Promise<Guest> {
    for (const text of describeUnknownLaunchArguments(given)) {
      this.#output.add({ category: 'console', text: `${text}\n` });
    }
    const debuggee = await launch(arguments_, this.#host, this.#factory, (output) => {
      this.#print(output);
    });
    debuggee.machine.console.onOutput = (bytes) => {
      this.#console.receive(bytes, arguments_.console);
    };
    this.#console.restart();
    const noDebug = (given as { readonly noDebug?: unknown }).noDebug === true;
    const runner = new Runner(
      debuggee.machine,
      this.#host,
      new DebuggeeJudge(debuggee),
      {
        stopped: (stop) => {
          this.#stop(guest, stop);
        },
        ended: (ended) => {
          this.#end(ended);
        },
        sliceDone: () => {
          this.#flush();
          if (this.#host.now() - this.#stateSentAt >= STATE_INTERVAL) this.#sendState(guest);
        },
        failed: (error) => {
          this.#failed(guest, error);
        },
      },
      { paced: arguments_.pace === 'realtime' },
    );
    const guest: Guest = { debuggee, runner, noDebug };
    return guest;
  }

  #configurationDone(command: string, done: (body: unknown) => void): void {
    if (this.#state.kind !== 'configuring') {
      if (
        this.#state.kind === 'created' ||
        this.#state.kind === 'initialized' ||
        this.#state.kind === 'launching'
      ) {
        throw notLaunched(command);
      }
      throw alreadyInitialized(command);
    }
    const { guest } = this.#state;
    done(undefined);
    this.#begin(guest);
  }

  /** From the first instruction on: to `main`, or nowhere, with stopOnEntry; else on and on. */
  #begin(guest: Guest): void {
    const { debuggee, noDebug } = guest;
    this.#state = { kind: 'stopped', guest };
    if (!debuggee.launch.stopOnEntry || noDebug) {
      this.#resume(continuePlan, false);
      return;
    }
    const [main] = functionBodies(debuggee.debugInfo, 'main');
    if (main === undefined) this.#stop(guest, { reason: 'entry' });
    else this.#resume(new RunTo(debuggee, main, stopWith({ reason: 'entry' })), false);
  }

  async #restart(
    given: DebugProtocol.RestartArguments,
    done: (body: unknown) => void,
  ): Promise<void> {
    const old = this.#launchedOrEnded('restart');
    this.#abandon();
    const configuration = (given.arguments as unknown) ?? this.#launchArguments;
    const arguments_ = this.#validate(configuration);
    const unchanged =
      sameConfiguration(arguments_, old.debuggee.launch) &&
      (await this.#isSameProgram(old.debuggee));
    let guest = old;
    if (unchanged) {
      old.debuggee.reset();
      old.debuggee.breakpoints.resetHits();
    } else {
      guest = await this.#createGuest(configuration, arguments_);
      old.debuggee.release();
      this.#launchArguments = configuration;
      this.#sendBreakpoints(this.#breakpointRequests.repeat(guest.debuggee));
    }
    this.#state = { kind: 'configuring', guest };
    done(undefined);
    this.#begin(guest);
  }

  async #isSameProgram({ launch: { program }, debugInfo }: Debuggee): Promise<boolean> {
    const bytes = await this.#host.readFile(program);
    const before = debugInfo.image.bytes;
    return bytes.length === before.length && bytes.every((byte, i) => byte === before[i]);
  }

  // -- run and stop

  #step(plan: RunPlan, done: (body: unknown) => void): void {
    done(undefined);
    this.#resume(plan);
  }

  #resume(plan: RunPlan, pastStop = true): void {
    const guest = this.#stopped('continue');
    guest.debuggee.resume();
    this.#state = { kind: 'running', guest };
    guest.runner.start(plan, pastStop);
  }

  #stop(guest: Guest, stop: SessionStop): void {
    this.#flush();
    this.#state = { kind: 'stopped', guest };
    guest.debuggee.invalidate();
    guest.debuggee.exceptionStop = stop.exception;
    this.#event('stopped', {
      reason: stop.reason,
      threadId: threadIdOf(guest.debuggee.machine.currentVcpu),
      allThreadsStopped: true,
      ...(stop.description !== undefined && { description: stop.description }),
      ...(stop.text !== undefined && { text: stop.text }),
      ...(stop.hitBreakpointIds !== undefined && { hitBreakpointIds: stop.hitBreakpointIds }),
    });
    this.#sendState(guest);
  }

  /** @param ended undefined when the client ends the guest */
  #end(ended: Ended | undefined): void {
    const guest = 'guest' in this.#state ? this.#state.guest : undefined;
    this.#abandon();
    this.#state = { kind: 'ended', guest };
    if (ended !== undefined) {
      const status =
        ended.how === 'semihosting' || ended.how === 'exit device'
          ? ` with status ${ended.status}`
          : '';
      this.#output.add({
        category: 'console',
        text: `The guest has ended${status} (${ended.how}).\n`,
      });
    }
    this.#flush();
    if (guest !== undefined) this.#sendState(guest);
    if (ended !== undefined) this.#event('exited', { exitCode: ended.status });
    this.#event('terminated', undefined);
  }

  #abandon(): void {
    if ('guest' in this.#state) this.#state.guest?.runner.abandon();
  }

  /** A broken invariant of ours: the guest's state is kept for a look, and the session says whose fault it is. */
  /** What a request set off has failed when its response had been sent: the guest stays, or stops, where it is. */
  #failedAfterwards(error: unknown): void {
    const state = this.#state;
    if (state.kind !== 'stopped' && state.kind !== 'running') {
      this.#host.log(stackOf(error));
      return;
    }
    const { guest } = state;
    guest.runner.abandon();
    this.#failed(guest, error);
  }

  #failed(guest: Guest, error: unknown): void {
    const known = userErrorOf(error);
    if (known.id === INTERNAL_ERROR) this.#host.log(stackOf(error));
    this.#output.add({ category: 'important', text: `${known.message}\n` });
    this.#stop(guest, {
      reason: 'pause',
      description:
        known.id === INTERNAL_ERROR ? 'Paused: Trapline itself failed' : `Paused: ${known.message}`,
    });
  }

  #cancel({ requestId, progressId }: DebugProtocol.CancelArguments): void {
    for (const seq of this.#pending) {
      if (seq === requestId || progressIdOf(seq) === progressId) this.#cancelled.add(seq);
    }
  }

  // -- what a request needs

  #guestFor(allowed: Allowed, command: string): Guest {
    switch (allowed) {
      case 'stopped':
        return this.#stopped(command);
      case 'launched':
        return this.#launched(command);
      case 'ever':
        return this.#launchedOrEnded(command);
    }
  }

  #launched(command: string): Guest {
    const { kind } = this.#state;
    if (kind === 'ended') throw guestHasEnded(command);
    return this.#launchedOrEnded(command);
  }

  #launchedOrEnded(command: string): Guest {
    const guest = 'guest' in this.#state ? this.#state.guest : undefined;
    if (guest === undefined) throw notLaunched(command);
    return guest;
  }

  #stopped(command: string): Guest {
    const guest = this.#launched(command);
    if (this.#state.kind === 'running') throw guestIsRunning(command);
    return guest;
  }

  #running(command: string): Guest {
    const guest = this.#launched(command);
    if (this.#state.kind !== 'running') throw guestIsStopped(command);
    return guest;
  }

  // -- events and errors

  /** The debugger has written to the guest: views of memory and variables are out of date. */
  #guestChanged(debuggee: Debuggee, pcBefore: bigint): void {
    if (this.#client.supportsMemoryEvent) {
      for (const body of this.#watched.changes()) this.#event('memory', body);
    }
    if (this.#client.supportsInvalidatedEvent) {
      const areas = debuggee.pc === pcBefore ? ['variables'] : ['stacks'];
      this.#event('invalidated', { areas });
    }
    const guest = this.#launched(STATE_EVENT);
    this.#sendState(guest);
  }

  #sendBreakpoints(changed: readonly DebugProtocol.Breakpoint[]): void {
    for (const breakpoint of changed) this.#event('breakpoint', { reason: 'changed', breakpoint });
  }

  #sendState({ debuggee }: Guest): void {
    this.#stateSentAt = this.#host.now();
    this.#event(STATE_EVENT, state(debuggee, this.#state.kind === 'running'));
  }

  #print(output: ConsoleOutput): void {
    this.#output.add(output);
    if (this.#state.kind === 'stopped') this.#flush();
  }

  /** Sends what has gathered since the last slice. */
  #flush(): void {
    this.#console.flush();
    this.#output.flush();
  }

  #event(name: string, body: object | undefined): void {
    this.sendEvent(new Event(name, toClient(this.#client, body)));
  }

  #refuse(response: DebugProtocol.Response, error: unknown): void {
    const known = userErrorOf(error);
    if (known.id === INTERNAL_ERROR) this.#host.log(stackOf(error));
    response.success = false;
    response.message = known.message;
    response.body = {
      error: {
        id: known.id,
        // Braces in the text are no variables.
        format: '{text}',
        variables: { text: known.message },
        // Whoever sends a request of ours shows its refusal; a client that shows it too would say it twice.
        showUser: known.showUser && !response.command.startsWith('trapline/'),
      },
    };
    this.sendResponse(response);
  }

  /** The end of the session, by request or because the connection is gone. Nothing runs afterwards. */
  override shutdown(): void {
    this.#abandon();
    if ('guest' in this.#state) this.#state.guest?.debuggee.release();
    this.#state = { kind: 'ended', guest: undefined };
    const ended = this.onEnded;
    this.onEnded = undefined;
    ended?.();
  }
}

function sameConfiguration(a: LaunchArguments, b: LaunchArguments): boolean {
  const text = (it: LaunchArguments): string =>
    JSON.stringify(it, (_name, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value instanceof Map ? [...value] : value,
    );
  return text(a) === text(b);
}

/** What is told of an error; damage in the debug information may be met as late as here. */
function userErrorOf(error: unknown): UserError {
  if (error instanceof UserError) return error;
  return error instanceof SymbolError ? unusableProgram(error) : internalError(error);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
