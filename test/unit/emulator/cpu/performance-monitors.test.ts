/** Arm ARM, "The Performance Monitors Extension", with one cycle for each instruction. */
import assert from 'node:assert/strict';
import type { ProcessingElement } from '../../../../emulator/cpu/pe.ts';
import { byName } from '../../../../emulator/sysregs/catalogue.ts';
import { requireCpuModel } from '../../../../emulator/sysregs/cpu-model.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';
import { mrsOpcode, msrOpcode } from '../../../../emulator/sysregs/sysreg.ts';
import { CODE, DATA, guest, untilException } from './guest.ts';

const NOP = 0xd503201f;
const SVC = 0xd4000001;
const ERET = 0xd69f03e0;
const LDR_X1_X2 = 0xf9400041; // ldr x1, [x2]
const STP_X1_X1_X2 = 0xa9000441; // stp x1, x1, [x2]
const PMCR_E = 1n;
const PMCR_P = 2n;
const PMCR_C = 4n;
const PMCR_LC = 64n;
const N = 6n << 11n;
const [INST_RETIRED, CPU_CYCLES, MEM_ACCESS, CHAIN, SW_INCR] = [0x08n, 0x11n, 0x13n, 0x1en, 0n];
const EXCLUDE_EL0 = 1n << 30n;
const EXCLUDE_EL1 = 1n << 31n;
const INCLUDE_EL2 = 1n << 27n;

const profile = { ...v8_0, model: requireCpuModel('max-supported') };

function register(name: string): NonNullable<ReturnType<typeof byName>> {
  const found = byName(name);
  assert.ok(found, name);
  return found;
}
const msr = (name: string, Rt: number): number => msrOpcode(register(name), Rt);
const mrs = (name: string, Rt: number): number => mrsOpcode(register(name), Rt);

/** `msr pmcr_el0, x0; <words>; msr pmcr_el0, xzr; svc`, with X0 = PMCR_EL0.E. */
function counting(
  words: readonly number[],
  prepare: (pe: ProcessingElement) => void,
  EL: 1 | 2 = 1,
): ProcessingElement {
  const pe = guest([msr('PMCR_EL0', 0), ...words, msr('PMCR_EL0', 31), SVC], {
    profile,
    startEL: 2,
    EL,
  });
  pe.state.setX(0, PMCR_E);
  pe.state.setX(2, DATA);
  prepare(pe);
  untilException(pe);
  return pe;
}

function count(pe: ProcessingElement, n: number): bigint {
  return pe.peekRegister(`PMEVCNTR${n}_EL0`);
}

/** Counter `n` counts `event` from `start` on. */
function select(pe: ProcessingElement, n: number, event: bigint, start = 0n): void {
  pe.registers.write(`PMEVTYPER${n}_EL0`, event);
  pe.registers.write(`PMEVCNTR${n}_EL0`, start);
  pe.registers.write('PMCNTENSET_EL0', 1n << BigInt(n));
}

describe('Performance Monitors', () => {
  it('are there by ID_AA64DFR0_EL1.PMUVer only', () => {
    assert.equal(guest([]).registers.has('PMCR_EL0'), false);
    const pe = guest([], { profile });
    assert.equal((pe.peekRegister('ID_AA64DFR0_EL1') >> 8n) & 0xfn, 4n);
    assert.equal(pe.peekRegister('PMCR_EL0'), N | PMCR_LC);
  });

  it('PMCEID names the events that count', () => {
    const pe = guest([], { profile });
    assert.equal(pe.peekRegister('PMCEID0_EL0'), 0x500a_0d01n);
    assert.equal(pe.peekRegister('PMCEID1_EL0'), 0x18n);
  });

  it('count instructions and cycles from the write that enables to the one that disables', () => {
    const pe = counting([NOP, NOP, NOP], (it) => {
      select(it, 0, INST_RETIRED);
      select(it, 1, CPU_CYCLES);
      it.registers.write('PMCNTENSET_EL0', 1n << 31n);
    });
    // The three, and the instruction that enables: it retires under the new value.
    assert.equal(count(pe, 0), 4n);
    assert.equal(count(pe, 1), 4n);
    assert.equal(pe.peekRegister('PMCCNTR_EL0'), 4n);
  });

  it('nothing without PMCR_EL0.E or PMCNTENSET_EL0', () => {
    const pe = counting([NOP], (it) => {
      it.registers.write('PMEVTYPER0_EL0', INST_RETIRED);
      it.state.setX(0, 0n);
      select(it, 1, INST_RETIRED);
    });
    assert.deepEqual([count(pe, 0), count(pe, 1)], [0n, 0n]);
  });

  it('each memory access is one, whatever its size; prefetches are none', () => {
    const prefetch = 0xf9800040; // prfm pldl1keep, [x2]
    const words = [LDR_X1_X2, STP_X1_X1_X2, prefetch, NOP, LDR_X1_X2];
    const pe = counting(words, (it) => {
      select(it, 0, MEM_ACCESS);
    });
    assert.equal(count(pe, 0), 3n);
  });

  it('an atomic operation makes two accesses', () => {
    const ldadd = 0xf8210041; // ldadd x1, x1, [x2]
    const pe = counting([ldadd], (it) => {
      select(it, 0, MEM_ACCESS);
    });
    assert.equal(count(pe, 0), 2n);
  });

  it('P and U exclude EL1 and EL0, NSH includes EL2', () => {
    const types = [0n, EXCLUDE_EL0, EXCLUDE_EL1, INCLUDE_EL2, INCLUDE_EL2 | EXCLUDE_EL1];
    const at = (EL: 1 | 2): boolean[] => {
      const pe = counting(
        [NOP],
        (it) => {
          types.forEach((type, n) => {
            select(it, n, INST_RETIRED | type);
          });
        },
        EL,
      );
      return types.map((_, n) => count(pe, n) !== 0n);
    };
    assert.deepEqual(at(1), [true, true, false, true, false]);
    assert.deepEqual(at(2), [false, false, false, true, true]);
  });

  it('an SVC retires at the level it is made at, its exception at neither', () => {
    // At EL0: nop, svc; the handler at EL1: nop, eret.
    const pe = guest([NOP, SVC, NOP, SVC], { profile, EL: 0 });
    select(pe, 0, INST_RETIRED | EXCLUDE_EL1);
    select(pe, 1, INST_RETIRED | EXCLUDE_EL0);
    pe.registers.write('PMCR_EL0', PMCR_E);
    pe.engine.writePhysical(0x4000_8400n, new Uint8Array(Uint32Array.from([NOP, ERET]).buffer));
    untilException(pe);
    assert.deepEqual([count(pe, 0), count(pe, 1)], [2n, 0n]);
    pe.exceptionHook = () => false;
    pe.run(2);
    assert.equal(pe.state.PC, CODE + 8n);
    assert.deepEqual([count(pe, 0), count(pe, 1)], [2n, 2n]);
  });

  it('a counter wraps at 32 bits, sets its overflow flag and carries into CHAIN', () => {
    const pe = counting(
      Array.from({ length: 20 }, () => NOP),
      (it) => {
        select(it, 0, CPU_CYCLES, 0xffff_fff0n);
        select(it, 1, CHAIN, 0xffff_ffffn);
        select(it, 2, CPU_CYCLES, 0xffff_fff0n);
        it.registers.write('PMEVTYPER3_EL0', CHAIN); // not enabled
      },
    );
    assert.equal(count(pe, 0), 5n);
    assert.deepEqual([count(pe, 1), count(pe, 3)], [0n, 0n]);
    assert.equal(pe.peekRegister('PMOVSSET_EL0'), 0b111n);
  });

  it('PMSWINC_EL0 increments counters of SW_INCR while they are enabled', () => {
    const pe = guest([], { profile });
    select(pe, 0, SW_INCR, 0xffff_fff0n);
    select(pe, 1, SW_INCR);
    select(pe, 2, CPU_CYCLES);
    pe.registers.write('PMSWINC_EL0', 0b111n);
    assert.equal(count(pe, 1), 0n);
    pe.registers.write('PMCR_EL0', PMCR_E);
    for (let n = 0; n < 100; n += 1) pe.registers.write('PMSWINC_EL0', 0b111n);
    assert.deepEqual([count(pe, 0), count(pe, 1), count(pe, 2)], [0x54n, 100n, 0n]);
    assert.equal(pe.peekRegister('PMOVSCLR_EL0'), 1n);
  });

  it('an overflow interrupts while PMINTEN and the enable are set, after the instruction that makes it', () => {
    const pe = guest(
      Array.from({ length: 64 }, () => NOP),
      { profile },
    );
    const seen: boolean[] = [];
    pe.pmu.connect((asserted) => {
      if (seen.at(-1) !== asserted) seen.push(asserted);
      pe.pendingInterrupts.irq = asserted;
    });
    select(pe, 0, INST_RETIRED, 0xffff_fff0n);
    pe.registers.write('PMINTENSET_EL1', 1n);
    pe.registers.write('PMCR_EL0', PMCR_E);
    const exception = untilException(pe);
    assert.equal(exception.kind, 'IRQ');
    assert.equal(exception.preferredReturn, CODE + 64n);
    pe.registers.write('PMOVSCLR_EL0', 1n);
    assert.deepEqual(seen, [false, true, false]);
  });

  it('PMSELR_EL0 selects the counter of PMXEVTYPER_EL0 and PMXEVCNTR_EL0; 31 is the cycle filter', () => {
    const pe = guest([], { profile });
    pe.registers.write('PMSELR_EL0', 3n);
    pe.registers.write('PMXEVTYPER_EL0', 0xean);
    pe.registers.write('PMXEVCNTR_EL0', 0xdead_beefn);
    assert.equal(pe.peekRegister('PMEVTYPER3_EL0'), 0xean);
    assert.equal(count(pe, 3), 0xdead_beefn);
    pe.registers.write('PMSELR_EL0', 31n);
    pe.registers.write('PMXEVTYPER_EL0', EXCLUDE_EL0);
    assert.equal(pe.peekRegister('PMCCFILTR_EL0'), EXCLUDE_EL0);
  });

  it('counters from MDCR_EL2.HPMN on belong to EL2', () => {
    const pe = guest([mrs('PMCR_EL0', 1), mrs('PMEVCNTR4_EL0', 3), msr('PMCNTENSET_EL0', 0), SVC], {
      profile,
      startEL: 2,
      EL: 1,
    });
    pe.registers.write('MDCR_EL2', 4n);
    pe.registers.setRaw('PMEVCNTR4_EL0', 77n);
    pe.state.setX(0, 0xffff_ffffn);
    untilException(pe);
    assert.equal((pe.state.X(1) >> 11n) & 31n, 4n);
    assert.equal(pe.state.X(3), 0n);
    assert.equal(pe.registers.raw('PMCNTENSET_EL0'), 0x8000_000fn);
  });

  it('PMCR_EL0.P and C reset the counters and read as zero', () => {
    const pe = guest([], { profile });
    pe.registers.write('PMEVCNTR5_EL0', 9n);
    pe.registers.write('PMCCNTR_EL0', 9n);
    pe.registers.write('PMCR_EL0', PMCR_P | PMCR_C | PMCR_LC);
    assert.deepEqual([count(pe, 5), pe.peekRegister('PMCCNTR_EL0')], [0n, 0n]);
    assert.equal(pe.peekRegister('PMCR_EL0'), N | PMCR_LC);
  });

  const EL0Accesses = [
    ['read', 'PMCCNTR_EL0', 0b0100n],
    ['read', 'PMEVCNTR0_EL0', 0b1000n],
    ['write', 'PMSELR_EL0', 0b1000n],
    ['write', 'PMSWINC_EL0', 0b0010n],
    ['write', 'PMCCNTR_EL0', 0b0001n],
    ['read', 'PMCR_EL0', 0b0001n],
  ] as const;
  for (const [direction, name, enable] of EL0Accesses) {
    it(`EL0 may ${direction} ${name} with PMUSERENR_EL0 = ${enable}`, () => {
      for (const PMUSERENR of [0n, enable, 1n, 0b1110n & ~enable]) {
        const word = direction === 'read' ? mrs(name, 1) : msr(name, 1);
        const pe = guest([word, SVC], { profile, EL: 0 });
        pe.registers.write('PMUSERENR_EL0', PMUSERENR);
        const { EC } = untilException(pe);
        const allowed = PMUSERENR === enable || PMUSERENR === 1n;
        assert.equal(EC, allowed ? 0x15 : 0x18, `PMUSERENR_EL0 = ${PMUSERENR}`);
      }
    });
  }

  it('MDCR_EL2.TPM traps all of them to EL2, TPMCR only PMCR_EL0', () => {
    for (const [MDCR, name, target] of [
      [1n << 6n, 'PMCR_EL0', 2],
      [1n << 6n, 'PMCCNTR_EL0', 2],
      [1n << 5n, 'PMCR_EL0', 2],
      [1n << 5n, 'PMCCNTR_EL0', 1],
    ] as const) {
      const pe = guest([mrs(name, 1), SVC], { profile, startEL: 2, EL: 1 });
      pe.registers.write('MDCR_EL2', MDCR | 6n);
      assert.equal(untilException(pe).targetEL, target, name);
    }
  });
});
