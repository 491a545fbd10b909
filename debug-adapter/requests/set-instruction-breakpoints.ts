import type { DebugProtocol } from '@vscode/debugprotocol';
import type { CodeRequest, Resolution } from '../breakpoints/breakpoints.ts';
import type { Debuggee } from '../debuggee.ts';
import { UserError } from '../errors.ts';
import { hex } from '../registers.ts';
import { addressOfReference } from './memory-reference.ts';

/** DAP setInstructionBreakpoints: by address, as the disassembly view sets them. */
export function setInstructionBreakpoints(
  debuggee: Debuggee,
  { breakpoints }: DebugProtocol.SetInstructionBreakpointsArguments,
): DebugProtocol.SetInstructionBreakpointsResponse['body'] {
  const requests = breakpoints.map((it): CodeRequest => ({
    condition: it.condition,
    hitCondition: it.hitCondition,
    mode: it.mode,
    key: `${it.instructionReference}+${it.offset ?? 0}`,
    resolution: resolve(debuggee, it.instructionReference, it.offset),
  }));
  return { breakpoints: debuggee.breakpoints.setCode('instructions', 'instruction', requests) };
}

function resolve(debuggee: Debuggee, reference: string, offset: number | undefined): Resolution {
  let address: bigint;
  try {
    address = addressOfReference(reference, offset);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { addresses: [], problem: error.message };
  }
  if (address % 4n !== 0n) {
    return {
      addresses: [],
      problem: `${hex(address)} is inside an instruction; A64 instructions begin at multiples of 4.`,
    };
  }
  const position = debuggee.debugInfo.lineFor(address);
  if (position === undefined) return { addresses: [address] };
  return {
    addresses: [address],
    source: debuggee.sources.describe(position.file),
    line: position.line,
  };
}
