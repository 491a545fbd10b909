/** The debug adapter and the emulator run in a browser worker: they bundle and load without Node. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { runInNewContext } from 'node:vm';
import { build } from 'esbuild';
import { browserBundle } from '../../tools/browser/bundle-options.mjs';

const root = path.resolve(import.meta.dirname, '../..');

/** Everything that a host starts from. */
const entries = ['debug-adapter/session.ts', 'emulator/machine.ts'];

/** What a browser worker has beside the language itself and WebAssembly, as far as we use it. */
const webGlobals = { TextDecoder, TextEncoder, URL };

describe('browser bundle', () => {
  for (const entry of entries) {
    it(`of ${entry} needs no Node module and loads without Node's globals`, async () => {
      assert.ok(existsSync(path.join(root, entry)), `${entry} does not exist`);
      const result = await build({
        ...browserBundle,
        absWorkingDir: root,
        entryPoints: [entry],
        write: false,
        metafile: true,
        logLevel: 'silent',
      });
      assert.deepEqual(result.errors, []);
      const external = Object.values(result.metafile.outputs)
        .flatMap((output) => output.imports)
        .filter((it) => it.external)
        .map((it) => it.path);
      assert.deepEqual(external, []);

      const module = { exports: {} };
      runInNewContext(result.outputFiles[0]?.text ?? '', { ...webGlobals, module });
      assert.notDeepEqual(Object.keys(module.exports), []);
    });
  }
});
