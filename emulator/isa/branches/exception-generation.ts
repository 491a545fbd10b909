/** Arm ARM, "Exception generation": SVC, HVC, SMC, BRK, HLT, DCPS1, DCPS2, DCPS3. */
import { hexImmediate } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import type { ExitReason } from '../instruction.ts';
import { entryOf } from '../tables.ts';

/** By opc:LL. */
const INSTRUCTIONS: readonly {
  readonly opc: number;
  readonly LL: number;
  readonly mnemonic: string;
  readonly reason: ExitReason;
}[] = [
  { opc: 0, LL: 1, mnemonic: 'svc', reason: 'SVC' },
  { opc: 0, LL: 2, mnemonic: 'hvc', reason: 'HVC' },
  { opc: 0, LL: 3, mnemonic: 'smc', reason: 'SMC' },
  { opc: 1, LL: 0, mnemonic: 'brk', reason: 'BRK' },
  { opc: 2, LL: 0, mnemonic: 'hlt', reason: 'HLT' },
  { opc: 5, LL: 1, mnemonic: 'dcps1', reason: 'DCPS' },
  { opc: 5, LL: 2, mnemonic: 'dcps2', reason: 'DCPS' },
  { opc: 5, LL: 3, mnemonic: 'dcps3', reason: 'DCPS' },
];

export const exceptionGeneration = instruction({
  title: 'Exception generation',
  encoding: encoding('11010100 opc:3 imm16:16 000 LL:2'),
  outOfLine: true,

  variant({ opc, LL }) {
    const index = INSTRUCTIONS.findIndex((row) => row.opc === opc && row.LL === LL);
    return index < 0 ? undefined : { index };
  },
  operands: () => ({}),

  assembly({ opc, LL, imm16 }) {
    const row = INSTRUCTIONS.find((each) => each.opc === opc && each.LL === LL);
    if (row === undefined) throw new TypeError(`unallocated: opc ${opc}, LL ${LL}`);
    return row.reason === 'DCPS' && imm16 === 0
      ? row.mnemonic
      : `${row.mnemonic} ${hexImmediate(imm16)}`;
  },

  semantics(e, { index }) {
    e.exit(entryOf(INSTRUCTIONS, index).reason);
  },
});
