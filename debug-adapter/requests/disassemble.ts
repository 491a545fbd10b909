import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';
import { reference } from '../registers.ts';
import { rowAt } from '../stepping/step-plan.ts';
import { addressOfReference } from './memory-reference.ts';

const INSTRUCTION_BYTES = 4n;
const MOST = 10_000;

/**
 * DAP disassemble. Every A64 instruction has four bytes, so negative offsets are exact. Where nothing is mapped the
 * answer holds fillers, so that there are always as many rows as were asked for.
 */
export function disassemble(
  debuggee: Debuggee,
  {
    memoryReference,
    offset = 0,
    instructionOffset = 0,
    instructionCount,
  }: DebugProtocol.DisassembleArguments,
): NonNullable<DebugProtocol.DisassembleResponse['body']> {
  const origin = addressOfReference(memoryReference, offset);
  const aligned = origin - (origin % INSTRUCTION_BYTES);
  const instructions: DebugProtocol.DisassembledInstruction[] = [];
  let lastPlace = '';
  for (let i = 0; i < Math.min(instructionCount, MOST); i++) {
    const address = aligned + BigInt(instructionOffset + i) * INSTRUCTION_BYTES;
    if (address < 0n || address >= 1n << 64n) {
      instructions.push({
        address: reference(BigInt.asUintN(64, address)),
        instruction: '',
        presentationHint: 'invalid',
      });
      continue;
    }
    const { row, place } = disassembleOne(debuggee, address);
    // A source position is given where it changes: the view prints the line above the instruction.
    instructions.push(place === lastPlace ? withoutPlace(row) : row);
    lastPlace = place;
  }
  return { instructions };
}

function disassembleOne(
  debuggee: Debuggee,
  address: bigint,
): { row: DebugProtocol.DisassembledInstruction; place: string } {
  const word = debuggee.memory.readInstruction(address);
  if (word === undefined) {
    return {
      row: { address: reference(address), instruction: '??', presentationHint: 'invalid' },
      place: '',
    };
  }
  const { debugInfo } = debuggee;
  const symbol = debugInfo.symbols.describe(address);
  const position = rowAt(debugInfo, address);
  const hasLine = position !== undefined && position.line !== 0;
  return {
    row: {
      address: reference(address),
      instructionBytes: word.toString(16).padStart(8, '0'),
      // VS Code shows no symbols of its own, so they stand in the text.
      instruction: instructionText(debuggee, word, address),
      ...(symbol !== undefined && { symbol }),
      ...(hasLine && {
        location: debuggee.sources.describe(position.file),
        line: position.line,
        ...(position.column > 0 && { column: position.column }),
      }),
    },
    place: hasLine ? `${position.file}:${position.line}` : '',
  };
}

/** With `<main+8>` in front of the text, so that one can find one's way in the listing. */
export function instructionText(debuggee: Debuggee, word: number, address: bigint): string {
  const text = plainInstruction(debuggee, word, address);
  const symbol = debuggee.describeAddress(address);
  return symbol === undefined ? text : `<${symbol}>  ${text}`;
}

/** The text alone; data between code, and words that are UNDEFINED, as a directive. */
export function plainInstruction(debuggee: Debuggee, word: number, address: bigint): string {
  const asData = `.word 0x${word.toString(16).padStart(8, '0')}`;
  if (debuggee.debugInfo.symbols.isData(address) === true) return asData;
  return debuggee.machine.disassemble(word, address, (target) => label(debuggee, target)) ?? asData;
}

function label(debuggee: Debuggee, target: bigint): string {
  const symbol = debuggee.describeAddress(target);
  return symbol === undefined ? `0x${target.toString(16)}` : `0x${target.toString(16)} <${symbol}>`;
}

function withoutPlace(
  row: DebugProtocol.DisassembledInstruction,
): DebugProtocol.DisassembledInstruction {
  const { location, line, column, ...rest } = row;
  return location === undefined || line === undefined
    ? { ...rest, ...(column && { column }) }
    : rest;
}
