/** Arm ARM, "Reserved": UDF. */
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';

export const permanentlyUndefined = instruction({
  title: 'Reserved',
  encoding: encoding('0000000000000000 imm16:16'),
  outOfLine: true,
  variant: () => ({}),
  operands: () => ({}),
  assembly: ({ imm16 }) => `udf #${imm16}`,
  semantics(e) {
    e.exit('UNDEFINED');
  },
});
