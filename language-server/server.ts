/** The language server as a program: over stdio, or over the channel of the process that forked it. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  CodeActionKind,
  ProposedFeatures,
  TextDocumentSyncKind,
  createConnection,
} from 'vscode-languageserver/node';
import type {
  Connection,
  InitializeResult,
  Position,
  Range,
  SemanticTokens,
} from 'vscode-languageserver/node';
import { flagsOf, includeFoldersOf } from './compile-commands.ts';
import { ExternalAssembler } from './external-assembler.ts';
import { tokenModifiers, tokenTypes } from './features/presentation.ts';
import type { DebuggerFacts } from './features/presentation.ts';
import { IdleMemory } from './idle-memory.ts';
import { LanguageService } from './service.ts';
import { defaultSettings } from './settings.ts';
import type { Settings } from './settings.ts';

/** Files beyond this size are read only when the editor opens them. */
const MAXIMUM_INDEXED_BYTES = 4 * 2 ** 20;
const MAXIMUM_INDEXED_FILES = 5000;
/** Milliseconds of indexing between two looks at the queue of requests. */
const INDEX_SLICE = 2;
/**
 * Turns of the event loop between two slices: a message takes one each to be read, decoded, handled, encoded and
 * written.
 */
const TURNS_BETWEEN_SLICES = 8;
/** Milliseconds without a keystroke after which problems are reported. */
const DIAGNOSTICS_DELAY = 60;

function readFile(uri: string): string | undefined {
  try {
    const path = fileURLToPath(uri);
    const { size } = statSync(path);
    return size <= MAXIMUM_INDEXED_BYTES ? readFileSync(path, 'utf8') : undefined;
  } catch {
    // Not a file, or none that can be read: to the index it does not exist.
    return undefined;
  }
}

const ignoredFolders = new Set(['.git', 'node_modules', '.cache', 'out', 'dist', 'build']);

/** Files below a folder that may name labels or system registers, without following links. */
function* sourceFiles(root: string): Generator<string> {
  const queue = [root];
  let count = 0;
  for (let folder = queue.shift(); folder !== undefined; folder = queue.shift()) {
    let entries;
    try {
      entries = readdirSync(folder, { withFileTypes: true });
    } catch {
      continue;
    }
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!ignoredFolders.has(entry.name)) queue.push(path);
      } else if (entry.isFile() && /\.(?:s|asm|inc|c|h|cc|cpp|cxx|hpp|rs)$/i.test(entry.name)) {
        count += 1;
        if (count > MAXIMUM_INDEXED_FILES) return;
        yield path;
      }
    }
  }
}

export function startServer(connection: Connection): void {
  const service = new LanguageService({ read: readFile });
  const pending = new Map<string, NodeJS.Timeout>();
  const tokenResults = new Map<string, { readonly id: string; readonly tokens: SemanticTokens }>();
  const assembler = new ExternalAssembler();
  const memory = new IdleMemory();
  const languages = new Map<string, string>();
  let roots: string[] = [];
  let resultCount = 0;
  /** What the client can be asked to fetch again. */
  let refreshes = { lenses: false, hints: false, tokens: false };
  /** The client can ask the user about single edits. */
  let annotates = false;
  /** The workspace was read from end to end. */
  let indexed = false;
  let markIndexed = (): void => undefined;
  const whenIndexed = new Promise<void>((resolve) => {
    markIndexed = resolve;
  });

  const report = (uri: string): void => {
    pending.delete(uri);
    const own = service.diagnostics(uri);
    void connection.sendDiagnostics({ uri, diagnostics: [...own, ...assembler.known(uri, own)] });
  };
  const schedule = (uri: string): void => {
    clearTimeout(pending.get(uri));
    pending.set(
      uri,
      setTimeout(() => {
        report(uri);
      }, DIAGNOSTICS_DELAY),
    );
  };
  const scheduleOthers = (): void => {
    for (const uri of languages.keys()) schedule(uri);
  };

  const configure = (given: unknown): void => {
    const section = (given ?? {}) as Partial<Record<string, unknown>>;
    // What is not given has its default again; only the pages' folder is said once, at the start.
    const { documentation } = service.settings;
    const settings: { -readonly [K in keyof Settings]: Settings[K] } = {
      ...defaultSettings,
      documentation,
    };
    if (typeof section['cpu'] === 'string') settings.cpu = section['cpu'];
    const el = section['targetEL'];
    delete settings.targetEL;
    if (el === 0 || el === 1 || el === 2 || el === 3) settings.targetEL = el;
    if (typeof section['inlayHints'] === 'boolean') settings.inlayHints = section['inlayHints'];
    if (typeof section['codeLenses'] === 'boolean') settings.codeLenses = section['codeLenses'];
    if (typeof section['localLabelsInOutline'] === 'boolean')
      settings.localLabelsInOutline = section['localLabelsInOutline'];
    if (typeof section['assembler'] === 'string') settings.assembler = section['assembler'];
    if (typeof section['documentation'] === 'string')
      settings.documentation = section['documentation'];
    const folders = Array.isArray(section['includeFolders'])
      ? section['includeFolders'].filter((it) => typeof it === 'string')
      : [];
    const fromCommands = roots.flatMap((root) => includeFoldersOf(root));
    const configured = roots.flatMap((root) =>
      folders.map((it) => pathToFileURL(join(root, it, '/')).href),
    );
    settings.includeFolders = [...new Set([...configured, ...fromCommands])];
    service.configure(settings);
  };

  connection.onInitialize((parameters): InitializeResult => {
    roots = (parameters.workspaceFolders ?? []).flatMap(({ uri }) => {
      try {
        return [fileURLToPath(uri)];
      } catch {
        return [];
      }
    });
    configure(parameters.initializationOptions);
    const { workspace } = parameters.capabilities;
    annotates = workspace?.workspaceEdit?.changeAnnotationSupport !== undefined;
    refreshes = {
      lenses: workspace?.codeLens?.refreshSupport === true,
      hints: workspace?.inlayHint?.refreshSupport === true,
      tokens: workspace?.semanticTokens?.refreshSupport === true,
    };
    return {
      serverInfo: { name: 'trapline-language-server' },
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: true },
        hoverProvider: true,
        completionProvider: {
          triggerCharacters: ['.', ',', '[', '\\', '#', '"'],
          resolveProvider: true,
        },
        signatureHelpProvider: { triggerCharacters: [' ', ','], retriggerCharacters: [','] },
        definitionProvider: true,
        declarationProvider: true,
        referencesProvider: true,
        renameProvider: { prepareProvider: true },
        documentHighlightProvider: true,
        documentSymbolProvider: true,
        workspaceSymbolProvider: true,
        foldingRangeProvider: true,
        selectionRangeProvider: true,
        callHierarchyProvider: true,
        inlayHintProvider: true,
        inlineValueProvider: true,
        codeLensProvider: { resolveProvider: true },
        codeActionProvider: {
          codeActionKinds: [CodeActionKind.QuickFix, CodeActionKind.RefactorRewrite],
        },
        documentFormattingProvider: true,
        documentRangeFormattingProvider: true,
        documentOnTypeFormattingProvider: { firstTriggerCharacter: '\n' },
        documentLinkProvider: {},
        semanticTokensProvider: {
          legend: { tokenTypes: [...tokenTypes], tokenModifiers: [...tokenModifiers] },
          full: { delta: true },
          range: true,
        },
      },
    };
  });

  connection.onInitialized(() => {
    indexInBackground();
  });

  /** Reads the workspace in slices, so that requests never wait for it. */
  const indexInBackground = (): void => {
    const files = (function* (): Generator<string> {
      for (const root of roots) yield* sourceFiles(root);
    })();
    const slice = (): void => {
      const started = performance.now();
      while (performance.now() - started < INDEX_SLICE) {
        const next = files.next();
        if (next.done === true) {
          indexed = true;
          markIndexed();
          scheduleOthers();
          return;
        }
        const uri = pathToFileURL(next.value).href;
        if (languages.has(uri) || service.workspace.get(uri)) continue;
        const text = readFile(uri);
        if (text === undefined) continue;
        memory.read(text.length);
        service.index(uri, text);
      }
      rest(TURNS_BETWEEN_SLICES);
    };
    const rest = (turns: number): void => {
      setImmediate(() => {
        if (turns === 0) slice();
        else rest(turns - 1);
      });
    };
    rest(0);
  };

  connection.onDidChangeConfiguration(({ settings }) => {
    const all = settings as { readonly trapline?: { readonly languageServer?: unknown } } | null;
    configure(all?.trapline?.languageServer);
    scheduleOthers();
  });

  connection.onDidOpenTextDocument(({ textDocument: { uri, languageId, text, version } }) => {
    languages.set(uri, languageId);
    memory.read(text.length);
    service.open(uri, languageId, text, version);
    report(uri);
  });
  connection.onDidChangeTextDocument(({ textDocument: { uri, version }, contentChanges }) => {
    const before = service.workspace.generation;
    memory.worked();
    service.change(uri, contentChanges, version);
    assembler.forget(uri);
    schedule(uri);
    if (service.workspace.generation !== before) scheduleOthers();
  });
  connection.onDidSaveTextDocument(({ textDocument: { uri } }) => {
    const flags = uri.startsWith('file:') ? flagsOf(roots, fileURLToPath(uri)) : undefined;
    const isAssembly = service.workspace.get(uri) !== undefined;
    if (!isAssembly) return;
    void assembler.run(uri, service.settings.assembler, flags).then((changed) => {
      if (changed && languages.has(uri)) report(uri);
    });
  });
  connection.onDidCloseTextDocument(({ textDocument: { uri } }) => {
    languages.delete(uri);
    tokenResults.delete(uri);
    clearTimeout(pending.get(uri));
    pending.delete(uri);
    service.close(uri);
    void connection.sendDiagnostics({ uri, diagnostics: [] });
  });
  connection.onDidChangeWatchedFiles(({ changes }) => {
    for (const { uri } of changes) {
      if (languages.has(uri)) continue;
      const text = readFile(uri);
      if (text === undefined) service.remove(uri);
      else service.index(uri, text);
    }
    scheduleOthers();
  });

  connection.onHover(({ textDocument, position }) => service.hover(textDocument.uri, position));
  connection.onCompletion(({ textDocument, position }) =>
    service.completion(textDocument.uri, position),
  );
  connection.onCompletionResolve((item) => service.resolveCompletion(item));
  connection.onSignatureHelp(({ textDocument, position }) =>
    service.signatureHelp(textDocument.uri, position),
  );
  connection.onDefinition(({ textDocument, position }) =>
    service.definition(textDocument.uri, position),
  );
  connection.onDeclaration(({ textDocument, position }) =>
    service.declaration(textDocument.uri, position),
  );
  connection.onReferences(({ textDocument, position, context }) =>
    service.references(textDocument.uri, position, context.includeDeclaration),
  );
  connection.onPrepareRename(({ textDocument, position }) =>
    service.prepareRename(textDocument.uri, position),
  );
  connection.onRenameRequest(({ textDocument, position, newName }) =>
    service.rename(textDocument.uri, position, newName, { annotates }),
  );
  connection.onDocumentHighlight(({ textDocument, position }) =>
    service.highlights(textDocument.uri, position),
  );
  connection.onDocumentSymbol(({ textDocument }) => service.documentSymbols(textDocument.uri));
  connection.onWorkspaceSymbol(({ query }) => service.workspaceSymbols(query));
  connection.onFoldingRanges(({ textDocument }) => service.foldingRanges(textDocument.uri));
  connection.onSelectionRanges(({ textDocument, positions }) =>
    service.selectionRanges(textDocument.uri, positions),
  );
  connection.onCodeAction(({ textDocument, range }) =>
    service.codeActions(textDocument.uri, range),
  );
  connection.onCodeLens(({ textDocument }) => service.codeLenses(textDocument.uri));
  connection.onCodeLensResolve((lens) => service.resolveLens(lens));
  connection.onDocumentLinks(({ textDocument }) => service.documentLinks(textDocument.uri));
  connection.onDocumentFormatting(({ textDocument }) => service.format(textDocument.uri));
  connection.onDocumentRangeFormatting(({ textDocument, range }) =>
    service.format(textDocument.uri, range),
  );
  connection.onDocumentOnTypeFormatting(({ textDocument, position }) => {
    const above = Math.max(0, position.line - 1);
    return service.format(textDocument.uri, {
      start: { line: above, character: 0 },
      end: { line: above, character: 0 },
    });
  });
  connection.languages.callHierarchy.onPrepare(({ textDocument, position }) =>
    service.prepareCalls(textDocument.uri, position),
  );
  connection.languages.callHierarchy.onIncomingCalls(({ item }) => service.incomingCalls(item));
  connection.languages.callHierarchy.onOutgoingCalls(({ item }) => service.outgoingCalls(item));
  connection.languages.inlayHint.on(({ textDocument, range }) =>
    service.inlayHints(textDocument.uri, range),
  );
  connection.languages.inlineValue.on(({ textDocument, range, context }) =>
    service.inlineValues(textDocument.uri, range, context.stoppedLocation.end.line),
  );

  const remember = (uri: string, tokens: SemanticTokens): SemanticTokens => {
    resultCount += 1;
    const id = String(resultCount);
    tokenResults.set(uri, { id, tokens });
    return { ...tokens, resultId: id };
  };
  connection.languages.semanticTokens.on(({ textDocument }) =>
    remember(textDocument.uri, service.semanticTokens(textDocument.uri)),
  );
  connection.languages.semanticTokens.onDelta(({ textDocument, previousResultId }) => {
    const previous = tokenResults.get(textDocument.uri);
    const next = remember(textDocument.uri, service.semanticTokens(textDocument.uri));
    if (previous?.id !== previousResultId) return next;
    return {
      edits: tokenEdits(previous.tokens.data, next.data),
      ...(next.resultId !== undefined && { resultId: next.resultId }),
    };
  });
  connection.languages.semanticTokens.onRange(({ textDocument, range }) =>
    service.semanticTokens(textDocument.uri, range),
  );

  connection.onRequest(
    'trapline/evaluatableExpression',
    ({ textDocument, position }: { textDocument: { uri: string }; position: Position }) =>
      service.evaluatableExpression(textDocument.uri, position) ?? null,
  );

  // A guest that is started with the window is obeyed as one that is started later.
  connection.onRequest('trapline/annotations', async () => {
    await whenIndexed;
    return service.annotations();
  });
  connection.onRequest(
    'trapline/systemAccesses',
    ({ textDocument, range, stoppedLine }: SystemAccessesParameters) =>
      service.systemAccesses(textDocument.uri, range, stoppedLine),
  );
  connection.onRequest('trapline/labels', ({ textDocument }: { textDocument: { uri: string } }) =>
    service.labels(textDocument.uri),
  );
  connection.onNotification('trapline/debugger', (facts: DebuggerNotification | null) => {
    service.setDebuggerFacts(facts === null ? undefined : debuggerFacts(facts));
    if (refreshes.lenses) void connection.sendRequest('workspace/codeLens/refresh');
    if (refreshes.hints) void connection.sendRequest('workspace/inlayHint/refresh');
    if (refreshes.tokens && facts?.counts !== undefined)
      void connection.sendRequest('workspace/semanticTokens/refresh');
  });
  connection.onRequest('trapline/indexState', () => ({
    files: [...service.workspace.files].length,
    done: indexed,
  }));

  connection.listen();
}

interface SystemAccessesParameters {
  readonly textDocument: { readonly uri: string };
  readonly range: Range;
  /** From 0: only accesses of the function that holds this line. */
  readonly stoppedLine?: number;
}

/** What a client tells of the debugger; null when the session has ended. Addresses as text: JSON has no 64 bits. */
interface DebuggerNotification {
  readonly symbols: readonly { readonly name: string; readonly address: string }[];
  readonly watchpoints?: { readonly free: number; readonly all: number };
  readonly counts?: readonly { readonly label: string; readonly count: number }[];
}

function debuggerFacts({ symbols, watchpoints, counts }: DebuggerNotification): DebuggerFacts {
  return {
    symbols: new Map(symbols.map(({ name, address }) => [name, BigInt(address)])),
    ...(watchpoints && { watchpoints }),
    ...(counts && { counts: new Map(counts.map(({ label, count }) => [label, count])) }),
  };
}

/** One edit: what stands between the common head and the common tail. */
function tokenEdits(
  before: readonly number[],
  after: readonly number[],
): { start: number; deleteCount: number; data: number[] }[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  if (head === before.length && head === after.length) return [];
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  )
    tail += 1;
  return [
    {
      start: head,
      deleteCount: before.length - head - tail,
      data: after.slice(head, after.length - tail),
    },
  ];
}

// Without a transport on the command line the server speaks over stdio.
if (!process.argv.some((it) => /^--(?:stdio|node-ipc|socket|pipe)/.test(it)))
  process.argv.push('--stdio');
startServer(createConnection(ProposedFeatures.all));
