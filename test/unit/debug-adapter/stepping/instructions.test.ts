/** Instruction words are those of aarch64-linux-gnu-as. */
import assert from 'node:assert/strict';
import { controlFlow } from '../../../../debug-adapter/stepping/instructions.ts';

const cases = [
  ['bl .', 0x94000000, 'call'],
  ['blr x8', 0xd63f0100, 'call'],
  ['blraaz x1', 0xd63f083f, 'call'],
  ['blraa x1, x2', 0xd73f0822, 'call'],
  ['ret', 0xd65f03c0, 'return'],
  ['retaa', 0xd65f0bff, 'return'],
  ['eret', 0xd69f03e0, 'exceptionReturn'],
  ['br x16', 0xd61f0200, 'branch'],
  ['b .', 0x14000000, 'branch'],
  ['b.ne .', 0x54000001, 'branch'],
  ['cbz x0, .', 0xb4000000, 'branch'],
  ['cbnz w0, .', 0x35000000, 'branch'],
  ['tbz x0, #3, .', 0x36180000, 'branch'],
  ['tbnz x0, #40, .', 0xb7400000, 'branch'],
  ['svc #0', 0xd4000001, 'other'],
  ['nop', 0xd503201f, 'other'],
  ['ldr x0, [sp]', 0xf94003e0, 'other'],
  ['add x0, x0, #1', 0x91000400, 'other'],
] as const;

describe('Control flow of an instruction word', () => {
  for (const [text, word, flow] of cases) {
    it(`${text} is ${flow}`, () => {
      assert.equal(controlFlow(word), flow);
    });
  }
});
