/**
 * The fixtures in test/fixtures/words say what llvm-mc says. With UPDATE_GOLDEN=1 they are written
 * anew from the same words.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import {
  hexWord,
  MODEL_NAMES,
  modelWordsFile,
  readModelWords,
  readWordSet,
  wordSetFile,
  wordSets,
} from '../support/disassembly-words.ts';
import { skipBecause, versionOf } from './tools.ts';

const command = 'llvm-mc-19';
const BASE = '+crc,+el3';
/** The extensions that some processor of ours implements, or whose hints and aliases we print all the same. */
const LATER = [
  ...['crc', 'el3', 'aes', 'sha2', 'v8.2a', 'pauth', 'bti', 'spe', 'tracev8.4', 'clrbhb'],
  ...[
    'fullfp16',
    'dotprod',
    'complxnum',
    'jsconv',
    'rcpc',
    'rcpc-immo',
    'flagm',
    'sb',
    'ssbs',
    'dit',
  ],
]
  .map((feature) => `+${feature}`)
  .join();

/** The extensions of each CPU model that have instructions. */
const MODELS: Readonly<Record<(typeof MODEL_NAMES)[number], string>> = {
  'v8.0': BASE,
  'cortex-a72': `${BASE},+aes,+sha2`,
  'neoverse-n1': `${BASE},+aes,+sha2,+v8.2a,+fullfp16,+dotprod,+rcpc,+ssbs`,
  'max-supported': LATER,
};

/** Text per word, undefined where it is no instruction with these features. */
function llvmText(words: readonly number[], features: string): (string | undefined)[] {
  const bytes = (word: number): string =>
    [0, 8, 16, 24].map((shift) => `0x${((word >>> shift) & 0xff).toString(16)}`).join(' ');
  const { stdout, stderr } = spawnSync(
    command,
    ['--disassemble', '-triple=aarch64', `-mattr=${features}`],
    {
      input: words.map((word) => `${bytes(word)}\n`).join(''),
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    },
  );
  const invalid = new Set<number>();
  for (const match of stderr.matchAll(/<stdin>:(\d+):\d+: warning: invalid instruction/g)) {
    invalid.add(Number(match[1]) - 1);
  }
  const lines = stdout.split('\n').filter((line) => line.startsWith('\t') && line !== '\t.text');
  assert.equal(lines.length, words.length - invalid.size);
  let next = 0;
  return words.map((_, index) => {
    if (invalid.has(index)) return undefined;
    const line = lines[next] ?? '';
    next += 1;
    return line
      .replace(/\s*\/\/.*$/, '')
      .trim()
      .replaceAll('\t', ' ');
  });
}

function linesFromLlvm(words: readonly number[]): string[] {
  const base = llvmText(words, BASE);
  const later = llvmText(words, LATER);
  return words.map((word, index) => {
    const text = later[index];
    if (text === undefined) return `${hexWord(word)} undefined`;
    return `${hexWord(word)} ${base[index] === undefined ? 'later' : 'base'} ${text}`;
  });
}

describe('instruction word fixtures', () => {
  it(`llvm-mc-models says what ${command} says with the features of each CPU model`, function () {
    if (versionOf(command) === undefined) skipBecause(this, `${command} is not installed`);
    const words = (['llvm-mc-v80-words', 'llvm-mc-other-words'] as const).flatMap((set) =>
      readWordSet(set).map(({ word }) => word),
    );
    const texts = MODEL_NAMES.map((name) => llvmText(words, MODELS[name]));
    const lines = words.map((word, index) => {
      const digits = texts.map((text) => (text[index] === undefined ? '0' : '1'));
      return `${hexWord(word)} ${digits.join('')}`;
    });
    if (process.env['UPDATE_GOLDEN'] === '1') {
      writeFileSync(modelWordsFile, gzipSync(`${lines.join('\n')}\n`, { level: 9 }));
      return;
    }
    const ours = readModelWords().map(
      ({ word, isDefined }) => `${hexWord(word)} ${isDefined.map(Number).join('')}`,
    );
    assert.deepEqual(ours, lines);
  });

  for (const set of wordSets) {
    it(`${set} has the text of ${command}`, function () {
      if (versionOf(command) === undefined) skipBecause(this, `${command} is not installed`);
      const fixture = readWordSet(set);
      const lines = linesFromLlvm(fixture.map(({ word }) => word));
      if (process.env['UPDATE_GOLDEN'] === '1') {
        writeFileSync(wordSetFile(set), gzipSync(`${lines.join('\n')}\n`, { level: 9 }));
        return;
      }
      const ours = fixture.map(({ word, status, text }) =>
        `${hexWord(word)} ${status} ${text}`.trimEnd(),
      );
      assert.deepEqual(ours, lines);
    });
  }
});
