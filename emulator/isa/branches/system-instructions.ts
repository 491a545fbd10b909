/** Arm ARM, "System instructions": SYS and SYSL, among them AT, DC, IC and TLBI. */
import { xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import { SYSTEM_OPERATIONS, systemOperationKey } from './system-operations.ts';

interface Fields {
  readonly op1: number;
  readonly CRn: number;
  readonly CRm: number;
  readonly op2: number;
}

const genericOperands = ({ op1, CRn, CRm, op2 }: Fields): string =>
  `#${op1}, c${CRn}, c${CRm}, #${op2}`;

/** DC ZVA: zeroes a block of memory, so it is a store and not the processor layer's business. */
export const dataCacheZeroByVirtualAddress = instruction({
  title: 'System instructions (DC ZVA)',
  encoding: encoding('1101010100 0 01 011 0111 0100 001 Rt:5'),
  variant: () => ({}),
  operands: ({ Rt }) => ({ Rt }),
  assembly: ({ Rt }) => `dc zva, ${xzrName(1, Rt)}`,
  semantics(e, _variant, { Rt }) {
    e.zeroBlock(e.x(Rt));
  },
});

export const systemInstructions = instruction({
  title: 'System instructions',
  encoding: encoding('1101010100 L:1 01 op1:3 CRn:4 CRm:4 op2:3 Rt:5'),
  variant: ({ L }) => ({ L }),
  operands: () => ({}),

  assembly(fields) {
    const { L, Rt } = fields;
    const t = xzrName(1, Rt);
    if (L) return `sysl ${t}, ${genericOperands(fields)}`;
    const operation = SYSTEM_OPERATIONS.get(systemOperationKey(fields));
    if (operation?.takesAddress) return `${operation.name}, ${t}`;
    if (operation && Rt === 31) return operation.name;
    return `sys ${genericOperands(fields)}${Rt === 31 ? '' : `, ${t}`}`;
  },

  semantics(e, { L }) {
    e.exit(L ? 'SYSL' : 'SYS');
  },
});
