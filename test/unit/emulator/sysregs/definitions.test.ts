/** Reset values and write masks of the implemented registers, from the Arm ARM's field diagrams. */
import assert from 'node:assert/strict';
import {
  implementedRegisters,
  mdscrAlwaysWritable,
  MDSCR_EL1_WRITABLE_WHILE_LOCKED,
  writtenValue,
} from '../../../../emulator/sysregs/definitions.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';
import { fieldMask } from '../../../../emulator/sysregs/sysreg.ts';

const ALL = 0xffff_ffff_ffff_ffffn;
const v8_0Registers = implementedRegisters(v8_0);

/** What a register reads after reset and one write. */
function readBack(name: string, written: bigint, registers = v8_0Registers): bigint {
  const register = registers.byName(name);
  assert.ok(register, name);
  return writtenValue(register, register.reset, written);
}

describe('Implemented registers', () => {
  const resets = [
    ['OSLSR_EL1', 0xan, 'the OS Lock is implemented and locked'],
    ['DAIF', 0x3c0n, 'all exceptions are masked'],
    ['CurrentEL', 8n, 'at EL2'],
    ['CPTR_EL2', 0x33ffn, 'no trap'],
    ['HCR_EL2', 0x8000_0000n, 'EL1 is AArch64'],
    ['CNTFRQ_EL0', 62_500_000n, '62.5 MHz'],
    ['DBGCLAIMSET_EL1', 0xffn, 'eight claim tags'],
    ['MDRAR_EL1', 0n, 'no memory-mapped debug registers'],
    ['VPIDR_EL2', 0xf0510n, 'MIDR_EL1'],
    ['VMPIDR_EL2', 0x8000_0000n, 'MPIDR_EL1'],
  ] as const;
  for (const [name, reset, why] of resets) {
    it(`${name} resets to 0x${reset.toString(16)}: ${why}`, () => {
      assert.equal(v8_0Registers.byName(name)?.reset, reset);
    });
  }

  const masks = [
    ['DBGBCR0_EL1', 0x1fe3n, 0x1e3n],
    ['DBGBCR0_EL1', ALL, 0x00ff_e1e7n],
    ['DBGBCR0_EL1', 0n, 0n],
    ['DBGWCR0_EL1', ALL, 0x1f1f_ffffn],
    ['DBGBVR0_EL1', ALL, ALL - 3n],
    ['DBGBVR4_EL1', ALL, ALL],
    ['DBGWVR3_EL1', ALL, ALL - 3n],
    ['MDCCINT_EL1', ALL, 0x6000_0000n],
    ['MDCR_EL2', ALL, 0xf00n],
    ['OSDLR_EL1', ALL, 1n],
    ['OSLSR_EL1', 0n, 0xan],
    ['CPACR_EL1', ALL, 0x30_0000n],
    ['CPTR_EL2', 0n, 0x33ffn],
    ['CPTR_EL2', ALL, 0x8000_37ffn],
    ['HSTR_EL2', ALL, 0n],
    ['SCTLR_EL2', 0n, 0x30c5_0830n],
    ['SCTLR_EL1', 0n, 0x30d0_0980n],
    ['SCTLR_EL1', ALL, 0x37dd_db9fn],
    ['VBAR_EL1', ALL, ALL - 0x7ffn],
    ['TCR_EL1', ALL, 0x77_ffff_ffbfn],
    ['TCR_EL2', 0n, 0x8080_0000n],
    ['VTCR_EL2', ALL, 0x8007_ffffn],
    ['TTBR0_EL1', ALL, ALL - 1n],
    ['VTTBR_EL2', ALL, 0x00ff_ffff_ffff_fffen],
    ['SPSR_EL1', ALL, 0xf030_03dfn],
    ['ESR_EL1', ALL, 0xffff_ffffn],
    ['FPCR', ALL, 0x07c0_0000n],
    ['FPSR', ALL, 0x0800_009fn],
    ['NZCV', ALL, 0xf000_0000n],
    ['CNTKCTL_EL1', ALL, 0x3ffn],
    ['CNTHCTL_EL2', ALL, 0xffn],
    ['CONTEXTIDR_EL1', ALL, 0xffff_ffffn],
    ['ID_AA64DFR0_EL1', ALL, 0x1030_5006n],
  ] as const;
  for (const [name, written, read] of masks) {
    it(`${name} reads 0x${read.toString(16)} after 0x${written.toString(16)} is written`, () => {
      assert.equal(readBack(name, written), read);
    });
  }

  it('MDSCR_EL1 has views of EDSCR that only the OS Lock makes writable', () => {
    assert.equal(mdscrAlwaysWritable(v8_0), 0xb001n);
    assert.equal(MDSCR_EL1_WRITABLE_WHILE_LOCKED, 0x6ce0_4040n);
    assert.equal(readBack('MDSCR_EL1', ALL), 0x6ce0_f041n);
  });

  it('OSDLR_EL1 is RAZ/WI without FEAT_DoubleLock', () => {
    const registers = implementedRegisters({ ...v8_0, FEAT_DoubleLock: false });
    assert.equal(readBack('OSDLR_EL1', ALL, registers), 0n);
  });

  it('more than 16 breakpoints are in banks', () => {
    const profile = { ...v8_0, debugVersion: 11, breakpoints: 20, watchpoints: 18 };
    const banked = implementedRegisters(profile);
    assert.equal(mdscrAlwaysWritable(profile), 0x1_0000_b001n);
    assert.equal(readBack('MDSELR_EL1', ALL, banked), 0x30n);
    assert.ok(banked.byName('DBGBVR19_EL1'));
    assert.equal(banked.byName('DBGBVR20_EL1'), undefined);
    assert.ok(banked.byName('DBGWCR17_EL1'));
    // Context-aware are 14 and 15, where software finds them that knows of 16.
    assert.equal(readBack('DBGBVR13_EL1', ALL, banked), ALL & ~3n);
    assert.equal(readBack('DBGBVR15_EL1', ALL, banked), ALL);
    assert.equal(readBack('DBGBVR19_EL1', ALL, banked), ALL & ~3n);
    assert.equal(readBack('DBGBCR19_EL1', ALL, banked), 0xc0ff_e1e7n);
    const encoding = banked.byName('DBGBVR3_EL1')?.reg.encoding ?? 0;
    assert.equal(banked.byEncoding(encoding, 'read')?.reg.name, 'DBGBVR3_EL1');
    assert.equal(banked.byName('DBGBVR19_EL1')?.reg.encoding, encoding);
  });

  it('numbered debug registers end at the counts of the profile', () => {
    for (const [template, count] of [
      ['DBGBVR', 6],
      ['DBGBCR', 6],
      ['DBGWVR', 4],
      ['DBGWCR', 4],
    ] as const) {
      assert.ok(v8_0Registers.byName(`${template}${count - 1}_EL1`));
      assert.equal(v8_0Registers.byName(`${template}${count}_EL1`), undefined);
    }
  });

  const absent = {
    'Performance Monitors': 'PMCR_EL0',
    'the GIC': 'ICC_PMR_EL1',
    FEAT_SVE: 'ZCR_EL1',
    FEAT_PAuth: 'APIAKeyLo_EL1',
    FEAT_MTE2: 'TFSR_EL1',
    FEAT_VHE: 'SCTLR_EL12',
    'FEAT_VHE, as EL2 register': 'CONTEXTIDR_EL2',
    FEAT_RNG: 'RNDR',
    FEAT_SPE: 'PMSCR_EL1',
    FEAT_TRBE: 'TRBLIMITR_EL1',
    FEAT_FGT: 'HDFGRTR_EL2',
    EL3: 'SCTLR_EL3',
    'AArch32 at EL1': 'DBGVCR32_EL2',
  };
  for (const [feature, name] of Object.entries(absent)) {
    it(`${name} is absent without ${feature}`, () => {
      assert.equal(v8_0Registers.byName(name), undefined);
    });
  }

  it('HDFGRTR_EL2 has the bits of the registers that exist', () => {
    const registers = implementedRegisters({ ...v8_0, FEAT_FGT: true });
    assert.equal(readBack('HDFGRTR_EL2', ALL, registers), 0xeffn);
    assert.equal(readBack('HDFGWTR_EL2', ALL, registers), 0xdbfn);
  });

  it('an encoding with two registers is found by direction', () => {
    assert.equal(v8_0Registers.byEncoding(0x9828, 'read')?.reg.name, 'DBGDTRRX_EL0');
    assert.equal(v8_0Registers.byEncoding(0x9828, 'write')?.reg.name, 'DBGDTRTX_EL0');
    assert.equal(v8_0Registers.byEncoding(0xc01f, 'read')?.reg.name, 'S3_0_C0_C3_7');
  });

  it('no bit is both writable and RES1, and a register without MSR has none writable', () => {
    for (const { reg, writable, RES1, reset } of v8_0Registers.all) {
      assert.equal(writable & RES1, 0n, reg.name);
      assert.equal(reset & RES1, RES1, reg.name);
      if (reg.access === 'RO') assert.equal(writable, 0n, reg.name);
    }
  });

  it('a writable field lies in a field the catalogue knows, where it knows the layout', () => {
    for (const { reg, writable } of v8_0Registers.all) {
      const layouts = [reg.fields, ...(reg.views ?? []).map(({ fields }) => fields)];
      if (reg.fields.length === 0 || reg.array !== undefined) continue;
      const known = layouts.flat().reduce((mask, field) => mask | fieldMask(field), 0n);
      assert.equal((writable & ~known).toString(16), '0', reg.name);
    }
  });
});
