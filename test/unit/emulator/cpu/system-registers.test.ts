import assert from 'node:assert/strict';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';
import type { ProcessorProfile } from '../../../../emulator/sysregs/processor-model.ts';
import { CODE, DATA, guest, hex, MDSCR_TDCC, untilEvent, untilException } from './guest.ts';
import type { GuestOptions } from './guest.ts';

const EVERYTHING: ProcessorProfile = {
  ...v8_0,
  name: 'everything',
  debugVersion: 9,
  FEAT_FGT: true,
  FEAT_SPE: true,
  FEAT_TRF: true,
  FEAT_TRBE: true,
};

/** ESR of the first exception of a one-instruction program, or 'none'. */
function outcome(
  words: readonly number[],
  options: GuestOptions,
  registers: Readonly<Record<string, bigint>> = {},
): string {
  const pe = guest([...words, 0xd4000001 /* svc #0 */], options);
  for (const [name, value] of Object.entries(registers)) pe.pokeRegister(name, value);
  const { ESR, targetEL, EC } = untilException(pe);
  return EC === 0x15 ? 'none' : `${hex(ESR)} to EL${targetEL}`;
}

describe('system registers', () => {
  it('have an owner for every register with effects', () => {
    const pe = guest([], { profile: EVERYTHING });
    const orphans = [...pe.registers.entries]
      .filter(({ register, effects }) => register.kind === 'effects' && effects === undefined)
      .map(({ name }) => name);
    assert.deepEqual(orphans, []);
  });

  it('move through MRS and MSR with their reserved bits', () => {
    const pe = guest([
      0x92800000, // mov x0, #-1
      0xd518c000, // msr vbar_el1, x0
      0xd538c001, // mrs x1, vbar_el1
      0xd51bd040, // msr tpidr_el0, x0
      0xd53bd042, // mrs x2, tpidr_el0
      0xd51000a0, // msr dbgbcr0_el1, x0
      0xd53000a3, // mrs x3, dbgbcr0_el1
      0xd51000c0, // msr dbgwvr0_el1, x0
      0xd53000c4, // mrs x4, dbgwvr0_el1
      0xd5100240, // msr mdscr_el1, x0
      0xd5300245, // mrs x5, mdscr_el1
      0xd45e0000, // hlt #0xf000
    ]);
    pe.state.DAIF = 0xf; // the value of MDSCR_EL1 enables software step
    assert.equal(untilEvent(pe).kind, 'halt');
    assert.equal(hex(pe.state.X(1)), '0xfffffffffffff800');
    assert.equal(hex(pe.state.X(2)), '0xffffffffffffffff');
    // E, PMC, BAS, HMC, SSC, LBN, BT
    assert.equal(hex(pe.state.X(3)), '0xffe1e7');
    assert.equal(hex(pe.state.X(4)), '0xfffffffffffffffc');
    // SS, TDCC, KDE, MDE: the views of EDSCR are read-only while the OS Lock is unlocked
    assert.equal(hex(pe.state.X(5)), '0xb001');
  });

  it('take writes to the views of EDSCR while the OS Lock is locked', () => {
    const pe = guest([]);
    pe.pokeRegister('OSLAR_EL1', 1n);
    pe.pokeRegister('MDSCR_EL1', 0xffff_ffff_ffff_ffffn);
    // ERR 6, SS 0, TDCC 12, KDE 13, HDE 14, MDE 15, TDA 21, INTdis 23:22, TXU 26, RXO 27, TXfull 29, RXfull 30
    const bits = [0, 6, 12, 13, 14, 15, 21, 22, 23, 26, 27, 29, 30];
    const expected = bits.reduce((value, bit) => value | (1n << BigInt(bit)), 0n);
    assert.equal(hex(pe.peekRegister('MDSCR_EL1')), hex(expected));
  });

  it('lock and unlock the OS Lock, which is locked by a cold reset', () => {
    const pe = guest([
      0xd2800020, // mov x0, #1
      0xd5101080, // msr oslar_el1, x0
      0xd5301181, // mrs x1, oslsr_el1
      0xd510109f, // msr oslar_el1, xzr
      0xd5301182, // mrs x2, oslsr_el1
      0xd45e0000, // hlt #0xf000
    ]);
    pe.reset();
    assert.equal(pe.peekRegister('OSLSR_EL1'), 0xan);
    pe.state.PC = CODE;
    assert.equal(untilEvent(pe).kind, 'halt');
    assert.equal(pe.state.X(1), 0xan);
    assert.equal(pe.state.X(2), 0x8n);
  });

  it('set and clear claim tags', () => {
    const pe = guest([
      0xd28002a0, // mov x0, #0x15
      0xd51078c0, // msr dbgclaimset_el1, x0
      0xd53078c1, // mrs x1, dbgclaimset_el1
      0xd53079c2, // mrs x2, dbgclaimclr_el1
      0xd2800080, // mov x0, #0x4
      0xd51079c0, // msr dbgclaimclr_el1, x0
      0xd53079c3, // mrs x3, dbgclaimclr_el1
      0xd45e0000, // hlt #0xf000
    ]);
    assert.equal(untilEvent(pe).kind, 'halt');
    assert.equal(pe.state.X(1), 0xffn);
    assert.equal(pe.state.X(2), 0x15n);
    assert.equal(pe.state.X(3), 0x11n);
  });

  it('show PSTATE', () => {
    const pe = guest([
      0xd5034ddf, // msr daifset, #0xd
      0xd53b4220, // mrs x0, daif
      0xd5384241, // mrs x1, currentel
      0xd5384202, // mrs x2, spsel
      0xeb00001f, // cmp x0, x0
      0xd53b4203, // mrs x3, nzcv
      0xd2b20004, // mov x4, #0x90000000
      0xd51b4204, // msr nzcv, x4
      0xd53b4205, // mrs x5, nzcv
      0xd45e0000, // hlt #0xf000
    ]);
    assert.equal(untilEvent(pe).kind, 'halt');
    assert.equal(pe.state.X(0), 0x340n);
    assert.equal(pe.state.X(1), 4n);
    assert.equal(pe.state.X(2), 1n);
    assert.equal(pe.state.X(3), 0x6000_0000n);
    assert.equal(pe.state.X(5), 0x9000_0000n);
  });

  it('switch stack pointers with SPSel', () => {
    const pe = guest([
      0xd5184100, // msr sp_el0, x0
      0xd50040bf, // msr spsel, #0
      0x910003e1, // mov x1, sp
      0xd10043ff, // sub sp, sp, #16
      0xd50041bf, // msr spsel, #1
      0xd5384102, // mrs x2, sp_el0
      0x910003e3, // mov x3, sp
      0xd45e0000, // hlt #0xf000
    ]);
    pe.state.setX(0, 0x5000n);
    assert.equal(untilEvent(pe).kind, 'halt');
    assert.equal(pe.state.X(1), 0x5000n);
    assert.equal(pe.state.X(2), 0x4ff0n);
    assert.equal(pe.state.X(3), DATA);
  });

  it('make SP_EL0 UNDEFINED while it is the stack pointer', () => {
    const pe = guest([
      0xd5384100, // mrs x0, sp_el0
      0xd50040bf, // msr spsel, #0
      0xd5384100, // mrs x0, sp_el0
    ]);
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0x2000000');
    assert.equal(taken.preferredReturn, CODE + 8n);
  });

  it('give EL1 the virtual processor and multiprocessor IDs', () => {
    const pe = guest(
      [
        0xd5380000, // mrs x0, midr_el1
        0xd53800a1, // mrs x1, mpidr_el1
        0xd45e0000, // hlt #0xf000
      ],
      { startEL: 2, EL: 1 },
    );
    pe.pokeRegister('VPIDR_EL2', 0x1234n);
    pe.pokeRegister('VMPIDR_EL2', 0x8000_0007n);
    assert.equal(untilEvent(pe).kind, 'halt');
    assert.equal(pe.state.X(0), 0x1234n);
    assert.equal(pe.state.X(1), 0x8000_0007n);
    assert.equal(pe.peekRegister('MIDR_EL1'), 0x000f_0510n);
  });
});

describe('accesses that are not allowed', () => {
  const readMDSCR = [
    0xd5300240, // mrs x0, mdscr_el1
  ];
  const writeBCR = [
    0xd51000a0, // msr dbgbcr0_el1, x0
  ];

  it('are UNDEFINED below the lowest EL and beyond the implemented number (E48, E49)', () => {
    const readBVR0 = [
      0xd5300080, // mrs x0, dbgbvr0_el1
    ];
    const readBVR6 = [
      0xd5300680, // mrs x0, dbgbvr6_el1
    ];
    assert.equal(outcome(readBVR0, { EL: 0 }), '0x2000000 to EL1');
    assert.equal(outcome(readBVR0, {}), 'none');
    assert.equal(outcome(readBVR6, {}), '0x2000000 to EL1');
  });

  it('are UNDEFINED in the direction that has no accessor', () => {
    const readOSLAR = [0xd5301080];
    const writeOSLSR = [0xd5101180];
    assert.equal(outcome(readOSLAR, {}), '0x2000000 to EL1');
    assert.equal(outcome(writeOSLSR, {}), '0x2000000 to EL1');
  });

  it('trap to EL2 with MDCR_EL2.TDA, TDOSA and TDRA, and all of them with TDE', () => {
    const at = { startEL: 2, EL: 1 } as const;
    const readOSLSR = [
      0xd5301180, // mrs x0, oslsr_el1
    ];
    const readMDRAR = [
      0xd5301000, // mrs x0, mdrar_el1
    ];
    const programs = [readMDSCR, writeBCR, readOSLSR, readMDRAR];
    const trapped = (MDCR_EL2: bigint): readonly string[] =>
      programs.map((words) => outcome(words, at, { MDCR_EL2 }));
    const MDSCR = '0x62240005 to EL2';
    const BCR = '0x622a0000 to EL2';
    const OSLSR = '0x62280403 to EL2';
    const MDRAR = '0x62200401 to EL2';
    assert.deepEqual(trapped(0n), ['none', 'none', 'none', 'none']);
    assert.deepEqual(trapped(1n << 9n), [MDSCR, BCR, 'none', 'none']);
    assert.deepEqual(trapped(1n << 10n), ['none', 'none', OSLSR, 'none']);
    assert.deepEqual(trapped(1n << 11n), ['none', 'none', 'none', MDRAR]);
    assert.deepEqual(trapped(1n << 8n), [MDSCR, BCR, OSLSR, MDRAR]);
  });

  it('trap exactly the comparators with HDFGRTR_EL2 and HDFGWTR_EL2 bits 3:0', () => {
    const at = { startEL: 2, EL: 1, profile: EVERYTHING } as const;
    const traps = { HDFGRTR_EL2: 0xfn, HDFGWTR_EL2: 0xfn };
    assert.equal(outcome(writeBCR, at, traps), '0x622a0000 to EL2');
    assert.equal(outcome(readMDSCR, at, traps), 'none');
  });

  it('trap EL0 accesses to the communications channel to EL1 with MDSCR_EL1.TDCC (E47)', () => {
    const words = [
      0xd5330100, // mrs x0, mdccsr_el0
    ];
    assert.equal(outcome(words, { EL: 0 }), 'none');
    assert.equal(outcome(words, { EL: 0 }, { MDSCR_EL1: MDSCR_TDCC }), '0x6220c003 to EL1');
  });

  it('trap ID registers with HCR_EL2.TID3, and writes of memory controls with TVM', () => {
    const at = { startEL: 2, EL: 1 } as const;
    const readDFR0 = [
      0xd5380500, // mrs x0, id_aa64dfr0_el1
    ];
    const writeCONTEXTIDR = [
      0xd518d020, // msr contextidr_el1, x0
    ];
    assert.equal(outcome(readDFR0, at, { HCR_EL2: 1n << 18n }), '0x6230000b to EL2');
    assert.equal(outcome(writeCONTEXTIDR, at, { HCR_EL2: 1n << 26n }), '0x62323400 to EL2');
    assert.equal(outcome(writeCONTEXTIDR, at, {}), 'none');
  });

  it('trap DAIF at EL0 with SCTLR_EL1.UMA clear', () => {
    const read = [
      0xd53b4220, // mrs x0, daif
    ];
    const set = [
      0xd50342df, // msr daifset, #2
    ];
    assert.equal(outcome(read, { EL: 0 }, { SCTLR_EL1: 1n << 9n }), 'none');
    assert.equal(outcome(read, { EL: 0 }, { SCTLR_EL1: 0n }), '0x6232d005 to EL1');
    assert.equal(outcome(set, { EL: 0 }, { SCTLR_EL1: 1n << 9n }), 'none');
    // MSR (immediate): Op0 0, Op1 3, CRn 4, CRm 2, Op2 6, Rt 31
    assert.equal(outcome(set, { EL: 0 }, { SCTLR_EL1: 0n }), '0x620cd3e4 to EL1');
  });

  it('are told once by name when the register is not implemented', () => {
    const pe = guest([
      0xd53b9c00, // mrs x0, pmcr_el0
    ]);
    const event = untilEvent(pe);
    assert.equal(event.kind === 'unimplemented' && event.what, 'system register PMCR_EL0');
    assert.equal(pe.registers.raw('ESR_EL1'), 0x2000000n);
  });
});

describe('floating-point access', () => {
  const words = [
    0xfd400000, // ldr d0, [x0]
  ];
  it('traps by CPACR_EL1.FPEN to EL1 and by CPTR_EL2.TFP to EL2', () => {
    const at = { startEL: 2, EL: 1 } as const;
    const enabled = { CPACR_EL1: 3n << 20n };
    assert.equal(outcome(words, at, { CPACR_EL1: 0n }), '0x1fe00000 to EL1');
    assert.equal(outcome(words, at, { ...enabled, CPTR_EL2: 1n << 10n }), '0x1fe00000 to EL2');
    const EL0 = { startEL: 2, EL: 0 } as const;
    assert.equal(outcome(words, EL0, { CPACR_EL1: 1n << 20n }), '0x1fe00000 to EL1');
    const pe = guest([...words, 0xd503207f], at);
    pe.pokeRegister('CPACR_EL1', 3n << 20n);
    pe.state.setX(0, DATA);
    assert.equal(untilEvent(pe).kind, 'wfi');
  });
});

describe('system instructions', () => {
  it('maintain caches and TLBs without effect and translate with AT', () => {
    const pe = guest([
      0xd50b7e20, // dc civac, x0
      0xd50b7b20, // dc cvau, x0
      0xd50b7520, // ic ivau, x0
      0xd508751f, // ic iallu
      0xd508871f, // tlbi vmalle1
      0xd5087800, // at s1e1r, x0
      0xd5387401, // mrs x1, par_el1
      0xd45e0000, // hlt #0xf000
    ]);
    pe.state.setX(0, DATA + 0x123n);
    assert.equal(untilEvent(pe).kind, 'halt');
    assert.equal(pe.state.X(1) & 0xffff_ffff_f000n, DATA);
    assert.equal(pe.state.X(1) & 1n, 0n);
  });

  it('report a failed AT in PAR_EL1', () => {
    const pe = guest([
      0xd5087800, // at s1e1r, x0
      0xd5387401, // mrs x1, par_el1
      0xd45e0000, // hlt #0xf000
    ]);
    pe.state.setX(0, 1n << 45n);
    assert.equal(untilEvent(pe).kind, 'halt');
    assert.equal(pe.state.X(1) & 0x7fn, 1n);
  });

  it('are UNDEFINED or trapped by EL and by HCR_EL2', () => {
    const civac = [
      0xd50b7e20, // dc civac, x0
    ];
    const invalidateAll = [
      0xd508871f, // tlbi vmalle1
    ];
    const EL2Only = [
      0xd50c871f, // tlbi alle2
    ];
    assert.equal(outcome(invalidateAll, { EL: 0 }), '0x2000000 to EL1');
    assert.equal(outcome(EL2Only, {}), '0x2000000 to EL1');
    assert.equal(outcome(civac, { EL: 0 }, { SCTLR_EL1: 0n }), '0x6212dc1c to EL1');
    const at = { startEL: 2, EL: 1 } as const;
    assert.equal(outcome(invalidateAll, at, { HCR_EL2: 1n << 25n }), '0x621023ee to EL2');
  });

  it('are told by name and UNDEFINED when they belong to a later architecture', () => {
    const pe = guest([
      0xd50b7c20, // sys #3, c7, c12, #1, x0
    ]);
    const event = untilEvent(pe);
    assert.equal(event.kind === 'unimplemented' && event.what, 'system instruction DC CVAP');
    assert.equal(pe.registers.raw('ESR_EL1'), 0x2000000n);
  });
});
