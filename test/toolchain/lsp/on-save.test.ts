/** Errors of the assembler after saving, with the flags of the project. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from '../../lsp/client.ts';
import { skipBecause, versionOf } from '../tools.ts';
import { GNU_CC } from './compiler-output.ts';

describe('saving', () => {
  it('adds what the assembler says, and nothing that the flags of the project allow', async function () {
    this.timeout(60_000);
    if (versionOf(GNU_CC) === undefined) skipBecause(this, `${GNU_CC} is not installed`);
    const folder = mkdtempSync(path.join(tmpdir(), 'on-save-'));
    const text =
      '#ifdef FROM_THE_PROJECT\n        nop\n#else\n#error no flags\n#endif\n        .quad 1 +\n';
    writeFileSync(path.join(folder, 'a.S'), text);
    writeFileSync(
      path.join(folder, 'compile_commands.json'),
      JSON.stringify([
        { file: 'a.S', directory: folder, command: 'cc -DFROM_THE_PROJECT -c a.S -o a.o' },
      ]),
    );
    const client = await Client.start(folder);
    try {
      const { uri } = await client.open(text, { name: 'a.S' });
      const reported = client.nextDiagnostics(uri);
      await client.connection.sendNotification('textDocument/didSave', { textDocument: { uri } });
      let found = (await reported).filter(({ source }) => source === 'assembler');
      // The reading of the workspace may have reported once more before the assembler was done.
      while (found.length === 0)
        found = (await client.nextDiagnostics(uri)).filter(({ source }) => source === 'assembler');
      assert.deepEqual(
        found.map(({ range }) => range.start.line),
        [5],
      );
    } finally {
      await client.stop();
      rmSync(folder, { recursive: true });
    }
  });
});
