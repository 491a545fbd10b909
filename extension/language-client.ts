/** Starts the language server and adds what the protocol has no request for. */
import * as vscode from 'vscode';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';
import type { LanguageClientOptions, ServerOptions } from 'vscode-languageclient/node';
import type { DebuggerLink } from './debugger-link.ts';
import { toRange } from './lens-commands.ts';
import { DEBUG_TYPE } from './protocol.ts';

/** Assembly under the ids that this and other extensions give it. */
const assemblyLanguages = ['aarch64', 'arm', 'arm64', 'armasm', 'asm', 'gas'];
/** Languages in which only names of system registers and `asm` strings are looked at. */
const hostLanguages = ['c', 'cpp', 'rust'];

const SECTION = 'trapline.languageServer';

interface Place {
  readonly line: number;
  readonly character: number;
}

interface Evaluatable {
  readonly range: { readonly start: Place; readonly end: Place };
  readonly expression: string;
}

/** The client stops with the extension: it is among the context's subscriptions. */
export function startLanguageClient(
  context: vscode.ExtensionContext,
  debuggerLink: () => DebuggerLink | undefined,
): LanguageClient {
  const module = context.asAbsolutePath('dist/language-server.cjs');
  const server: ServerOptions = {
    run: { module, transport: TransportKind.ipc },
    debug: {
      module,
      transport: TransportKind.ipc,
      options: { execArgv: ['--nolazy', '--inspect=6011'] },
    },
  };
  const documentation = vscode.Uri.joinPath(context.extensionUri, 'docs', 'diagnostics').toString();
  const options: LanguageClientOptions = {
    documentSelector: [
      ...[...assemblyLanguages, ...hostLanguages].map((language) => ({ scheme: 'file', language })),
      { language: 'aarch64-disassembly' },
    ],
    initializationOptions: { ...vscode.workspace.getConfiguration(SECTION), documentation },
    middleware: {
      // The protocol's inline values are expressions; what an access would do is asked for beside them.
      provideInlineValues: async (document, viewPort, context, token, next) => {
        const values = (await next(document, viewPort, context, token)) ?? [];
        const link = debuggerLink();
        if (link === undefined) return values;
        try {
          const { line } = context.stoppedLocation.end;
          const [shown, predicted] = await Promise.all([
            link.registerValues(values, context.frameId),
            link.predictions(document, viewPort, line),
          ]);
          return [...shown, ...predicted];
        } catch (error) {
          // The guest may be gone by now; the values stay, and the log has the reason.
          client.error('What accesses to system registers would do is not known', error, false);
          return values;
        }
      },
    },
    synchronize: {
      fileEvents: vscode.workspace.createFileSystemWatcher('**/*.{s,S,asm,inc,h,c,cc,cpp,rs}'),
    },
  };
  const client = new LanguageClient(SECTION, 'Trapline Language Server', server, options);
  context.subscriptions.push(
    client,
    vscode.workspace.onDidChangeConfiguration(async (event) => {
      if (!event.affectsConfiguration(SECTION) || !client.isRunning()) return;
      const languageServer = { ...vscode.workspace.getConfiguration(SECTION) };
      await client.sendNotification('workspace/didChangeConfiguration', {
        settings: { trapline: { languageServer } },
      });
    }),
    vscode.languages.registerEvaluatableExpressionProvider(assemblyLanguages, {
      provideEvaluatableExpression: (document, position) =>
        evaluatableExpression(client, document, position),
    }),
  );
  void client.start();
  return client;
}

/** Without a session of ours the debugger of somebody else is asked in its own way. */
async function evaluatableExpression(
  client: LanguageClient,
  document: vscode.TextDocument,
  position: vscode.Position,
): Promise<vscode.EvaluatableExpression | undefined> {
  if (vscode.debug.activeDebugSession?.type !== DEBUG_TYPE || !client.isRunning()) return undefined;
  const answer = await client.sendRequest<Evaluatable | null>('trapline/evaluatableExpression', {
    textDocument: { uri: document.uri.toString() },
    position: { line: position.line, character: position.character },
  });
  return answer === null
    ? undefined
    : new vscode.EvaluatableExpression(toRange(answer.range), answer.expression);
}
