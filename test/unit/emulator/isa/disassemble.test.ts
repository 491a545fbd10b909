import assert from 'node:assert/strict';
import { createDecoder } from '../../../../emulator/isa/decode.ts';
import { allDefinitions, integerDefinitions } from '../../../../emulator/isa/definitions.ts';
import { implementedDefinitions } from '../../../../emulator/isa/features.ts';
import { disassemble } from '../../../../emulator/isa/disassemble.ts';
import {
  distanceContext,
  hexWord,
  isSIMDDataProcessing,
  normalised,
  readWordSet,
  wordSets,
} from '../../../support/disassembly-words.ts';

const integerDecoder = createDecoder(integerDefinitions);
const decoder = createDecoder(implementedDefinitions(allDefinitions, new Set(['FEAT_CRC32'])));
const laterDecoder = createDecoder(allDefinitions);

/**
 * Words that llvm-mc prints without the extension that allocates them: MSR and MRS with op0 = 0, which
 * it takes for registers, PSTATE fields of Armv8.1 and later, and SVE's mode switches.
 */
const isPrintedButUnallocated = (text: string): boolean =>
  /\bS0_\d_C\d+_C\d+_\d/.test(text) ||
  /^msr (UAO|PAN|PM|SSBS|DIT), #/.test(text) ||
  /^(cfinv|sb)$/.test(text) ||
  /^sm(start|stop)\b/.test(text);

/** Hints are NOPs whatever their name, and the system instruction space decodes as a whole. */
const isHintOrSystem = (word: number): boolean =>
  (word & 0xfffff01f) >>> 0 === 0xd503201f || (word & 0xffc00000) >>> 0 === 0xd5000000;

describe('disassemble', () => {
  for (const set of wordSets) {
    const words = readWordSet(set);

    it(`prints the integer, load/store and system words of ${set} as llvm-mc does`, () => {
      const differences = words.flatMap((each) => {
        if (integerDecoder.decode(each.word) === undefined) return [];
        const ours = disassemble(each.word, distanceContext);
        const theirs = normalised(each, ours);
        return ours === theirs ? [] : [`${hexWord(each.word)}: ${ours} (llvm-mc: ${theirs})`];
      });
      assert.deepEqual(differences, []);
    });

    it(`decodes every such word of ${set} that Armv8.0 has`, () => {
      const missing = words.filter(
        ({ word, status, text }) =>
          status === 'base' &&
          !isSIMDDataProcessing(word) &&
          !isPrintedButUnallocated(text) &&
          decoder.decode(word) === undefined,
      );
      assert.deepEqual(
        missing.map(({ word, text }) => `${hexWord(word)} ${text}`),
        [],
      );
    });

    it(`decodes every such word of ${set} that later extensions have`, () => {
      const missing = words.filter(
        ({ word, status, text }) =>
          status === 'later' &&
          !isSIMDDataProcessing(word) &&
          !isPrintedButUnallocated(text) &&
          laterDecoder.decode(word) === undefined,
      );
      assert.deepEqual(
        missing.map(({ word, text }) => `${hexWord(word)} ${text}`),
        [],
      );
    });

    it(`decodes nothing in ${set} that no extension of ours has`, () => {
      const surplus = words.filter(
        ({ word, status }) =>
          status === 'undefined' &&
          !isHintOrSystem(word) &&
          laterDecoder.decode(word) !== undefined,
      );
      assert.deepEqual(
        surplus.map(({ word, text }) => `${hexWord(word)} ${text}`),
        [],
      );
    });

    it(`decodes nothing in ${set} that Armv8.0 lacks`, () => {
      const surplus = words.filter(
        ({ word, status }) =>
          status !== 'base' && !isHintOrSystem(word) && decoder.decode(word) !== undefined,
      );
      assert.deepEqual(
        surplus.map(({ word, text }) => `${hexWord(word)} ${text}`),
        [],
      );
    });
  }

  it('names PC-relative targets through the context', () => {
    const context = {
      pc: 0x40080010n,
      label: (address: bigint) => `0x${address.toString(16)} <main>`,
      systemRegisterName: () => undefined,
    };
    // Each word as GNU objdump shows it at that address.
    assert.equal(disassemble(0x17fffffc, context), 'b 0x40080000 <main>');
    assert.equal(disassemble(0x94000004, context), 'bl 0x40080020 <main>');
    assert.equal(disassemble(0xb0000000, context), 'adrp x0, 0x40081000 <main>');
    assert.equal(disassemble(0x10000080, context), 'adr x0, 0x40080020 <main>');
    assert.equal(disassemble(0x58000080, context), 'ldr x0, 0x40080020 <main>');
    assert.equal(disassemble(0x37180080, context), 'tbnz w0, #3, 0x40080020 <main>');
  });

  it('wraps a target at the end of the address space', () => {
    const context = { ...distanceContext, pc: 0xffff_ffff_ffff_fff0n, label: String };
    assert.equal(disassemble(0x14000008, context), 'b 16');
  });

  it('uses the generic name of a system register that the context does not know', () => {
    const context = { ...distanceContext, systemRegisterName: () => undefined };
    assert.equal(disassemble(0xd5381000, context), 'mrs x0, S3_0_C1_C0_0');
    assert.equal(disassemble(0xd5181000, context), 'msr S3_0_C1_C0_0, x0');
  });

  it('shows an UNDEFINED word as data', () => {
    assert.equal(disassemble(0xffffffff, distanceContext), '.inst 0xffffffff // undefined');
  });
});
