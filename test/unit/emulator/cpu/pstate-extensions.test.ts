/** PSTATE.PAN, UAO, DIT and SSBS: how they are set, saved and restored, and what PAN and UAO do. */
import assert from 'node:assert/strict';
import type { ProcessingElement } from '../../../../emulator/cpu/pe.ts';
import { requireCpuModel } from '../../../../emulator/sysregs/cpu-model.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';
import { mrs, msr } from '../../../support/a64.ts';
import { CODE, DATA, VECTORS, guest, untilException } from './guest.ts';

const SVC = 0xd4000001;
/** `msr <field>, #imm` */
const msrImmediate = (op1: number, op2: number, imm: number): number =>
  (0xd500401f | (op1 << 16) | (imm << 8) | (op2 << 5)) >>> 0;
const FIELDS = [
  { name: 'UAO', op1: 0, op2: 3, SPSR: 1n << 23n, EL0: false },
  { name: 'PAN', op1: 0, op2: 4, SPSR: 1n << 22n, EL0: false },
  { name: 'SSBS', op1: 3, op2: 1, SPSR: 1n << 12n, EL0: true },
  { name: 'DIT', op1: 3, op2: 2, SPSR: 1n << 24n, EL0: true },
] as const;
const EC_UNKNOWN = 0;
const EC_SVC = 0x15;
const EC_DATA_ABORT_SAME = 0x25;

const profile = { ...v8_0, model: requireCpuModel('max-supported') };

describe('PSTATE of later versions', () => {
  for (const { name, op1, op2, SPSR, EL0 } of FIELDS) {
    it(`${name} is UNDEFINED on Armv8.0`, () => {
      for (const word of [msrImmediate(op1, op2, 1), msr(name, 0), mrs(0, name)]) {
        const pe = guest([word]);
        assert.equal(pe.run(1).kind, 'unimplemented');
        assert.equal(pe.state.PC, VECTORS + 0x200n);
        assert.equal(pe.peekRegister('ESR_EL1') >> 26n, BigInt(EC_UNKNOWN));
      }
    });

    it(`${name} is set by MSR (immediate) and MSR (register), and read by MRS`, () => {
      const words = [
        ...[msrImmediate(op1, op2, 1), mrs(1, name), msrImmediate(op1, op2, 0), mrs(2, name)],
        ...[msr(name, 0), mrs(3, name), SVC],
      ];
      const pe = guest(words, { profile });
      pe.state.setX(0, 0xffff_ffff_ffff_ffffn);
      assert.equal(untilException(pe).EC, EC_SVC);
      assert.deepEqual([pe.state.X(1), pe.state.X(2), pe.state.X(3)], [SPSR, 0n, SPSR]);
      assert.equal(pe.peekRegister('SPSR_EL1') & SPSR, SPSR);
    });

    it(`${name} is ${EL0 ? '' : 'not '}for EL0`, () => {
      for (const word of [msrImmediate(op1, op2, 1), mrs(1, name)]) {
        const { EC } = untilException(guest([word, SVC], { profile, EL: 0 }));
        assert.equal(EC, EL0 ? EC_SVC : EC_UNKNOWN);
      }
    });
  }

  it('at a vector UAO is clear, SSBS is SCTLR_ELx.DSSBS, DIT stays, and PAN is set unless SPAN is', () => {
    const [UAO, PAN, SSBS, DIT] = FIELDS.map(({ SPSR }) => SPSR) as [
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    const SPAN = 1n << 23n;
    const DSSBS = 1n << 44n;
    for (const [SCTLR, before, after] of [
      [SPAN, UAO | SSBS | DIT, DIT],
      [SPAN, UAO | PAN, PAN],
      [DSSBS, DIT, PAN | SSBS | DIT],
    ] as const) {
      const pe = guest([SVC], { profile });
      pe.registers.write('SCTLR_EL1', SCTLR | 0x18n);
      pe.pokeRegister('PSTATE', pe.peekRegister('PSTATE') | before);
      untilException(pe);
      const all = UAO | PAN | SSBS | DIT;
      assert.equal(pe.peekRegister('PSTATE') & all, after);
      assert.equal(pe.peekRegister('SPSR_EL1') & all, before);
      pe.exceptionReturn();
      assert.equal(pe.peekRegister('PSTATE') & all, before);
    }
  });
});

/** A stage 1 of one 1 GiB block that EL0 may read and write, the guest's RAM in it. */
function userMemory(words: readonly number[]): ProcessingElement {
  const table = 0x4001_8000n;
  const pe = guest(words, { profile });
  const descriptor = new Uint8Array(
    // AF, SH, AP = 0b01, block
    BigUint64Array.from([0x4000_0000n | (1n << 10n) | (3n << 8n) | (1n << 6n) | 1n]).buffer,
  );
  assert.ok(pe.engine.writePhysical(table + 8n, descriptor));
  // A page of the same memory for code: EL1 executes nothing that EL0 can write.
  const code = new Uint8Array(
    BigUint64Array.from([0x4000_0000n | (1n << 10n) | (3n << 8n) | 1n]).buffer,
  );
  assert.ok(pe.engine.writePhysical(table + 16n, code));
  pe.registers.write('MAIR_EL1', 0xffn);
  pe.registers.write('TCR_EL1', 25n | (1n << 23n));
  pe.registers.write('TTBR0_EL1', table);
  pe.registers.write('SCTLR_EL1', pe.registers.raw('SCTLR_EL1') | 1n);
  pe.registers.setRaw('VBAR_EL1', 0x8000_8000n);
  pe.state.PC = CODE + 0x4000_0000n;
  pe.state.setX(2, DATA);
  return pe;
}

describe('PSTATE.PAN and UAO at EL1', () => {
  const ldr = 0xf9400041; // ldr x1, [x2]
  const ldtr = 0xf8400841; // ldtr x1, [x2]
  const dczva = 0xd50b7422; // dc zva, x2
  const pan = (imm: number): number => msrImmediate(0, 4, imm);
  const uao = (imm: number): number => msrImmediate(0, 3, imm);

  it('PAN makes a load of what EL0 may access a Permission fault, in the TLB or not', () => {
    for (const words of [
      [pan(1), ldr, SVC],
      [ldr, pan(1), ldr, SVC],
      [ldr, pan(1), pan(0), pan(1), dczva, SVC],
    ]) {
      const { EC, ISS, FAR } = untilException(userMemory(words));
      assert.equal(EC, EC_DATA_ABORT_SAME);
      assert.equal((ISS ?? 0) & 0x3f, 0b001101); // Permission fault, level 1
      assert.equal(FAR, DATA);
    }
  });

  it('without PAN the same load is made, also after PAN was set', () => {
    for (const words of [
      [ldr, SVC],
      [pan(1), pan(0), ldr, SVC],
    ]) {
      assert.equal(untilException(userMemory(words)).EC, EC_SVC);
    }
  });

  it('PAN is nothing to LDTR, unless UAO makes it a load of EL1', () => {
    assert.equal(untilException(userMemory([pan(1), ldtr, SVC])).EC, EC_SVC);
    assert.equal(untilException(userMemory([pan(1), uao(1), ldtr, SVC])).EC, EC_DATA_ABORT_SAME);
    assert.equal(untilException(userMemory([uao(1), ldtr, SVC])).EC, EC_SVC);
  });

  it('PAN is nothing to fetches, to cache maintenance and to AT S1E1R', () => {
    const at = 0xd5087802; // at s1e1r, x2
    const ivac = 0xd5087622; // dc ivac, x2
    const pe = userMemory([pan(1), at, ivac, SVC]);
    assert.equal(untilException(pe).EC, EC_SVC);
    assert.equal(pe.peekRegister('PAR_EL1') & 1n, 0n);
  });

  it('AT S1E1RP and S1E1WP ask what PAN lets through', () => {
    for (const at of [0xd5087902, 0xd5087922]) {
      const refused = userMemory([pan(1), at, SVC]);
      assert.equal(untilException(refused).EC, EC_SVC);
      // F, and FST: Permission fault, level 1
      assert.equal(refused.peekRegister('PAR_EL1') & 0x7fn, (0b001101n << 1n) | 1n);
      const allowed = userMemory([pan(0), at, SVC]);
      assert.equal(untilException(allowed).EC, EC_SVC);
      assert.equal(allowed.peekRegister('PAR_EL1') & 1n, 0n);
    }
  });
});
