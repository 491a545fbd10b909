/** Frames as the call stack shows them: machine frames, the inlined copies in them, and labels for exceptions. */
import { exceptionLabel } from '../exceptions.ts';
import { hex } from '../registers.ts';
import type { DebugInfo, LinePosition } from '../symbols/debug-info.ts';
import type { FunctionInfo } from '../symbols/scopes.ts';
import type { MachineFrame } from './unwind.ts';

export type Frame =
  | {
      readonly kind: 'function';
      readonly machineFrame: MachineFrame;
      /** 0 is the innermost of the frames that share this machine frame. */
      readonly inlineDepth: number;
      readonly function: FunctionInfo | undefined;
      readonly name: string;
      readonly position: LinePosition | undefined;
    }
  | { readonly kind: 'exception'; readonly name: string; readonly machineFrame: MachineFrame };

export type FunctionFrame = Extract<Frame, { kind: 'function' }>;

/** The frames of one machine frame, innermost first, with the exception that interrupted it in front. */
export function expandFrame(debugInfo: DebugInfo, machineFrame: MachineFrame): Frame[] {
  const { lookupPc, interruptedBy, pc } = machineFrame;
  const frames: Frame[] = [];
  if (interruptedBy !== undefined) {
    frames.push({ kind: 'exception', name: exceptionLabel(interruptedBy), machineFrame });
  }
  const functions = debugInfo.functionAt(lookupPc);
  let position = positionOf(debugInfo, lookupPc, functions.at(-1));
  for (const [inlineDepth, info] of functions.entries()) {
    frames.push({
      kind: 'function',
      machineFrame,
      inlineDepth,
      function: info,
      name: info.name,
      position,
    });
    position = callPosition(info);
  }
  if (functions.length === 0) {
    const name = debugInfo.symbols.describe(lookupPc) ?? hex(pc);
    frames.push({
      kind: 'function',
      machineFrame,
      inlineDepth: 0,
      function: undefined,
      name: name.replace(/\+\d+$/, ''),
      position,
    });
  }
  return frames;
}

/** Code that the compiler gives no line (line 0) belongs to the line before it, as far as anybody can tell. */
function positionOf(
  debugInfo: DebugInfo,
  pc: bigint,
  outermost: FunctionInfo | undefined,
): LinePosition | undefined {
  const position = debugInfo.lineFor(pc);
  const range = outermost?.ranges.find(({ low, high }) => pc >= low && pc < high);
  if (position !== undefined || range === undefined) return position;
  return debugInfo.rowsInRange(range.low, pc + 1n).findLast(({ line }) => line !== 0);
}

function callPosition({ callFile, callLine, callColumn }: FunctionInfo): LinePosition | undefined {
  if (callFile === undefined || callLine === undefined) return undefined;
  return { file: callFile, line: callLine, column: callColumn ?? 0, isStmt: true };
}

/** The stack of a stop, unwound no further than somebody asked for. */
export class CallStack {
  readonly #debugInfo: DebugInfo;
  readonly #machineFrames: Iterator<MachineFrame>;
  readonly #frames: Frame[] = [];
  #complete = false;

  constructor(debugInfo: DebugInfo, machineFrames: Iterable<MachineFrame>) {
    this.#debugInfo = debugInfo;
    this.#machineFrames = machineFrames[Symbol.iterator]();
  }

  /** Up to `count` frames from `start` on. */
  slice(start: number, count: number): readonly Frame[] {
    this.#unwindTo(start + count);
    return this.#frames.slice(start, start + count);
  }

  /** How many frames there are. */
  get length(): number {
    this.#unwindTo(Number.POSITIVE_INFINITY);
    return this.#frames.length;
  }

  /** The first frame that is a function. */
  get innermost(): FunctionFrame | undefined {
    this.#unwindTo(2);
    return this.#frames.find((frame) => frame.kind === 'function');
  }

  /** The machine frame that called, or was interrupted above, the one at a level. */
  callerOf(level: number): MachineFrame | undefined {
    for (let count = 8; ; count *= 2) {
      this.#unwindTo(count);
      const found = this.#frames.find(({ machineFrame }) => machineFrame.level > level);
      if (found !== undefined || this.#complete) return found?.machineFrame;
    }
  }

  #unwindTo(count: number): void {
    while (!this.#complete && this.#frames.length < count) {
      const next = this.#machineFrames.next();
      if (next.done === true) this.#complete = true;
      else this.#frames.push(...expandFrame(this.#debugInfo, next.value));
    }
  }
}
