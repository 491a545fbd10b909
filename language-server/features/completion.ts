/** What can stand at the cursor. */
import { CompletionItemKind, InsertTextFormat } from 'vscode-languageserver';
import type { CompletionItem, CompletionList, Position } from 'vscode-languageserver';
import { conditions } from '../conditions.ts';
import { cursorAt } from '../cursor.ts';
import { allDirectives, directiveSummary } from '../directives.ts';
import { formsOf } from '../forms.ts';
import type { OperandSpec } from '../forms.ts';
import { allMnemonics, branchCondition, mnemonic } from '../mnemonics.ts';
import { prefetchOperations, pstateFields } from '../../emulator/sysregs/catalogue.ts';
import { registerNames } from '../registers.ts';
import type { RegisterClass } from '../registers.ts';
import { featuresOf } from '../settings.ts';
import type { Settings } from '../settings.ts';
import type { Statement } from '../statement.ts';
import {
  allRegisters,
  barriers,
  describeOperation,
  describeRegister,
  isbNames,
  operationFeature,
  operationKinds,
  operations,
  readable,
  systemRegister,
  writable,
} from '../system-operands.ts';
import { endingCall, symbolStartCalls } from '../symbols.ts';
import type { IndexedFile, Unit, Workspace } from '../workspace.ts';

/** What `resolve` needs to write the documentation. */
interface ItemData {
  readonly mnemonic?: string;
  readonly register?: string;
  readonly operation?: readonly [string, string];
}

/** Typing a character must not accept an item: only Tab and Enter on a chosen item do. */
const noCommit: string[] = [];

function item(
  label: string,
  kind: CompletionItemKind,
  sort: string,
  detail?: string,
  data?: ItemData,
): CompletionItem {
  return {
    label,
    kind,
    sortText: `${sort}${label.replace(/\d+/g, (digits) => digits.padStart(4, '0'))}`,
    commitCharacters: noCommit,
    ...(detail !== undefined && detail !== '' && { detail }),
    ...(data && { data }),
  };
}

const list = (items: CompletionItem[]): CompletionList => ({ isIncomplete: false, items });

const registers = (registerClass: RegisterClass, sort: string): CompletionItem[] =>
  registerNames[registerClass].map((name) => item(name, CompletionItemKind.Variable, sort));

const mnemonicItems: readonly CompletionItem[] = allMnemonics
  .filter(
    ({ name }) =>
      !/^b(?:c?\.|(?:eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al|nv|none|any|nlast|last|first|nfrst|pmore|plast|tcont|tstop)$)/.test(
        name,
      ),
  )
  .map(({ name, summary, group, features }) =>
    item(
      name,
      CompletionItemKind.Function,
      // Base instructions before SIMD, SVE and SME.
      formsOf(name) ? '2' : /SVE|SME/.test(group) ? '7' : '4',
      summary === '' ? group : summary,
      { mnemonic: name, ...(features.length > 0 && {}) },
    ),
  );

const directiveItems: readonly CompletionItem[] = allDirectives.map((name) =>
  item(name, CompletionItemKind.Keyword, '3', directiveSummary(name)),
);

export function completion(
  workspace: Workspace,
  file: IndexedFile,
  position: Position,
  settings: Settings,
): CompletionList {
  const { document } = file;
  const cursor = cursorAt(document, position);
  if (!cursor || cursor.inComment) return list([]);
  const before = cursor.line.text.slice(0, position.character);
  const unit = workspace.unit(document.uri);

  const parameter = /\\([\w]*)$/.exec(before);
  if (parameter) return list(macroParameters(file, position.line));
  const include = /^\s*(?:#\s*include\s*["<]|\.include\s+")([^">]*)$/.exec(before);
  if (include) return list(includedNames(workspace, file));
  if (/^\s*#\s*\w*$/.test(before)) {
    const words = [
      'define',
      'include',
      'if',
      'ifdef',
      'ifndef',
      'else',
      'elif',
      'endif',
      'undef',
      'error',
    ];
    return list(words.map((it) => item(it, CompletionItemKind.Keyword, '1')));
  }
  if (/^\s*#/.test(before)) return list(defineItems(unit));

  const condition = /(?:^|[\s:;])(b|bc)\.(\w*)$/i.exec(before);
  if (condition) return list(conditionItems(condition[1] ?? 'b', position, before));

  const { statement } = cursor;
  const typing = currentStatement(before);
  if (typing.operand === undefined) return list(startItems(unit, typing.word, position, settings));
  const name = typing.name.toLowerCase();
  if (name.startsWith('.')) return list(directiveOperands(workspace, file, unit, name));
  return list(
    operandItems(workspace, file, unit, name, typing, statement, position.line, settings),
  );
}

interface Typing {
  readonly name: string;
  /** The text of the operand so far; undefined while the mnemonic is being typed. */
  readonly operand: string | undefined;
  readonly index: number;
  readonly word: string;
}

/** The statement that ends at the cursor, from its text alone: it is rarely complete. */
function currentStatement(before: string): Typing {
  const text = (before.split(';').at(-1) ?? '').replace(/^\s*(?:[\w.$\\@]+:\s*)*/, '');
  const match = /^([\w.$\\]+)\s+(.*)$/s.exec(text);
  if (!match) return { name: '', operand: undefined, index: -1, word: text };
  const operands = match[2] ?? '';
  let depth = 0;
  let start = 0;
  let index = 0;
  for (let at = 0; at < operands.length; at += 1) {
    const mark = operands[at];
    if (mark === '[' || mark === '{' || mark === '(') depth += 1;
    else if (mark === ']' || mark === '}' || mark === ')') depth -= 1;
    else if (mark === ',' && depth === 0) {
      index += 1;
      start = at + 1;
    }
  }
  const operand = operands.slice(start).trimStart();
  return { name: match[1] ?? '', operand, index, word: /[\w.$]*$/.exec(operand)?.[0] ?? '' };
}

function macroParameters(file: IndexedFile, row: number): CompletionItem[] {
  const found = new Map<string, CompletionItem>();
  for (const macro of file.model.macros.values()) {
    if (row < macro.line || row > macro.endLine) continue;
    for (const { name, required, defaultValue } of macro.parameters) {
      const detail = required
        ? 'required'
        : defaultValue === undefined
          ? ''
          : `default ${defaultValue}`;
      found.set(name, item(name, CompletionItemKind.Variable, '1', detail));
    }
  }
  return [...found.values()];
}

function includedNames(workspace: Workspace, file: IndexedFile): CompletionItem[] {
  const own = file.document.uri.slice(0, file.document.uri.lastIndexOf('/') + 1);
  const names = new Set<string>();
  for (const { document } of workspace.files) {
    for (const folder of [own, ...workspace.includeFolders(file.document.uri)]) {
      if (document.uri !== file.document.uri && document.uri.startsWith(folder))
        names.add(decodeURIComponent(document.uri.slice(folder.length)));
    }
  }
  // The shorter path is the one that an include folder was given for.
  return [...names].map((it) =>
    item(it, CompletionItemKind.File, String(Math.min(9, it.split('/').length))),
  );
}

function conditionItems(stem: string, position: Position, before: string): CompletionItem[] {
  const start = /[\w.]*$/.exec(before)?.index ?? before.length;
  const range = { start: { line: position.line, character: start }, end: position };
  return conditions.flatMap((it) =>
    [it.name, ...it.aliases].map((name) => ({
      ...item(
        `${stem}.${name}`,
        CompletionItemKind.Operator,
        it.encoding.toString().padStart(2, '0'),
        `${it.meaning}: ${it.flags}`,
      ),
      filterText: `${stem}.${name}`,
      textEdit: { range, newText: `${stem}.${name}` },
    })),
  );
}

function startItems(
  unit: Unit,
  word: string,
  position: Position,
  settings: Settings,
): CompletionItem[] {
  if (word.startsWith('.')) {
    // The dot is part of the name: without a range clients would write it twice.
    const range = {
      start: { line: position.line, character: position.character - word.length },
      end: position,
    };
    return directiveItems.map((it) => ({
      ...it,
      filterText: it.label,
      textEdit: { range, newText: it.label },
    }));
  }
  const items: CompletionItem[] = [];
  for (const file of unit.files) {
    for (const macro of file.model.macros.values()) {
      items.push(
        item(
          macro.name,
          CompletionItemKind.Function,
          '1',
          `macro ${macro.parameters.map(({ name }) => name).join(', ')}`,
        ),
      );
    }
    for (const define of file.model.defines.values()) {
      if (define.parameters)
        items.push(
          item(
            define.name,
            CompletionItemKind.Function,
            '5',
            `#define (${define.parameters.join(', ')})`,
          ),
        );
    }
  }
  for (const name of symbolStartCalls) {
    if (word !== '' && !name.startsWith(word.slice(0, 3).toUpperCase())) continue;
    const end = endingCall(name);
    items.push({
      ...item(name, CompletionItemKind.Snippet, '6', 'symbol macro of the Linux kernel'),
      insertTextFormat: InsertTextFormat.Snippet,
      insertText:
        end === undefined ? `${name}(\${1:name})` : `${name}(\${1:name})\n\t$0\n${end}(\${1:name})`,
    });
  }
  const features = featuresOf(settings.cpu);
  const available = features
    ? mnemonicItems.filter(({ label }) =>
        (mnemonic(label)?.features ?? []).every((it) => features.has(it)),
      )
    : mnemonicItems;
  return [...items, ...available, ...directiveItems];
}

function directiveOperands(
  workspace: Workspace,
  file: IndexedFile,
  unit: Unit,
  name: string,
): CompletionItem[] {
  if (/^\.(?:cpu|arch|arch_extension)$/.test(name)) return [];
  if (name === '.req') return [...registers('x', '1'), ...registers('w', '2')];
  if (/section$/.test(name))
    return ['.text', '.data', '.rodata', '.bss'].map((it) =>
      item(it, CompletionItemKind.Module, '1'),
    );
  return labelItems(workspace, file, unit, 0);
}

function defineItems(unit: Unit): CompletionItem[] {
  return unit.files.flatMap(({ model }) =>
    [...model.defines.values()].map((it) =>
      item(it.name, CompletionItemKind.Constant, '1', it.body),
    ),
  );
}

function constantItems(unit: Unit): CompletionItem[] {
  return unit.files.flatMap(({ model }) => [
    ...[...model.constants].map(([name, { text }]) =>
      item(name, CompletionItemKind.Constant, '5', text),
    ),
    ...[...model.defines.values()]
      .filter(({ parameters }) => !parameters)
      .map(({ name, body }) => item(name, CompletionItemKind.Constant, '5', body)),
  ]);
}

const MAXIMUM_LABELS = 2000;

/** Functions first: of this file, then global ones elsewhere; then labels of this file. */
function labelItems(
  workspace: Workspace,
  file: IndexedFile,
  unit: Unit,
  row: number,
): CompletionItem[] {
  const items = new Map<string, CompletionItem>();
  const own = new Set(unit.files.map(({ document }) => document.uri));
  for (const { document, model } of [...unit.files, ...workspace.files]) {
    const isOwn = own.has(document.uri);
    for (const [name, [first]] of model.definitions) {
      if (!first || items.has(name) || items.size >= MAXIMUM_LABELS) continue;
      const { kind } = first;
      if (kind === 'function')
        items.set(name, item(name, CompletionItemKind.Function, isOwn ? '1' : '2'));
      else if (kind === 'data' && (isOwn || model.globals.has(name)))
        items.set(name, item(name, CompletionItemKind.Variable, isOwn ? '3' : '4'));
      else if (kind === 'label' && (isOwn || model.globals.has(name)))
        items.set(name, item(name, CompletionItemKind.Reference, isOwn ? '3' : '4'));
      else if (kind === 'local' && document === file.document)
        items.set(name, item(name, CompletionItemKind.Reference, '5'));
      else if (kind === 'numeric' && document === file.document) {
        const rows = model.definitions.get(name) ?? [];
        if (rows.some(({ line }) => line > row))
          items.set(
            `${name}f`,
            item(`${name}f`, CompletionItemKind.Reference, '6', 'the next one below'),
          );
        if (rows.some(({ line }) => line <= row))
          items.set(
            `${name}b`,
            item(`${name}b`, CompletionItemKind.Reference, '6', 'the next one above'),
          );
      }
    }
    for (const name of isOwn ? model.declarations.keys() : []) {
      if (!items.has(name))
        items.set(name, item(name, CompletionItemKind.Reference, '4', 'declared here'));
    }
  }
  return [...items.values()];
}

function aliasItems(unit: Unit, registerClasses: string): CompletionItem[] {
  return unit.files.flatMap(({ model }) =>
    [...model.registerAliases].flatMap(([name, rows]) => {
      const register = rows.findLast((it) => it.register !== undefined)?.register;
      return register !== undefined && registerClasses.includes(register[0]?.toLowerCase() ?? '')
        ? [item(name, CompletionItemKind.Variable, '2', register)]
        : [];
    }),
  );
}

/** Names that MRS or MSR accepts, as the programmer would write them. */
export function systemRegisterItems(
  direction: 'read' | 'write',
  settings: Settings,
  upper: boolean,
): CompletionItem[] {
  const features = featuresOf(settings.cpu);
  return allRegisters
    .filter((it) => (direction === 'read' ? readable(it) : writable(it)))
    .filter((it) => !features || !it.feature.startsWith('FEAT_') || features.has(it.feature))
    .map((it) =>
      item(
        upper ? it.name : it.name.toLowerCase(),
        CompletionItemKind.Field,
        it.minEL <= 2 ? '2' : '3',
        it.summary,
        { register: it.name },
      ),
    );
}

function operandItems(
  workspace: Workspace,
  file: IndexedFile,
  unit: Unit,
  name: string,
  typing: Typing,
  statement: Statement | undefined,
  row: number,
  settings: Settings,
): CompletionItem[] {
  const operand = typing.operand ?? '';
  const { index } = typing;
  if (operand.startsWith('[')) return memoryItems(unit, operand);
  if (operand.startsWith('='))
    return [...labelItems(workspace, file, unit, row), ...constantItems(unit)];
  if (operand.startsWith('#')) return constantItems(unit);
  if (name === 'mrs' || name === 'msr') {
    const isSystem = index === (name === 'mrs' ? 1 : 0);
    const upper = /^[A-Z]/.test(operand);
    if (isSystem) {
      const fields =
        name === 'msr'
          ? pstateFields.map((it) =>
              item(it.name.toLowerCase(), CompletionItemKind.EnumMember, '1', 'field of PSTATE'),
            )
          : [];
      return [
        ...fields,
        ...systemRegisterItems(name === 'mrs' ? 'read' : 'write', settings, upper),
      ];
    }
    return index <= 1 ? [...registers('x', '1'), ...aliasItems(unit, 'xl')] : [];
  }
  if (operationKinds.has(name)) {
    if (index === 0) {
      const features = featuresOf(settings.cpu);
      const available = operations(name).filter((it) => {
        const feature = operationFeature(it);
        return feature === undefined || features?.has(feature) !== false;
      });
      return available.map((it) =>
        item(
          it.name.toLowerCase(),
          CompletionItemKind.EnumMember,
          '1',
          it.register ? 'needs Xt' : 'no register',
          {
            operation: [name, it.name],
          },
        ),
      );
    }
    return registers('x', '1');
  }
  if (name === 'dsb' || name === 'dmb') {
    const features = featuresOf(settings.cpu);
    return index > 0
      ? []
      : barriers
          .filter(({ nXS }) => !nXS || (name === 'dsb' && features?.has('FEAT_XS') !== false))
          .map((it) =>
            item(
              it.name.toLowerCase(),
              CompletionItemKind.EnumMember,
              it.encoding.toString().padStart(2, '0'),
              it.text,
            ),
          );
  }
  if (name === 'isb')
    return isbNames.map((it) => item(it.toLowerCase(), CompletionItemKind.EnumMember, '1'));
  if (branchCondition(name) !== undefined) return labelItems(workspace, file, unit, row);
  const forms = formsOf(name);
  if (!forms) {
    const macro = workspace.macro(unit, name);
    if (macro || !mnemonic(name))
      return [
        ...registers('x', '2'),
        ...registers('w', '3'),
        ...labelItems(workspace, file, unit, row),
        ...constantItems(unit),
      ];
    return [
      ...registers('x', '1'),
      ...registers('w', '2'),
      ...registers('v', '3'),
      ...registers('d', '4'),
      ...registers('s', '4'),
      ...registers('q', '4'),
    ];
  }
  // Width follows from a register that is already there.
  const first = statement?.operands[0]?.text.toLowerCase() ?? '';
  const items = new Map<string, CompletionItem>();
  const add = (more: readonly CompletionItem[]): void => {
    for (const it of more) if (!items.has(it.label)) items.set(it.label, it);
  };
  for (const form of forms) {
    const spec = form[index];
    const [lead] = form;
    if (!spec) continue;
    if (
      index > 0 &&
      lead?.kind === 'general' &&
      /^[xw]\d/.test(first) &&
      (lead.width === 64) !== first.startsWith('x')
    )
      continue;
    add(specItems(workspace, file, unit, spec, row));
  }
  return [...items.values()];
}

function specItems(
  workspace: Workspace,
  file: IndexedFile,
  unit: Unit,
  spec: OperandSpec,
  row: number,
): CompletionItem[] {
  switch (spec.kind) {
    case 'general': {
      const letter = spec.width === 64 ? 'x' : 'w';
      const pointer = spec.width === 64 ? 'sp' : 'wsp';
      const own = registers(letter, spec.width === 64 ? '1' : '2');
      return [
        ...(spec.sp
          ? [...own.filter(({ label }) => !label.endsWith('zr')), ...registers(pointer, '1')]
          : own),
        ...aliasItems(unit, spec.width === 64 ? 'xl' : 'w'),
      ];
    }
    case 'scalar':
      return registers(spec.size, '2');
    case 'vector':
      return registers('v', '3');
    case 'immediate':
    case 'addImmediate':
    case 'bitmask':
    case 'movImmediate':
    case 'width':
      return constantItems(unit);
    case 'shift':
      return spec.shifts.map((it) => item(it, CompletionItemKind.Operator, '1'));
    case 'condition':
      return conditions.flatMap((it) =>
        [it.name, ...it.aliases].map((name) =>
          item(
            name,
            CompletionItemKind.Operator,
            it.encoding.toString().padStart(2, '0'),
            `${it.meaning}: ${it.flags}`,
          ),
        ),
      );
    case 'label':
      return labelItems(workspace, file, unit, row);
    case 'option':
      return spec.set === 'bti'
        ? ['c', 'j', 'jc'].map((it) => item(it, CompletionItemKind.EnumMember, '1'))
        : prefetchOperations.map((it) =>
            item(it.name.toLowerCase(), CompletionItemKind.EnumMember, '1'),
          );
    case 'literal':
    case 'memory':
    case 'floatImmediate':
    case 'zero':
      return [];
  }
}

function memoryItems(unit: Unit, operand: string): CompletionItem[] {
  const index = operand.split(',').length - 1;
  if (index === 0) {
    return [
      ...registers('x', '1').filter(({ label }) => label !== 'xzr'),
      ...registers('sp', '1'),
      ...aliasItems(unit, 'xls'),
    ];
  }
  if (index === 1) return [...registers('x', '1'), ...registers('w', '2'), ...constantItems(unit)];
  return ['lsl', 'uxtw', 'sxtw', 'sxtx'].map((it) => item(it, CompletionItemKind.Operator, '1'));
}

/** Adds the documentation of an item. */
export function resolveCompletion(unresolved: CompletionItem): CompletionItem {
  const data = unresolved.data as ItemData | undefined;
  const value = (() => {
    if (data?.register !== undefined) {
      const named = systemRegister(data.register);
      return named && describeRegister(named);
    }
    if (data?.operation !== undefined) {
      const [kind, name] = data.operation;
      const operation = operations(kind).find((it) => it.name === name);
      return operation && describeOperation(operation);
    }
    const known = data?.mnemonic === undefined ? undefined : mnemonic(data.mnemonic);
    if (!known) return undefined;
    const features = known.features.length === 0 ? [] : ['', `needs ${known.features.join(', ')}`];
    return [
      known.summary,
      '',
      '```asm',
      ...known.forms.slice(0, 8).map((form) => `${known.name} ${form}`),
      '```',
      ...features,
    ].join('\n');
  })();
  return value === undefined
    ? unresolved
    : { ...unresolved, documentation: { kind: 'markdown', value } };
}
