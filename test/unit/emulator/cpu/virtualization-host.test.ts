/** FEAT_VHE: an operating system at EL2, with HCR_EL2.E2H, and its programs at EL0, with HCR_EL2.TGE. */
import assert from 'node:assert/strict';
import type { ProcessingElement } from '../../../../emulator/cpu/pe.ts';
import { byName } from '../../../../emulator/sysregs/catalogue.ts';
import { requireCpuModel } from '../../../../emulator/sysregs/cpu-model.ts';
import { implementedRegisters } from '../../../../emulator/sysregs/definitions.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';
import { redirections } from '../../../../emulator/sysregs/virtualization-host.ts';
import { isb, ldr, mov, mrs, msr, nop, str, svc, wfi } from '../../../support/a64.ts';
import { CODE, DATA, guest, untilException, VECTORS } from './guest.ts';
import type { GuestOptions } from './guest.ts';

const profile = { ...v8_0, model: requireCpuModel('neoverse-n1') };
const RW = 1n << 31n;
const TGE = 1n << 27n;
const E2H = 1n << 34n;
const HOST = RW | E2H | TGE;
const EC_UNKNOWN = 0x00;
const EC_WFX = 0x01;
const EC_FP_ACCESS = 0x07;
const EC_SVC = 0x15;
const EC_SYSTEM_REGISTER = 0x18;
const EC_DATA_ABORT_SAME = 0x25;
const EC_BREAKPOINT_LOWER = 0x30;

/** FADD D0, D0, D0 */
const FADD = 0x1e602800;
const ldtr = (t: number, n: number): number => (0xf8400800 | (n << 5) | t) >>> 0;
/** AT S1E1R, AT S1E0R, AT S12E1R, AT S1E2R, X0 */
const AT = { S1E1R: 0xd5087800, S1E0R: 0xd5087840, S12E1R: 0xd50c7880, S1E2R: 0xd50c7800 } as const;

interface HostOptions extends GuestOptions {
  readonly HCR_EL2?: bigint;
  readonly registers?: Readonly<Record<string, bigint>>;
}

/** A program on a processor that starts at EL2. */
function host(words: readonly number[], options: HostOptions = {}): ProcessingElement {
  const pe = guest(words, { profile, startEL: 2, ...options });
  pe.registers.write('HCR_EL2', options.HCR_EL2 ?? HOST);
  for (const [name, value] of Object.entries(options.registers ?? {})) {
    pe.registers.write(name, value);
  }
  return pe;
}

/** EC and target of the exception that ends the words; `done` where they reach the SVC behind them. */
function outcome(words: readonly number[], options: HostOptions = {}): string {
  const { EC, targetEL, vector } = untilException(host([...words, svc(0)], options));
  if (EC === EC_SVC) return 'done';
  return `EC 0x${(EC ?? -1).toString(16)} to EL${targetEL} at 0x${(vector - VECTORS).toString(16)}`;
}

describe('FEAT_VHE / names', () => {
  const values = implementedRegisters(profile);
  const there = redirections.filter(({ name }) => values.byName(name) !== undefined);

  it('are redirected as many as the processor has registers for', () => {
    // All but TRFCR_EL1 (FEAT_TRF) and PMSCR_EL1 (FEAT_SPE).
    assert.equal(redirections.length, 24);
    assert.equal(there.length, 22);
  });

  for (const { name, host: hostName, alias } of there) {
    const isTimerValue = name.includes('_TVAL_');
    const common =
      (values.byName(name)?.writable ?? 0n) & (values.byName(hostName)?.writable ?? 0n);
    // Nothing that would change translation, traps or the stack for the program itself.
    const pattern = /^(SCTLR|CPACR|TCR|TTBR|CNTKCTL|CNT[PV]_CTL)/.test(name)
      ? common & (name.startsWith('SCTLR') ? 0n : name.startsWith('CNT') ? 2n : 0x30_0000n)
      : common & 0x1234_5678_9abc_d000n;
    if (isTimerValue) continue;

    it(`${name} reaches ${hostName} at EL2 with E2H, and ${alias} reaches ${name}`, () => {
      const pe = host([msr(name, 1), isb, mrs(2, name), msr(alias, 3), mrs(4, alias), svc(0)]);
      const own = pattern & ~(pattern & -pattern);
      pe.state.setX(1, pattern | (pe.peekRegister(hostName) & ~common));
      pe.state.setX(3, own | (pe.peekRegister(name) & ~common));
      assert.equal(untilExceptionEC(pe), EC_SVC);
      // Taking the exception writes these.
      const changes = /^(ESR|ELR|SPSR)_/.test(name);
      if (!changes) assert.equal(pe.peekRegister(hostName) & common, pattern, hostName);
      assert.equal(pe.peekRegister(name) & common, own, name);
      assert.equal(pe.state.X(2) & common, pattern, `MRS ${name}`);
      assert.equal(pe.state.X(4) & common, own, `MRS ${alias}`);
    });

    it(`${alias} is UNDEFINED without E2H and at EL1`, () => {
      const UNDEFINED_EL2 = `EC 0x${EC_UNKNOWN.toString(16)} to EL2`;
      for (const access of [mrs(0, alias), msr(alias, 0)]) {
        assert.equal(outcome([access], { HCR_EL2: RW }), `${UNDEFINED_EL2} at 0x200`);
        assert.equal(outcome([access], { HCR_EL2: RW | E2H, EL: 1 }), 'EC 0x0 to EL1 at 0x200');
        assert.equal(outcome([access], { EL: 0 }), `${UNDEFINED_EL2} at 0x400`);
      }
    });
  }

  it('do not exist on a processor without FEAT_VHE', () => {
    for (const name of ['TTBR1_EL2', 'CONTEXTIDR_EL2', 'CNTHV_CTL_EL2', 'SCTLR_EL12']) {
      const pe = guest([mrs(0, name)], { startEL: 2 });
      pe.registers.write('HCR_EL2', HOST);
      assert.equal(pe.registers.raw('HCR_EL2') & E2H, 0n);
      pe.run(1);
      assert.equal(pe.peekRegister('ESR_EL2') >> 26n, 0n, name);
    }
    assert.ok(byName('SCTLR_EL12'));
  });

  it('of EL1 keep their own registers at EL1', () => {
    const pe = host([...mov(0, 5n), msr('CONTEXTIDR_EL1', 0), svc(0)], {
      HCR_EL2: RW | E2H,
      EL: 1,
    });
    untilException(pe);
    assert.deepEqual(
      [pe.peekRegister('CONTEXTIDR_EL1'), pe.peekRegister('CONTEXTIDR_EL2')],
      [5n, 0n],
    );
  });

  it('of the timers of EL0 reach those of EL2 from EL0 of a host, and from no other EL0', () => {
    const program = [...mov(0, 0x1234n), msr('CNTP_CVAL_EL0', 0), msr('CNTV_CVAL_EL0', 0), svc(0)];
    const timers = ['CNTHP_CVAL_EL2', 'CNTHV_CVAL_EL2', 'CNTP_CVAL_EL0', 'CNTV_CVAL_EL0'];
    const read = (pe: ProcessingElement): bigint[] => timers.map((name) => pe.peekRegister(name));
    const ofHost = host(program, { EL: 0, registers: { CNTHCTL_EL2: 0x303n } });
    assert.equal(untilExceptionEC(ofHost), EC_SVC);
    assert.deepEqual(read(ofHost), [0x1234n, 0x1234n, 0n, 0n]);
    const ofGuest = host(program, {
      HCR_EL2: RW | E2H,
      EL: 0,
      registers: { CNTHCTL_EL2: 0xc00n, CNTKCTL_EL1: 0x303n },
    });
    assert.equal(untilExceptionEC(ofGuest), EC_SVC);
    assert.deepEqual(read(ofGuest), [0n, 0n, 0x1234n, 0x1234n]);
  });
});

const untilExceptionEC = (pe: ProcessingElement): number | undefined => untilException(pe).EC;

describe('FEAT_VHE / traps of EL0 of a host', () => {
  const trapped = `EC 0x${EC_SYSTEM_REGISTER.toString(16)} to EL2 at 0x400`;
  const DC_CVAC = 0xd50b7a20;
  const DC_ZVA = 0xd50b7420;
  const cases: readonly (readonly [string, string, bigint, number])[] = [
    ['SCTLR_EL2.UCT', 'SCTLR_EL2', 1n << 15n, mrs(0, 'CTR_EL0')],
    ['SCTLR_EL2.DZE', 'SCTLR_EL2', 1n << 14n, DC_ZVA],
    ['SCTLR_EL2.UCI', 'SCTLR_EL2', 1n << 26n, DC_CVAC],
    ['CNTHCTL_EL2.EL0PCTEN', 'CNTHCTL_EL2', 1n << 0n, mrs(0, 'CNTPCT_EL0')],
    ['CNTHCTL_EL2.EL0VCTEN', 'CNTHCTL_EL2', 1n << 1n, mrs(0, 'CNTVCT_EL0')],
    ['CNTHCTL_EL2.EL0VTEN', 'CNTHCTL_EL2', 1n << 8n, mrs(0, 'CNTV_CTL_EL0')],
    ['CNTHCTL_EL2.EL0PTEN', 'CNTHCTL_EL2', 1n << 9n, mrs(0, 'CNTP_CTL_EL0')],
  ];
  for (const [field, register, enable, word] of cases) {
    it(`${field} enables, whatever EL1's control says`, () => {
      const program = [...mov(0, DATA), word];
      const EL1 = { SCTLR_EL1: 0n, CNTKCTL_EL1: 0n };
      assert.equal(outcome(program, { EL: 0, registers: EL1 }), trapped);
      const enabled = { ...EL1, [register]: enable };
      const options = { EL: 0, registers: enabled, unalignedDeviceAccess: 'allow' } as const;
      assert.equal(outcome(program, options), 'done');
    });
  }

  it('trap DAIF whatever UMA says, and no control of HCR_EL2 traps', () => {
    const registers = { SCTLR_EL1: 1n << 9n, SCTLR_EL2: (1n << 9n) | (1n << 15n) };
    assert.equal(outcome([mrs(0, 'DAIF')], { EL: 0, registers }), trapped);
    const TID2 = 1n << 17n;
    const options = { EL: 0, HCR_EL2: HOST | TID2, registers } as const;
    assert.equal(outcome([mrs(0, 'CTR_EL0')], options), 'done');
  });

  it('trap WFI by SCTLR_EL2.nTWI and not by HCR_EL2.TWI', () => {
    const TWI = 1n << 13n;
    const nTWI = 1n << 16n;
    const wfx = `EC 0x${EC_WFX.toString(16)} to EL2 at 0x400`;
    const options = { EL: 0, HCR_EL2: HOST | TWI } as const;
    assert.equal(outcome([wfi], { ...options, registers: { SCTLR_EL2: 0n } }), wfx);
    const pe = host([wfi], { ...options, registers: { SCTLR_EL2: nTWI } });
    assert.equal(pe.run(10).kind, 'wfi');
  });

  it('of a guest below a host follow bits 10 and 11 of CNTHCTL_EL2', () => {
    const below = (EL: 0 | 1, CNTHCTL_EL2: bigint, name: string): string =>
      outcome([mrs(0, name)], {
        EL,
        HCR_EL2: RW | E2H,
        registers: { CNTHCTL_EL2, CNTKCTL_EL1: 0x303n },
      });
    for (const EL of [0, 1] as const) {
      const toEL2 = `EC 0x18 to EL2 at 0x400`;
      assert.equal(below(EL, 0xbffn, 'CNTPCT_EL0'), toEL2);
      assert.equal(below(EL, 0x400n, 'CNTPCT_EL0'), 'done');
      assert.equal(below(EL, 0x7ffn, 'CNTP_CTL_EL0'), toEL2);
      assert.equal(below(EL, 0x800n, 'CNTP_CTL_EL0'), 'done');
    }
  });
});

describe('FEAT_VHE / CPTR_EL2.FPEN', () => {
  const fp = (EL: 0 | 1 | 2, FPEN: bigint, HCR_EL2: bigint): string =>
    outcome([FADD], {
      EL,
      HCR_EL2,
      registers: { CPTR_EL2: FPEN << 20n, CPACR_EL1: HCR_EL2 === HOST ? 0n : 3n << 20n },
    });
  // FPEN, then the ELs whose FP instructions trap to EL2: in a host, and in a guest below one.
  for (const [FPEN, inHost, below] of [
    [0b00n, [0, 2], [0, 1, 2]],
    [0b01n, [0], []],
    [0b10n, [0, 2], [0, 1, 2]],
    [0b11n, [], []],
  ] as const) {
    it(`0b${FPEN.toString(2).padStart(2, '0')} traps EL${inHost.join(' and EL') || ': none'} of a host`, () => {
      for (const EL of [0, 2] as const) {
        const at = EL === 2 ? 0x200 : 0x400;
        const trapped = `EC 0x${EC_FP_ACCESS.toString(16)} to EL2 at 0x${at.toString(16)}`;
        const expected = (inHost as readonly number[]).includes(EL) ? trapped : 'done';
        assert.equal(fp(EL, FPEN, HOST), expected, `EL${EL}`);
      }
      for (const EL of [0, 1, 2] as const) {
        const at = EL === 2 ? 0x200 : 0x400;
        const trapped = `EC 0x7 to EL2 at 0x${at.toString(16)}`;
        const expected = (below as readonly number[]).includes(EL) ? trapped : 'done';
        assert.equal(fp(EL, FPEN, RW | E2H), expected, `EL${EL} with TGE clear`);
      }
    });
  }

  it('has TFP in bit 10 while E2H is 0', () => {
    const at = (CPTR_EL2: bigint): string =>
      outcome([FADD], { HCR_EL2: RW, registers: { CPTR_EL2 } });
    assert.equal(at(0x37ffn), 'EC 0x7 to EL2 at 0x200');
    assert.equal(at(0x33ffn), 'done');
  });
});

describe('FEAT_VHE / exceptions', () => {
  it('from EL0 of a host go to EL2 at offset 0x400', () => {
    const record = untilException(host([svc(7)], { EL: 0 }));
    assert.deepEqual(
      [record.targetEL, record.vector - VECTORS, record.ESR],
      [2, 0x400n, 0x5600_0007n],
    );
  });

  it('to EL2 set PAN with SCTLR_EL2.SPAN clear where there is an EL0 under it', () => {
    const PAN = 1n << 22n;
    const SPAN = 1n << 23n;
    const after = (HCR_EL2: bigint, SCTLR_EL2: bigint): bigint => {
      const pe = host([svc(0)], { EL: 0, HCR_EL2, registers: { SCTLR_EL2 } });
      untilException(pe);
      return pe.peekRegister('PSTATE') & PAN;
    };
    assert.equal(after(HOST, 0n), PAN);
    assert.equal(after(HOST, SPAN), 0n);
    assert.equal(after(RW | TGE, 0n), 0n);
  });

  it('that are interrupts wait at EL0 of a host while PSTATE.I masks them', () => {
    const taken = (HCR_EL2: bigint, DAIF: number): boolean => {
      const pe = host([nop, nop, nop], { EL: 0, HCR_EL2 });
      pe.state.DAIF = DAIF;
      pe.pendingInterrupts.irq = true;
      pe.exceptionHook = () => true;
      return pe.run(2).kind === 'exceptionTaken';
    };
    assert.equal(taken(HOST, 2), false);
    assert.equal(taken(HOST, 0), true);
    assert.equal(taken(RW | TGE, 2), true, 'without E2H nothing at EL0 masks what goes to EL2');
  });
});

describe('FEAT_VHE / the EL2&0 regime', () => {
  const TABLES = 0x4001_2000n;
  const UPPER_TABLES = 0x4001_3000n;
  const OTHER_TABLES = 0x4001_4000n;
  /** T0SZ = T1SZ = 25, 4 KiB granules, IPS = 40 bits: tables of level 1, whose entries map 1 GiB each. */
  const TCR = 25n | (25n << 16n) | (2n << 30n) | (2n << 32n);
  const UPPER = 0xffff_ff80_0000_0000n;
  const AF = 1n << 10n;
  const nG = 1n << 11n;
  const AP_EL0 = 1n << 6n;
  const UXN = 1n << 54n;
  const block = (attributes: bigint): bigint => CODE | attributes | AF | 1n;
  const M = 1n;
  /** EL0 in both halves of the address space: the pages of the program are for EL2 alone. */
  const LOWER_DATA = 0x8001_0000n;

  function translated(words: readonly number[], options: HostOptions = {}): ProcessingElement {
    const pe = host(words, {
      ...options,
      registers: {
        MAIR_EL2: 0xffn,
        TCR_EL2: TCR,
        TTBR0_EL2: TABLES,
        TTBR1_EL2: UPPER_TABLES,
        ...options.registers,
      },
    });
    const entry = (table: bigint, index: bigint, descriptor: bigint): void => {
      const bytes = new Uint8Array(BigUint64Array.of(descriptor).buffer);
      assert.ok(pe.engine.writePhysical(table + 8n * index, bytes));
    };
    entry(TABLES, 1n, block(UXN)); // 0x40000000: EL2 alone
    entry(TABLES, 2n, block(AP_EL0 | nG)); // 0x80000000: EL0 as well
    entry(UPPER_TABLES, 1n, block(0n));
    entry(OTHER_TABLES, 1n, block(UXN));
    pe.registers.write('SCTLR_EL2', pe.registers.raw('SCTLR_EL2') | M);
    return pe;
  }

  it('has two halves', () => {
    const program = [...mov(1, UPPER | DATA), str(2, 1), ...mov(1, DATA), ldr(3, 1), svc(0)];
    const pe = translated(program);
    pe.state.setX(2, 0x5555n);
    assert.equal(untilExceptionEC(pe), EC_SVC);
    assert.equal(pe.state.X(3), 0x5555n);
  });

  it('has only the lower half while E2H is 0', () => {
    const pe = translated([...mov(1, UPPER | DATA), ldr(3, 1)], {
      HCR_EL2: RW,
      registers: { TCR_EL2: 25n | (2n << 16n), TTBR0_EL2: UPPER_TABLES },
    });
    const { EC, FAR } = untilException(pe);
    assert.deepEqual([EC, FAR], [EC_DATA_ABORT_SAME, UPPER | DATA]);
  });

  it('keeps EL0 from what is for EL2, and EL2 from executing what EL0 may write', () => {
    const EL0 = translated([nop], { EL: 0 });
    EL0.state.PC = 0x8000_0000n;
    EL0.registers.write('TTBR0_EL2', TABLES);
    const program = [...mov(1, LOWER_DATA), ldr(2, 1), ...mov(1, DATA), ldr(2, 1)];
    const bytes = new Uint8Array(Uint32Array.from(program).buffer);
    EL0.engine.writePhysical(CODE, bytes);
    const { EC, FAR } = untilException(EL0);
    assert.deepEqual([EC, FAR], [0x24, DATA]);

    const EL2 = translated([nop]);
    EL2.state.PC = 0x8000_0000n;
    assert.equal(untilException(EL2).EC, 0x21, 'writable at EL0: PXN');
  });

  it('obeys PSTATE.PAN at EL2, and LDTR is as EL0 with TGE and as EL2 without', () => {
    const PAN = 1n << 22n;
    const read = (word: (t: number, n: number) => number, va: bigint, HCR: bigint, pan = 0n) => {
      const pe = translated([...mov(1, va), word(2, 1), svc(0)], { HCR_EL2: HCR });
      pe.pokeRegister('PSTATE', pe.peekRegister('PSTATE') | pan);
      return untilException(pe).EC;
    };
    assert.equal(read(ldr, LOWER_DATA, HOST, PAN), EC_DATA_ABORT_SAME);
    assert.equal(read(ldr, LOWER_DATA, HOST), EC_SVC);
    assert.equal(read(ldr, DATA, HOST, PAN), EC_SVC);
    assert.equal(read(ldtr, LOWER_DATA, HOST, PAN), EC_SVC);
    assert.equal(read(ldtr, DATA, HOST), EC_DATA_ABORT_SAME);
    assert.equal(read(ldtr, DATA, RW | E2H), EC_SVC);
  });

  it('forgets translations of EL0 with another table in TTBR0_EL1, which is TTBR0_EL2', () => {
    const pe = translated([
      ...[...mov(1, LOWER_DATA), ldr(2, 1)],
      ...[...mov(3, OTHER_TABLES), msr('TTBR0_EL1', 3), isb, ldr(2, 1)],
    ]);
    const { EC, FAR } = untilException(pe);
    assert.deepEqual([EC, FAR], [EC_DATA_ABORT_SAME, LOWER_DATA]);
    assert.equal(pe.state.PC, VECTORS + 0x200n);
    assert.equal(pe.peekRegister('TTBR0_EL2'), OTHER_TABLES);
  });

  it('is what AT means by EL1 and EL0 while TGE is 1', () => {
    const PAR_F = 1n;
    const at = (word: number, va: bigint, HCR_EL2 = HOST): bigint => {
      const pe = translated([...mov(0, va), word, isb, mrs(2, 'PAR_EL1'), svc(0)], { HCR_EL2 });
      assert.equal(untilExceptionEC(pe), EC_SVC);
      const PAR = pe.state.X(2);
      return (PAR & PAR_F) !== 0n ? -1n : PAR & 0xff_ffff_f000n;
    };
    assert.equal(at(AT.S1E1R, UPPER | DATA), DATA);
    assert.equal(at(AT.S12E1R, UPPER | DATA), DATA);
    assert.equal(at(AT.S1E2R, UPPER | DATA), DATA);
    assert.equal(at(AT.S1E0R, DATA), -1n);
    assert.equal(at(AT.S1E0R, LOWER_DATA), DATA);
    // Of the guest below the host: stage 1 is off.
    assert.equal(at(AT.S1E1R, DATA, RW | E2H), DATA);
    assert.equal(at(AT.S1E1R, UPPER | DATA, RW | E2H), -1n);
  });
});

describe('FEAT_VHE / timers and debug', () => {
  it('the EL2 virtual timer counts without CNTVOFF_EL2 and drives its own line', () => {
    const pe = host(
      [...mov(0, 100n), msr('CNTV_CVAL_EL0', 0), ...mov(0, 1n), msr('CNTV_CTL_EL0', 0)],
      {
        registers: { CNTVOFF_EL2: 0x1000n },
      },
    );
    let asserted = false;
    pe.timers.connect('CNTHV', { set: (value) => (asserted = value) });
    pe.run(6);
    assert.equal(pe.peekRegister('CNTHV_CTL_EL2'), 1n);
    assert.equal(asserted, false);
    pe.timers.skip(100n);
    assert.equal(asserted, true);
  });

  it('CNTVCT_EL0 has no offset in a host', () => {
    const read = (HCR_EL2: bigint): bigint => {
      const pe = host([mrs(0, 'CNTVCT_EL0'), mrs(1, 'CNTPCT_EL0'), svc(0)], {
        HCR_EL2,
        registers: { CNTVOFF_EL2: 0x1000n },
      });
      untilException(pe);
      return BigInt.asIntN(64, pe.state.X(1) - pe.state.X(0));
    };
    assert.equal(read(RW | E2H), 0n);
    assert.equal(read(RW), 0x1000n);
  });

  it('a breakpoint by context compares CONTEXTIDR_EL2 in a host', () => {
    const E = 1n;
    const EL0 = 2n << 1n;
    const fires = (BT: bigint, DBGBVR: bigint): boolean => {
      const pe = host([nop, svc(0)], {
        EL: 0,
        registers: {
          CONTEXTIDR_EL1: 1n,
          CONTEXTIDR_EL2: 2n,
          DBGBVR5_EL1: DBGBVR,
          DBGBCR5_EL1: (BT << 20n) | (0xfn << 5n) | EL0 | E,
          MDSCR_EL1: 1n << 15n,
        },
      });
      return untilExceptionEC(pe) === EC_BREAKPOINT_LOWER;
    };
    assert.equal(fires(0b0010n, 2n), true, 'the context ID of a host is CONTEXTIDR_EL2');
    assert.equal(fires(0b0010n, 1n), false);
    assert.equal(fires(0b0110n, 1n), false, 'CONTEXTIDR_EL1 is not the host’s');
    assert.equal(fires(0b1100n, 2n << 32n), true);
    assert.equal(fires(0b1100n, 1n << 32n), false);
  });
});
