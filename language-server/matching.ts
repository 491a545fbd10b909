/** Compares the operands of a statement with the forms of its mnemonic. */
import { conditionByName } from './conditions.ts';
import { prefetchOperations } from '../emulator/sysregs/catalogue.ts';
import { amountsText, memoryText, specText } from './forms.ts';
import type { Form, MemorySpec, OperandSpec } from './forms.ts';
import {
  fitsRegister,
  isAddImmediate,
  isBitmask,
  isMovImmediate,
  nearestBitmasks,
} from './immediates.ts';
import type { Operand } from './operand.ts';
import { isGeneral, looksLikeRegister, widthOf } from './registers.ts';
import type { DiagnosticCode } from './diagnostic-codes.ts';

export interface Mismatch {
  readonly code: DiagnosticCode;
  readonly message: string;
  /** Positions in the line. */
  readonly start: number;
  readonly end: number;
}

const bits = (value: bigint): string =>
  value < 0n
    ? value.toString()
    : value < 10n
      ? value.toString()
      : `${value} (0x${value.toString(16)})`;

function problem(operand: Operand, code: DiagnosticCode, message: string): Mismatch {
  return { code, message, start: operand.start, end: operand.end };
}

/** The constant an operand stands for, and whether it can be one at all. */
function constant(operand: Operand): { readonly possible: boolean; readonly value?: bigint } {
  if (operand.kind === 'immediate') {
    if (operand.relocation !== undefined) return { possible: true };
    if (operand.real !== undefined) return { possible: false };
    return { possible: true, ...(operand.value !== undefined && { value: operand.value }) };
  }
  if (operand.kind === 'name') {
    if (looksLikeRegister(operand.text)) return { possible: false };
    return { possible: true, ...(operand.value !== undefined && { value: operand.value }) };
  }
  return { possible: false };
}

function expected(spec: OperandSpec, operand: Operand): Mismatch {
  const found =
    operand.kind === 'register'
      ? `the register ${operand.text}`
      : operand.kind === 'memory'
        ? 'a memory operand'
        : operand.kind === 'malformed'
          ? 'something that cannot be read'
          : `"${operand.text.slice(0, 40)}"`;
  return problem(operand, 'operand-kind', `Expected ${describe(spec)}, found ${found}.`);
}

function describe(spec: OperandSpec): string {
  switch (spec.kind) {
    case 'general':
      return `${spec.width === 64 ? 'an X' : 'a W'} register${spec.sp ? ' or the stack pointer' : ''}`;
    case 'scalar':
      return `${'bhsdq'.includes(spec.size) && spec.size === 'h' ? 'an' : spec.size === 's' ? 'an' : 'a'} ${spec.size.toUpperCase()} register`;
    case 'vector':
      return 'a V register';
    case 'condition':
      return 'a condition such as eq';
    case 'label':
      return 'a label';
    case 'memory':
      return 'a memory operand such as [x0]';
    case 'shift':
      return `a shift or extension (${spec.shifts.join(', ')})`;
    case 'option':
      return spec.set === 'prefetch' ? 'a prefetch operation' : 'c, j or jc';
    case 'literal':
      return 'a literal such as =value';
    case 'immediate':
    case 'width':
    case 'addImmediate':
    case 'bitmask':
    case 'movImmediate':
    case 'floatImmediate':
    case 'zero':
      return `an immediate (${specText(spec)})`;
  }
}

function matchOperand(
  spec: OperandSpec,
  operand: Operand,
  earlier: readonly Operand[],
): Mismatch | undefined {
  if (operand.kind === 'opaque') return undefined;
  switch (spec.kind) {
    case 'general': {
      if (operand.kind !== 'register' || operand.lane) return expected(spec, operand);
      const { register } = operand;
      if (!isGeneral(register)) return expected(spec, operand);
      if (widthOf(register) !== spec.width) {
        return problem(
          operand,
          'reg-width',
          `${operand.text} is ${widthOf(register)} bits wide; ${spec.width === 64 ? 'an X' : 'a W'} register is needed here.`,
        );
      }
      const isSp = register.class === 'sp' || register.class === 'wsp';
      if (isSp && !spec.sp) return expected(spec, operand);
      if (!isSp && register.number === 31 && spec.sp) return expected(spec, operand);
      return undefined;
    }
    case 'scalar':
      if (operand.kind !== 'register' || operand.lane) return expected(spec, operand);
      if (operand.register.class === spec.size) return undefined;
      return 'bhsdq'.includes(operand.register.class)
        ? problem(
            operand,
            'reg-width',
            `${operand.text} has the wrong size; expected ${describe(spec)}.`,
          )
        : expected(spec, operand);
    case 'vector':
      return operand.kind === 'register' && /^[vzp]$|^za$/.test(operand.register.class)
        ? undefined
        : expected(spec, operand);
    case 'immediate': {
      if (spec.name === 'Cn') {
        return operand.kind === 'name' && /^c(?:1[0-5]|\d)$/i.test(operand.text)
          ? undefined
          : expected(spec, operand);
      }
      const { possible, value } = constant(operand);
      if (!possible) return expected(spec, operand);
      if (value === undefined) return undefined;
      if (value >= spec.min && value <= spec.max && value % spec.step === 0n) return undefined;
      const step = spec.step === 1n ? '' : ` in steps of ${spec.step}`;
      return problem(
        operand,
        'imm-range',
        `${bits(value)} is out of range: ${spec.min}${spec.min < 0n ? '..' : '-'}${spec.max}${step}.`,
      );
    }
    case 'width': {
      const { possible, value } = constant(operand);
      if (!possible) return expected(spec, operand);
      if (value === undefined) return undefined;
      const previous = earlier.at(-1);
      const lsb = previous ? (constant(previous).value ?? 0n) : 0n;
      const limit = BigInt(spec.bits) - (lsb > 0n && lsb < BigInt(spec.bits) ? lsb : 0n);
      return value >= 1n && value <= limit
        ? undefined
        : problem(operand, 'imm-range', `A width of ${value} is out of range: 1-${limit}.`);
    }
    case 'addImmediate': {
      const { possible, value } = constant(operand);
      if (!possible) return expected(spec, operand);
      if (value === undefined || isAddImmediate(value)) return undefined;
      return problem(
        operand,
        'imm-range',
        `${bits(value)} cannot be encoded: 0-4095, or a multiple of 4096 up to 0xfff000.`,
      );
    }
    case 'bitmask': {
      const { possible, value } = constant(operand);
      if (!possible) return expected(spec, operand);
      if (value === undefined) return undefined;
      const all = (1n << BigInt(spec.width)) - 1n;
      const wanted = spec.inverted ? ~value & all : value;
      if (fitsRegister(value, spec.width) && isBitmask(wanted, spec.width)) return undefined;
      const nearest = nearestBitmasks(wanted, spec.width)
        .map((it) => `0x${(spec.inverted ? ~it & all : it).toString(16)}`)
        .join(' and ');
      return problem(
        operand,
        'imm-bitmask',
        `${bits(value)} is no bitmask immediate: ones must form one run, repeated and rotated.${nearest === '' ? '' : ` The nearest are ${nearest}.`}`,
      );
    }
    case 'movImmediate': {
      const { possible, value } = constant(operand);
      if (!possible) return expected(spec, operand);
      if (value === undefined || isMovImmediate(value, spec.width)) return undefined;
      return problem(
        operand,
        'imm-mov',
        `${bits(value)} does not fit one MOVZ, MOVN or ORR: use MOVZ and MOVK, or load it from the literal pool.`,
      );
    }
    case 'floatImmediate':
      return operand.kind === 'immediate' ? undefined : expected(spec, operand);
    case 'zero':
      if (operand.kind !== 'immediate') return expected(spec, operand);
      return operand.real === 0 ||
        operand.value === 0n ||
        (operand.real === undefined && operand.value === undefined)
        ? undefined
        : problem(operand, 'imm-range', 'Only #0.0 can be compared with.');
    case 'shift': {
      if (operand.kind !== 'shift') return expected(spec, operand);
      if (!spec.shifts.includes(operand.shift)) return expected(spec, operand);
      if (!operand.known) return undefined;
      if (operand.amount === undefined) {
        return spec.amountNeeded || operand.shift === 'lsl'
          ? problem(operand, 'operand-missing', `${operand.shift} needs an amount.`)
          : undefined;
      }
      const amount = Number(operand.amount);
      return spec.amounts.includes(amount)
        ? undefined
        : problem(
            operand,
            'imm-shift',
            `A shift by ${operand.amount} cannot be encoded here: ${amountsText(spec.amounts)}.`,
          );
    }
    case 'condition':
      return operand.kind === 'name' && conditionByName(operand.text)
        ? undefined
        : expected(spec, operand);
    case 'label':
      if (operand.kind === 'name') {
        return looksLikeRegister(operand.text) ? expected(spec, operand) : undefined;
      }
      return operand.kind === 'immediate' && operand.real === undefined
        ? undefined
        : expected(spec, operand);
    case 'literal':
      return operand.kind === 'literal' ? undefined : expected(spec, operand);
    case 'option':
      return matchOption(spec, operand);
    case 'memory':
      return matchMemory(spec, operand);
  }
}

function matchOption(
  spec: OperandSpec & { readonly kind: 'option' },
  operand: Operand,
): Mismatch | undefined {
  if (operand.kind === 'name') {
    const name = operand.text.toLowerCase();
    const known =
      spec.set === 'bti'
        ? ['c', 'j', 'jc', 'r'].includes(name)
        : prefetchOperations.some((it) => it.name === name) || operand.value !== undefined;
    return known
      ? undefined
      : problem(operand, 'option-unknown', `"${operand.text}" is not ${describe(spec)}.`);
  }
  if (spec.set === 'prefetch' && operand.kind === 'immediate') {
    const { value } = operand;
    return value === undefined || (value >= 0n && value <= 31n)
      ? undefined
      : problem(operand, 'imm-range', `${bits(value)} is out of range: 0-31.`);
  }
  return expected(spec, operand);
}

function matchMemory(spec: MemorySpec, operand: Operand): Mismatch | undefined {
  if (operand.kind !== 'memory') return expected(spec, operand);
  const { parts, writeback, closed } = operand;
  if (!closed)
    return problem(operand, 'operand-kind', 'The memory operand has no closing bracket.');
  const [base, offset, extension] = parts;
  if (!base) return problem(operand, 'operand-missing', 'The memory operand has no base register.');
  if (base.kind !== 'register' || !isGeneral(base.register)) {
    return problem(base, 'operand-kind', 'The base must be an X register or sp.');
  }
  if (widthOf(base.register) !== 64) {
    return problem(base, 'reg-width', `The base must be an X register or sp, not ${base.text}.`);
  }
  if (base.register.class === 'x' && base.register.number === 31) {
    return problem(base, 'operand-kind', 'The zero register cannot be a base; sp can.');
  }
  if (writeback && !spec.preIndex) {
    return problem(operand, 'operand-kind', 'This instruction has no form with writeback.');
  }
  if (!offset) {
    return writeback
      ? problem(operand, 'operand-missing', 'Writeback needs an offset: [Xn, #imm]!')
      : undefined;
  }
  if (offset.kind === 'immediate' || offset.kind === 'name') {
    if (extension)
      return problem(extension, 'operand-extra', 'An immediate offset takes no shift.');
    const { possible, value } = constant(offset);
    if (!possible) return problem(offset, 'operand-kind', `"${offset.text}" is no offset.`);
    if (value === undefined) return undefined;
    const ranges = writeback && spec.preIndex ? [spec.preIndex] : spec.offsets;
    const number = Number(value);
    const fits = ranges.some(
      ({ min, max, step }) => number >= min && number <= max && number % step === 0,
    );
    if (fits) return undefined;
    const text = memoryText({ kind: 'memory', offsets: ranges });
    return problem(
      offset,
      'imm-range',
      text === ''
        ? 'This instruction takes no offset.'
        : `An offset of ${bits(value)} cannot be encoded: ${text}.`,
    );
  }
  if (offset.kind !== 'register' || !isGeneral(offset.register)) {
    return problem(offset, 'operand-kind', `"${offset.text}" is no offset.`);
  }
  if (spec.registerShift === undefined || writeback) {
    return problem(offset, 'operand-kind', 'This form takes no register as its offset.');
  }
  if (offset.register.class === 'sp' || offset.register.class === 'wsp') {
    return problem(offset, 'operand-kind', 'The stack pointer cannot be an offset.');
  }
  const wide = widthOf(offset.register) === 64;
  const allowed = wide ? ['lsl', 'sxtx'] : ['uxtw', 'sxtw'];
  if (!extension) {
    return wide
      ? undefined
      : problem(
          offset,
          'reg-width',
          `A W register as offset needs uxtw or sxtw: [${base.text}, ${offset.text}, uxtw].`,
        );
  }
  if (extension.kind === 'opaque') return undefined;
  if (extension.kind !== 'shift' || !allowed.includes(extension.shift)) {
    return problem(
      extension,
      'operand-kind',
      `Expected ${allowed.join(' or ')} after ${offset.text}.`,
    );
  }
  if (!extension.known) return undefined;
  if (extension.amount === undefined) {
    return extension.shift === 'lsl'
      ? problem(extension, 'operand-missing', 'lsl needs an amount.')
      : undefined;
  }
  const amounts = spec.registerShift === 0 ? [0] : [0, spec.registerShift];
  return amounts.includes(Number(extension.amount))
    ? undefined
    : problem(
        extension,
        'imm-shift',
        `A shift by ${extension.amount} cannot be encoded here: ${amountsText(amounts)}.`,
      );
}

const rank: Readonly<Record<string, number>> = {
  'imm-range': 0,
  'imm-bitmask': 0,
  'imm-mov': 0,
  'imm-shift': 0,
  'reg-width': 1,
  'option-unknown': 2,
  'operand-missing': 3,
  'operand-extra': 3,
  'operand-kind': 4,
};

/** With a shift written out, the immediate of ADD is its 12 bits alone. */
function matchShifted(
  spec: OperandSpec,
  operand: Operand,
  next: Operand | undefined,
): Mismatch | undefined {
  if (spec.kind !== 'addImmediate' || next?.kind !== 'shift') return undefined;
  const { value } = constant(operand);
  if (value === undefined || (value >= -4095n && value <= 4095n)) return undefined;
  return problem(operand, 'imm-range', `${bits(value)} is out of range before a shift: 0-4095.`);
}

interface FormResult {
  readonly form: Form;
  readonly mismatches: readonly Mismatch[];
  readonly score: number;
}

function matchForm(form: Form, operands: readonly Operand[], mnemonicEnd: number): FormResult {
  const mismatches: Mismatch[] = [];
  let score = 0;
  form.forEach((spec, index) => {
    const operand = operands[index];
    if (!operand) {
      if (spec.kind === 'shift' && spec.optional) return;
      const end = operands.at(-1)?.end ?? mnemonicEnd;
      mismatches.push({
        code: 'operand-missing',
        message: `An operand is missing: ${form.map(specText).join(', ')}.`,
        start: operands.at(-1)?.start ?? end,
        end,
      });
      score += 10;
      return;
    }
    const mismatch =
      matchOperand(spec, operand, operands.slice(0, index)) ??
      matchShifted(spec, operand, operands[index + 1]);
    if (!mismatch) return;
    mismatches.push(mismatch);
    score += 6 + (rank[mismatch.code] ?? 5);
  });
  for (const extra of operands.slice(form.length)) {
    if (extra.kind === 'opaque') continue;
    mismatches.push(problem(extra, 'operand-extra', `No form takes this operand.`));
    score += 10;
  }
  return { form, mismatches, score };
}

/** The form that fits best, and what keeps it from fitting; ties go to the first. */
export function matchForms(
  forms: readonly Form[],
  operands: readonly Operand[],
  mnemonicEnd: number,
): FormResult | undefined {
  let best: FormResult | undefined;
  for (const form of forms) {
    const result = matchForm(form, operands, mnemonicEnd);
    if (result.mismatches.length === 0) return result;
    if (!best || result.score < best.score) best = result;
  }
  return best;
}
