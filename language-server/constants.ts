/** Constants in registers, followed through one basic block. */
import type { Line } from './document.ts';
import { branchCondition, mnemonic } from './mnemonics.ts';
import type { NameScope, Operand } from './operand.ts';
import { isGeneral, widthOf } from './registers.ts';
import { parseOperands } from './statement-checks.ts';
import type { Statement } from './statement.ts';

/** Statements before the place that are looked at. */
const MAXIMUM_STATEMENTS = 200;

interface Located {
  readonly line: Line;
  readonly row: number;
  readonly statement: Statement;
}

/** Control does not come through here from above, or not only. */
function endsBlock(statement: Statement): boolean {
  const name = statement.name?.text.toLowerCase() ?? '';
  return /^(?:b|br|ret|eret|drps|braaz?|brabz?|retaa|retab)$/.test(name);
}

/** The statements of the basic block before `row`, in order. */
export function blockBefore(lines: readonly Line[], row: number): Located[] {
  const found: Located[] = [];
  let above = row;
  if (lines[row]?.statements.some(({ labels }) => labels.length > 0) === true) return found;
  while (above > 0 && found.length < MAXIMUM_STATEMENTS && row - above < 400) {
    above -= 1;
    const line = lines[above];
    if (!line) break;
    for (let index = line.statements.length - 1; index >= 0; index -= 1) {
      const statement = line.statements[index];
      if (!statement) continue;
      if (statement.kind === 'preprocessor' || statement.kind === 'call') return found.reverse();
      if (endsBlock(statement)) return found.reverse();
      if (statement.kind === 'instruction') found.push({ line, row: above, statement });
      if (statement.labels.length > 0) return found.reverse();
    }
  }
  return found.reverse();
}

const storesOrCompares =
  /^(?:st(?!add|clr|set|eor|smax|smin|umax|umin)\w*|cmp|cmn|tst|ccmp|ccmn|fcmpe?|fccmpe?|msr|prfm|prfum|cbn?z|tbn?z|b|br|ret|nop|isb|dsb|dmb|wf[ie]|sevl?|yield|hint|bti|dc|ic|at|tlbi|eret|svc|hvc|smc|brk|hlt|clrex|csdb|esb|sb|paciasp|autiasp|pacibsp|autibsp)$/;

/** Numbers of the general-purpose registers that an instruction writes; undefined where unknown. */
export function writtenRegisters(
  name: string,
  operands: readonly Operand[],
): readonly number[] | undefined {
  const lower = name.toLowerCase();
  if (!mnemonic(lower)) return undefined;
  if (lower === 'bl' || lower === 'blr') {
    return [...Array.from({ length: 19 }, (_, n) => n), 30];
  }
  const written: number[] = [];
  const add = (operand: Operand | undefined): void => {
    if (operand?.kind === 'register' && isGeneral(operand.register))
      written.push(operand.register.number);
    if (operand?.kind === 'opaque') written.push(-1);
  };
  if (/^(?:stxr|stlxr|stxp|stlxp|stxrb|stlxrb|stxrh|stlxrh)$/.test(lower)) add(operands[0]);
  else if (branchCondition(lower) === undefined && !storesOrCompares.test(lower)) {
    add(operands[0]);
    if (/^(?:ldp|ldnp|ldpsw|ldxp|ldaxp|casp\w*)$/.test(lower)) add(operands[1]);
    if (/^(?:ld(?:add|clr|eor|set|smax|smin|umax|umin)|swp)/.test(lower)) add(operands[1]);
  }
  const at = operands.findIndex((it) => it.kind === 'memory');
  const memory = operands[at];
  if (memory?.kind === 'memory' && (memory.writeback || operands.length > at + 1))
    add(memory.parts[0]);
  return written.includes(-1) ? undefined : written;
}

export interface RegisterConstant {
  readonly value: bigint;
  /** The line of the last instruction that made it. */
  readonly row: number;
}

type Values = Map<number, RegisterConstant>;

/** The constant of an operand: an immediate, a named constant, or a register with a known value. */
function operandValue(operand: Operand | undefined, values: Values): bigint | undefined {
  if (!operand) return undefined;
  if (operand.kind === 'immediate' || operand.kind === 'name' || operand.kind === 'literal') {
    return operand.kind === 'immediate' && operand.relocation !== undefined
      ? undefined
      : operand.value;
  }
  if (operand.kind === 'register' && isGeneral(operand.register)) {
    const { register } = operand;
    if (register.number === 31)
      return register.class === 'x' || register.class === 'w' ? 0n : undefined;
    const value = values.get(register.number)?.value;
    return value === undefined ? undefined : BigInt.asUintN(widthOf(register), value);
  }
  return undefined;
}

function shiftBy(value: bigint, shift: Operand | undefined): bigint | undefined {
  if (!shift) return value;
  if (shift.kind !== 'shift' || shift.shift !== 'lsl' || shift.amount === undefined)
    return undefined;
  return shift.amount >= 0n && shift.amount < 64n ? value << shift.amount : undefined;
}

/** The value that the instruction gives its first operand, where it is a constant. */
function result(lower: string, operands: readonly Operand[], values: Values): bigint | undefined {
  const [target, a, b, c] = operands;
  const value = (operand: Operand | undefined): bigint | undefined => operandValue(operand, values);
  const first = value(a);
  switch (lower) {
    case 'mov':
      return first;
    case 'ldr':
      return a?.kind === 'literal' ? first : undefined;
    case 'movz':
      return first === undefined ? undefined : shiftBy(first, b);
    case 'movn': {
      const shifted = first === undefined ? undefined : shiftBy(first, b);
      return shifted === undefined ? undefined : ~shifted;
    }
    case 'movk': {
      const old = value(target);
      const amount = b?.kind === 'shift' ? (b.amount ?? 0n) : 0n;
      if (old === undefined || first === undefined || amount < 0n || amount > 48n) return undefined;
      return (old & ~(0xffffn << amount)) | (first << amount);
    }
    case 'mvn':
      return first === undefined ? undefined : ~first;
    default:
  }
  const second = value(b);
  if (first === undefined || second === undefined) return undefined;
  const shifted = shiftBy(second, c);
  if (shifted === undefined) return undefined;
  switch (lower) {
    case 'add':
      return first + shifted;
    case 'sub':
      return first - shifted;
    case 'orr':
      return first | shifted;
    case 'and':
      return first & shifted;
    case 'eor':
      return first ^ shifted;
    case 'bic':
      return first & ~shifted;
    case 'lsl':
      return second < 64n ? first << second : undefined;
    case 'lsr':
      return second < 64n ? first >> second : undefined;
    default:
      return undefined;
  }
}

/** Constants that general-purpose registers hold before the line, by register number. */
export function constantsBefore(
  lines: readonly Line[],
  row: number,
  scope: NameScope,
): ReadonlyMap<number, RegisterConstant> {
  const values: Values = new Map();
  for (const { line, row: at, statement } of blockBefore(lines, row)) {
    const name = statement.name?.text ?? '';
    const operands = parseOperands(line, statement, scope);
    const written = statement.opaque ? undefined : writtenRegisters(name, operands);
    if (!written) {
      values.clear();
      continue;
    }
    const value = result(name.toLowerCase(), operands, values);
    for (const register of written) values.delete(register);
    const [target] = operands;
    if (
      value !== undefined &&
      target?.kind === 'register' &&
      isGeneral(target.register) &&
      target.register.number !== 31
    ) {
      values.set(target.register.number, {
        value: BigInt.asUintN(widthOf(target.register), value),
        row: at,
      });
    }
  }
  return values;
}

const setsFlags =
  /^(?:adds|subs|cmp|cmn|negs|adcs|sbcs|ngcs|ands|bics|tst|ccmp|ccmn|fcmpe?|fccmpe?|rmif|setf8|setf16|cfinv|ptest)$/;

/** The instruction above that set the flags, in the same basic block. */
export function flagSetter(lines: readonly Line[], row: number): Located | undefined {
  return blockBefore(lines, row).findLast(({ statement }) =>
    setsFlags.test(statement.name?.text.toLowerCase() ?? ''),
  );
}
