/** A client of the language server, which runs as the program that editors start. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  StreamMessageReader,
  StreamMessageWriter,
  createMessageConnection,
} from 'vscode-jsonrpc/node';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import type { Diagnostic, InitializeResult, Position, Range } from 'vscode-languageserver';

const source = path.resolve(import.meta.dirname, '../../language-server/server.ts');

export interface OpenOptions {
  readonly name?: string;
  readonly languageId?: string;
}

/** An open file, and the place of `|` in the text that was given. */
export interface OpenFile {
  readonly uri: string;
  readonly text: string;
  readonly position: Position;
  /** What was reported when it was opened. */
  readonly diagnostics: readonly Diagnostic[];
}

/** What the text underlines, as `code@line:text`. */
export function summary({ text, diagnostics }: OpenFile): string[] {
  const lines = text.split('\n');
  return diagnostics.map(
    ({ code, range: { start, end } }) =>
      `${String(code)}@${start.line}:${(lines[start.line] ?? '').slice(start.character, end.line === start.line ? end.character : undefined)}`,
  );
}

export class Client {
  readonly connection: MessageConnection;
  readonly folder: string;
  capabilities: InitializeResult['capabilities'] = {};
  readonly #child;
  readonly #waiting = new Map<string, ((diagnostics: readonly Diagnostic[]) => void)[]>();
  readonly #open = new Set<string>();
  #files = 0;
  #version = 1;

  private constructor(folder: string, program: readonly string[]) {
    this.folder = folder;
    this.#child = spawn(process.execPath, [...program, '--stdio'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.connection = createMessageConnection(
      new StreamMessageReader(this.#child.stdout),
      new StreamMessageWriter(this.#child.stdin),
    );
    this.connection.onNotification(
      'textDocument/publishDiagnostics',
      ({ uri, diagnostics }: { uri: string; diagnostics: Diagnostic[] }) => {
        for (const resolve of this.#waiting.get(uri) ?? []) resolve(diagnostics);
        this.#waiting.delete(uri);
      },
    );
    this.connection.listen();
  }

  /** From its sources, or as `entry`, which is a bundle. */
  static async start(
    folder: string,
    { entry, settings = {} }: { readonly entry?: string; readonly settings?: object } = {},
  ): Promise<Client> {
    const client = new Client(folder, entry === undefined ? ['--import', 'tsx', source] : [entry]);
    const folderUri = pathToFileURL(folder).href;
    const { capabilities } = await client.connection.sendRequest<InitializeResult>('initialize', {
      processId: process.pid,
      rootUri: folderUri,
      workspaceFolders: [{ uri: folderUri, name: 'w' }],
      capabilities: {},
      initializationOptions: settings,
    });
    client.capabilities = capabilities;
    await client.connection.sendNotification('initialized', {});
    return client;
  }

  get processId(): number {
    return this.#child.pid ?? 0;
  }

  uriOf(name: string): string {
    return pathToFileURL(path.join(this.folder, name)).href;
  }

  /** The next report of problems for a file. */
  nextDiagnostics(uri: string): Promise<readonly Diagnostic[]> {
    return new Promise((resolve) => {
      this.#waiting.set(uri, [...(this.#waiting.get(uri) ?? []), resolve]);
    });
  }

  /** Opens a text in which `|` marks the cursor. */
  async open(
    marked: string,
    { name, languageId = 'aarch64' }: OpenOptions = {},
  ): Promise<OpenFile> {
    const extension = { aarch64: 'S', c: 'c', rust: 'rs', cpp: 'cpp' }[languageId] ?? 'S';
    this.#files += 1;
    const uri = this.uriOf(name ?? `case${this.#files}.${extension}`);
    const at = marked.indexOf('|');
    const text = at < 0 ? marked : marked.slice(0, at) + marked.slice(at + 1);
    const before = text.slice(0, Math.max(0, at)).split('\n');
    const reported = this.nextDiagnostics(uri);
    this.#open.add(uri);
    await this.connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId, version: 1, text },
    });
    return {
      uri,
      text,
      position: { line: before.length - 1, character: before.at(-1)?.length ?? 0 },
      diagnostics: await reported,
    };
  }

  async edit(uri: string, range: Range, text: string): Promise<readonly Diagnostic[]> {
    this.#version += 1;
    const reported = this.nextDiagnostics(uri);
    await this.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: this.#version },
      contentChanges: [{ range, text }],
    });
    return reported;
  }

  async closeAll(): Promise<void> {
    for (const uri of this.#open)
      await this.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
    this.#open.clear();
  }

  /** A request about the cursor's place in a file. */
  at<T>(method: string, { uri, position }: OpenFile, more: object = {}): Promise<T> {
    return this.connection.sendRequest<T>(`textDocument/${method}`, {
      textDocument: { uri },
      position,
      ...more,
    });
  }

  /** A request about a whole file. */
  of<T>(method: string, { uri }: Pick<OpenFile, 'uri'>, more: object = {}): Promise<T> {
    return this.connection.sendRequest<T>(`textDocument/${method}`, {
      textDocument: { uri },
      ...more,
    });
  }

  async configure(languageServer: object): Promise<void> {
    await this.connection.sendNotification('workspace/didChangeConfiguration', {
      settings: { trapline: { languageServer } },
    });
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#child.once('exit', resolve));
    await this.connection.sendRequest('shutdown');
    await this.connection.sendNotification('exit');
    await closed;
    this.connection.dispose();
  }
}

/** A range that covers any file. */
export const everywhere: Range = {
  start: { line: 0, character: 0 },
  end: { line: 100_000, character: 0 },
};
