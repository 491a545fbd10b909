/** Arm ARM, "System register move": MSR (register), MRS. */
import { xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';

interface Fields {
  readonly o0: number;
  readonly op1: number;
  readonly CRn: number;
  readonly CRm: number;
  readonly op2: number;
}

/** op0<<14 | op1<<11 | CRn<<7 | CRm<<3 | op2. */
function packedRegister({ o0, op1, CRn, CRm, op2 }: Fields): number {
  return ((2 + o0) << 14) | (op1 << 11) | (CRn << 7) | (CRm << 3) | op2;
}

function genericName({ o0, op1, CRn, CRm, op2 }: Fields): string {
  return `S${2 + o0}_${op1}_C${CRn}_C${CRm}_${op2}`;
}

export const systemRegisterMove = instruction({
  title: 'System register move',
  encoding: encoding('1101010100 L:1 1 o0:1 op1:3 CRn:4 CRm:4 op2:3 Rt:5'),
  variant: ({ L }) => ({ L }),
  operands: (fields) => ({ Rt: fields.Rt, register: packedRegister(fields) }),

  assembly(fields, context) {
    const { L, Rt } = fields;
    const direction = L ? 'read' : 'write';
    const name =
      context.systemRegisterName(packedRegister(fields), direction) ?? genericName(fields);
    const t = xzrName(1, Rt);
    return L ? `mrs ${t}, ${name}` : `msr ${name}, ${t}`;
  },

  semantics(e, { L }, { Rt, register }) {
    if (L) e.readSystemRegister(register, Rt);
    else e.writeSystemRegister(register, Rt);
  },
});
