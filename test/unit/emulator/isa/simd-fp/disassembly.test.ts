/** Assembly text of Advanced SIMD and floating point against an independent disassembler. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { enumerateVariants } from '../../../../../emulator/engine/interpreter.ts';
import { createDecoder } from '../../../../../emulator/isa/decode.ts';
import { implementedDefinitions } from '../../../../../emulator/isa/features.ts';
import {
  cryptographicDefinitions,
  halfPrecisionDefinitions,
  laterSimdFpDefinitions,
  simdFpDefinitions,
} from '../../../../../emulator/isa/simd-fp/definitions.ts';
import {
  distanceContext,
  hexWord,
  isSIMDDataProcessing,
  readWordSet,
  wordSets,
} from '../../../../support/disassembly-words.ts';

const decoder = createDecoder(implementedDefinitions(simdFpDefinitions, new Set()));
const laterDefinitions = [
  ...simdFpDefinitions,
  ...laterSimdFpDefinitions,
  ...halfPrecisionDefinitions,
  ...cryptographicDefinitions,
];
const laterDecoder = createDecoder(laterDefinitions);
const cryptographicDecoder = createDecoder(cryptographicDefinitions);

function textOf(word: number): string {
  const decoded = decoder.decode(word);
  return decoded ? decoded.definition.assembly(decoded.fields, distanceContext) : '';
}

/** Differences between our text and `theirs`, which is empty for words that must not decode. */
function difference(word: number, theirs: string): string[] {
  const ours = textOf(word);
  return ours === theirs ? [] : [`${hexWord(word)}: "${ours}" (llvm-mc: "${theirs}")`];
}

describe('Disassembly of Advanced SIMD and floating point', () => {
  for (const set of wordSets) {
    it(`prints the words of ${set} as llvm-mc does and decodes no word of an extension`, () => {
      const words = readWordSet(set).filter(({ word }) => isSIMDDataProcessing(word));
      const differences = words.flatMap(({ word, status, text }) =>
        difference(word, status === 'base' ? text : ''),
      );
      assert.deepEqual(differences, []);
    });
  }

  for (const set of wordSets) {
    it(`prints the words of ${set} that later extensions allocate as llvm-mc does`, () => {
      const words = readWordSet(set).filter(
        ({ word, status }) => isSIMDDataProcessing(word) && status !== 'base',
      );
      const differences = words.flatMap(({ word, text }) => {
        const decoded = laterDecoder.decode(word);
        const ours = decoded ? decoded.definition.assembly(decoded.fields, distanceContext) : '';
        return ours === text ? [] : [`${hexWord(word)}: "${ours}" (llvm-mc: "${text}")`];
      });
      assert.deepEqual(differences, []);
    });
  }

  it('prints random words of every encoding as llvm-mc does and refuses what it refuses', () => {
    const file = path.resolve(
      import.meta.dirname,
      '../../../../fixtures/simd-fp/disassembly.txt.gz',
    );
    const lines = gunzipSync(readFileSync(file)).toString().trimEnd().split('\n');
    assert.ok(lines.length > 5000);
    const differences = lines.flatMap((line) =>
      difference(Number.parseInt(line.slice(0, 8), 16), line.slice(9)),
    );
    assert.deepEqual(differences, []);
  });

  it('prints the words of the cryptographic extension as llvm-mc does', () => {
    const words = readWordSet('llvm-mc-v80-words').flatMap(({ word, text }) => {
      const decoded = cryptographicDecoder.decode(word);
      if (!decoded) return [];
      return [[decoded.definition.assembly(decoded.fields, distanceContext), text]];
    });
    assert.ok(words.length > 20);
    for (const [ours, theirs] of words) assert.equal(ours, theirs);
  });

  it('gives every variant a text without holes', () => {
    for (const definition of laterDefinitions) {
      for (const { fields } of enumerateVariants(definition)) {
        const text = definition.assembly(fields, distanceContext);
        assert.doesNotMatch(text, /undefined|NaN/, definition.title);
      }
    }
  });
});
