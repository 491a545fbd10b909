/** Samples as a user has them: a folder with one ELF file and its sources, and places in them. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from './support/windows.ts';

const samples = path.resolve(import.meta.dirname, '../../samples');

/** A copy of a sample without its launch configuration, or with one that has these attributes beside the program. */
export function sampleFolder(
  sample: string,
  configuration?: Readonly<Record<string, unknown>>,
): string {
  const folder = temporaryFolder(sample, {
    copyOf: path.join(samples, sample),
    except: ['.vscode', 'out'],
  });
  if (configuration !== undefined) {
    const launch = {
      version: '0.2.0',
      configurations: [
        {
          type: 'trapline',
          request: 'launch',
          name: sample,
          program: `\${workspaceFolder}/${sample}.elf`,
          ...configuration,
        },
      ],
    };
    mkdirSync(path.join(folder, '.vscode'));
    writeFileSync(path.join(folder, '.vscode', 'launch.json'), JSON.stringify(launch, null, 2));
  }
  return folder;
}

/** The number of the only line of a sample's source that contains the text. */
export function lineWith(sample: string, file: string, text: string): number {
  const lines = readFileSync(path.join(samples, sample, file), 'utf8').split('\n');
  const found = lines.flatMap((line, i) => (line.includes(text) ? [i + 1] : []));
  assert.equal(found.length, 1, `lines of ${file} with "${text}": ${found.join(', ')}`);
  return found[0] ?? 0;
}
