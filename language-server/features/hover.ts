/** What the editor shows about the word under the pointer. */
import { MarkupKind } from 'vscode-languageserver';
import type { Hover, Location, Position } from 'vscode-languageserver';
import { commentRegisterAt } from '../comment-registers.ts';
import { conditionByName } from '../conditions.ts';
import { constantsBefore, flagSetter } from '../constants.ts';
import { cursorAt, rangeOf } from '../cursor.ts';
import type { Cursor } from '../cursor.ts';
import { instructionText, syndromeText } from '../decode-text.ts';
import { dataSize, directiveSummary } from '../directives.ts';
import { lineContent } from '../document.ts';
import { encodeStatement } from '../encode.ts';
import { formsOf, specExplanation, specText } from '../forms.ts';
import { matchForms } from '../matching.ts';
import { branchCondition, mnemonic } from '../mnemonics.ts';
import { parseRegister, registerKind, registerRole, isGeneral } from '../registers.ts';
import { TokenKind } from '../scanner.ts';
import { expandName, parseOperands } from '../statement-checks.ts';
import type { Statement, Word } from '../statement.ts';
import {
  barriers,
  decodeValue,
  describeField,
  describeOperation,
  describeRegister,
  operationKinds,
  operations,
  pstateFieldByName,
  systemRegister,
} from '../system-operands.ts';
import { commentAbove, directiveSize } from '../symbols.ts';
import { evaluate, parseInteger } from '../expression.ts';
import type { IndexedFile, Unit, Workspace } from '../workspace.ts';

/** What a hover says beyond what assembly itself says. */
interface Surroundings {
  /** Of symbols of the program that is debugged. */
  readonly addresses?: ReadonlyMap<string, bigint>;
  /** Uses of a symbol in other languages. */
  readonly hostUses: (uri: string, name: string) => readonly Location[];
}

export function hover(
  workspace: Workspace,
  file: IndexedFile,
  position: Position,
  surroundings: Surroundings,
): Hover | undefined {
  const cursor = cursorAt(file.document, position);
  if (cursor?.inComment === true) return commentHover(cursor);
  if (!cursor?.word) return undefined;
  const unit = workspace.unit(file.document.uri);
  const text = describe(workspace, file, unit, cursor, cursor.word, surroundings);
  if (text === undefined || text === '') return undefined;
  return {
    contents: { kind: MarkupKind.Markdown, value: text },
    range: rangeOf(cursor.row, cursor.word),
  };
}

function commentHover({ line, row, character }: Cursor): Hover | undefined {
  const found = commentRegisterAt(line, character);
  if (!found) return undefined;
  const { register, field } = found;
  const value = field
    ? describeField(register, field)
    : describeRegister({ register, generic: false });
  return { contents: { kind: MarkupKind.Markdown, value }, range: rangeOf(row, found) };
}

function describe(
  workspace: Workspace,
  file: IndexedFile,
  unit: Unit,
  cursor: Cursor,
  word: Word,
  surroundings: Surroundings,
): string | undefined {
  const { statement } = cursor;
  const name = statement?.name;
  if (statement && name && cursor.character <= name.end && cursor.character >= name.start) {
    return (
      describeMacro(workspace, unit, name.text) ??
      describeDefine(workspace, unit, name.text) ??
      describeMnemonic(workspace, file, unit, cursor, statement) ??
      describeDirective(name.text)
    );
  }
  const lower = name?.text.toLowerCase() ?? '';
  const scope = workspace.scope(file.document.uri, unit, cursor.row);
  if (statement?.kind === 'instruction') {
    if ((lower === 'mrs' || lower === 'msr') && cursor.wordKind === TokenKind.identifier) {
      const isSystem = cursor.operandIndex === (lower === 'mrs' ? 1 : 0);
      const text = isSystem ? expandName(word.text, scope) : undefined;
      const named =
        text === undefined ? undefined : systemRegister(text, lower === 'mrs' ? 'read' : 'write');
      if (named)
        return describeRegister(named, writtenConstant(workspace, file, unit, cursor, statement));
      const field = text === undefined ? undefined : pstateFieldByName(text);
      if (field) {
        return `**${field.name}** — field of PSTATE; MSR (immediate) op1=${field.op1} op2=${field.op2}${/^daif(?:set|clr)$/i.test(field.name) ? '\n\nbits of the immediate: 8 D (debug), 4 A (SError), 2 I (IRQ), 1 F (FIQ)' : ''}`;
      }
    }
    if (operationKinds.has(lower) && cursor.operandIndex === 0) {
      const operation = operations(lower).find(
        (it) => it.name.toLowerCase() === word.text.toLowerCase(),
      );
      if (operation) return describeOperation(operation);
    }
    if (lower === 'dsb' || lower === 'dmb') {
      const option = barriers.find((it) => it.name.toLowerCase() === word.text.toLowerCase());
      if (option) {
        return `**${lower} ${option.name}** — ${option.text}, CRm 0b${option.encoding.toString(2).padStart(4, '0')}`;
      }
    }
    if (
      /^(?:c?cs|csel|cset|cinc|cinv|cneg|ccm|fcsel|fccmp)/.test(lower) &&
      cursor.operandIndex > 0
    ) {
      const condition = conditionByName(word.text);
      if (condition) return `**${word.text}** — ${condition.meaning}: ${condition.flags}`;
    }
  }
  const alias = scope.registerAlias(word.text);
  const register = parseRegister(alias ?? word.text);
  if (register && (alias !== undefined || scope.macroText(word.text) === undefined)) {
    const lines = [
      `**${word.text}** — ${alias === undefined ? '' : `${alias}, `}${registerKind(register)}`,
      '',
      registerRole(register),
    ];
    if (isGeneral(register) && register.number !== 31) {
      lines.push(...describeHeldConstant(workspace, file, unit, cursor, register.number));
    }
    return lines.join('\n');
  }
  if (cursor.wordKind === TokenKind.number)
    return describeNumber(workspace, file, unit, cursor, word);
  return (
    describeDefine(workspace, unit, word.text) ??
    describeConstant(workspace, unit, word.text) ??
    describeMacro(workspace, unit, word.text) ??
    describeSymbol(workspace, file, word.text, surroundings) ??
    describeSystemRegister(word.text)
  );
}

function describeSystemRegister(name: string): string | undefined {
  const named = /_/.test(name) ? systemRegister(name.replace(/^SYS_/, '')) : undefined;
  return named && describeRegister(named);
}

/** The constant that `msr` writes on this line. */
export function writtenConstant(
  workspace: Workspace,
  file: IndexedFile,
  unit: Unit,
  cursor: Pick<Cursor, 'row' | 'line'>,
  statement: Statement,
): bigint | undefined {
  if (statement.name?.text.toLowerCase() !== 'msr') return undefined;
  const scope = workspace.scope(file.document.uri, unit, cursor.row);
  const source = parseOperands(cursor.line, statement, scope)[1];
  if (source?.kind !== 'register' || !isGeneral(source.register)) return undefined;
  if (source.register.number === 31) return 0n;
  return constantsBefore(file.document.lines, cursor.row, scope).get(source.register.number)?.value;
}

function describeHeldConstant(
  workspace: Workspace,
  file: IndexedFile,
  unit: Unit,
  cursor: Cursor,
  number: number,
): string[] {
  const scope = workspace.scope(file.document.uri, unit, cursor.row);
  const constant = constantsBefore(file.document.lines, cursor.row, scope).get(number);
  if (!constant) return [];
  const lines = [
    '',
    `holds 0x${constant.value.toString(16).toUpperCase()} (line ${constant.row + 1})`,
  ];
  const { statement } = cursor;
  if (statement?.name?.text.toLowerCase() === 'msr' && cursor.operandIndex === 1) {
    const target = expandName(statement.operands[0]?.text ?? '', scope);
    const named = target === undefined ? undefined : systemRegister(target, 'write');
    if (named) {
      lines.push(
        '',
        `${named.register.name}: 0x${constant.value.toString(16).toUpperCase()} = ${decodeValue(named.register, constant.value)}`,
      );
    }
  }
  return lines;
}

function describeMnemonic(
  workspace: Workspace,
  file: IndexedFile,
  unit: Unit,
  cursor: Cursor,
  statement: Statement,
): string | undefined {
  const name = statement.name?.text ?? '';
  const known = mnemonic(name);
  if (!known) return undefined;
  const lines: string[] = [];
  const condition = branchCondition(name);
  if (condition !== undefined) {
    const it = conditionByName(condition);
    lines.push(`**${name.toLowerCase()}** — branches if ${it?.meaning ?? ''}: ${it?.flags ?? ''}`);
    const setter = flagSetter(file.document.lines, cursor.row);
    if (setter) {
      lines.push(
        '',
        `flags from line ${setter.row + 1}: \`${setter.line.text.slice(setter.statement.name?.start ?? 0, setter.statement.end)}\``,
      );
    }
  } else {
    lines.push(`**${known.name}**${known.summary === '' ? '' : ` — ${known.summary}`}`);
  }
  const scope = workspace.scope(file.document.uri, unit, cursor.row);
  const operands = statement.opaque ? [] : parseOperands(cursor.line, statement, scope);
  const forms = formsOf(known.name);
  const best =
    forms && operands.length > 0 ? matchForms(forms, operands, statement.end) : undefined;
  if (best?.mismatches.length === 0) {
    lines.push('', `\`${known.name} ${best.form.map(specText).join(', ')}\``, '');
    best.form.forEach((spec, index) => {
      const operand = operands[index];
      if (operand) lines.push(`- \`${operand.text}\`: ${specExplanation(spec)}`);
    });
  } else if (known.forms.length > 0) {
    lines.push(
      '',
      '```asm',
      ...known.forms.slice(0, 8).map((form) => `${known.name} ${form}`),
      '```',
    );
    if (known.forms.length > 8) lines.push(`and ${known.forms.length - 8} more forms`);
  }
  const encoded = statement.opaque ? undefined : encodeStatement(name, operands);
  if (encoded) {
    lines.push(
      '',
      `encoding 0x${(encoded.word >>> 0).toString(16).padStart(8, '0')}${encoded.note === undefined ? '' : ` — ${encoded.note}`}`,
    );
    lines.push('', `\`${encoded.diagram}\``);
  }
  if (known.features.length > 0) lines.push('', `needs ${known.features.join(', ')}`);
  lines.push('', `_${known.group}_`);
  return lines.join('\n');
}

function describeDirective(name: string): string | undefined {
  const summary = directiveSummary(name);
  return summary === '' ? undefined : `**${name}** — ${summary}`;
}

function describeMacro(workspace: Workspace, unit: Unit, name: string): string | undefined {
  const found = workspace.macro(unit, name);
  if (!found) return undefined;
  const { macro, file } = found;
  const body = file.document.lines
    .slice(macro.line, Math.min(macro.endLine + 1, macro.line + 16))
    .map(({ text }) => lineContent(text));
  const comment = commentAbove(file.document.lines, macro.line);
  return [
    `**${macro.name}** — macro, ${location(file, macro.line)}`,
    ...(comment === '' ? [] : ['', comment]),
    '',
    '```asm',
    ...body,
    '```',
  ].join('\n');
}

function location(file: IndexedFile, line: number): string {
  const name = decodeURIComponent(file.document.uri.slice(file.document.uri.lastIndexOf('/') + 1));
  return `[${name}:${line + 1}](${file.document.uri}#L${line + 1})`;
}

function valueText(value: bigint): string {
  return value >= 0n ? `${value} = 0x${value.toString(16)}` : value.toString();
}

function describeDefine(workspace: Workspace, unit: Unit, name: string): string | undefined {
  const found = workspace.macroDefine(unit, name);
  if (!found) return undefined;
  const { define, file } = found;
  const parameters = define.parameters ? `(${define.parameters.join(', ')})` : '';
  const value = define.parameters ? undefined : workspace.constantValue(unit, name);
  const expansion = value === undefined ? '' : ` = ${valueText(value)}`;
  const target = systemRegister(define.body);
  return [
    `**${name}${parameters}** = ${define.body}${expansion}`,
    '',
    `#define, ${location(file, define.line)}`,
    ...(target ? ['', describeRegister(target)] : []),
  ].join('\n');
}

function describeConstant(workspace: Workspace, unit: Unit, name: string): string | undefined {
  for (const file of unit.files) {
    const constant = file.model.constants.get(name);
    if (!constant) continue;
    const value = workspace.constantValue(unit, name);
    return `**${name}** = ${constant.text}${value === undefined ? '' : ` = ${valueText(value)}`}\n\n${location(file, constant.line)}`;
  }
  return undefined;
}

/** Bytes from a label to the next symbol, from the directives after it. */
export function sizeOfData(file: IndexedFile, row: number): number | undefined {
  let size = 0;
  for (let next = row; next < Math.min(file.document.lines.length, row + 1000); next += 1) {
    for (const statement of file.document.lines[next]?.statements ?? []) {
      if (
        statement.labels.length > 0 &&
        next > row &&
        statement.labels.some(({ text }) => !/^(?:\d+|\.L.*)$/.test(text))
      ) {
        return size;
      }
      if (
        statement.kind === 'instruction' &&
        !statement.opaque &&
        mnemonic(statement.name?.text ?? '')
      )
        size += 4;
      else if (statement.kind === 'directive') {
        const bytes = directiveSize(statement);
        if (bytes !== undefined) size += bytes;
        else if (
          !/^\.(?:cfi\w*|globa?l|type|hidden|weak|loc|size|local)/i.test(statement.name?.text ?? '')
        )
          return size === 0 ? undefined : size;
      } else if (statement.kind !== 'labels') return undefined;
    }
  }
  return size;
}

function describeSymbol(
  workspace: Workspace,
  file: IndexedFile,
  name: string,
  { addresses, hostUses }: Surroundings,
): string | undefined {
  const address = addresses?.get(name);
  const [place] = workspace.definitions(file.document.uri, name);
  if (!place) return undefined;
  const target = workspace.get(place.uri);
  if (!target) return undefined;
  const comment = commentAbove(target.document.lines, place.line);
  let references = hostUses(place.uri, name).length;
  for (const occurrence of workspace.occurrences(name)) {
    if (
      occurrence.uri !== place.uri ||
      occurrence.line !== place.line ||
      occurrence.start !== place.start
    )
      references += 1;
    if (references > 999) break;
  }
  const size = sizeOfData(target, place.line);
  const kinds: Readonly<Record<string, string>> = {
    function: 'function',
    data: 'data',
    registerAlias: 'register alias',
  };
  return [
    `**${name}** — ${kinds[place.kind] ?? 'label'}, ${location(target, place.line)}`,
    ...(comment === '' ? [] : ['', comment.replaceAll('\n', '  \n')]),
    '',
    [
      address === undefined ? '' : `at 0x${address.toString(16)}`,
      size === undefined ? '' : `${size} bytes to the next symbol`,
      `${references} reference${references === 1 ? '' : 's'}`,
    ]
      .filter((it) => it !== '')
      .join(' · '),
  ].join('\n');
}

function describeNumber(
  workspace: Workspace,
  file: IndexedFile,
  unit: Unit,
  cursor: Cursor,
  word: Word,
): string | undefined {
  const local = /^(\d+)([bf])$/.exec(word.text);
  const value = parseInteger(word.text);
  if (local && value === undefined) {
    return `**${word.text}** — the next label ${local[1] ?? ''} ${local[2] === 'f' ? 'below' : 'above'}`;
  }
  if (value === undefined) return undefined;
  const { statement, line } = cursor;
  const directive = statement?.kind === 'directive' ? (statement.name?.text ?? '') : '';
  const size = dataSize(directive);
  if (size !== undefined) {
    const lines = [`**${word.text}** = ${valueText(value)}`];
    const word32 = value < 2n ** 32n ? instructionText(Number(value)) : undefined;
    if (size === 4 && word32 !== undefined) lines.push('', `as an instruction: \`${word32}\``);
    if (/esr|syndrome/i.test(lineContent(line.text).slice(statement?.end ?? 0))) {
      lines.push('', `as a syndrome: ${syndromeText(value)}`);
    }
    return lines.join('\n');
  }
  const operand = statement?.operands[cursor.operandIndex];
  const scope = workspace.scope(file.document.uri, unit, cursor.row);
  const whole =
    operand && evaluate(line.text, line.tokens, operand.from, operand.to, scope.value).value;
  const lines = [`**${word.text}** = ${valueText(value)}`];
  if (whole !== undefined && whole !== value)
    lines.push('', `the whole operand: ${valueText(whole)}`);
  if (statement?.kind === 'instruction' && !statement.opaque) {
    const encoded = encodeStatement(
      statement.name?.text ?? '',
      parseOperands(line, statement, scope),
    );
    if (encoded) {
      lines.push(
        '',
        `encoding 0x${(encoded.word >>> 0).toString(16).padStart(8, '0')}${encoded.note === undefined ? '' : ` — ${encoded.note}`}`,
      );
    }
  }
  return lines.join('\n');
}
