/**
 * The debug architecture seen by guest code at EL0 and EL1: kvm-debug acceptance cases without a
 * hypervisor. Control values are written by the test as a guest would write them.
 */
import assert from 'node:assert/strict';
import type { ProcessingElement } from '../../../../../emulator/cpu/pe.ts';
import { v8_0 } from '../../../../../emulator/sysregs/processor-model.ts';
import {
  CODE,
  DATA,
  eret,
  guest,
  hex,
  MDSCR_KDE,
  MDSCR_MDE,
  MDSCR_SS,
  place,
  read64,
  SPSR_D,
  SPSR_SS,
  untilEvent,
  untilException,
  VECTORS,
} from '../guest.ts';

const setD = (SPSR: bigint): bigint => SPSR | SPSR_D;
const setSS = (SPSR: bigint): bigint => SPSR | SPSR_SS;
/** E and PMC or PAC for EL1. */
const EL1 = 0b011n;
const EL0 = 0b101n;
const BAS_ALL = 0xffn << 5n;

function monitor(pe: ProcessingElement, extra = 0n): void {
  pe.pokeRegister('MDSCR_EL1', MDSCR_MDE | MDSCR_KDE | extra);
}

function breakpoint(pe: ProcessingElement, n: number, DBGBCR: bigint, DBGBVR: bigint): void {
  pe.pokeRegister(`DBGBVR${n}_EL1`, DBGBVR);
  pe.pokeRegister(`DBGBCR${n}_EL1`, DBGBCR);
}

function watchpoint(pe: ProcessingElement, n: number, DBGWCR: bigint, DBGWVR: bigint): void {
  pe.pokeRegister(`DBGWVR${n}_EL1`, DBGWVR);
  pe.pokeRegister(`DBGWCR${n}_EL1`, DBGWCR);
}

const NOPS = [
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503207f, // wfi
];

describe('breakpoints in a guest', () => {
  it('fire once for each of six, with the handler masking debug exceptions (kut bp)', () => {
    const pe = guest(NOPS);
    monitor(pe);
    // LEN8 as kvm-unit-tests writes it: 0xff << 5 spills ones into bits 12:9.
    for (let n = 0; n < 6; n += 1) breakpoint(pe, n, 0x1fe3n, CODE + BigInt(4 * n));
    assert.equal((pe.peekRegister('DBGBCR0_EL1') >> 9n) & 0xfn, 0n);
    for (let n = 0; n < 6; n += 1) {
      const taken = untilException(pe);
      assert.equal(hex(taken.ESR), '0xc6000022');
      assert.equal(taken.preferredReturn, CODE + BigInt(4 * n));
      eret(pe, { SPSR: setD });
      pe.run(1);
      pe.pokeRegister('DAIF', 0n);
    }
    assert.equal(untilEvent(pe).kind, 'wfi');
  });

  it('come before the SVC or BRK they stand on (E9, E10)', () => {
    for (const [words, ESR, ELR] of [
      [
        [
          0xd4000001, // svc #0
        ],
        '0x56000000',
        CODE + 4n,
      ],
      [
        [
          0xd42000e0, // brk #7
        ],
        '0xf2000007',
        CODE,
      ],
    ] as const) {
      const pe = guest(words);
      monitor(pe);
      breakpoint(pe, 0, 0x1e0n | EL1, CODE);
      assert.equal(hex(untilException(pe).ESR), '0xc6000022');
      eret(pe, { SPSR: setD });
      const taken = untilException(pe);
      assert.equal(hex(taken.ESR), ESR);
      assert.equal(taken.preferredReturn, ELR);
    }
  });

  it('are silent while the OS Lock or the effective OS Double Lock is locked (E14, E50)', () => {
    const locked = guest(NOPS);
    monitor(locked);
    breakpoint(locked, 0, 0x1e0n | EL1, CODE + 4n);
    locked.pokeRegister('OSLAR_EL1', 1n);
    assert.equal(untilEvent(locked).kind, 'wfi');

    const doubleLocked = guest(NOPS);
    monitor(doubleLocked);
    breakpoint(doubleLocked, 0, 0x1e0n | EL1, CODE + 4n);
    doubleLocked.pokeRegister('OSDLR_EL1', 1n);
    assert.equal(untilEvent(doubleLocked).kind, 'wfi');
    doubleLocked.state.PC = CODE;
    doubleLocked.pokeRegister('DBGPRCR_EL1', 1n);
    assert.equal(hex(untilException(doubleLocked).ESR), '0xc6000022');
  });

  it('have no Double Lock where it is not implemented (E50)', () => {
    const pe = guest(NOPS, { profile: { ...v8_0, FEAT_DoubleLock: false } });
    monitor(pe);
    breakpoint(pe, 0, 0x1e0n | EL1, CODE + 4n);
    pe.pokeRegister('OSDLR_EL1', 1n);
    assert.equal(pe.peekRegister('OSDLR_EL1'), 0n);
    assert.equal(hex(untilException(pe).ESR), '0xc6000022');
  });

  it('need KDE and PSTATE.D = 0 at EL1, neither at EL0 (E27, E28)', () => {
    const atEL1 = guest(NOPS);
    atEL1.pokeRegister('MDSCR_EL1', MDSCR_MDE);
    breakpoint(atEL1, 0, 0x1e0n | EL1, CODE + 4n);
    assert.equal(untilEvent(atEL1).kind, 'wfi');

    const masked = guest(NOPS);
    monitor(masked);
    breakpoint(masked, 0, 0x1e0n | EL1, CODE + 4n);
    masked.state.DAIF = 8;
    assert.equal(untilEvent(masked).kind, 'wfi');

    const atEL0 = guest(NOPS, { EL: 0 });
    atEL0.pokeRegister('MDSCR_EL1', MDSCR_MDE);
    atEL0.state.DAIF = 8;
    breakpoint(atEL0, 0, 0x1e0n | EL0, CODE + 4n);
    assert.equal(hex(untilException(atEL0).ESR), '0xc2000022');
  });

  it('link to a context comparator by LBN (E17, E20, E21, E25)', () => {
    const linked = 0x1e0n | EL1 | (1n << 20n) | (5n << 16n);
    const comparator = 0x1e0n | EL1 | (3n << 20n);
    const run = (CONTEXTIDR: bigint): ProcessingElement => {
      const pe = guest(NOPS);
      monitor(pe);
      breakpoint(pe, 5, comparator, 0xabcdefn);
      breakpoint(pe, 0, linked, CODE + 8n);
      breakpoint(pe, 1, linked, CODE + 16n);
      pe.pokeRegister('CONTEXTIDR_EL1', CONTEXTIDR);
      return pe;
    };
    const matching = run(0xabcdefn);
    assert.equal(untilException(matching).preferredReturn, CODE + 8n);
    matching.pokeRegister('DBGBCR0_EL1', 0n);
    eret(matching);
    assert.equal(untilException(matching).preferredReturn, CODE + 16n);
    assert.equal(untilEvent(run(1n)).kind, 'wfi');
  });

  it('fire at the first instruction in a context when unlinked (E22)', () => {
    const pe = guest([
      0x5299bde0, // mov w0, #0xcdef
      0xd518d020, // msr contextidr_el1, x0
      0xd5033fdf, // isb
      0xd503201f, // nop
      0xd503207f, // wfi
    ]);
    monitor(pe);
    breakpoint(pe, 4, 0x1e0n | EL1 | (2n << 20n), 0xcdefn);
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0xc6000022');
    assert.equal(taken.preferredReturn, CODE + 8n);
  });

  it('compare the VMID of a linked comparator (E26)', () => {
    const run = (VMID: bigint): ProcessingElement => {
      const pe = guest(NOPS, { startEL: 2, EL: 1 });
      monitor(pe);
      pe.pokeRegister('VTTBR_EL2', VMID << 48n);
      breakpoint(pe, 5, 0x1e0n | EL1 | (9n << 20n), 0x42n << 32n);
      breakpoint(pe, 0, 0x1e0n | EL1 | (1n << 20n) | (5n << 16n), CODE + 8n);
      return pe;
    };
    assert.equal(untilException(run(0x42n)).preferredReturn, CODE + 8n);
    assert.equal(untilEvent(run(0x43n)).kind, 'wfi');
  });

  it('go to EL2 with TDE, whatever KDE and PSTATE.D', () => {
    const pe = guest(NOPS, { startEL: 2, EL: 1 });
    pe.pokeRegister('MDSCR_EL1', MDSCR_MDE);
    pe.pokeRegister('MDCR_EL2', 1n << 8n);
    pe.state.DAIF = 0xf;
    breakpoint(pe, 0, 0x1e0n | EL1, CODE + 4n);
    const taken = untilException(pe);
    assert.equal(taken.targetEL, 2);
    assert.equal(hex(taken.ESR), '0xc2000022');
  });

  it('come after an instruction abort at the same address (E40)', () => {
    const pe = guest([
      0xd2820000, // mov x0, #0x1000
      0xd61f0000, // br x0
    ]);
    monitor(pe);
    breakpoint(pe, 0, 0x1e0n | EL1, 0x1000n);
    assert.equal(hex(untilException(pe).ESR), '0x86000010');
  });

  it('fire in exactly the valid HMC, SSC and PMC combinations (E39)', () => {
    // Arm ARM, execution conditions, EL2 without EL3 and FEAT_SEL2: HMC SSC PMC in bits 4, 3:2, 1:0.
    const expected: Readonly<Record<0 | 1, readonly number[]>> = {
      1: [0b0_00_01, 0b0_00_11, 0b1_00_01, 0b1_00_11],
      0: [0b0_00_10, 0b0_00_11, 0b1_00_11],
    };
    for (const EL of [0, 1] as const) {
      const fired: number[] = [];
      for (let code = 0; code < 32; code += 1) {
        const pe = guest(
          [
            0xd503201f, // nop
            0xd503201f, // nop
            0xd4000001, // svc #0
          ],
          { EL },
        );
        monitor(pe);
        const HMC = BigInt(code >> 4);
        const SSC = BigInt((code >> 2) & 3);
        const PMC = BigInt(code & 3);
        breakpoint(pe, 0, 0x1e1n | (PMC << 1n) | (HMC << 13n) | (SSC << 14n), CODE + 4n);
        if (untilException(pe).EC !== 0x15) fired.push(code);
      }
      assert.deepEqual(fired, expected[EL], `EL${EL}`);
    }
  });
});

const STORE_BYTE = [
  0xd2a80020, // mov x0, #0x40010000
  0x52800f01, // mov w1, #0x78
  0x39000c01, // strb w1, [x0, #3]
  0x39400c02, // ldrb w2, [x0, #3]
  0xd503207f, // wfi
];
const PAC_LSC_ALL = EL1 | (3n << 3n);

describe('watchpoints in a guest', () => {
  it('fire before a store, which happens after the handler masked debug exceptions (kut wp)', () => {
    const pe = guest(STORE_BYTE);
    monitor(pe);
    // 0x1ffb as kvm-unit-tests writes it, on an address that is not aligned.
    watchpoint(pe, 0, 0x1ffbn, DATA + 3n);
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0xd6000062');
    assert.equal(taken.FAR, DATA + 3n);
    assert.equal(taken.preferredReturn, CODE + 8n);
    assert.equal(read64(pe, DATA), 0n);
    eret(pe, { SPSR: setD });
    assert.equal(untilEvent(pe).kind, 'wfi');
    assert.equal(read64(pe, DATA), 0x7800_0000n);
  });

  it('tell a load from a store by WnR and LSC (E30, E31)', () => {
    const run = (LSC: bigint): ProcessingElement => {
      const pe = guest(STORE_BYTE);
      monitor(pe);
      watchpoint(pe, 0, EL1 | (LSC << 3n) | BAS_ALL, DATA);
      return pe;
    };
    const load = untilException(run(1n));
    assert.equal(hex(load.ESR), '0xd6000022');
    assert.equal(load.preferredReturn, CODE + 12n);
    assert.equal(hex(untilException(run(2n)).ESR), '0xd6000062');
    assert.equal(untilEvent(run(0n)).kind, 'wfi');
  });

  it('catch an unaligned store that reaches the watched byte (E32)', () => {
    const program = [
      0xd2a80020, // mov x0, #0x40010000
      0xd1001000, // sub x0, x0, #4
      0xf9000001, // str x1, [x0]
      0xd503207f, // wfi
    ];
    const pe = guest(program, { unalignedDeviceAccess: 'allow' });
    monitor(pe);
    watchpoint(pe, 0, PAC_LSC_ALL | (0x08n << 5n), DATA);
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0xd6000062');
    assert.equal(taken.FAR, DATA + 3n);
    const below = guest(program, { unalignedDeviceAccess: 'allow' });
    monitor(below);
    watchpoint(below, 0, PAC_LSC_ALL | (0x10n << 5n), DATA);
    assert.equal(untilEvent(below).kind, 'wfi');
  });

  it('cover a block by MASK and nothing beyond (E34, E35)', () => {
    const run = (address: bigint, MASK: bigint): ProcessingElement => {
      const pe = guest([
        0xf9000001, // str x1, [x0]
        0xd503207f, // wfi
      ]);
      monitor(pe);
      pe.state.setX(0, address);
      watchpoint(pe, 0, PAC_LSC_ALL | BAS_ALL | (MASK << 24n), DATA);
      return pe;
    };
    assert.equal(untilException(run(DATA + 0xff8n, 12n)).FAR, DATA + 0xff8n);
    assert.equal(untilEvent(run(DATA + 0x1000n, 12n)).kind, 'wfi');
    assert.equal(untilEvent(run(DATA, 1n)).kind, 'wfi');
    assert.equal(untilEvent(run(DATA, 2n)).kind, 'wfi');
  });

  it('take LDTR at EL1 as an access of EL0 (E36)', () => {
    const run = (words: readonly number[]): ProcessingElement => {
      const pe = guest(words);
      monitor(pe);
      pe.state.setX(0, DATA);
      watchpoint(pe, 0, EL0 | (3n << 3n) | BAS_ALL, DATA);
      return pe;
    };
    const plain = run([
      0xf9400001, // ldr x1, [x0]
      0xd503207f, // wfi
    ]);
    assert.equal(untilEvent(plain).kind, 'wfi');
    const unprivileged = run([
      0xf8400801, // ldtr x1, [x0]
      0xd503207f, // wfi
    ]);
    assert.equal(hex(untilException(unprivileged).ESR), '0xd6000022');
  });

  it('take DC ZVA as a store of its block (E37)', () => {
    const pe = guest(
      [
        0x91008000, // add x0, x0, #0x20
        0xd50b7420, // dc zva, x0
        0xd503207f, // wfi
      ],
      { unalignedDeviceAccess: 'allow' },
    );
    monitor(pe);
    pe.state.setX(0, DATA);
    watchpoint(pe, 0, EL1 | (2n << 3n) | BAS_ALL, DATA);
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0xd6000062');
    assert.equal(taken.FAR, DATA);
  });

  it('take DC IVAC as a store with CM set, and no other cache maintenance', () => {
    const run = (words: readonly number[]): ProcessingElement => {
      const pe = guest(words);
      monitor(pe);
      pe.state.setX(0, DATA + 8n);
      watchpoint(pe, 0, EL1 | (2n << 3n) | BAS_ALL, DATA);
      return pe;
    };
    const invalidate = run([
      0xd5087620, // dc ivac, x0
    ]);
    assert.equal(hex(untilException(invalidate).ESR), '0xd6000162');
    const clean = run([
      0xd50b7a20, // dc cvac, x0
      0xd50b7e20, // dc civac, x0
      0xd503207f, // wfi
    ]);
    assert.equal(untilEvent(clean).kind, 'wfi');
  });

  it('are silent for a STXR that fails and fire for one that passes (E38)', () => {
    const failing = guest([
      0xc8027c01, // stxr w2, x1, [x0]
      0xd503207f, // wfi
    ]);
    monitor(failing);
    failing.state.setX(0, DATA);
    watchpoint(failing, 0, EL1 | (2n << 3n) | BAS_ALL, DATA);
    assert.equal(untilEvent(failing).kind, 'wfi');
    assert.equal(failing.state.X(2), 1n);
    const passing = guest([
      0xc85f7c01, // ldxr x1, [x0]
      0xc8027c01, // stxr w2, x1, [x0]
    ]);
    monitor(passing);
    passing.state.setX(0, DATA);
    watchpoint(passing, 0, EL1 | (2n << 3n) | BAS_ALL, DATA);
    assert.equal(hex(untilException(passing).ESR), '0xd6000062');
  });

  it('come after a data abort of the same access (E41)', () => {
    const pe = guest([
      0xd2800020, // mov x0, #1
      0xd3585c00, // lsl x0, x0, #40
      0xf9400001, // ldr x1, [x0]
    ]);
    monitor(pe);
    watchpoint(pe, 0, PAC_LSC_ALL | BAS_ALL, 1n << 40n);
    assert.equal(hex(untilException(pe).ESR), '0x96000000');
  });

  it('link to a context comparator (E18)', () => {
    const run = (CONTEXTIDR: bigint): ProcessingElement => {
      const pe = guest(STORE_BYTE);
      monitor(pe);
      breakpoint(pe, 4, 0x1e0n | EL1 | (3n << 20n), 0xabcdefn);
      watchpoint(pe, 1, PAC_LSC_ALL | BAS_ALL | (1n << 20n) | (4n << 16n), DATA);
      pe.pokeRegister('CONTEXTIDR_EL1', CONTEXTIDR);
      return pe;
    };
    assert.equal(hex(untilException(run(0xabcdefn)).ESR), '0xd6000062');
    assert.equal(untilEvent(run(2n)).kind, 'wfi');
  });

  it('are found when they are armed after the page was used, and forgotten when disarmed', () => {
    const pe = guest([
      0xf9000001, // 1: str x1, [x0]
      0x17ffffff, // b 1b
    ]);
    monitor(pe);
    pe.state.setX(0, DATA);
    assert.equal(untilEvent(pe, 10).kind, 'budget');
    watchpoint(pe, 0, PAC_LSC_ALL | BAS_ALL, DATA);
    assert.equal(hex(untilException(pe).ESR), '0xd6000062');
    pe.pokeRegister('DBGWCR0_EL1', 0n);
    eret(pe);
    assert.equal(untilEvent(pe, 10).kind, 'budget');
  });

  it('are silent while the OS Lock is locked (E15)', () => {
    const pe = guest(STORE_BYTE);
    monitor(pe);
    watchpoint(pe, 0, PAC_LSC_ALL | BAS_ALL, DATA);
    pe.pokeRegister('OSLAR_EL1', 1n);
    assert.equal(untilEvent(pe).kind, 'wfi');
    assert.equal(read64(pe, DATA), 0x7800_0000n);
  });
});

describe('links between breakpoints and watchpoints', () => {
  it('work for every plain breakpoint, watchpoint and comparator (E19)', () => {
    const program = [
      0xd503201f, // nop
      0xf9000001, // str x1, [x0]
      0xd503207f, // wfi
    ];
    for (let b = 0; b < 4; b += 1) {
      for (let w = 0; w < 4; w += 1) {
        for (let c = 4; c < 6; c += 1) {
          const LBN = (1n << 20n) | (BigInt(c) << 16n);
          const pe = guest(program);
          monitor(pe);
          pe.state.setX(0, DATA);
          breakpoint(pe, c, 0x1e0n | EL1 | (3n << 20n), 0x1234n);
          breakpoint(pe, b, 0x1e0n | EL1 | LBN, CODE);
          watchpoint(pe, w, PAC_LSC_ALL | BAS_ALL | LBN, DATA);
          pe.pokeRegister('CONTEXTIDR_EL1', 0x1234n);
          assert.equal(hex(untilException(pe).ESR), '0xc6000022', `${b} ${w} ${c}`);
          pe.pokeRegister(`DBGBCR${b}_EL1`, 0n);
          eret(pe);
          assert.equal(hex(untilException(pe).ESR), '0xd6000062', `${b} ${w} ${c}`);
          pe.pokeRegister('CONTEXTIDR_EL1', 1n);
          eret(pe);
          assert.equal(untilEvent(pe).kind, 'wfi', `${b} ${w} ${c}`);
        }
      }
    }
  });

  it('never reach a breakpoint that is disabled or not context-aware (E23, E24)', () => {
    for (const [n, control] of [
      [3, 0x1e0n | EL1 | (3n << 20n)],
      [5, 3n << 20n],
    ] as const) {
      const pe = guest(NOPS);
      monitor(pe);
      breakpoint(pe, n, control, 0n);
      breakpoint(pe, 0, 0x1e0n | EL1 | (1n << 20n) | (BigInt(n) << 16n), CODE + 4n);
      assert.equal(untilEvent(pe).kind, 'wfi');
      assert.equal((pe.peekRegister('DBGBCR0_EL1') >> 16n) & 0xfn, BigInt(n));
    }
  });
});

describe('software step in a guest', () => {
  it('is pending at once when it is unmasked, then steps (kut ss, E5)', () => {
    const pe = guest([
      0xd50348ff, // msr daifclr, #8
      0xd5385200, // mrs x0, esr_el1
      0x91000400, // add x0, x0, #1
      0xd50348df, // msr daifset, #8
      0xd503201f, // nop
      0xd503207f, // wfi
    ]);
    pe.state.DAIF = 0xf;
    pe.pokeRegister('MDSCR_EL1', MDSCR_KDE | MDSCR_SS);
    const steps: string[] = [];
    for (;;) {
      pe.exceptionHook = () => true;
      const event = untilEvent(pe, 100);
      if (event.kind !== 'exceptionTaken') {
        assert.equal(event.kind, 'wfi');
        break;
      }
      const { ESR, preferredReturn } = event.exception;
      steps.push(`${hex(ESR)} @${preferredReturn - CODE}`);
      eret(pe, { SPSR: setSS });
    }
    assert.deepEqual(steps, ['0xce000022 @4', '0xcf000022 @8', '0xcf000022 @12']);
  });

  it('works without MDE, and breakpoints do not (E29)', () => {
    const pe = guest(NOPS);
    pe.pokeRegister('MDSCR_EL1', MDSCR_KDE | MDSCR_SS);
    breakpoint(pe, 0, 0x1e0n | EL1, CODE);
    assert.equal(hex(untilException(pe).ESR), '0xce000022');
    eret(pe, { SPSR: setSS });
    assert.equal(hex(untilException(pe).ESR), '0xcf000022');
  });

  it('is silent while the OS Lock is locked (E16)', () => {
    const pe = guest(NOPS);
    pe.pokeRegister('MDSCR_EL1', MDSCR_KDE | MDSCR_SS);
    pe.pokeRegister('OSLAR_EL1', 1n);
    assert.equal(untilEvent(pe).kind, 'wfi');
  });

  it('reports a stepped Load-Exclusive (E44)', () => {
    const pe = guest([
      0xc85f7c01, // ldxr x1, [x0]
      0xd503201f, // nop
    ]);
    pe.state.setX(0, DATA);
    pe.pokeRegister('MDSCR_EL1', MDSCR_KDE | MDSCR_SS);
    untilException(pe);
    eret(pe, { SPSR: setSS });
    assert.equal(hex(untilException(pe).ESR), '0xcf000062');
  });

  it('lets an UNDEFINED instruction be stepped again (E43)', () => {
    const pe = guest([
      0x00000000, // udf #0
    ]);
    pe.pokeRegister('MDSCR_EL1', MDSCR_KDE | MDSCR_SS);
    untilException(pe);
    eret(pe, { SPSR: setSS });
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0x2000000');
    assert.equal(pe.registers.raw('SPSR_EL1') & SPSR_SS, SPSR_SS);
  });

  it('over SVC at EL0 is pending behind it, and silent inside EL1 without KDE (E42)', () => {
    const pe = guest(
      [
        0xd40000a1, // svc #5
        0xd503201f, // nop
      ],
      { EL: 0 },
    );
    place(pe, VECTORS + 0x400n, [
      0xd503201f, // nop
      0xd69f03e0, // eret
    ]);
    pe.pokeRegister('MDSCR_EL1', MDSCR_SS);
    pe.state.SS = 1;
    const supervisorCall = untilException(pe);
    assert.equal(hex(supervisorCall.ESR), '0x56000005');
    assert.equal(pe.registers.raw('SPSR_EL1') & SPSR_SS, 0n);
    const step = untilException(pe);
    assert.equal(hex(step.ESR), '0xca000022');
    assert.equal(step.preferredReturn, CODE + 4n);
  });

  it('clears PSTATE.SS on a return from where it is enabled (E45)', () => {
    const pe = guest(NOPS);
    pe.pokeRegister('MDSCR_EL1', MDSCR_KDE | MDSCR_SS);
    pe.registers.setRaw('SPSR_EL1', SPSR_SS | 0x5n);
    pe.registers.setRaw('ELR_EL1', CODE + 8n);
    pe.exceptionReturn();
    assert.equal(pe.state.SS, 0);
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0xce000022');
    assert.equal(taken.preferredReturn, CODE + 8n);
  });

  it('goes to EL2 with TDE and lands on the vector after a stepped SVC', () => {
    const pe = guest(
      [
        0xd4000001, // svc #0
      ],
      { startEL: 2, EL: 0 },
    );
    place(pe, VECTORS + 0x400n, [
      0xd503201f, // nop
    ]);
    pe.pokeRegister('MDCR_EL2', 1n << 8n);
    pe.pokeRegister('MDSCR_EL1', MDSCR_SS);
    pe.state.SS = 1;
    untilException(pe);
    const step = untilException(pe);
    assert.equal(step.targetEL, 2);
    assert.equal(hex(step.ESR && step.ESR & ~(1n << 24n)), '0xca000022');
    assert.equal(step.preferredReturn, VECTORS + 0x400n);
  });
});

describe('breakpoints and watchpoints of the debugger', () => {
  it('stop before the instruction and continue past it', () => {
    const pe = guest([
      0x91000400, // 1: add x0, x0, #1
      0x17ffffff, // b 1b
    ]);
    pe.machineBreakpoints.add(CODE);
    assert.deepEqual(untilEvent(pe), { kind: 'machineBreakpoint', pc: CODE });
    assert.equal(pe.state.X(0), 0n);
    assert.deepEqual(pe.run(1000, { resume: true }), { kind: 'machineBreakpoint', pc: CODE });
    assert.equal(pe.state.X(0), 1n);
    pe.machineBreakpoints.remove(CODE);
    assert.equal(pe.run(10).kind, 'budget');
    assert.equal(pe.state.X(0), 6n);
  });

  it('come before an architectural breakpoint at the same address', () => {
    const pe = guest(NOPS);
    monitor(pe);
    breakpoint(pe, 0, 0x1e0n | EL1, CODE + 4n);
    pe.machineBreakpoints.add(CODE + 4n);
    assert.equal(untilEvent(pe).kind, 'machineBreakpoint');
    pe.exceptionHook = () => true;
    assert.equal(pe.run(100, { resume: true }).kind, 'exceptionTaken');
  });

  it('watch an access before it is made and continue past it', () => {
    const pe = guest(STORE_BYTE);
    const id = pe.machineWatchpoints.add({ address: DATA + 2n, length: 2, access: 'write' });
    assert.deepEqual(untilEvent(pe), {
      kind: 'machineWatchpoint',
      id,
      address: DATA + 3n,
      size: 1,
      isWrite: true,
      pc: CODE + 8n,
    });
    assert.equal(read64(pe, DATA), 0n);
    assert.equal(pe.run(1, { resume: true }).kind, 'budget');
    assert.equal(read64(pe, DATA), 0x7800_0000n);
    assert.equal(pe.state.PC, CODE + 12n);
    assert.equal(untilEvent(pe).kind, 'wfi');
  });

  it('leave the other bytes of a watched page alone', () => {
    const pe = guest([
      0xd2a80020, // mov x0, #0x40010000
      0xd2800aa1, // mov x1, #0x55
      0xf9000801, // str x1, [x0, #16]
      0xf9400802, // ldr x2, [x0, #16]
      0x39002001, // strb w1, [x0, #8]
      0xf9400403, // ldr x3, [x0, #8]
      0xb9000401, // str w1, [x0, #4]
      0xd503207f, // wfi
    ]);
    const id = pe.machineWatchpoints.add({ address: DATA + 4n, length: 4, access: 'write' });
    const event = untilEvent(pe);
    assert.equal(event.kind === 'machineWatchpoint' && event.id, id);
    assert.equal(pe.state.PC, CODE + 24n);
    assert.equal(pe.state.X(2), 0x55n);
    assert.equal(pe.state.X(3), 0x55n);
    pe.machineWatchpoints.remove(id);
    assert.equal(untilEvent(pe).kind, 'wfi');
    assert.equal(read64(pe, DATA), 0x55n << 32n);
  });

  it('watch reads only where they are asked to', () => {
    const pe = guest(STORE_BYTE);
    pe.machineWatchpoints.add({ address: DATA, length: 8, access: 'read' });
    const event = untilEvent(pe);
    assert.equal(event.kind === 'machineWatchpoint' && event.isWrite, false);
    assert.equal(pe.state.PC, CODE + 12n);
  });

  it('keep the order of stops when the run is interrupted before it resumes', () => {
    const pe = guest(NOPS);
    pe.machineBreakpoints.add(CODE + 4n);
    assert.equal(untilEvent(pe).kind, 'machineBreakpoint');
    pe.requestStop();
    assert.equal(pe.run(100, { resume: true }).kind, 'stopped');
    assert.equal(pe.run(100).kind, 'wfi');
  });
});
