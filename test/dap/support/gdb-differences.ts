/** Where Trapline shows something else than gdb 13, and why. What is not listed here fails the comparison. */
import type { GdbFrame, OptimisedProgram } from './gdb-recording.ts';
import { comparableValue } from './gdb-values.ts';

export interface Difference {
  readonly program: OptimisedProgram;
  /** Of the stop; for locations the source line. */
  readonly address: string;
  readonly hit: number;
  /** Frames from the innermost, 0. */
  readonly level: number;
  readonly frame: GdbFrame | undefined;
  /** `backtrace`, `location` or the name of a variable. */
  readonly what: string;
  readonly gdb: string;
  readonly trapline: string;
}

export interface ListedDifference {
  readonly name: string;
  readonly reason: string;
  readonly matches: (difference: Difference) => boolean;
}

const UNCOVERED = /<optimized out>|<not available: only \d+ of its \d+ bits are known>/g;
const UNKNOWN_REGISTER = /<not available: X\d+ is not known in this frame>/g;

/** Whether the two texts are the same but for what stands where ours has one of the patterns. */
function sameBut({ gdb, trapline }: Difference, ...patterns: readonly RegExp[]): boolean {
  const HOLE = '\u0000';
  let ours = comparableValue(trapline);
  for (const pattern of patterns) ours = ours.replace(pattern, HOLE);
  const parts = ours.split(HOLE).map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return parts.length > 1 && new RegExp(`^${parts.join('[^{}=]+?')}$`).test(comparableValue(gdb));
}

export const GDB_DIFFERENCES: readonly ListedDifference[] = [
  {
    name: 'frames of functions that left by a tail call',
    reason:
      'report() jumps to note(), so the stack holds nothing of it. gdb invents the frame from the call sites that DWARF ' +
      'lists, when only one chain of tail calls is possible. Trapline shows the frames that exist; next and stepOut go ' +
      'by the same.',
    matches: ({ program, what, gdb, trapline }) =>
      program === 'inventory' &&
      what === 'backtrace' &&
      gdb.replace(' < report:121', '') === trapline,
  },
  {
    name: 'bits that no piece covers',
    reason:
      'clang describes the first 8 of 16 bytes of a struct by a DW_OP_piece, or one byte of a union, and says nothing of ' +
      'the rest. DWARF 5, 2.6.1.2: what no piece describes is unavailable. gdb fills in zeroes and calls a pointer ' +
      'there synthetic.',
    matches: (difference) => difference.program === 'calculator' && sameBut(difference, UNCOVERED),
  },
  {
    name: 'registers that a call may have changed',
    reason:
      'Code by clang keeps the location of a variable in X0-X18 up to the return address, although the call destroys ' +
      'the register (gcc ends it in front of the call). gdb shows what the register holds now, which belongs to the ' +
      'callee; Trapline says that the value is not known.',
    matches: (difference) =>
      difference.program === 'calculator' &&
      difference.level > 0 &&
      sameBut(difference, UNKNOWN_REGISTER, UNCOVERED),
  },
  {
    name: 'constants in a block of an inlined copy',
    reason:
      'find_operator() is inlined and unrolled, and DWARF has its i in a lexical block of the copy as DW_AT_const_value ' +
      '0. gdb 13 drops variables that are constant there; Trapline shows them.',
    matches: ({ program, what, gdb, trapline, frame }) =>
      program === 'calculator' &&
      frame?.function === 'find_operator' &&
      what === 'i' &&
      gdb === '<absent>' &&
      trapline === '0',
  },
];

export function explain(difference: Difference): ListedDifference | undefined {
  return GDB_DIFFERENCES.find(({ matches }) => matches(difference));
}
