/** Everything the server can do, without the protocol's transport. */
import { DiagnosticSeverity, ResponseError } from 'vscode-languageserver';
import type {
  CallHierarchyIncomingCall,
  CallHierarchyItem,
  CallHierarchyOutgoingCall,
  CodeAction,
  CodeLens,
  CompletionItem,
  CompletionList,
  Diagnostic,
  DocumentHighlight,
  DocumentLink,
  DocumentSymbol,
  FoldingRange,
  Hover,
  InlayHint,
  InlineValue,
  Location,
  Position,
  Range,
  SelectionRange,
  SemanticTokens,
  SignatureHelp,
  TextDocumentContentChangeEvent,
  TextEdit,
  WorkspaceEdit,
  WorkspaceSymbol,
} from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { cursorAt, rangeOf } from './cursor.ts';
import { diagnosticCodes } from './diagnostic-codes.ts';
import { Diagnostics } from './diagnostics.ts';
import {
  embeddingLanguages,
  extractAssembly,
  hostLanguage,
  mentionedRegister,
} from './embedded.ts';
import type { EmbeddedAssembly, RegisterMention } from './embedded.ts';
import { completion, resolveCompletion, systemRegisterItems } from './features/completion.ts';
import { codeActions, format } from './features/editing.ts';
import { systemAccesses } from './features/accesses.ts';
import type { SystemAccess } from './features/accesses.ts';
import { annotations } from './features/annotations.ts';
import type { Annotation } from './features/annotations.ts';
import { evaluatableExpression, inlineValues, inlineWrites } from './features/debugging.ts';
import type { EvaluatableExpression } from './features/debugging.ts';
import { hover } from './features/hover.ts';
import * as navigation from './features/navigation.ts';
import {
  codeLenses,
  foldingRanges,
  inlayHints,
  resolveLens,
  selectionRanges,
  semanticTokens,
} from './features/presentation.ts';
import type { DebuggerFacts } from './features/presentation.ts';
import { signatureHelp } from './features/signature.ts';
import type { LocatedProblem } from './function-checks.ts';
import { HostNames, placesOfName } from './host-names.ts';
import { addressAt, isListing, readListing } from './listing.ts';
import type { Listing } from './listing.ts';
import { AssemblyDocument } from './document.ts';
import { registerNames } from './registers.ts';
import { defaultSettings } from './settings.ts';
import type { Settings } from './settings.ts';
import { makeProblem } from './statement-checks.ts';
import { nearest } from './suggestions.ts';
import {
  allRegisters,
  describeRegister,
  readable,
  systemRegister,
  writable,
} from './system-operands.ts';
import { buildModel } from './symbols.ts';
import { Workspace } from './workspace.ts';
import type { FileAccess, IndexedFile } from './workspace.ts';

const severities = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  information: DiagnosticSeverity.Information,
  hint: DiagnosticSeverity.Hint,
} as const;

/** A file in C, C++ or Rust, with the assembly it holds. */
interface Host {
  readonly text: TextDocument;
  readonly languageId: string;
  readonly embedded: EmbeddedAssembly;
  readonly file: IndexedFile;
}

/** Disassembly as text. */
interface OpenListing {
  /** As the editor shows it. */
  readonly source: readonly string[];
  readonly listing: Listing;
  readonly file: IndexedFile;
}

export class LanguageService {
  readonly workspace: Workspace;
  readonly #diagnostics: Diagnostics;
  readonly #hosts = new Map<string, Host>();
  readonly #listings = new Map<string, OpenListing>();
  #settings: Settings = defaultSettings;
  /** Of the guest that is being debugged, while there is one. */
  #facts: DebuggerFacts | undefined;
  /** Uses of system registers in C, C++ and Rust files that are not open. */
  readonly #closedHosts = new Map<string, EmbeddedAssembly>();
  /** Names in C, C++ and Rust files, as they are on disk. */
  readonly #hostNames = new HostNames();
  readonly #access: FileAccess;

  constructor(access: FileAccess) {
    this.#access = access;
    this.workspace = new Workspace(access);
    this.workspace.includeFolders = () => this.#settings.includeFolders;
    this.#diagnostics = new Diagnostics(this.workspace, this.#settings);
  }

  get settings(): Settings {
    return this.#settings;
  }

  configure(settings: Partial<Settings>): void {
    this.#settings = { ...this.#settings, ...settings };
    this.#diagnostics.configure(this.#settings);
  }

  /** What the debugger knows; undefined when its session has ended. */
  setDebuggerFacts(facts: DebuggerFacts | undefined): void {
    this.#facts = facts;
  }

  // -- documents

  open(uri: string, languageId: string, text: string, version = 0): void {
    this.#closedHosts.delete(uri);
    if (isListing(languageId)) this.#openListing(uri, text, version);
    else if (embeddingLanguages.has(languageId))
      this.#host(TextDocument.create(uri, languageId, version, text), languageId);
    else this.workspace.open(uri, text, version);
  }

  #openListing(uri: string, text: string, version: number): void {
    const listing = readListing(text);
    const document = new AssemblyDocument(uri, listing.text, version);
    const file: IndexedFile = { document, model: buildModel(document), open: true };
    this.#listings.set(uri, { source: text.split('\n'), listing, file });
  }

  #host(text: TextDocument, languageId: string): void {
    const embedded = extractAssembly(text.uri, text.getText(), languageId, text.version);
    const file: IndexedFile = {
      document: embedded.shadow,
      model: buildModel(embedded.shadow),
      open: true,
    };
    this.#hosts.set(text.uri, { text, languageId, embedded, file });
  }

  change(uri: string, changes: readonly TextDocumentContentChangeEvent[], version: number): void {
    if (this.#listings.has(uri)) {
      // Listings are made by programs: each comes whole.
      const whole = changes.findLast((it) => !('range' in it));
      if (whole) this.#openListing(uri, whole.text, version);
      return;
    }
    const host = this.#hosts.get(uri);
    if (host) {
      this.#host(TextDocument.update(host.text, [...changes], version), host.languageId);
      return;
    }
    const file = this.workspace.get(uri);
    if (!file) return;
    const { document } = file;
    let keepsNames = true;
    for (const change of changes) keepsNames = document.apply(change) && keepsNames;
    document.version = version;
    this.workspace.changed(document, keepsNames);
  }

  close(uri: string): void {
    if (this.#listings.delete(uri)) return;
    const host = this.#hosts.get(uri);
    if (host) {
      // What the editor had is as good as the file until that changes.
      this.#hosts.delete(uri);
      this.#closedHosts.set(uri, host.embedded);
      this.#hostNames.index(uri, host.text.getText());
      this.#diagnostics.forget(uri);
      return;
    }
    this.workspace.close(uri);
    this.#diagnostics.forget(uri);
  }

  /** A file of the workspace that is not open. */
  index(uri: string, text: string): void {
    const language = hostLanguage(uri);
    if (language === undefined) {
      this.workspace.index(uri, text);
      return;
    }
    this.#hostNames.index(uri, text);
    if (/sysreg|\basm\b|__asm|SYS_[A-Z]|_SPECIALREG|\bm(?:rs|sr)\b/.test(text)) {
      this.#closedHosts.set(uri, extractAssembly(uri, text, language));
    } else this.#closedHosts.delete(uri);
  }

  /** A file that is gone from the workspace. */
  remove(uri: string): void {
    this.workspace.remove(uri);
    this.#closedHosts.delete(uri);
    this.#hostNames.remove(uri);
  }

  #file(uri: string): IndexedFile | undefined {
    return this.#hosts.get(uri)?.file ?? this.#listings.get(uri)?.file ?? this.workspace.get(uri);
  }

  #mention(uri: string, position: Position): RegisterMention | undefined {
    return this.#hosts
      .get(uri)
      ?.embedded.mentions.find(
        (it) =>
          it.line === position.line &&
          it.start <= position.character &&
          it.end >= position.character,
      );
  }

  // -- diagnostics

  #problems(uri: string): readonly LocatedProblem[] {
    if (this.#listings.has(uri)) return [];
    const host = this.#hosts.get(uri);
    if (host) return this.#hostProblems(host);
    const file = this.workspace.get(uri);
    return file ? this.#diagnostics.collect(file) : [];
  }

  #hostProblems({ embedded, file }: Host): LocatedProblem[] {
    const found = this.#diagnostics.collect(file).filter(
      ({ row, code }) =>
        !embedded.partialRows.has(row) &&
        // Operands and labels of the surrounding function are not in the text.
        ![
          'symbol-undefined',
          'label-duplicate',
          'isb-missing',
          'aapcs-callee-saved',
          'aapcs-stack',
          'mnemonic-unknown',
          'block-unbalanced',
        ].includes(code),
    );
    for (const { row, start, end, variable } of embedded.narrowOperands) {
      const operand = file.document.line(row)?.text.slice(start, end) ?? '';
      found.push({
        row,
        ...makeProblem(
          'operand-width',
          `${variable} has fewer than 64 bits, and this names the X register, whose upper half is not defined. Use %w for the W register.`,
          { start, end },
          [
            {
              title: `Use ${operand.replace('%', '%w')}`,
              start,
              end,
              text: operand.replace('%', '%w'),
              preferred: true,
            },
          ],
        ),
      });
    }
    for (const mention of embedded.mentions) {
      const named = mentionedRegister(mention);
      if (!named) {
        const isConstant = mention.name.startsWith('SYS_');
        const names =
          isConstant || !mention.name.includes('_')
            ? []
            : nearest(
                mention.name,
                allRegisters.map((it) => it.name.toLowerCase()),
                1,
              );
        if (names.length === 0) continue;
        found.push({
          row: mention.line,
          ...makeProblem(
            'sysreg-unknown',
            `Unknown system register ${mention.name}. Did you mean ${names.join(' or ')}?`,
            mention,
            names.map((text) => ({
              title: `Change to ${text}`,
              start: mention.start,
              end: mention.end,
              text,
              preferred: true,
            })),
            'warning',
          ),
        });
        continue;
      }
      if (mention.direction === 'write' && !writable(named.register)) {
        found.push({
          row: mention.line,
          ...makeProblem('sysreg-readonly', `${named.register.name} can only be read.`, mention),
        });
      }
      if (mention.direction === 'read' && !readable(named.register)) {
        found.push({
          row: mention.line,
          ...makeProblem(
            'sysreg-writeonly',
            `${named.register.name} can only be written.`,
            mention,
          ),
        });
      }
    }
    return found.sort((a, b) => a.row - b.row || a.start - b.start);
  }

  #toDiagnostic = (problem: LocatedProblem): Diagnostic => ({
    range: rangeOf(problem.row, problem),
    severity: severities[problem.severity],
    code: problem.code,
    ...(this.#settings.documentation !== '' && {
      codeDescription: { href: `${this.#settings.documentation}/${problem.code}.md` },
    }),
    source: 'trapline',
    message: problem.message,
  });

  diagnostics(uri: string): Diagnostic[] {
    return this.#problems(uri).map(this.#toDiagnostic);
  }

  codeActions(uri: string, range: Range): CodeAction[] {
    const open = this.#listings.get(uri);
    if (open) {
      const address = addressAt(open.source[range.start.line] ?? '', range.start.character);
      if (address === undefined) return [];
      const title = `Set watchpoint on 0x${address.toString(16)}`;
      const command = 'trapline.watchAddress';
      const parameters = [`0x${address.toString(16)}`];
      return [{ title, command: { title, command, arguments: parameters } }];
    }
    const file = this.#file(uri);
    return file ? codeActions(file, range, this.#problems(uri), this.#toDiagnostic) : [];
  }

  // -- reading

  hover(uri: string, position: Position): Hover | undefined {
    const mention = this.#mention(uri, position);
    if (mention) {
      const named = mentionedRegister(mention);
      return (
        named && {
          contents: { kind: 'markdown', value: describeRegister({ ...named, generic: false }) },
          range: rangeOf(mention.line, mention),
        }
      );
    }
    const file = this.#file(uri);
    return (
      file &&
      hover(this.workspace, file, position, {
        ...(this.#facts && { addresses: this.#facts.symbols }),
        hostUses: (place, name) => this.#hostUses(place, name),
      })
    );
  }

  completion(uri: string, position: Position): CompletionList {
    const host = this.#hosts.get(uri);
    if (host) return this.#hostCompletion(host, position);
    const file = this.workspace.get(uri);
    return file
      ? completion(this.workspace, file, position, this.#settings)
      : { isIncomplete: false, items: [] };
  }

  #hostCompletion(host: Host, position: Position): CompletionList {
    const inClobbers = host.embedded.clobbers.some(
      (it) =>
        it.line === position.line && it.start <= position.character && it.end >= position.character,
    );
    if (inClobbers) {
      const names = [
        'memory',
        'cc',
        ...registerNames.x.filter((it) => /^x\d/.test(it)),
        ...registerNames.v,
      ];
      return { isIncomplete: false, items: names.map((label) => ({ label })) };
    }
    const before = (host.embedded.shadow.line(position.line)?.text ?? '').slice(
      0,
      position.character,
    );
    if (before.trim() !== '')
      return completion(this.workspace, host.file, position, this.#settings);
    const source = host.text.getText({
      start: { line: position.line, character: 0 },
      end: position,
    });
    const reads = /\b(?:read_sysreg(?:_\w+)?|mrs)\s*\(\s*\w*$/.test(source);
    const writes =
      /\b(?:write_sysreg(?:_\w+)?)\s*\([^;]*,\s*\w*$/.test(source) ||
      /\b(?:sysreg_clear_set|msr)\s*\(\s*\w*$/.test(source);
    if (reads || writes)
      return {
        isIncomplete: false,
        items: systemRegisterItems(reads ? 'read' : 'write', this.#settings, false),
      };
    if (/\bSYS_\w*$/.test(source)) {
      const items = systemRegisterItems('read', this.#settings, true).map((it) => ({
        ...it,
        label: `SYS_${it.label}`,
      }));
      return { isIncomplete: false, items };
    }
    return { isIncomplete: false, items: [] };
  }

  resolveCompletion(item: CompletionItem): CompletionItem {
    return resolveCompletion(item);
  }

  signatureHelp(uri: string, position: Position): SignatureHelp | undefined {
    const file = this.#file(uri);
    return file && signatureHelp(this.workspace, file, position);
  }

  // -- navigation

  definition(uri: string, position: Position): Location[] {
    const open = this.#listings.get(uri);
    if (open) {
      const { source, listing } = open;
      const address = addressAt(source[position.line] ?? '', position.character);
      const row = address === undefined ? undefined : listing.addresses.get(address);
      return row === undefined ? [] : [{ uri, range: rangeOf(row, { start: 0, end: 0 }) }];
    }
    const file = this.#file(uri);
    return file ? navigation.definition(this.workspace, file, position) : [];
  }

  declaration(uri: string, position: Position): Location[] {
    const file = this.#file(uri);
    return file ? navigation.declaration(this.workspace, file, position) : [];
  }

  references(uri: string, position: Position, includeDeclaration: boolean): Location[] {
    const mention = this.#mention(uri, position);
    const file = this.#file(uri);
    if (!file) return [];
    const name =
      mention?.name.replace(/^SYS_/, '') ?? cursorAt(file.document, position)?.word?.text ?? '';
    const named = systemRegister(name);
    const found = mention
      ? navigation.systemRegisterReferences(this.workspace, name)
      : navigation.references(this.workspace, file, position, includeDeclaration);
    return named && !file.model.definitions.has(name)
      ? [...found, ...this.#hostReferences(named.register.encoding)]
      : [...found, ...this.#hostUses(uri, name)];
  }

  /** Uses of a symbol of assembly in C, C++ and Rust, which see those that are global. */
  #hostUses(uri: string, name: string): Location[] {
    const isGlobal = this.workspace
      .definitions(uri, name)
      .some((it) => this.workspace.get(it.uri)?.model.globals.has(name));
    if (!isGlobal) return [];
    const closed = this.#hostNames.candidates(name).filter((it) => !this.#hosts.has(it));
    const texts = [
      ...[...this.#hosts].map(([it, { text }]) => [it, text.getText()] as const),
      ...closed.map((it) => [it, this.#access.read(it) ?? ''] as const),
    ];
    return texts.flatMap(([it, text]) =>
      placesOfName(text, name).map((place) => ({ uri: it, range: rangeOf(place.line, place) })),
    );
  }

  /** Uses of a system register in C, C++ and Rust. */
  #hostReferences(encoding: number): Location[] {
    const found: Location[] = [];
    const open = [...this.#hosts.values()].map(({ embedded }) => embedded);
    for (const embedded of [...open, ...this.#closedHosts.values()]) {
      const { uri } = embedded.shadow;
      for (const mention of embedded.mentions) {
        if (mentionedRegister(mention)?.register.encoding === encoding)
          found.push({ uri, range: rangeOf(mention.line, mention) });
      }
      embedded.shadow.lines.forEach((line, row) => {
        for (const statement of line.statements) {
          if (!/^m(?:rs|sr)$/i.test(statement.name?.text ?? '')) continue;
          for (const operand of statement.operands) {
            if (systemRegister(operand.text)?.register.encoding === encoding)
              found.push({ uri, range: rangeOf(row, operand) });
          }
        }
      });
    }
    return found;
  }

  /** @throws ResponseError where the word cannot be renamed. */
  prepareRename(
    uri: string,
    position: Position,
  ): { range: Range; placeholder: string } | undefined {
    const file = this.workspace.get(uri);
    return file && navigation.prepareRename(this.workspace, file, position);
  }

  /**
   * Uses in C, C++ and Rust are found by their name alone, so a client that can is told to let the user look at them.
   *
   * @throws ResponseError where the new name cannot be used.
   */
  rename(
    uri: string,
    position: Position,
    newName: string,
    { annotates = false }: { readonly annotates?: boolean } = {},
  ): WorkspaceEdit | undefined {
    const file = this.workspace.get(uri);
    if (!file) return undefined;
    const edit = navigation.rename(this.workspace, file, position, newName);
    const name = cursorAt(file.document, position)?.word?.text ?? '';
    const uses = this.#hostUses(uri, name);
    return uses.length === 0 ? edit : withHostUses(edit, uses, newName, annotates);
  }

  highlights(uri: string, position: Position): DocumentHighlight[] {
    const file = this.workspace.get(uri);
    return file ? navigation.highlights(this.workspace, file, position) : [];
  }

  documentSymbols(uri: string): DocumentSymbol[] {
    const file = this.workspace.get(uri);
    return file ? navigation.documentSymbols(file, this.#settings.localLabelsInOutline) : [];
  }

  workspaceSymbols(query: string): WorkspaceSymbol[] {
    return navigation.workspaceSymbols(this.workspace, query);
  }

  documentLinks(uri: string): DocumentLink[] {
    const file = this.workspace.get(uri);
    return file ? navigation.documentLinks(this.workspace, file) : [];
  }

  prepareCalls(uri: string, position: Position): CallHierarchyItem[] {
    const file = this.workspace.get(uri);
    return file ? navigation.prepareCalls(this.workspace, file, position) : [];
  }

  incomingCalls(item: CallHierarchyItem): CallHierarchyIncomingCall[] {
    return navigation.incomingCalls(this.workspace, item);
  }

  outgoingCalls(item: CallHierarchyItem): CallHierarchyOutgoingCall[] {
    return navigation.outgoingCalls(this.workspace, item);
  }

  // -- presentation

  semanticTokens(uri: string, range?: Range): SemanticTokens {
    const file = this.#file(uri);
    return {
      data: file
        ? semanticTokens(this.workspace, file, range?.start.line, range?.end.line, this.#facts)
        : [],
    };
  }

  foldingRanges(uri: string): FoldingRange[] {
    const file = this.workspace.get(uri);
    return file ? foldingRanges(file) : [];
  }

  inlayHints(uri: string, range: Range): InlayHint[] {
    const file = this.workspace.get(uri);
    return file && this.#settings.inlayHints
      ? inlayHints(this.workspace, file, range, this.#facts)
      : [];
  }

  codeLenses(uri: string): CodeLens[] {
    const file = this.workspace.get(uri);
    return file && this.#settings.codeLenses ? codeLenses(file, this.#facts) : [];
  }

  resolveLens(lens: CodeLens): CodeLens {
    return resolveLens(this.workspace, lens, (uri, name) => this.#hostUses(uri, name));
  }

  selectionRanges(uri: string, positions: readonly Position[]): SelectionRange[] {
    const file = this.workspace.get(uri);
    return file ? selectionRanges(file, positions) : [];
  }

  format(uri: string, range?: Range): TextEdit[] {
    const file = this.workspace.get(uri);
    return file ? format(file, range) : [];
  }

  // -- while debugging

  /** Comments that the debugger obeys, in all files. */
  annotations(): Annotation[] {
    return [...this.workspace.files].flatMap((file) => annotations(file));
  }

  systemAccesses(uri: string, range: Range, stoppedLine?: number): SystemAccess[] {
    const host = this.#hosts.get(uri);
    if (host) return this.#hostAccesses(host, range, stoppedLine);
    const file = this.#file(uri);
    return file ? systemAccesses(this.workspace, file, range, stoppedLine) : [];
  }

  /** In C, where functions end is not known: of the stopped line alone. */
  #hostAccesses({ embedded, file }: Host, range: Range, stoppedLine?: number): SystemAccess[] {
    const isWanted = (line: number): boolean =>
      line >= range.start.line &&
      line <= range.end.line &&
      (stoppedLine === undefined || line === stoppedLine);
    const named = embedded.mentions.flatMap((mention): SystemAccess[] => {
      const register = mentionedRegister(mention)?.register.name;
      const { direction, line } = mention;
      if (register === undefined || direction === 'any') return [];
      const mnemonic = direction === 'read' ? 'mrs' : 'msr';
      return [{ range: rangeOf(line, mention), mnemonic, register, direction }];
    });
    return [...systemAccesses(this.workspace, file, range), ...named].filter((it) =>
      isWanted(it.range.start.line),
    );
  }

  /** Names of labels whose executions can be counted. */
  labels(uri: string): string[] {
    const { definitions } = this.workspace.get(uri)?.model ?? {};
    return [...(definitions ?? [])].flatMap(([name, places]) =>
      places.some(({ kind }) => kind === 'function' || kind === 'label') ? [name] : [],
    );
  }

  inlineValues(uri: string, range: Range, stoppedLine: number): InlineValue[] {
    const host = this.#hosts.get(uri);
    if (host) return inlineWrites(host.embedded.mentions, range, stoppedLine);
    const file = this.workspace.get(uri);
    return file ? inlineValues(this.workspace, file, range, stoppedLine) : [];
  }

  evaluatableExpression(uri: string, position: Position): EvaluatableExpression | undefined {
    const file = this.workspace.get(uri);
    return file && evaluatableExpression(this.workspace, file, position);
  }
}

/**
 * Adds the uses of a symbol in C, C++ and Rust to the edit that renames it.
 *
 * @throws ResponseError where the name is none in those languages.
 */
function withHostUses(
  { changes = {} }: WorkspaceEdit,
  uses: readonly Location[],
  newName: string,
  annotates: boolean,
): WorkspaceEdit {
  const [first] = uses;
  if (!/^[A-Za-z_]\w*$/.test(newName)) {
    const file = decodeURIComponent(first?.uri.replace(/^.*\//, '') ?? '');
    throw new ResponseError(
      3001,
      `The name is used in ${file}, where "${newName}" is no identifier. Take letters, digits and underscores.`,
    );
  }
  const hostEdits = new Map<string, TextEdit[]>();
  for (const { uri, range } of uses)
    hostEdits.set(uri, [...(hostEdits.get(uri) ?? []), { range, newText: newName }]);
  if (!annotates) {
    return { changes: { ...changes, ...Object.fromEntries(hostEdits) } };
  }
  const annotationId = 'by-name';
  return {
    documentChanges: [
      ...Object.entries(changes).map(([uri, edits]) => ({
        textDocument: { uri, version: null },
        edits,
      })),
      ...[...hostEdits].map(([uri, edits]) => ({
        textDocument: { uri, version: null },
        edits: edits.map((it) => ({ ...it, annotationId })),
      })),
    ],
    changeAnnotations: {
      [annotationId]: {
        label: 'Uses in C, C++ and Rust',
        description: 'Found by the name alone: a local variable may have it too.',
        needsConfirmation: true,
      },
    },
  };
}

export { diagnosticCodes };
