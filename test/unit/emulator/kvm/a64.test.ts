/** The words that the tests of this folder are written with, read back by the disassembler. */
import assert from 'node:assert/strict';
import { disassemble } from '../../../../emulator/isa/disassemble.ts';
import { byEncoding } from '../../../../emulator/sysregs/catalogue.ts';
import * as a64 from '../../../support/a64.ts';

const cases: readonly (readonly [number, string])[] = [
  [a64.nop, 'nop'],
  [a64.isb, 'isb'],
  [a64.eret, 'eret'],
  [a64.wfi, 'wfi'],
  [a64.msr('MDSCR_EL1', 3), 'msr mdscr_el1, x3'],
  [a64.mrs(4, 'DBGBVR0_EL1'), 'mrs x4, dbgbvr0_el1'],
  [a64.movz(2, 0x12, 16), 'mov x2, #1179648'],
  [a64.movk(2, 0x34, 32), 'movk x2, #52, lsl #32'],
  [a64.addImmediate(7, 7, 1), 'add x7, x7, #1'],
  [a64.subsImmediate(7, 8, 1), 'subs x7, x8, #1'],
  [a64.b(-8), 'b 0xff8'],
  [a64.bne(-8), 'b.ne 0xff8'],
  [a64.cbnz(3, 8), 'cbnz w3, 0x1008'],
  [a64.str(2, 1), 'str x2, [x1]'],
  [a64.ldr(2, 1), 'ldr x2, [x1]'],
  [a64.strb(2, 1), 'strb w2, [x1]'],
  [a64.ldxr(2, 1), 'ldxr x2, [x1]'],
  [a64.stxr(3, 2, 1), 'stxr w3, x2, [x1]'],
  [a64.brk(7), 'brk #0x7'],
  [a64.svc(7), 'svc #0x7'],
  [a64.hvc(7), 'hvc #0x7'],
  [a64.smc(7), 'smc #0x7'],
  [a64.daifSet(8), 'msr daifset, #8'],
  [a64.daifClr(2), 'msr daifclr, #2'],
];

describe('Instruction words of the test guests', () => {
  for (const [word, text] of cases) {
    it(text, () => {
      const found = disassemble(word, {
        pc: 0x1000n,
        label: (address) => `0x${address.toString(16)}`,
        systemRegisterName: (packed, direction) => byEncoding(packed, direction)?.name,
      });
      assert.equal(found.replaceAll(/\s+/g, ' ').toLowerCase(), text);
    });
  }
});
