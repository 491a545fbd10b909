/** FEAT_PAuth with QARMA5: codes, authentication, controls and traps. */
import assert from 'node:assert/strict';
import type { ExceptionRecord, ProcessingElement } from '../../../../emulator/cpu/pe.ts';
import { cpuModel_v8_0, requireCpuModel } from '../../../../emulator/sysregs/cpu-model.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';
import { brk, isb, mrs, msr } from '../../../support/a64.ts';
import { seededRandom } from '../../../support/random.ts';
import {
  AddPAC,
  Auth,
  ComputePAC,
  Strip,
} from '../../../support/reference-pointer-authentication.ts';
import type { ReferenceControls } from '../../../support/reference-pointer-authentication.ts';
import { CODE, DATA, guest, hex, place, untilException } from './guest.ts';
import type { GuestOptions } from './guest.ts';

const profile = { ...v8_0, model: requireCpuModel('max-supported') };
const DONE = brk(0);
const EC_UNKNOWN = 0x00;
const EC_POINTER_AUTHENTICATION = 0x09;
const EC_SYSTEM_REGISTER = 0x18;
const EC_INSTRUCTION_ABORT_SAME = 0x21;
const EC_BRK = 0x3c;

const KEYS = ['IA', 'IB', 'DA', 'DB'] as const;
const SCTLR_ENABLE = { IA: 1n << 31n, IB: 1n << 30n, DA: 1n << 27n, DB: 1n << 13n } as const;
const ALL_ENABLED = Object.values(SCTLR_ENABLE).reduce((a, b) => a | b);
const HCR_APK = 1n << 40n;
const HCR_API = 1n << 41n;

/** `pacia x<d>, x<n>` and the others by opcode of "Data-processing (1 source)"; 31 is SP as a modifier. */
const oneSource = (opcode: number, d: number, n: number): number =>
  (0xdac10000 | (opcode << 10) | (n << 5) | d) >>> 0;
const AUT = 4;
const pacga = (d: number, n: number, m: number): number =>
  (0x9ac03000 | (m << 16) | (n << 5) | d) >>> 0;
const [xpaci, xpacd] = [0xdac143e0, 0xdac147e0];
const [paciasp, autiasp, pacia1716, xpaclri] = [0xd503233f, 0xd50323bf, 0xd503211f, 0xd50320ff];
const [retaa, eretaa, eretab] = [0xd65f0bff, 0xd69f0bff, 0xd69f0fff];
/** `braa x<n>, x<m>`, `blraaz x<n>` */
const braa = (n: number, m: number): number => (0xd71f0800 | (n << 5) | m) >>> 0;
const blraaz = (n: number): number => (0xd63f081f | (n << 5)) >>> 0;
/** `ldraa x<t>, [x<n>, #8 * imm10]`, and with writeback. */
const ldraa = (t: number, n: number, imm10: number): number =>
  (0xf8200400 | ((imm10 & 0x200) << 13) | ((imm10 & 0x1ff) << 12) | (n << 5) | t) >>> 0;
const ldraaPre = (t: number, n: number, imm10: number): number =>
  (ldraa(t, n, imm10) | 0x800) >>> 0;

const key = { Hi: 0x84be85ce9804e94bn, Lo: 0xec2802d4e0a488e9n };

function withKeys(words: readonly number[], options: GuestOptions = {}): ProcessingElement {
  const pe = guest(words, { profile, ...options });
  for (const name of [...KEYS, 'GA']) {
    pe.registers.write(`AP${name}KeyHi_EL1`, key.Hi);
    pe.registers.write(`AP${name}KeyLo_EL1`, key.Lo);
  }
  for (const name of ['SCTLR_EL1', 'SCTLR_EL2']) {
    pe.registers.write(name, pe.registers.raw(name) | ALL_ENABLED);
  }
  return pe;
}

/** The exception behind the notice that something is not implemented. */
function afterNotice(pe: ProcessingElement): ExceptionRecord {
  pe.exceptionHook = () => true;
  const event = pe.run(1000);
  assert.equal(event.kind, 'unimplemented');
  return untilException(pe);
}

function finish(pe: ProcessingElement): void {
  assert.equal(untilException(pe).EC, EC_BRK);
}

/** Addresses of 48 bits in both halves, no tags. */
const wide: ReferenceControls = {
  ...{ T0SZ: 16, T1SZ: 16 },
  ...{ TBI0: false, TBI1: false, TBID0: false, TBID1: false },
};

function writeControls(pe: ProcessingElement, controls: ReferenceControls): void {
  const bit = (value: boolean, n: bigint): bigint => (value ? 1n << n : 0n);
  pe.registers.write(
    'TCR_EL1',
    BigInt(controls.T0SZ) |
      (BigInt(controls.T1SZ) << 16n) |
      bit(controls.TBI0, 37n) |
      bit(controls.TBI1, 38n) |
      bit(controls.TBID0, 51n) |
      bit(controls.TBID1, 52n),
  );
}

describe('Pointer authentication', () => {
  it('PACGA gives the upper half of the vector of the QARMA paper (sigma 2, five rounds)', () => {
    const pe = withKeys([pacga(0, 1, 2), DONE]);
    pe.state.setX(1, 0xfb623599da6e8127n);
    pe.state.setX(2, 0x477d469dec0b8762n);
    assert.equal(
      hex(ComputePAC(pe.state.X(1), pe.state.X(2), key.Hi, key.Lo)),
      '0xc003b93999b33765',
    );
    finish(pe);
    assert.equal(hex(pe.state.X(0)), '0xc003b93900000000');
  });

  it('computes codes, authenticates and strips as the pseudocode does, whatever the controls', () => {
    const random = seededRandom(0x9a);
    const bits = (n: number): bigint => {
      let value = 0n;
      for (let k = 0; k < n; k += 16) value = (value << 16n) | BigInt(Math.floor(random() * 65536));
      return BigInt.asUintN(n, value);
    };
    const flag = (): boolean => random() < 0.5;
    const words = KEYS.flatMap((_, n) => [oneSource(n, n, 8), oneSource(AUT | n, 4 + n, 8)]);
    const pe = withKeys([...words, xpaci | 9, xpacd | 10, DONE]);
    for (let round = 0; round < 150; round += 1) {
      const controls = {
        T0SZ: Math.floor(random() * 64),
        T1SZ: Math.floor(random() * 64),
        ...{ TBI0: flag(), TBI1: flag(), TBID0: flag(), TBID1: flag() },
      };
      pe.setPstate({ NZCV: 0, DAIF: 0xf, SS: 0, IL: false, EL: 1, SPSel: 1 });
      // The code itself has no tag and the MMU is off, so every one of these serves it.
      writeControls(pe, controls);
      const random64 = bits(64);
      const keys = KEYS.map((name) => {
        const made = { Hi: bits(64), Lo: bits(64) };
        pe.registers.write(`AP${name}KeyHi_EL1`, made.Hi);
        pe.registers.write(`AP${name}KeyLo_EL1`, made.Lo);
        return made;
      });
      // An address, an address with a tag, or anything.
      const pointer = flag()
        ? random64
        : BigInt.asUintN(64, BigInt.asIntN(flag() ? 24 : 48, random64)) ^
          (flag() ? bits(8) << 56n : 0n);
      const modifier = bits(64);
      const signed = KEYS.map((_, n) =>
        AddPAC(controls, pointer, modifier, keys[n] ?? key, n >= 2),
      );
      const spoilt = signed.map((value) =>
        flag() ? value ^ (1n << BigInt(Math.floor(random() * 64))) : value,
      );
      for (let n = 0; n < 4; n += 1) {
        pe.state.setX(n, pointer);
        pe.state.setX(4 + n, spoilt[n] ?? 0n);
      }
      pe.state.setX(8, modifier);
      pe.state.setX(9, random64);
      pe.state.setX(10, random64);
      pe.state.PC = CODE;
      finish(pe);
      const where = `round ${round}, pointer ${hex(pointer)}, ${JSON.stringify(controls)}`;
      KEYS.forEach((name, n) => {
        const isData = n >= 2;
        assert.equal(hex(pe.state.X(n)), hex(signed[n]), `PAC${name}: ${where}`);
        const expected = Auth(
          controls,
          spoilt[n] ?? 0n,
          modifier,
          keys[n] ?? key,
          isData,
          (n & 1) as 0 | 1,
        );
        assert.equal(hex(pe.state.X(4 + n)), hex(expected), `AUT${name}: ${where}`);
      });
      assert.equal(hex(pe.state.X(9)), hex(Strip(controls, random64, false)), `XPACI: ${where}`);
      assert.equal(hex(pe.state.X(10)), hex(Strip(controls, random64, true)), `XPACD: ${where}`);
    }
  });

  it('leaves a pointer as it is while SCTLR_EL1 disables its key', () => {
    for (const [n, name] of KEYS.entries()) {
      const pe = withKeys([oneSource(n, 0, 31), oneSource(AUT | n, 1, 31), DONE]);
      writeControls(pe, wide);
      pe.registers.write('SCTLR_EL1', pe.registers.raw('SCTLR_EL1') & ~SCTLR_ENABLE[name]);
      pe.state.setX(0, 0x1234n);
      pe.state.setX(1, 0xff00_0000_1234n);
      finish(pe);
      assert.equal(pe.state.X(0), 0x1234n);
      assert.equal(pe.state.X(1), 0xff00_0000_1234n);
    }
  });

  it('obeys SCTLR_EL2 and TCR_EL2 at EL2, where one range of addresses has one TBI', () => {
    const pe = withKeys([oneSource(0, 0, 1), DONE], { startEL: 2 });
    pe.registers.write('TCR_EL2', 16n | (1n << 20n));
    pe.state.setX(0, 0xa500_4000_1234_5678n);
    pe.state.setX(1, 7n);
    const code = ComputePAC(0xa500_4000_1234_5678n, 7n, key.Hi, key.Lo);
    finish(pe);
    const field = ((1n << 55n) - 1n) & ~((1n << 48n) - 1n);
    assert.equal(hex(pe.state.X(0)), hex(0xa500_4000_1234_5678n | (code & field)));
  });

  it('traps to EL2 with EC 0x09 while HCR_EL2.API is 0, unless the key is disabled; XPAC never', () => {
    for (const word of [oneSource(0, 0, 1), pacga(0, 1, 2), paciasp, braa(0, 1), ldraa(0, 1, 0)]) {
      const pe = withKeys([word, DONE], { startEL: 2, EL: 1 });
      pe.registers.write('HCR_EL2', HCR_APK);
      const { EC, ISS, targetEL, preferredReturn } = untilException(pe);
      assert.deepEqual(
        { EC, ISS, targetEL, preferredReturn },
        { EC: EC_POINTER_AUTHENTICATION, ISS: 0, targetEL: 2, preferredReturn: CODE },
      );
      assert.equal(pe.registers.raw('ESR_EL2') >> 26n, 9n);
    }
    const pe = withKeys([oneSource(0, 0, 1), xpaci | 1, xpaclri, DONE], { startEL: 2, EL: 1 });
    pe.registers.write('HCR_EL2', 0n);
    pe.registers.write('SCTLR_EL1', pe.registers.raw('SCTLR_EL1') & ~SCTLR_ENABLE.IA);
    finish(pe);
  });

  it('traps MRS and MSR of the keys to EL2 while HCR_EL2.APK is 0', () => {
    for (const word of [msr('APIAKeyLo_EL1', 0), mrs(0, 'APGAKeyHi_EL1')]) {
      const pe = withKeys([word, DONE], { startEL: 2, EL: 1 });
      pe.registers.write('HCR_EL2', HCR_API);
      const { EC, targetEL } = untilException(pe);
      assert.deepEqual({ EC, targetEL }, { EC: EC_SYSTEM_REGISTER, targetEL: 2 });
    }
    const pe = withKeys([msr('APDBKeyLo_EL1', 1), isb, mrs(2, 'APDBKeyLo_EL1'), DONE]);
    pe.state.setX(1, 0x0123_4567_89ab_cdefn);
    finish(pe);
    assert.equal(pe.state.X(2), 0x0123_4567_89ab_cdefn);
    assert.equal(untilException(withKeys([mrs(0, 'APIAKeyLo_EL1')], { EL: 0 })).EC, EC_UNKNOWN);
  });

  it('protects a return address with SP, and X17 with X16', () => {
    const pe = withKeys([paciasp, pacia1716, DONE]);
    writeControls(pe, wide);
    pe.state.setX(30, CODE + 0x100n);
    pe.state.setX(17, CODE);
    pe.state.setX(16, 5n);
    finish(pe);
    assert.equal(hex(pe.state.X(30)), hex(AddPAC(wide, CODE + 0x100n, DATA, key, false)));
    assert.equal(hex(pe.state.X(17)), hex(AddPAC(wide, CODE, 5n, key, false)));
    place(pe, CODE + 0x100n, [DONE]);
    place(pe, CODE + 0x200n, [retaa]);
    pe.setPstate({ NZCV: 0, DAIF: 0xf, SS: 0, IL: false, EL: 1, SPSel: 1 });
    pe.state.SP = DATA;
    pe.state.PC = CODE + 0x200n;
    assert.equal(untilException(pe).preferredReturn, CODE + 0x100n);
  });

  it('branches to an address that cannot be translated when the code is wrong', () => {
    const pe = withKeys([blraaz(0)]);
    writeControls(pe, wide);
    pe.state.setX(0, CODE + 0x40n);
    const { EC, FAR } = untilException(pe);
    assert.equal(EC, EC_INSTRUCTION_ABORT_SAME);
    assert.equal(hex(FAR), hex((CODE + 0x40n) | (1n << 61n)));
    assert.equal(pe.state.X(30), CODE + 4n);
  });

  it('BRAA and BLRAAZ go where the signed address is', () => {
    for (const [word, modifier] of [
      [braa(0, 1), 9n],
      [blraaz(0), 0n],
    ] as const) {
      const pe = withKeys([word]);
      writeControls(pe, wide);
      place(pe, CODE + 0x40n, [DONE]);
      pe.state.setX(0, AddPAC(wide, CODE + 0x40n, modifier, key, false));
      pe.state.setX(1, 9n);
      assert.equal(untilException(pe).preferredReturn, CODE + 0x40n);
    }
  });

  it('LDRAA loads through a signed base, which writeback leaves without its code', () => {
    const pe = withKeys([ldraa(2, 0, 1), ldraaPre(3, 1, -1), DONE]);
    writeControls(pe, wide);
    pe.engine.writePhysical(DATA, new Uint8Array(BigUint64Array.of(11n, 22n).buffer));
    pe.state.setX(0, AddPAC(wide, DATA, 0n, key, true));
    pe.state.setX(1, AddPAC(wide, DATA + 8n, 0n, key, true));
    finish(pe);
    assert.equal(pe.state.X(2), 22n);
    assert.equal(pe.state.X(3), 11n);
    assert.equal(pe.state.X(1), DATA);
  });

  it('ERETAA and ERETAB return where ELR_EL1 is signed with SP', () => {
    for (const [word, name] of [
      [eretaa, 'IA'],
      [eretab, 'IB'],
    ] as const) {
      const pe = withKeys([word]);
      writeControls(pe, wide);
      place(pe, CODE + 0x80n, [DONE]);
      pe.registers.write('ELR_EL1', AddPAC(wide, CODE + 0x80n, DATA, key, false));
      pe.registers.write('SPSR_EL1', 0x3c5n);
      assert.equal(untilException(pe).preferredReturn, CODE + 0x80n, name);
      // A wrong code
      pe.setPstate({ NZCV: 0, DAIF: 0xf, SS: 0, IL: false, EL: 1, SPSel: 1 });
      pe.registers.write('ELR_EL1', CODE + 0x80n);
      pe.registers.write('SPSR_EL1', 0x3c5n);
      pe.state.SP = DATA;
      pe.state.PC = CODE;
      const { EC, FAR } = untilException(pe);
      assert.equal(EC, EC_INSTRUCTION_ABORT_SAME);
      assert.equal(hex(FAR), hex((CODE + 0x80n) | (name === 'IA' ? 1n << 61n : 1n << 62n)));
    }
    assert.equal(untilException(withKeys([eretaa], { EL: 0 })).EC, EC_UNKNOWN);
  });

  it('is NOPs in the hint space and UNDEFINED elsewhere without the feature', () => {
    const without = { ...v8_0, model: cpuModel_v8_0 };
    const nops = guest([paciasp, autiasp, pacia1716, xpaclri, DONE], { profile: without });
    nops.state.setX(30, 0xff00_0000_1234n);
    assert.equal(untilException(nops).EC, EC_BRK);
    assert.equal(nops.state.X(30), 0xff00_0000_1234n);
    for (const word of [
      oneSource(0, 0, 1),
      pacga(0, 1, 2),
      retaa,
      eretaa,
      braa(0, 1),
      ldraa(0, 1, 0),
      xpaci,
    ]) {
      assert.equal(afterNotice(guest([word], { profile: without })).EC, EC_UNKNOWN);
    }
    const read = guest([mrs(0, 'APIAKeyLo_EL1')], { profile: without });
    assert.equal(afterNotice(read).EC, EC_UNKNOWN);
  });
});
