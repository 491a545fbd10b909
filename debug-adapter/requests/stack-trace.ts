import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';
import { reference } from '../registers.ts';
import { virtualLine } from '../sources.ts';
import type { Frame } from '../stack/frames.ts';

/** Frames beyond those asked for that are promised when the stack goes on; clients then ask for them. */
const MORE = 20;
const DEFAULT_LEVELS = 100;

/** DAP stackTrace. Unwinds no further than is asked for; `totalFrames` is exact once the end was reached. */
export function stackTrace(
  debuggee: Debuggee,
  { threadId, startFrame = 0, levels = 0 }: DebugProtocol.StackTraceArguments,
): DebugProtocol.StackTraceResponse['body'] {
  debuggee.selectThread(threadId);
  const count = levels === 0 ? DEFAULT_LEVELS : levels;
  const { stack } = debuggee;
  const wanted = stack.slice(startFrame, count + 1);
  const frames = wanted.slice(0, count);
  const end = startFrame + wanted.length;
  return {
    stackFrames: frames.map((frame) => describeFrame(debuggee, frame)),
    totalFrames: wanted.length > count ? end + MORE : end,
  };
}

function describeFrame(debuggee: Debuggee, frame: Frame): DebugProtocol.StackFrame {
  const id = debuggee.frames.create(frame);
  if (frame.kind === 'exception') {
    return { id, name: frame.name, line: 0, column: 0, presentationHint: 'label' };
  }
  const { machineFrame, position, name } = frame;
  const common = {
    id,
    name,
    instructionPointerReference: reference(machineFrame.pc),
    canRestart: false,
  };
  if (position !== undefined) {
    return {
      ...common,
      source: debuggee.sources.describe(position.file),
      line: position.line,
      column: position.column,
    };
  }
  // VS Code passes over frames without a source, so code without lines gets a listing for one.
  const listing = debuggee.sources.virtualAt(machineFrame.lookupPc);
  if (listing === undefined) return { ...common, line: 0, column: 0, presentationHint: 'subtle' };
  return {
    ...common,
    source: {
      name: listing.name,
      path: listing.name,
      sourceReference: listing.reference,
      origin: 'disassembly',
    },
    line: virtualLine(listing, machineFrame.lookupPc),
    column: 1,
  };
}
