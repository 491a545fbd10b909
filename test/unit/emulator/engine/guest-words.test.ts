/** Every instruction word that real guests executed has a handler, or is UNDEFINED for a written reason. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { generateInterpreter } from '../../../../emulator/engine/interpreter.ts';
import { runtimeFunctions } from '../../../../emulator/engine/runtime-functions.ts';
import { createDecoder } from '../../../../emulator/isa/decode.ts';
import type { Decoded } from '../../../../emulator/isa/decode.ts';
import { allDefinitions } from '../../../../emulator/isa/definitions.ts';
import { implementedDefinitions } from '../../../../emulator/isa/features.ts';
import { byEncoding } from '../../../../emulator/sysregs/catalogue.ts';
import { requireCpuModel } from '../../../../emulator/sysregs/cpu-model.ts';
import { implementedRegisters } from '../../../../emulator/sysregs/definitions.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';
import { genericName } from '../../../../emulator/sysregs/sysreg.ts';
import { implementedInstructions } from '../../../../emulator/sysregs/system-instructions.ts';
import { hexWord, linuxWords } from '../../../support/disassembly-words.ts';
import { seededRandom } from '../../../support/random.ts';

/**
 * Registers that kvm-unit-tests touch and this processor does not have: no PMU (PMUVer is 0), no
 * GIC system registers (ID_AA64PFR0_EL1.GIC is 0), no EL3.
 */
const UNIMPLEMENTED = /^(PM|ICC_)|_EL3$/;

/** What OpenSSL and GnuTLS try, under a SIGILL handler, to find out what the processor has: SVE, SVE2 and RNDR. */
const PROBES = new Set([
  ...['04203800', '04bf5000', '04bf5800', '4408a000', '44a01800', '4500b400', '45006800'],
  ...['4522e400', '4523e000', '64a0e400', '64e0e400', '658aa000', 'RNDR'],
]);

function words(name: string): number[] {
  const path = new URL(`../../../fixtures/words/${name}.txt.gz`, import.meta.url);
  const text = gunzipSync(readFileSync(path)).toString('latin1');
  return [...text.matchAll(/^([0-9a-f]{8})\b/gm)].map(([word]) => Number.parseInt(word, 16));
}

describe('Instruction words of real guests', () => {
  const decoder = createDecoder(allDefinitions);
  const interpreter = generateInterpreter(allDefinitions, runtimeFunctions);
  const registers = implementedRegisters(v8_0);
  const everything = (word: number): Decoded => {
    const decoded = decoder.decode(word);
    assert.ok(decoded, `0x${word.toString(16)} is UNDEFINED`);
    return decoded;
  };

  for (const name of ['gcc-O2', 'gcc-O0-O3-Os', 'kut-a72']) {
    it(`${name}: every word decodes to a handler`, () => {
      const list = words(name);
      assert.ok(list.length > 2000);
      for (const word of list) {
        const decoded = decoder.decode(word);
        assert.ok(decoded, `0x${word.toString(16)} is UNDEFINED`);
        interpreter.handler(decoded.definition, decoded.variant);
      }
    });

    it(`${name}: every system register is implemented or belongs to a unit that is absent`, () => {
      const missing = new Set<string>();
      for (const word of words(name)) {
        // MSR (register) and MRS: 1101010100 L 1 o0 op1 CRn CRm op2 Rt
        if ((word & 0xffd0_0000) >>> 0 !== 0xd510_0000) continue;
        const direction = (word & 0x20_0000) !== 0 ? 'read' : 'write';
        const encoding = (word >>> 5) & 0xffff;
        if (registers.byEncoding(encoding, direction)) continue;
        missing.add(byEncoding(encoding, direction)?.name ?? genericName(encoding));
      }
      assert.deepEqual(
        [...missing].filter((register) => !UNIMPLEMENTED.test(register)),
        [],
      );
    });
  }

  it('linux-shell-a72: every word executes on cortex-a72, but for probes of later extensions', () => {
    const model = requireCpuModel('cortex-a72');
    const a72 = createDecoder(implementedDefinitions(allDefinitions, model.features));
    const implemented = implementedRegisters({ ...v8_0, model, FEAT_GICv3: true });
    const missing = new Set<string>();
    const list = linuxWords();
    assert.ok(list.length > 97_000);
    for (const word of list) {
      const decoded = a72.decode(word);
      if (decoded === undefined) {
        missing.add(hexWord(word));
        continue;
      }
      const { definition, variant } = everything(word);
      interpreter.handler(definition, variant);
      const encoding = (word >>> 5) & 0xffff;
      const op0 = encoding >> 14;
      if ((word & 0xffc00000) >>> 0 !== 0xd5000000 || op0 === 0) continue;
      const direction = (word & 0x20_0000) !== 0 ? 'read' : 'write';
      if (op0 === 1) {
        if (!implementedInstructions.has(encoding)) missing.add(genericName(encoding));
      } else if (implemented.byEncoding(encoding, direction) === undefined) {
        missing.add(byEncoding(encoding, direction)?.name ?? genericName(encoding));
      }
    }
    assert.deepEqual(missing, PROBES);
  });

  it('finds a handler for whatever the decoder accepts', () => {
    const random = seededRandom(1);
    for (let index = 0; index < 300_000; index += 1) {
      const decoded = decoder.decode(Math.floor(random() * 2 ** 32));
      if (decoded) interpreter.handler(decoded.definition, decoded.variant);
    }
  });

  it('finds a handler for every encoding class with random fields', () => {
    const random = seededRandom(2);
    for (const { encoding } of allDefinitions) {
      for (let index = 0; index < 2000; index += 1) {
        const bits = Math.floor(random() * 2 ** 32);
        const decoded = decoder.decode(((bits & ~encoding.mask) | encoding.value) >>> 0);
        if (decoded) interpreter.handler(decoded.definition, decoded.variant);
      }
    }
  });
});
