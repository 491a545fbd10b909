/** The guest of one session, with everything that is known about it while it is stopped. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Armory } from './breakpoints/armory.ts';
import { Breakpoints, type Resolution } from './breakpoints/breakpoints.ts';
import { conditionCompiler } from './breakpoints/expressions.ts';
import { staleReference, unknownThread } from './errors.ts';
import { ExceptionCatch } from './exception-catch.ts';
import {
  createExpressionContext,
  liveFrame,
  livePlaces,
  type ContextGuest,
  type EvaluationFrame,
} from './expression-context.ts';
import type { DebugInfoContext } from './expressions/debug-info-context.ts';
import { ExecutionCounts } from './execution-counts.ts';
import { GuestMemory } from './guest-memory.ts';
import { Handles } from './handles.ts';
import type { LaunchArguments } from './launch-arguments.ts';
import type { DebuggedMachine, MachineFactory } from './machine.ts';
import { dwarfRegisterName, hex } from './registers.ts';
import type { Sources } from './sources.ts';
import { CallStack, type Frame, type FunctionFrame } from './stack/frames.ts';
import { unwind, type MachineFrame } from './stack/unwind.ts';
import type { SteppedGuest } from './stepping/step-plan.ts';
import type { ExceptionStop } from './stops.ts';
import type { DebugInfo } from './symbols/debug-info.ts';
import type { VariableContainer } from './variables/container.ts';

/** Text for the debug console. */
export interface ConsoleOutput {
  readonly category: 'console' | 'stdout' | 'stderr' | 'important';
  readonly text: string;
  readonly source?: DebugProtocol.Source;
  readonly line?: number;
}

export interface DebuggeeParts {
  readonly launch: LaunchArguments;
  readonly factory: MachineFactory;
  readonly machine: DebuggedMachine;
  readonly debugInfo: DebugInfo;
  readonly sources: Sources;
  readonly write: (output: ConsoleOutput) => void;
  /** Closes what of the host the guest had: its disks. */
  readonly release: () => void;
}

/** One vCPU is one thread; protocols count threads from 1. */
export function threadIdOf(vcpu: number): number {
  return vcpu + 1;
}

export class Debuggee implements ContextGuest, SteppedGuest {
  readonly launch: LaunchArguments;
  readonly factory: MachineFactory;
  readonly machine: DebuggedMachine;
  readonly debugInfo: DebugInfo;
  readonly sources: Sources;
  readonly memory: GuestMemory;
  readonly breakpoints: Breakpoints;
  readonly exceptions: ExceptionCatch;
  readonly executionCounts: ExecutionCounts;
  /** Frames that the client has seen. */
  readonly frames: Handles<Frame>;
  readonly containers: Handles<VariableContainer>;
  /** Instruction addresses offered as targets for `goto`. */
  readonly gotoTargets: Handles<bigint>;
  /** What `exceptionInfo` answers about the last stop. */
  exceptionStop: ExceptionStop | undefined;
  /** Of each vCPU whose stack was asked for. */
  readonly #stacks = new Map<number, CallStack>();
  readonly #valuesBefore = new Map<string, bigint>();
  readonly write: (output: ConsoleOutput) => void;
  /** Closes what of the host the guest has. It does not run afterwards. */
  readonly release: () => void;

  constructor(parts: DebuggeeParts) {
    this.launch = parts.launch;
    this.factory = parts.factory;
    this.machine = parts.machine;
    this.frames = new Handles(this.machine);
    this.containers = new Handles(this.machine);
    this.gotoTargets = new Handles(this.machine);
    this.debugInfo = parts.debugInfo;
    this.sources = parts.sources;
    this.write = parts.write;
    this.release = parts.release;
    this.memory = new GuestMemory(this.machine);
    this.breakpoints = new Breakpoints({
      armory: new Armory(this.machine, this.memory, (address) => this.describe(address)),
      defaultMode: this.launch.breakpointMode,
      compilerAt: (address) =>
        conditionCompiler(
          address === undefined
            ? undefined
            : createExpressionContext(this, liveFrame(this, address)),
          livePlaces(this),
        ),
      print: (text, place) => {
        this.#log(text, place);
      },
      describeBytes: formatBytes,
    });
    this.exceptions = new ExceptionCatch(this);
    this.executionCounts = new ExecutionCounts(this.machine);
    this.#connect();
  }

  /** The user has changed something: the stack is unwound anew. What the client holds stays valid. */
  changed(): void {
    this.#stacks.clear();
  }

  /** Forgets what the client has seen of the stop: the guest is about to run. */
  invalidate(): void {
    this.#stacks.clear();
    this.frames.clear();
    this.containers.clear();
    this.gotoTargets.clear();
  }

  resume(): void {
    this.#valuesBefore.clear();
    for (const { kind, registers } of this.machine.registerGroups()) {
      if (kind !== 'system') continue;
      for (const name of registers) {
        const value = this.readRegister(name);
        if (value !== undefined) this.#valuesBefore.set(name, value);
      }
    }
    this.exceptionStop = undefined;
    this.invalidate();
  }

  /** The machine from its first instruction on, breakpoints as they are. */
  reset(): void {
    this.machine.reset();
    this.memory.patchAgain();
    this.exceptions.clear();
    this.executionCounts.reset();
    this.resume();
  }

  /** What a system register held when the guest was last let go; undefined before that. */
  valueBefore(name: string): bigint | undefined {
    return this.#valuesBefore.get(name);
  }

  get pc(): bigint {
    return this.readRegister('PC') ?? 0n;
  }

  readRegister(name: string): bigint | undefined {
    return this.machine.readRegister(this.machine.currentVcpu, name);
  }

  readInstruction(address: bigint): number | undefined {
    return this.memory.readInstruction(address);
  }

  /** For the current vCPU alone. */
  addBreakpoint(va: bigint, onHit: () => boolean): number {
    const { machine } = this;
    const vcpu = machine.currentVcpu;
    return machine.addBreakpoint(va, () => machine.currentVcpu === vcpu && onHit());
  }

  removeBreakpoint(id: number): void {
    this.machine.removeBreakpoint(id);
  }

  /** `main+8`; undefined where no symbol reaches. */
  describeAddress(address: bigint): string | undefined {
    return this.debugInfo.symbols.describe(address);
  }

  /** `main+8 (main.c:12)`, or the number where nothing is known about the address. */
  describe(address: bigint): string {
    const symbol = this.describeAddress(address);
    const position = this.debugInfo.lineFor(address);
    const place =
      position === undefined
        ? ''
        : ` (${position.file.split(/[/\\]/).at(-1) ?? position.file}:${position.line})`;
    return symbol === undefined ? `${hex(address)}${place}` : `${symbol}${place}`;
  }

  get stack(): CallStack {
    const vcpu = this.machine.currentVcpu;
    let stack = this.#stacks.get(vcpu);
    if (stack === undefined) {
      stack = new CallStack(this.debugInfo, this.unwind());
      this.#stacks.set(vcpu, stack);
    }
    return stack;
  }

  unwind(): Iterable<MachineFrame> {
    return unwind({
      debugInfo: this.debugInfo,
      readRegister: (name) => this.readRegister(name),
      dwarfRegister: (number) => {
        const name = dwarfRegisterName(number);
        return name === undefined ? undefined : this.readRegister(name);
      },
      readMemory: (address, length) => this.memory.readExactly(address, length),
      readUint64: (address) => this.memory.readUint64(address),
      readInstruction: (address) => this.memory.readInstruction(address),
      exceptions: this.exceptions.history.newestFirst,
    });
  }

  /** @throws UserError when the guest has run since the frame was handed out */
  frame(frameId: number): Frame {
    const frame = this.frames.get(frameId);
    if (frame === undefined) throw staleReference('Frame', frameId);
    return frame;
  }

  /** The frame that an expression refers to: the one named, else the innermost one. */
  functionFrame(frameId: number | undefined): FunctionFrame | undefined {
    if (frameId === undefined || frameId === 0) return this.stack.innermost;
    const frame = this.frame(frameId);
    return frame.kind === 'function' ? frame : undefined;
  }

  contextOf(frame: FunctionFrame | undefined): DebugInfoContext {
    if (frame === undefined) return createExpressionContext(this, liveFrame(this, undefined));
    return createExpressionContext(this, this.evaluationFrame(frame));
  }

  evaluationFrame({
    machineFrame,
    inlineDepth,
  }: Pick<FunctionFrame, 'machineFrame' | 'inlineDepth'>): EvaluationFrame {
    return {
      pc: machineFrame.pc,
      lookupPc: machineFrame.lookupPc,
      inlineDepth,
      isInnermost: machineFrame.level === 0,
      register: (number) => machineFrame.register(number),
      locationRegister: (number) => machineFrame.locationRegister(number),
      cfa: () => machineFrame.cfa,
      caller: () => {
        const caller = this.stack.callerOf(machineFrame.level);
        return caller && this.evaluationFrame({ machineFrame: caller, inlineDepth: 0 });
      },
    };
  }

  /**
   * The thread's vCPU becomes the current one.
   * @throws UserError for a thread that does not exist
   */
  selectThread(threadId: number): void {
    const vcpu = this.machine.vcpus.find(({ id }) => threadIdOf(id) === threadId);
    if (vcpu === undefined) throw unknownThread(threadId);
    this.machine.selectVcpu(vcpu.id);
  }

  #connect(): void {
    const told = new Set<string>();
    this.machine.onGuestError = (device, message, pc) => {
      const key = `${device} ${message} ${hex(pc)}`;
      if (told.has(key)) return;
      told.add(key);
      this.write({ category: 'console', text: `${device}: ${message}, at ${this.describe(pc)}\n` });
    };
  }

  #log(text: string, place: Resolution): void {
    this.write({
      category: 'console',
      text: `${text}\n`,
      ...(place.source !== undefined && { source: place.source }),
      ...(place.line !== undefined && { line: place.line }),
    });
  }
}

/** Bytes that were watched: a number up to eight of them, else the bytes. */
function formatBytes(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'nothing';
  if (![1, 2, 4, 8].includes(bytes.length)) {
    return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  }
  let value = 0n;
  for (const byte of [...bytes].reverse()) value = (value << 8n) | BigInt(byte);
  return value < 10n ? `${value}` : `${value} (${hex(value)})`;
}
