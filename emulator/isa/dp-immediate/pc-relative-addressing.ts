/** Arm ARM, "PC-rel. addressing": ADR, ADRP. */
import { relativeTo, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { add, and, i64 } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { SignExtend } from '../shared-functions.ts';

const PAGE = 4096n;

function byteOffset({ op, immlo, immhi }: { op: number; immlo: number; immhi: number }): bigint {
  const imm = BigInt(SignExtend((immhi << 2) | immlo, 21));
  return op ? imm * PAGE : imm;
}

export const pcRelativeAddressing = instruction({
  title: 'PC-rel. addressing',
  encoding: encoding('op:1 immlo:2 10000 immhi:19 Rd:5'),
  variant: ({ op }) => ({ op }),
  operands: (fields) => ({ Rd: fields.Rd, imm: byteOffset(fields) }),

  assembly(fields, context) {
    const { op, Rd } = fields;
    const base = op ? context.pc & ~(PAGE - 1n) : context.pc;
    const target = context.label(relativeTo(base, byteOffset(fields)));
    return `${op ? 'adrp' : 'adr'} ${xzrName(1, Rd)}, ${target}`;
  },

  semantics(e, { op }, { Rd, imm }) {
    const base = op ? and(e.pc(), i64(-PAGE)) : e.pc();
    e.setX(Rd, add(base, e.imm64(imm)));
  },
});
