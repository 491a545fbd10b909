/** TLBI of FEAT_TLBIOS and FEAT_TLBIRANGE: what it names is translated anew; UNDEFINED without the feature. */
import assert from 'node:assert/strict';
import type { ProcessingElement } from '../../../../emulator/cpu/pe.ts';
import { requireCpuModel } from '../../../../emulator/sysregs/cpu-model.ts';
import { systemInstructionByName } from '../../../../emulator/sysregs/catalogue.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';
import { brk, ldr, str } from '../../../support/a64.ts';
import { CODE, DATA, guest, untilEvent, untilException } from './guest.ts';

const EC_UNKNOWN = 0x00;
const EC_DATA_ABORT_SAME = 0x25;
const EC_BRK = 0x3c;

const TABLE = DATA + 0x2000n;
const GiB = 1n << 30n;
const BLOCK = 0x401n; // AF, block, EL1 read/write
/** The same RAM, 1 GiB further. */
const ALIAS = DATA + GiB;

function tlbi(name: string, t: number): number {
  const instruction = systemInstructionByName('tlbi', name);
  assert.ok(instruction, name);
  return (0xd5000000 | (instruction.encoding << 5) | (instruction.register ? t : 31)) >>> 0;
}

/** Loads through ALIAS, makes its descriptor invalid, does what `maintenance` says and loads again. */
function program(maintenance: readonly number[], model: string): ProcessingElement {
  const words = [ldr(1, 2), str(31, 3), ...maintenance, ldr(1, 2), brk(0)];
  const pe = guest(words, { profile: { ...v8_0, model: requireCpuModel(model) } });
  const entries = [0n, CODE | BLOCK, CODE | BLOCK];
  pe.engine.writePhysical(TABLE, new Uint8Array(BigUint64Array.from(entries).buffer));
  pe.registers.write('MAIR_EL1', 0xffn);
  pe.registers.write('TCR_EL1', 25n | (1n << 23n));
  pe.registers.write('TTBR0_EL1', TABLE);
  pe.registers.write('SCTLR_EL1', pe.registers.raw('SCTLR_EL1') | 1n);
  pe.state.setX(2, ALIAS);
  pe.state.setX(3, TABLE + 16n);
  // VA[55:12]; as a range: BaseADDR with TG 4 KiB
  pe.state.setX(4, ALIAS >> 12n);
  pe.state.setX(5, (1n << 46n) | (ALIAS >> 12n));
  return pe;
}

describe('TLB maintenance of later versions', () => {
  it('is needed: the TLB keeps a translation whose descriptor has become invalid', () => {
    assert.equal(untilException(program([], 'max-supported')).EC, EC_BRK);
  });

  const operations = [
    ...['VMALLE1OS', 'VAE1OS', 'VAAE1OS', 'VALE1OS', 'VAALE1OS', 'ASIDE1OS'],
    ...['RVAE1', 'RVAAE1', 'RVALE1', 'RVAALE1', 'RVAE1IS', 'RVALE1OS'],
  ];
  for (const name of operations) {
    it(`TLBI ${name} makes it be read again`, () => {
      const word = tlbi(name, name.startsWith('R') ? 5 : 4);
      const { EC, FAR } = untilException(program([word], 'max-supported'));
      assert.deepEqual([EC, FAR], [EC_DATA_ABORT_SAME, ALIAS]);
    });
  }

  it('is UNDEFINED without the feature', () => {
    for (const name of ['VMALLE1OS', 'RVAE1']) {
      const pe = program([tlbi(name, 4)], 'neoverse-n1');
      assert.equal(untilEvent(pe, 100).kind, 'unimplemented');
      assert.equal(untilException(pe).EC, EC_UNKNOWN, name);
    }
  });
});
