/** What is wrong with a function as a whole: barriers that are missing, registers and stack not restored. */
import { writtenRegisters } from './constants.ts';
import type { Line } from './document.ts';
import { branchCondition, mnemonic } from './mnemonics.ts';
import type { NameScope, Operand } from './operand.ts';
import { isGeneral } from './registers.ts';
import { expandName, makeProblem, parseOperands } from './statement-checks.ts';
import type { Problem } from './statement-checks.ts';
import type { Statement } from './statement.ts';
import { systemRegister } from './system-operands.ts';

export interface LocatedProblem extends Problem {
  readonly row: number;
}

interface Instruction {
  readonly row: number;
  readonly statement: Statement;
  readonly name: string;
  readonly operands: readonly Operand[];
  /** A macro's call or text that is not known: anything may happen here. */
  readonly unknown: boolean;
}

/** Instructions after a write within which its ISB must come. */
const ISB_DISTANCE = 8;

function instructionsOf(
  lines: readonly Line[],
  first: number,
  last: number,
  scope: NameScope,
  isMacro: (name: string) => boolean,
): Instruction[] {
  const found: Instruction[] = [];
  for (let row = first; row <= last; row += 1) {
    const line = lines[row];
    for (const statement of line?.statements ?? []) {
      if (!line) continue;
      if (statement.kind === 'call' || statement.kind === 'preprocessor') {
        found.push({ row, statement, name: '', operands: [], unknown: true });
      }
      if (statement.kind !== 'instruction' || !statement.name) continue;
      const name = statement.name.text.toLowerCase();
      const unknown = statement.opaque || isMacro(statement.name.text) || !mnemonic(name);
      const operands = unknown ? [] : parseOperands(line, statement, scope);
      found.push({ row, statement, name, operands, unknown });
    }
  }
  return found;
}

function missingBarriers(instructions: readonly Instruction[], scope: NameScope): LocatedProblem[] {
  const problems: LocatedProblem[] = [];
  instructions.forEach((instruction, index) => {
    const [target, source] = instruction.operands;
    if (instruction.name !== 'msr' || target?.kind !== 'name' || source?.kind !== 'register')
      return;
    const text = expandName(target.text, scope);
    const named = text === undefined ? undefined : systemRegister(text, 'write');
    if (named?.register.isbAfterWrite !== true) return;
    let isMissing = true;
    for (let next = index + 1; next <= index + ISB_DISTANCE; next += 1) {
      const following = instructions[next];
      if (!following) {
        // The code goes on where we do not see it, unless a return ended it.
        isMissing = false;
        break;
      }
      const { name, unknown } = following;
      if (unknown || name === 'isb' || name === 'eret' || name === 'drps') {
        isMissing = false;
        break;
      }
      if (
        /^(?:b|bl|br|blr|ret|svc|hvc|smc|cbn?z|tbn?z)$/.test(name) ||
        branchCondition(name) !== undefined
      )
        break;
    }
    if (!isMissing) return;
    problems.push({
      row: instruction.row,
      ...makeProblem(
        'isb-missing',
        `A write to ${named.register.name} takes effect for later instructions after an ISB; none follows before the next branch or within ${ISB_DISTANCE} instructions.`,
        { start: instruction.statement.name?.start ?? 0, end: instruction.statement.end },
        [
          {
            title: 'Insert isb',
            start: instruction.statement.end,
            end: instruction.statement.end,
            text: '\nisb',
            preferred: true,
          },
        ],
      ),
    });
  });
  return problems;
}

function isSp(operand: Operand | undefined): boolean {
  return operand?.kind === 'register' && operand.register.class === 'sp';
}

/** By how much an instruction moves SP; undefined where it cannot be told. */
function stackChange({ name, operands }: Instruction): bigint | undefined {
  const valueOf = (operand: Operand | undefined): bigint | undefined =>
    operand?.kind === 'immediate' ? operand.value : undefined;
  const at = operands.findIndex((it) => it.kind === 'memory');
  const memory = operands[at];
  if (memory?.kind === 'memory') {
    if (!isSp(memory.parts[0])) return 0n;
    if (memory.writeback) return valueOf(memory.parts[1]);
    const post = operands[at + 1];
    return post ? valueOf(post) : 0n;
  }
  if (!isSp(operands[0]) || /^(?:cmp|cmn|tst)$/.test(name)) return 0n;
  if ((name === 'add' || name === 'sub') && isSp(operands[1]) && operands.length === 3) {
    const value = valueOf(operands[2]);
    return value === undefined ? undefined : name === 'add' ? value : -value;
  }
  return undefined;
}

function registersNotRestored(instructions: readonly Instruction[]): LocatedProblem[] {
  const saved = new Set<number>();
  const reported = new Set<number>();
  const problems: LocatedProblem[] = [];
  for (const { row, name, operands, statement } of instructions) {
    if (/^st/.test(name)) {
      for (const operand of operands) {
        if (operand.kind === 'register' && isGeneral(operand.register))
          saved.add(operand.register.number);
      }
      continue;
    }
    // A copy kept in another register counts as saved, too.
    const [, source] = operands;
    if (name === 'mov' && source?.kind === 'register') saved.add(source.register.number);
    for (const register of writtenRegisters(name, operands) ?? []) {
      if (register < 19 || register > 28 || saved.has(register) || reported.has(register)) continue;
      reported.add(register);
      const target = operands.find(
        (it) => it.kind === 'register' && isGeneral(it.register) && it.register.number === register,
      );
      problems.push({
        row,
        ...makeProblem(
          'aapcs-callee-saved',
          `x${register} belongs to the caller (AAPCS64) and is changed here without having been saved.`,
          target ?? statement,
        ),
      });
    }
  }
  return problems;
}

function stackNotRestored(instructions: readonly Instruction[]): LocatedProblem[] {
  const returns = instructions.filter(({ name }) => name === 'ret');
  const [only] = returns;
  if (returns.length !== 1 || !only || instructions.at(-1) !== only) return [];
  let depth = 0n;
  for (const instruction of instructions) {
    // Other ways out, and loops, make the sum of all lines meaningless.
    if (
      /^(?:b|br|cbn?z|tbn?z)$/.test(instruction.name) ||
      branchCondition(instruction.name) !== undefined
    )
      return [];
    const change = stackChange(instruction);
    if (change === undefined) return [];
    depth += change;
  }
  if (depth === 0n) return [];
  return [
    {
      row: only.row,
      ...makeProblem(
        'aapcs-stack',
        `sp is ${depth < 0n ? `${-depth} bytes lower` : `${depth} bytes higher`} here than at the start of the function.`,
        { start: only.statement.name?.start ?? 0, end: only.statement.end },
      ),
    },
  ];
}

/** All checks of lines `first` to `last`; `isProcedure` where the code is a function that others call. */
export function checkFunction(
  lines: readonly Line[],
  first: number,
  last: number,
  scope: NameScope,
  isMacro: (name: string) => boolean,
  isProcedure: boolean,
): LocatedProblem[] {
  const instructions = instructionsOf(lines, first, last, scope, isMacro);
  const problems = missingBarriers(instructions, scope);
  const returns = instructions.some(({ name }) => name === 'ret');
  if (isProcedure && returns && !instructions.some(({ unknown }) => unknown)) {
    problems.push(...registersNotRestored(instructions), ...stackNotRestored(instructions));
  }
  return problems;
}
