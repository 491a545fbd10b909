/** Which words are instructions on each CPU model, as llvm-mc judges them by the model's features. */
import assert from 'node:assert/strict';
import { createDecoder } from '../../../../emulator/isa/decode.ts';
import { allDefinitions } from '../../../../emulator/isa/definitions.ts';
import { disassemble } from '../../../../emulator/isa/disassemble.ts';
import { implementedDefinitions } from '../../../../emulator/isa/features.ts';
import { requireCpuModel } from '../../../../emulator/sysregs/cpu-model.ts';
import type { CpuFeature } from '../../../../emulator/sysregs/cpu-model.ts';
import {
  distanceContext,
  hexWord,
  MODEL_NAMES,
  readModelWords,
} from '../../../support/disassembly-words.ts';

/**
 * The system instruction space, where llvm-mc prints everything: registers and operations are looked up when
 * they are executed, unallocated hints are NOPs, and the table below has what is left.
 */
const isSystem = (word: number): boolean => (word & 0xffc00000) >>> 0 === 0xd5000000;

/** By mask and value: the feature that allocates the word. */
const SYSTEM_INSTRUCTIONS: readonly (readonly [number, number, CpuFeature])[] = [
  [0xfffff0ff, 0xd500401f, 'FEAT_FlagM'], // CFINV
  [0xfffff0ff, 0xd50330ff, 'FEAT_SB'], // SB
  [0xfffff0ff, 0xd500407f, 'FEAT_UAO'],
  [0xfffff0ff, 0xd500409f, 'FEAT_PAN'],
  [0xfffff0ff, 0xd503403f, 'FEAT_SSBS2'],
  [0xfffff0ff, 0xd503405f, 'FEAT_DIT'],
];

describe('CPU models', () => {
  const words = readModelWords();

  it('are judged by all words of LLVM’s tests', () => {
    assert.equal(new Set(words.map(({ word }) => word)).size, 24_971);
  });

  for (const [index, name] of MODEL_NAMES.entries()) {
    const { features } = requireCpuModel(name);
    const decoder = createDecoder(implementedDefinitions(allDefinitions, features));

    it(`${name} has the instructions that llvm-mc has with its features, and no other`, () => {
      const differences = words.flatMap(({ word, isDefined }) => {
        if (isSystem(word)) return [];
        const ours = decoder.decode(word) !== undefined;
        return ours === isDefined[index]
          ? []
          : [
              `${hexWord(word)} ${disassemble(word, distanceContext)}: ${ours ? 'is' : 'is not'} here`,
            ];
      });
      assert.deepEqual(differences, []);
    });

    it(`${name} has the system instructions that its features have`, () => {
      let judged = 0;
      for (const { word } of words) {
        if (!isSystem(word)) continue;
        const row = SYSTEM_INSTRUCTIONS.find(([mask, value]) => (word & mask) >>> 0 === value);
        if (row === undefined) continue;
        judged += 1;
        const ours = decoder.decode(word) !== undefined;
        assert.equal(ours, features.has(row[2]), `${hexWord(word)}, ${row[2]}`);
      }
      assert.ok(judged >= 5, `${judged} words`);
    });
  }
});
