/**
 * Each field of an identification register that tells of an extension agrees with an instruction or a
 * register of that extension, on every model.
 */
import assert from 'node:assert/strict';
import { createDecoder } from '../../../../emulator/isa/decode.ts';
import { allDefinitions } from '../../../../emulator/isa/definitions.ts';
import { implementedDefinitions } from '../../../../emulator/isa/features.ts';
import { cpuModels } from '../../../../emulator/sysregs/cpu-model.ts';
import { implementedRegisters } from '../../../../emulator/sysregs/definitions.ts';
import { idRegisters } from '../../../../emulator/sysregs/id-registers.ts';
import { instructionsOf } from '../../../../emulator/sysregs/system-instructions.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';

/** Register, lsb of the field, its least value with the extension, and a word or a register of it. */
const FIELDS: readonly (readonly [string, number, number, number | string])[] = [
  ['ID_AA64ISAR0_EL1', 4, 1, 0x4e284800], // aese v0.16b, v0.16b
  ['ID_AA64ISAR0_EL1', 4, 2, 0x0ee0e000], // pmull v0.1q, v0.1d, v0.1d
  ['ID_AA64ISAR0_EL1', 8, 1, 0x5e000000], // sha1c q0, s0, v0.4s
  ['ID_AA64ISAR0_EL1', 12, 1, 0x5e004000], // sha256h q0, q0, v0.4s
  ['ID_AA64ISAR0_EL1', 16, 1, 0x1ac04000], // crc32b w0, w0, w0
  ['ID_AA64ISAR0_EL1', 20, 2, 0xb8200000], // ldadd w0, w0, [x0]
  ['ID_AA64ISAR0_EL1', 28, 1, 0x2e808400], // sqrdmlah v0.2s, v0.2s, v0.2s
  ['ID_AA64ISAR0_EL1', 44, 1, 0x0e809400], // sdot v0.2s, v0.8b, v0.8b
  ['ID_AA64ISAR0_EL1', 52, 1, 0xd500401f], // cfinv
  ['ID_AA64ISAR1_EL1', 12, 1, 0x1e7e0000], // fjcvtzs w0, d0
  ['ID_AA64ISAR1_EL1', 16, 1, 0x2e80c400], // fcmla v0.2s, v0.2s, v0.2s, #0
  ['ID_AA64ISAR1_EL1', 20, 1, 0xb8bfc000], // ldapr w0, [x0]
  ['ID_AA64ISAR1_EL1', 4, 1, 0xdac10000], // pacia x0, x0
  ['ID_AA64ISAR1_EL1', 4, 1, 'APIAKeyLo_EL1'],
  ['ID_AA64ISAR1_EL1', 20, 2, 0x99400000], // ldapur w0, [x0]
  ['ID_AA64ISAR1_EL1', 24, 1, 0x9ac03000], // pacga x0, x0, x0
  ['ID_AA64ISAR1_EL1', 36, 1, 0xd50330ff], // sb
  ['ID_AA64PFR0_EL1', 16, 1, 0x1ee02800], // fadd h0, h0, h0
  ['ID_AA64PFR0_EL1', 20, 1, 0x0e401400], // fadd v0.4h, v0.4h, v0.4h
  ['ID_AA64PFR0_EL1', 48, 1, 0xd503415f], // msr dit, #1
  ['ID_AA64PFR0_EL1', 48, 1, 'DIT'],
  ['ID_AA64PFR1_EL1', 4, 2, 0xd503413f], // msr ssbs, #1
  ['ID_AA64PFR1_EL1', 4, 2, 'SSBS'],
  ['ID_AA64MMFR1_EL1', 8, 1, 'TTBR1_EL2'],
  ['ID_AA64MMFR1_EL1', 16, 1, 0x88df7c00], // ldlar w0, [x0]
  ['ID_AA64MMFR1_EL1', 20, 1, 0xd500419f], // msr pan, #1
  ['ID_AA64MMFR1_EL1', 20, 1, 'PAN'],
  ['ID_AA64MMFR2_EL1', 4, 1, 0xd500417f], // msr uao, #1
  ['ID_AA64MMFR2_EL1', 4, 1, 'UAO'],
  ['ID_AA64DFR0_EL1', 8, 1, 'PMCR_EL0'],
];

/** AT and TLBI. */
const OPERATIONS: readonly (readonly [string, number, number, string])[] = [
  ['ID_AA64ISAR0_EL1', 56, 1, 'VAE1OS'],
  ['ID_AA64ISAR0_EL1', 56, 1, 'VMALLS12E1OS'],
  ['ID_AA64ISAR0_EL1', 56, 2, 'RVAE1'],
  ['ID_AA64ISAR0_EL1', 56, 2, 'RIPAS2LE1OS'],
  ['ID_AA64MMFR1_EL1', 20, 2, 'S1E1RP'],
  ['ID_AA64MMFR1_EL1', 20, 2, 'S1E1WP'],
];

describe('CPU models', () => {
  for (const model of cpuModels) {
    const profile = { ...v8_0, model };
    const values = idRegisters(profile);
    const registers = implementedRegisters(profile);
    const decoder = createDecoder(implementedDefinitions(allDefinitions, model.features));

    for (const [register, lsb, least, evidence] of FIELDS) {
      const what = typeof evidence === 'string' ? evidence : `0x${evidence.toString(16)}`;
      it(`${model.name}: ${register}[${lsb + 3}:${lsb}] is ${least} or more if there is ${what}`, () => {
        const value = Number(((values.get(register) ?? 0n) >> BigInt(lsb)) & 0xfn);
        const isThere =
          typeof evidence === 'string'
            ? registers.byName(evidence) !== undefined
            : decoder.decode(evidence) !== undefined;
        assert.equal(value >= least, isThere);
      });
    }

    const operations = new Set(
      [...instructionsOf(model.features).values()].map(({ name }) => name),
    );
    for (const [register, lsb, least, name] of OPERATIONS) {
      it(`${model.name}: ${register}[${lsb + 3}:${lsb}] is ${least} or more if there is ${name}`, () => {
        const value = Number(((values.get(register) ?? 0n) >> BigInt(lsb)) & 0xfn);
        assert.equal(value >= least, operations.has(name));
      });
    }
  }
});
