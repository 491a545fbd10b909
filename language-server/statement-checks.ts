/** What is wrong with one statement, as far as the statement itself and the names in reach tell. */
import type { DiagnosticCode } from './diagnostic-codes.ts';
import { allDirectives, isDirective } from './directives.ts';
import type { Line } from './document.ts';
import { formsOf } from './forms.ts';
import { matchForms } from './matching.ts';
import { allMnemonics, branchCondition, mnemonic } from './mnemonics.ts';
import { moveWideSequence } from './immediates.ts';
import { parseOperand } from './operand.ts';
import type { NameScope, Operand } from './operand.ts';
import { isGeneral, looksLikeRegister, parseRegister, widthOf } from './registers.ts';
import type { Statement, Word } from './statement.ts';
import { nearest } from './suggestions.ts';
import {
  allRegisters,
  barriers,
  isGenericName,
  isbNames,
  operationFeature,
  operationKinds,
  operations,
  pstateFieldByName,
  pstateLimit,
  readable,
  systemRegister,
  writable,
} from './system-operands.ts';

export type Severity = 'error' | 'warning' | 'information' | 'hint';

/** One way to put a problem right. */
export interface Fix {
  readonly title: string;
  /** Positions in the line of the problem, unless `line` says another. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** The whole statement is meant, from its mnemonic on. */
  readonly preferred?: boolean;
}

export interface Problem {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly severity: Severity;
  readonly start: number;
  readonly end: number;
  readonly fixes: readonly Fix[];
}

export interface CheckContext {
  readonly scope: NameScope;
  /** Whether the word calls a macro or expands to text that is not known. */
  isMacro(name: string): boolean;
  isDefined(name: string): boolean;
  /** All included files are known, so that an unknown word is really unknown. */
  readonly complete: boolean;
  /** Features of the processor, or undefined where any will do. */
  readonly features: ReadonlySet<string> | undefined;
  /** The exception level that the code runs at, or undefined. */
  readonly targetEL: number | undefined;
}

const severities: Partial<Readonly<Record<DiagnosticCode, Severity>>> = {
  'feature-missing': 'warning',
  'sysreg-el': 'information',
  unpredictable: 'warning',
  'aapcs-callee-saved': 'warning',
  'aapcs-stack': 'warning',
  'aapcs-sp-align16': 'warning',
  'isb-missing': 'hint',
  'symbol-undefined': 'information',
  'include-missing': 'information',
  'not-a64': 'information',
  'annotation-invalid': 'warning',
  'operand-width': 'hint',
};

export function makeProblem(
  code: DiagnosticCode,
  message: string,
  place: { readonly start: number; readonly end: number },
  fixes: readonly Fix[] = [],
  severity: Severity = severities[code] ?? 'error',
): Problem {
  return { code, message, severity, start: place.start, end: place.end, fixes };
}

function replacements(
  word: { readonly start: number; readonly end: number },
  names: readonly string[],
): Fix[] {
  return names.map((text, index) => ({
    title: `Change to ${text}`,
    start: word.start,
    end: word.end,
    text,
    ...(index === 0 && names.length === 1 && { preferred: true }),
  }));
}

const didYouMean = (names: readonly string[]): string =>
  names.length === 0 ? '' : ` Did you mean ${names.join(' or ')}?`;

const mnemonicNames = allMnemonics.map(({ name }) => name);
const registerNames = allRegisters.map(({ name }) => name.toLowerCase());

export function parseOperands(line: Line, statement: Statement, scope: NameScope): Operand[] {
  return statement.operands.map((operand) => parseOperand(line.text, line.tokens, operand, scope));
}

/** The text behind a name that `#define` replaces; undefined where it is not known. */
export function expandName(name: string, scope: NameScope): string | undefined {
  let text = name;
  for (let step = 0; step < 16; step += 1) {
    const next = scope.macroText(text);
    if (next === undefined) return text;
    if (next === null) return undefined;
    text = next.trim();
  }
  return undefined;
}

export function checkStatement(line: Line, statement: Statement, context: CheckContext): Problem[] {
  const { name } = statement;
  if (!name || name.text.includes('\\')) return [];
  if (statement.kind === 'directive') return checkDirective(statement, name, context);
  if (statement.kind !== 'instruction') return [];
  if (context.isMacro(name.text)) return [];
  const known = mnemonic(name.text);
  if (!known) return unknownMnemonic(statement, name, context);
  const problems: Problem[] = [];
  if (!statement.opaque) {
    const operands = parseOperands(line, statement, context.scope);
    problems.push(...checkOperands(statement, name, operands, context));
  }
  if (context.features && known.features.length > 0) {
    const missing = known.features.filter((it) => context.features?.has(it) === false);
    if (missing.length > 0) {
      problems.push(
        makeProblem(
          'feature-missing',
          `${name.text} needs ${missing.join(' and ')}, which the chosen processor does not have.`,
          name,
        ),
      );
    }
  }
  return problems;
}

function unknownMnemonic(statement: Statement, name: Word, context: CheckContext): Problem[] {
  // A line that starts with something else than a word cannot be a macro's call.
  if (!/^[A-Za-z_.$]/.test(name.text)) {
    return statement.opaque && /^[A-Za-z_.$\\]/.test(name.text)
      ? []
      : [makeProblem('mnemonic-unknown', `"${name.text.slice(0, 40)}" is no instruction.`, name)];
  }
  const names = nearest(name.text, mnemonicNames);
  // With a missing include the word may well be a macro of it.
  if (!context.complete) {
    return names.length === 0 || /[A-Z_]/.test(name.text)
      ? []
      : [
          makeProblem(
            'mnemonic-unknown',
            `"${name.text}" is no instruction; it may be a macro of a file that was not found.${didYouMean(names)}`,
            name,
            replacements(name, names),
            'information',
          ),
        ];
  }
  return [
    makeProblem(
      'mnemonic-unknown',
      `"${name.text.slice(0, 60)}" is no instruction and no macro in reach.${didYouMean(names)}`,
      name,
      replacements(name, names),
    ),
  ];
}

function checkDirective(statement: Statement, name: Word, context: CheckContext): Problem[] {
  if (isDirective(name.text) || context.isMacro(name.text)) {
    const [alias, register] = statement.operands;
    if (name.text.toLowerCase() === '.req' && alias && register && !statement.opaque) {
      const target = expandName(register.text, context.scope);
      const resolved =
        target === undefined ? undefined : (context.scope.registerAlias(target) ?? target);
      if (resolved !== undefined && !parseRegister(resolved) && context.complete) {
        return [makeProblem('register-unknown', `"${register.text}" is no register.`, register)];
      }
    }
    return [];
  }
  const names = nearest(name.text, allDirectives);
  if (!context.complete && names.length === 0) return [];
  return [
    makeProblem(
      'directive-unknown',
      `Unknown directive ${name.text}.${didYouMean(names)}`,
      name,
      replacements(name, names),
      context.complete ? 'error' : 'information',
    ),
  ];
}

function checkOperands(
  statement: Statement,
  name: Word,
  operands: readonly Operand[],
  context: CheckContext,
): Problem[] {
  const unknown = unknownRegisters(operands, context);
  if (unknown.length > 0) return unknown;
  const lower = name.text.toLowerCase();
  if (lower === 'mrs' || lower === 'msr')
    return checkSystemRegister(lower, name, operands, context);
  if (operationKinds.has(lower) && lower !== 'tlbip' && !lower.startsWith('g')) {
    return checkOperation(lower, name, operands, context);
  }
  if (lower === 'dsb' || lower === 'dmb' || lower === 'isb') {
    return checkBarrier(lower, name, operands);
  }
  const forms =
    branchCondition(lower) !== undefined
      ? formsOf('cbz')
          ?.slice(0, 1)
          .map((it) => it.slice(1))
      : formsOf(lower);
  const problems: Problem[] = [];
  if (forms) {
    const isVector = operands.some(
      (it) =>
        it.kind === 'list' ||
        it.kind === 'malformed' ||
        (it.kind === 'register' && /^[vzp]$|^za$/.test(it.register.class)),
    );
    const takesVector = forms.some((form) => form.some(({ kind }) => kind === 'vector'));
    const best = matchForms(forms, operands, name.end);
    const isMalformed = operands.some((it) => it.kind === 'malformed');
    if (
      best &&
      best.mismatches.length > 0 &&
      (!isVector || isMalformed || (takesVector && operands.every((it) => it.kind === 'register')))
    ) {
      // A vector form that the table lacks is not an error of the program.
      const isLenient = isVector && !isMalformed;
      if (!isLenient) {
        const [first] = best.mismatches;
        if (first) {
          problems.push(
            makeProblem(
              first.code,
              first.message,
              first,
              fixesFor(first.code, statement, operands, name),
            ),
          );
        }
      }
    }
  }
  if (problems.length === 0) problems.push(...checkUnpredictable(lower, operands));
  if (problems.length === 0) problems.push(...checkStackAlignment(lower, operands));
  return problems;
}

function unknownRegisters(operands: readonly Operand[], context: CheckContext): Problem[] {
  const problems: Problem[] = [];
  const look = (operand: Operand): void => {
    if (operand.kind === 'memory') operand.parts.forEach(look);
    if (operand.kind !== 'name' || !looksLikeRegister(operand.text)) return;
    if (context.isDefined(operand.text) || context.scope.macroText(operand.text) !== undefined)
      return;
    const number = Number(operand.text.slice(1));
    const letter = operand.text[0]?.toLowerCase() ?? 'x';
    const names = number === 31 ? (letter === 'x' ? ['xzr', 'sp'] : ['wzr', 'wsp']) : [];
    problems.push(
      makeProblem(
        'register-unknown',
        `There is no register ${operand.text}.${didYouMean(names)}`,
        operand,
        replacements(operand, names),
      ),
    );
  };
  operands.forEach(look);
  return problems;
}

function fixesFor(
  code: DiagnosticCode,
  statement: Statement,
  operands: readonly Operand[],
  name: Word,
): Fix[] {
  const [target, source] = operands;
  if (
    code === 'imm-mov' &&
    target?.kind === 'register' &&
    source?.kind === 'immediate' &&
    source.value !== undefined
  ) {
    const width = widthOf(target.register);
    const place = { start: name.start, end: statement.end };
    const hex = `0x${BigInt.asUintN(width, source.value).toString(16)}`;
    return [
      {
        ...place,
        title: 'Use movz and movk',
        text: moveWideSequence(target.text, source.value, width).join('\n'),
      },
      { ...place, title: 'Load it from the literal pool', text: `ldr ${target.text}, =${hex}` },
    ];
  }
  if (code === 'reg-width') {
    return operands.flatMap((operand) => {
      if (operand.kind !== 'register' || !isGeneral(operand.register)) return [];
      const first = operands[0];
      const wanted =
        first && first !== operand && first.kind === 'register' ? first.register.class : undefined;
      if ((wanted !== 'x' && wanted !== 'w') || !/^[xw]\d+$/i.test(operand.text)) return [];
      if (operand.text.toLowerCase().startsWith(wanted)) return [];
      const text = `${wanted}${operand.text.slice(1)}`;
      return [{ title: `Use ${text}`, start: operand.start, end: operand.end, text }];
    });
  }
  return [];
}

function checkSystemRegister(
  lower: 'mrs' | 'msr',
  name: Word,
  operands: readonly Operand[],
  context: CheckContext,
): Problem[] {
  const reads = lower === 'mrs';
  const general = reads ? operands[0] : operands[1];
  const system = reads ? operands[1] : operands[0];
  if (!system || !general) {
    return [
      makeProblem(
        'operand-missing',
        reads ? 'mrs needs Xt and a system register.' : 'msr needs a system register and Xt.',
        name,
      ),
    ];
  }
  const extra = operands[2];
  if (extra) return [makeProblem('operand-extra', `${lower} takes two operands.`, extra)];
  const problems: Problem[] = [];
  if (system.kind === 'name') {
    const text = expandName(system.text, context.scope);
    if (text === undefined) return [];
    const field = reads ? undefined : pstateFieldByName(text);
    if (field && general.kind !== 'register') {
      if (general.kind !== 'immediate' || general.value === undefined) return [];
      const limit = pstateLimit(field);
      if (general.value < 0n || general.value > 15n) {
        return [makeProblem('imm-range', `${general.value} is out of range: 0-${limit}.`, general)];
      }
      return general.value > BigInt(limit)
        ? [makeProblem('imm-range', `${text} has one bit: 0 or 1.`, general, [], 'warning')]
        : [];
    }
    problems.push(...checkAccess(text, reads, system, context));
  } else if (system.kind === 'register' || system.kind === 'memory' || system.kind === 'literal') {
    problems.push(
      makeProblem('operand-kind', `Expected a system register, found ${system.text}.`, system),
    );
  }
  if (general.kind === 'register') {
    if (!isGeneral(general.register) || widthOf(general.register) !== 64) {
      problems.push(
        makeProblem(
          'reg-width',
          `${lower} needs an X register, not ${general.text}.`,
          general,
          /^w\d+$/i.test(general.text) ? replacements(general, [`x${general.text.slice(1)}`]) : [],
        ),
      );
    }
  } else if (general.kind !== 'opaque') {
    const isField = general.kind === 'immediate' && !reads;
    problems.push(
      makeProblem(
        'operand-kind',
        isField
          ? `Only fields of PSTATE take an immediate, and ${system.text} is none.`
          : `${lower} needs an X register.`,
        general,
      ),
    );
  }
  return problems;
}

function checkAccess(
  text: string,
  reads: boolean,
  place: { readonly start: number; readonly end: number },
  context: CheckContext,
): Problem[] {
  if (isGenericName(text)) return [];
  const found = systemRegister(text, reads ? 'read' : 'write');
  if (!found) {
    const candidates = allRegisters
      .filter((it) => (reads ? readable(it) : writable(it)))
      .map((it) => it.name.toLowerCase());
    const names = nearest(text, candidates.length > 0 ? candidates : registerNames);
    if (!context.complete && names.length === 0) return [];
    if (/^s\d_\d_c\d+_c\d+_\d+$/i.test(text)) {
      return [
        makeProblem(
          'sysreg-unknown',
          `${text} is no encoding: S<0-3>_<0-7>_C<0-15>_C<0-15>_<0-7>.`,
          place,
        ),
      ];
    }
    return [
      makeProblem(
        'sysreg-unknown',
        `Unknown system register ${text}.${didYouMean(names)}`,
        place,
        replacements(place, names),
      ),
    ];
  }
  const { register } = found;
  const problems: Problem[] = [];
  if (reads && !readable(register)) {
    problems.push(makeProblem('sysreg-writeonly', `${register.name} can only be written.`, place));
  } else if (!reads && !writable(register)) {
    problems.push(makeProblem('sysreg-readonly', `${register.name} can only be read.`, place));
  }
  const { features, targetEL } = context;
  if (features && register.feature.startsWith('FEAT_') && !features.has(register.feature)) {
    problems.push(
      makeProblem(
        'feature-missing',
        `${register.name} needs ${register.feature}, which the chosen processor does not have.`,
        place,
        [],
        'information',
      ),
    );
  }
  if (targetEL !== undefined && register.minEL > targetEL) {
    problems.push(
      makeProblem(
        'sysreg-el',
        `${register.name} belongs to EL${register.minEL}; this code is meant for EL${targetEL}.`,
        place,
      ),
    );
  }
  return problems;
}

function checkOperation(
  kind: string,
  name: Word,
  operands: readonly Operand[],
  context: CheckContext,
): Problem[] {
  const [first, second, third] = operands;
  if (!first) return [makeProblem('operand-missing', `${kind} needs an operation.`, name)];
  if (first.kind !== 'name') return [];
  const known = operations(kind);
  const operation = known.find((it) => it.name.toLowerCase() === first.text.toLowerCase());
  if (!operation) {
    const names = nearest(
      first.text,
      known.map((it) => it.name.toLowerCase()),
    );
    return [
      makeProblem(
        'option-unknown',
        `${kind} has no operation ${first.text}.${didYouMean(names)}`,
        first,
        replacements(first, names),
      ),
    ];
  }
  if (operation.register && !second) {
    return [makeProblem('operand-missing', `${kind} ${first.text} needs Xt.`, first)];
  }
  if (!operation.register && second) {
    return [
      makeProblem('operand-extra', `${kind} ${first.text} takes no register.`, second, [
        {
          title: 'Remove the operand',
          start: first.end,
          end: second.end,
          text: '',
          preferred: true,
        },
      ]),
    ];
  }
  if (third) return [makeProblem('operand-extra', `${kind} takes no third operand.`, third)];
  if (second?.kind === 'register' && second.register.class !== 'x') {
    return [makeProblem('reg-width', `${kind} ${first.text} needs an X register.`, second)];
  }
  const feature = operationFeature(operation);
  if (feature !== undefined && context.features?.has(feature) === false) {
    return [
      makeProblem(
        'feature-missing',
        `${kind} ${first.text} needs ${feature}, which the chosen processor does not have.`,
        first,
        [],
        'information',
      ),
    ];
  }
  return [];
}

function checkBarrier(kind: string, name: Word, operands: readonly Operand[]): Problem[] {
  const [option, extra] = operands;
  if (extra) return [makeProblem('operand-extra', `${kind} takes one option.`, extra)];
  if (!option) {
    return kind === 'isb'
      ? []
      : [makeProblem('operand-missing', `${kind} needs an option, such as sy or ish.`, name)];
  }
  if (option.kind === 'immediate') {
    const { value } = option;
    if (value === undefined || (value >= 0n && value <= 15n)) return [];
    if (kind === 'dsb' && [16n, 20n, 24n, 28n].includes(value)) return [];
    return [makeProblem('imm-range', `${value} is out of range: 0-15.`, option)];
  }
  if (option.kind === 'opaque') return [];
  const names =
    kind === 'isb'
      ? isbNames
      : barriers.filter(({ nXS }) => !nXS || kind === 'dsb').map((it) => it.name);
  const text = option.text.toLowerCase();
  if (
    option.kind === 'name' &&
    (option.value !== undefined || names.some((it) => it.toLowerCase() === text))
  ) {
    return [];
  }
  const close = nearest(
    option.text,
    names.map((it) => it.toLowerCase()),
  );
  return [
    makeProblem(
      'option-unknown',
      `${kind} has no option ${option.text}.${didYouMean(close)}`,
      option,
      replacements(option, close),
    ),
  ];
}

/** CONSTRAINED UNPREDICTABLE uses of one register twice. */
function checkUnpredictable(lower: string, operands: readonly Operand[]): Problem[] {
  // The tag stores read tags from the register that they write back.
  if (!/^(?:ld|st)/.test(lower) || /^stz?2?g$/.test(lower)) return [];
  const numberOf = (operand: Operand | undefined): number | undefined =>
    operand?.kind === 'register' && isGeneral(operand.register)
      ? operand.register.number
      : undefined;
  const [first, second] = operands;
  const scalarPair =
    first?.kind === 'register' &&
    second?.kind === 'register' &&
    first.register.class === second.register.class;
  if (
    /^(?:ldp|ldnp|ldpsw|ldxp|ldaxp)$/.test(lower) &&
    scalarPair &&
    first.register.number === second.register.number
  ) {
    return [
      makeProblem(
        'unpredictable',
        `Both results go to ${second.text}: CONSTRAINED UNPREDICTABLE.`,
        second,
      ),
    ];
  }
  if (/^stl?x[rp]/.test(lower)) {
    const status = numberOf(first);
    const clash = operands.slice(1).find((operand) => {
      const inner = operand.kind === 'memory' ? operand.parts[0] : operand;
      return (
        inner?.kind === 'register' && inner.register.class !== 'sp' && numberOf(inner) === status
      );
    });
    if (status !== undefined && clash && status !== 31) {
      return [
        makeProblem(
          'unpredictable',
          `The status register is also used by ${clash.text}: CONSTRAINED UNPREDICTABLE.`,
          clash,
        ),
      ];
    }
    return [];
  }
  const at = operands.findIndex((it) => it.kind === 'memory');
  const memory = operands[at];
  if (memory?.kind !== 'memory') return [];
  const base = memory.parts[0];
  const writesBack = memory.writeback || (at >= 0 && operands[at + 1]?.kind === 'immediate');
  if (!writesBack || base?.kind !== 'register' || base.register.class === 'sp') return [];
  const clash = operands.slice(0, at).find((it) => numberOf(it) === base.register.number);
  return clash
    ? [
        makeProblem(
          'unpredictable-writeback',
          `${clash.text} is transferred and, as the base, written back: CONSTRAINED UNPREDICTABLE.`,
          clash,
        ),
      ]
    : [];
}

function checkStackAlignment(lower: string, operands: readonly Operand[]): Problem[] {
  const isSp = (operand: Operand | undefined): boolean =>
    operand?.kind === 'register' && operand.register.class === 'sp';
  let offset: Operand | undefined;
  if ((lower === 'sub' || lower === 'add') && isSp(operands[0]) && isSp(operands[1])) {
    offset = operands.length === 3 ? operands[2] : undefined;
  } else {
    const at = operands.findIndex((it) => it.kind === 'memory');
    const memory = operands[at];
    if (memory?.kind === 'memory' && isSp(memory.parts[0])) {
      offset = memory.writeback ? memory.parts[1] : operands[at + 1];
    }
  }
  if (offset?.kind !== 'immediate' || offset.value === undefined || offset.value % 16n === 0n)
    return [];
  return [
    makeProblem(
      'aapcs-sp-align16',
      `sp must stay a multiple of 16; this changes it by ${offset.value}.`,
      offset,
    ),
  ];
}
