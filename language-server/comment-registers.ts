/** System registers and their fields as comments name them: `CPACR_EL1.FPEN`, `MDSCR_EL1`. */
import type { SysReg, Field } from '../emulator/sysregs/sysreg.ts';
import type { Line } from './document.ts';
import { TokenKind } from './scanner.ts';
import { endAt, kindAt, startAt, tokenCount } from './statement.ts';
import { systemRegister } from './system-operands.ts';

export interface CommentRegister {
  readonly register: SysReg;
  /** Absent where the register alone is named. */
  readonly field?: Field;
  readonly start: number;
  readonly end: number;
}

/** What a comment names at a place of its line. Without a field a name needs its underscore: words are no registers. */
export function commentRegisterAt(line: Line, character: number): CommentRegister | undefined {
  const { text, tokens } = line;
  for (let index = 0; index < tokenCount(tokens); index += 1) {
    if (kindAt(tokens, index) !== TokenKind.comment) continue;
    const start = startAt(tokens, index);
    const end = endAt(tokens, index);
    if (character < start || character > end) continue;
    const around = wordAround(text, character, start, end);
    const [name = '', fieldName] = text.slice(around.start, around.end).split('.');
    const register = systemRegister(name)?.register;
    if (!register) return undefined;
    const field = register.fields.find((it) => it.name.toLowerCase() === fieldName?.toLowerCase());
    if (field) return { register, field, ...around };
    if (!name.includes('_')) return undefined;
    const nameEnd = around.start + name.length;
    return character <= nameEnd ? { register, start: around.start, end: nameEnd } : undefined;
  }
  return undefined;
}

/** The run of letters, digits, underscores and inner dots. */
function wordAround(
  text: string,
  character: number,
  from: number,
  to: number,
): { readonly start: number; readonly end: number } {
  let start = character;
  let end = character;
  while (start > from && /[\w.]/.test(text.charAt(start - 1))) start -= 1;
  while (end < to && /[\w.]/.test(text.charAt(end))) end += 1;
  // The dot of a sentence's end belongs to no name.
  while (end > start && text.charAt(end - 1) === '.') end -= 1;
  while (start < end && text.charAt(start) === '.') start += 1;
  return { start, end };
}
