/** Encodings, opcodes and syndromes of the debug registers, worked out by hand from the Arm ARM. */
import assert from 'node:assert/strict';
import { byName } from '../../../../emulator/sysregs/catalogue.ts';
import {
  extractField,
  fieldMeaning,
  genericName,
  insertField,
  mrsOpcode,
  msrOpcode,
  packEncoding,
  parseGenericName,
  sysRegTrapISS,
  unpackEncoding,
} from '../../../../emulator/sysregs/sysreg.ts';

/** Name, access, lowest EL, packed encoding, MRS X0, EC 0x18 ISS of MRS X0. */
const debugRegisters = [
  ['OSDTRRX_EL1', 'RW', 1, 0x8002, 0xd5300040, 0x240001],
  ['MDCCINT_EL1', 'RW', 1, 0x8010, 0xd5300200, 0x200005],
  ['MDSCR_EL1', 'RW', 1, 0x8012, 0xd5300240, 0x240005],
  ['OSDTRTX_EL1', 'RW', 1, 0x801a, 0xd5300340, 0x240007],
  ['MDSELR_EL1', 'RW', 1, 0x8022, 0xd5300440, 0x240009],
  ['OSECCR_EL1', 'RW', 1, 0x8032, 0xd5300640, 0x24000d],
  ['DBGBVR0_EL1', 'RW', 1, 0x8004, 0xd5300080, 0x280001],
  ['DBGBVR1_EL1', 'RW', 1, 0x800c, 0xd5300180, 0x280003],
  ['DBGBVR5_EL1', 'RW', 1, 0x802c, 0xd5300580, 0x28000b],
  ['DBGBVR15_EL1', 'RW', 1, 0x807c, 0xd5300f80, 0x28001f],
  ['DBGBCR0_EL1', 'RW', 1, 0x8005, 0xd53000a0, 0x2a0001],
  ['DBGBCR1_EL1', 'RW', 1, 0x800d, 0xd53001a0, 0x2a0003],
  ['DBGBCR5_EL1', 'RW', 1, 0x802d, 0xd53005a0, 0x2a000b],
  ['DBGBCR15_EL1', 'RW', 1, 0x807d, 0xd5300fa0, 0x2a001f],
  ['DBGWVR0_EL1', 'RW', 1, 0x8006, 0xd53000c0, 0x2c0001],
  ['DBGWVR1_EL1', 'RW', 1, 0x800e, 0xd53001c0, 0x2c0003],
  ['DBGWVR5_EL1', 'RW', 1, 0x802e, 0xd53005c0, 0x2c000b],
  ['DBGWVR15_EL1', 'RW', 1, 0x807e, 0xd5300fc0, 0x2c001f],
  ['DBGWCR0_EL1', 'RW', 1, 0x8007, 0xd53000e0, 0x2e0001],
  ['DBGWCR1_EL1', 'RW', 1, 0x800f, 0xd53001e0, 0x2e0003],
  ['DBGWCR5_EL1', 'RW', 1, 0x802f, 0xd53005e0, 0x2e000b],
  ['DBGWCR15_EL1', 'RW', 1, 0x807f, 0xd5300fe0, 0x2e001f],
  ['MDRAR_EL1', 'RO', 1, 0x8080, 0xd5301000, 0x200401],
  ['OSLAR_EL1', 'WO', 1, 0x8084, 0xd5301080, 0x280401],
  ['OSLSR_EL1', 'RO', 1, 0x808c, 0xd5301180, 0x280403],
  ['OSDLR_EL1', 'RW', 1, 0x809c, 0xd5301380, 0x280407],
  ['DBGPRCR_EL1', 'RW', 1, 0x80a4, 0xd5301480, 0x280409],
  ['DBGCLAIMSET_EL1', 'RW', 1, 0x83c6, 0xd53078c0, 0x2c1c11],
  ['DBGCLAIMCLR_EL1', 'RW', 1, 0x83ce, 0xd53079c0, 0x2c1c13],
  ['DBGAUTHSTATUS_EL1', 'RO', 1, 0x83f6, 0xd5307ec0, 0x2c1c1d],
  ['MDCCSR_EL0', 'RO', 0, 0x9808, 0xd5330100, 0x20c003],
  ['DBGDTR_EL0', 'RW', 0, 0x9820, 0xd5330400, 0x20c009],
  ['DBGDTRRX_EL0', 'RO', 0, 0x9828, 0xd5330500, 0x20c00b],
  ['DBGDTRTX_EL0', 'WO', 0, 0x9828, 0xd5330500, 0x20c00b],
  ['DBGVCR32_EL2', 'RW', 2, 0xa038, 0xd5340700, 0x21000f],
  ['TRFCR_EL1', 'RW', 1, 0xc091, 0xd5381220, 0x320405],
  ['TRFCR_EL2', 'RW', 2, 0xe091, 0xd53c1220, 0x330405],
  ['TRFCR_EL12', 'RW', 2, 0xe891, 0xd53d1220, 0x334405],
  ['PMSCR_EL1', 'RW', 1, 0xc4c8, 0xd5389900, 0x302413],
  ['PMSNEVFR_EL1', 'RW', 1, 0xc4c9, 0xd5389920, 0x322413],
  ['PMSICR_EL1', 'RW', 1, 0xc4ca, 0xd5389940, 0x342413],
  ['PMSIRR_EL1', 'RW', 1, 0xc4cb, 0xd5389960, 0x362413],
  ['PMSFCR_EL1', 'RW', 1, 0xc4cc, 0xd5389980, 0x382413],
  ['PMSEVFR_EL1', 'RW', 1, 0xc4cd, 0xd53899a0, 0x3a2413],
  ['PMSLATFR_EL1', 'RW', 1, 0xc4ce, 0xd53899c0, 0x3c2413],
  ['PMSIDR_EL1', 'RO', 1, 0xc4cf, 0xd53899e0, 0x3e2413],
  ['PMBLIMITR_EL1', 'RW', 1, 0xc4d0, 0xd5389a00, 0x302415],
  ['PMBPTR_EL1', 'RW', 1, 0xc4d1, 0xd5389a20, 0x322415],
  ['PMBSR_EL1', 'RW', 1, 0xc4d3, 0xd5389a60, 0x362415],
  ['PMBIDR_EL1', 'RO', 1, 0xc4d7, 0xd5389ae0, 0x3e2415],
  ['PMSCR_EL2', 'RW', 2, 0xe4c8, 0xd53c9900, 0x312413],
  ['PMSCR_EL12', 'RW', 2, 0xecc8, 0xd53d9900, 0x316413],
  ['TRBLIMITR_EL1', 'RW', 1, 0xc4d8, 0xd5389b00, 0x302417],
  ['TRBPTR_EL1', 'RW', 1, 0xc4d9, 0xd5389b20, 0x322417],
  ['TRBBASER_EL1', 'RW', 1, 0xc4da, 0xd5389b40, 0x342417],
  ['TRBSR_EL1', 'RW', 1, 0xc4db, 0xd5389b60, 0x362417],
  ['TRBMAR_EL1', 'RW', 1, 0xc4dc, 0xd5389b80, 0x382417],
  ['TRBTRG_EL1', 'RW', 1, 0xc4de, 0xd5389bc0, 0x3c2417],
  ['TRBIDR_EL1', 'RO', 1, 0xc4df, 0xd5389be0, 0x3e2417],
  ['ID_AA64DFR0_EL1', 'RO', 1, 0xc028, 0xd5380500, 0x30000b],
  ['ID_AA64DFR1_EL1', 'RO', 1, 0xc029, 0xd5380520, 0x32000b],
  ['MDCR_EL2', 'RW', 2, 0xe089, 0xd53c1120, 0x330403],
  ['HDFGRTR_EL2', 'RW', 2, 0xe18c, 0xd53c3180, 0x390c03],
  ['HDFGWTR_EL2', 'RW', 2, 0xe18d, 0xd53c31a0, 0x3b0c03],
  ['CONTEXTIDR_EL1', 'RW', 1, 0xc681, 0xd538d020, 0x323401],
  ['CONTEXTIDR_EL2', 'RW', 2, 0xe681, 0xd53cd020, 0x333401],
  ['CPACR_EL1', 'RW', 1, 0xc082, 0xd5381040, 0x340401],
  ['CPTR_EL2', 'RW', 2, 0xe08a, 0xd53c1140, 0x350403],
] as const;

describe('System register encodings', () => {
  for (const [name, accessKind, minEL, encoding, mrs, ISS] of debugRegisters) {
    it(`${name} is 0x${encoding.toString(16)}, ${accessKind}, from EL${minEL}`, () => {
      const reg = byName(name);
      assert.ok(reg);
      assert.deepEqual(
        { encoding: reg.encoding, access: reg.access, minEL: reg.minEL },
        { encoding, access: accessKind, minEL },
      );
      assert.equal(mrsOpcode(reg, 0), mrs);
      assert.equal(msrOpcode(reg, 0), mrs - 0x200000);
      assert.equal(mrsOpcode(reg, 30), mrs + 30);
      assert.equal(sysRegTrapISS(encoding, 'read'), ISS);
      assert.equal(sysRegTrapISS(encoding, 'write', 7), (ISS & ~1) | (7 << 5));
    });
  }

  it('packing and unpacking are inverse, and the generic name says the same', () => {
    for (let encoding = 0; encoding < 0x10000; encoding += 1) {
      assert.equal(packEncoding(unpackEncoding(encoding)), encoding);
      assert.equal(parseGenericName(genericName(encoding)), encoding);
    }
  });

  it('SCTLR_EL1 is S3_0_C1_C0_0', () => {
    assert.equal(genericName(0xc080), 'S3_0_C1_C0_0');
    assert.equal(parseGenericName('s3_0_c1_c0_0'), 0xc080);
  });

  it('a name that is no generic name has no encoding', () => {
    for (const name of ['S4_0_C1_C0_0', 'S3_8_C1_C0_0', 'S3_0_C16_C0_0', 'SCTLR_EL1', '']) {
      assert.equal(parseGenericName(name), undefined);
    }
  });
});

describe('Fields', () => {
  const top = { msb: 63, lsb: 60 };

  it('are taken from and put into the highest bits', () => {
    assert.equal(extractField(0xa000_0000_0000_0001n, top), 0xan);
    assert.equal(insertField(0xa000_0000_0000_0001n, top, 5n), 0x5000_0000_0000_0001n);
  });

  it('refuse a value that does not fit', () => {
    assert.throws(() => insertField(0n, top, 16n), RangeError);
    assert.throws(() => insertField(0n, top, -1n), RangeError);
  });

  it('an "at least" meaning holds for higher values, the highest one counts', () => {
    const field = {
      ...top,
      name: 'DebugVer',
      values: [
        { value: 6, meaning: 'Armv8.0', match: 'at least' as const },
        { value: 8, meaning: 'Armv8.2', match: 'at least' as const },
        { value: 15, meaning: 'special' },
      ],
    };
    assert.equal(fieldMeaning(field, 7n)?.meaning, 'Armv8.0');
    assert.equal(fieldMeaning(field, 9n)?.meaning, 'Armv8.2');
    assert.equal(fieldMeaning(field, 15n)?.meaning, 'special');
    assert.equal(fieldMeaning(field, 5n), undefined);
  });
});
