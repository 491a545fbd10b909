/** Every instruction word that real guests executed has a handler, or is UNDEFINED for a written reason. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { generateInterpreter } from '../../../../emulator/engine/interpreter.ts';
import { runtimeFunctions } from '../../../../emulator/engine/runtime-functions.ts';
import { createDecoder } from '../../../../emulator/isa/decode.ts';
import { allDefinitions } from '../../../../emulator/isa/definitions.ts';
import { byEncoding } from '../../../../emulator/sysregs/catalogue.ts';
import { implementedRegisters } from '../../../../emulator/sysregs/definitions.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';
import { genericName } from '../../../../emulator/sysregs/sysreg.ts';
import { seededRandom } from '../../../support/random.ts';

/**
 * Registers that kvm-unit-tests touch and this processor does not have: no PMU (PMUVer is 0), no
 * GIC system registers (ID_AA64PFR0_EL1.GIC is 0), no EL3.
 */
const UNIMPLEMENTED = /^(PM|ICC_)|_EL3$/;

function words(name: string): number[] {
  const path = new URL(`../../../fixtures/words/${name}.txt.gz`, import.meta.url);
  const text = gunzipSync(readFileSync(path)).toString('latin1');
  return [...text.matchAll(/^([0-9a-f]{8})\b/gm)].map(([word]) => Number.parseInt(word, 16));
}

describe('Instruction words of real guests', () => {
  const decoder = createDecoder(allDefinitions);
  const interpreter = generateInterpreter(allDefinitions, runtimeFunctions);
  const registers = implementedRegisters(v8_0);

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
