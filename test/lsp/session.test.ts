/** Whole sessions of the language server over stdio: what a client sends and gets. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type {
  CompletionList,
  Hover,
  Location,
  SemanticTokens,
  SemanticTokensDelta,
  WorkspaceSymbol,
} from 'vscode-languageserver';
import { Client } from './client.ts';

describe('a session over stdio', () => {
  let folder: string;
  let client: Client;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'language-server-'));
    writeFileSync(
      path.join(folder, 'lib.S'),
      '.global helper\n.type helper, %function\nhelper: ret\n',
    );
    client = await Client.start(folder);
  });
  after(async () => {
    await client.stop();
    rmSync(folder, { recursive: true });
  });

  const open = async (name: string, text: string, languageId = 'aarch64'): Promise<string> => {
    const uri = pathToFileURL(path.join(folder, name)).href;
    await client.connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId, version: 1, text },
    });
    return uri;
  };

  it('announces what it can do', () => {
    for (const name of [
      'hoverProvider',
      'completionProvider',
      'renameProvider',
      'semanticTokensProvider',
      'inlayHintProvider',
      'callHierarchyProvider',
      'inlineValueProvider',
    ] as const) {
      assert.ok(client.capabilities[name], name);
    }
  });

  it('reports problems at opening and again after an edit', async () => {
    const uri = pathToFileURL(path.join(folder, 'a.S')).href;
    const first = client.nextDiagnostics(uri);
    await open('a.S', 'mrs x0, mdscr_el\n');
    assert.deepEqual(
      (await first).map(({ code }) => code),
      ['sysreg-unknown'],
    );
    const second = client.nextDiagnostics(uri);
    await client.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: 2 },
      contentChanges: [
        {
          range: { start: { line: 0, character: 16 }, end: { line: 0, character: 16 } },
          text: '1',
        },
      ],
    });
    assert.deepEqual(await second, []);
  });

  it('hovers, completes and goes to the definition in a file that is not open', async () => {
    const uri = await open('b.S', 'mrs x0, midr_el1\nbl helper\nmsr md\n');
    const hover = await client.connection.sendRequest<Hover>('textDocument/hover', {
      textDocument: { uri },
      position: { line: 0, character: 10 },
    });
    assert.match(JSON.stringify(hover.contents), /MIDR_EL1/);
    const list = await client.connection.sendRequest<CompletionList>('textDocument/completion', {
      textDocument: { uri },
      position: { line: 2, character: 6 },
    });
    assert.ok(list.items.some(({ label }) => label === 'mdscr_el1'));
    // The workspace is read in the background.
    for (let attempt = 0; ; attempt += 1) {
      const found = await client.connection.sendRequest<Location[]>('textDocument/definition', {
        textDocument: { uri },
        position: { line: 1, character: 4 },
      });
      if (found.length > 0) {
        assert.match(found[0]?.uri ?? '', /lib\.S$/);
        break;
      }
      assert.ok(attempt < 100, 'lib.S is never indexed');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const symbols = await client.connection.sendRequest<WorkspaceSymbol[]>('workspace/symbol', {
      query: 'help',
    });
    assert.deepEqual(
      symbols.map(({ name }) => name),
      ['helper'],
    );
  });

  it('answers semantic tokens by what has changed', async () => {
    const uri = await open('c.S', 'nop\nnop\nnop\n');
    const full = await client.connection.sendRequest<SemanticTokens>(
      'textDocument/semanticTokens/full',
      { textDocument: { uri } },
    );
    assert.equal(full.data.length, 15);
    await client.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: 2 },
      contentChanges: [
        {
          range: { start: { line: 1, character: 0 }, end: { line: 1, character: 3 } },
          text: '// x',
        },
      ],
    });
    const delta = await client.connection.sendRequest<SemanticTokensDelta>(
      'textDocument/semanticTokens/full/delta',
      { textDocument: { uri }, previousResultId: full.resultId },
    );
    assert.equal(delta.edits.length, 1);
    assert.ok((delta.edits[0]?.deleteCount ?? 15) < 15);
  });

  it('refuses a rename with a reason', async () => {
    const uri = await open('d.S', 'here: b here\n');
    await assert.rejects(
      client.connection.sendRequest('textDocument/rename', {
        textDocument: { uri },
        position: { line: 0, character: 1 },
        newName: 'add',
      }),
      /is a mnemonic/,
    );
  });

  it('tells the debugger what to evaluate', async () => {
    const uri = await open('e.S', 'add x0, x1, x2\n');
    const answer = await client.connection.sendRequest('trapline/evaluatableExpression', {
      textDocument: { uri },
      position: { line: 0, character: 9 },
    });
    assert.deepEqual(answer, {
      range: { start: { line: 0, character: 8 }, end: { line: 0, character: 10 } },
      expression: '$x1',
    });
  });
});
