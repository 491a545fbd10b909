/** A GICv3 on the board: its system registers, traps, and virtual interrupts of a guest at EL2. */
import assert from 'node:assert/strict';
import { Machine } from '../../../../emulator/machine.ts';
import { mrsOpcode, msrOpcode } from '../../../../emulator/sysregs/sysreg.ts';
import { byName } from '../../../../emulator/sysregs/catalogue.ts';
import { seededRandom } from '../../../support/random.ts';

const GICD = 0x0800_0000n;
const ITS = 0x0808_0000n;
const GICR = 0x080a_0000n;
const SGI_BASE = GICR + 0x1_0000n;
const ENTRY = 0x4008_0000n;
const VECTORS = 0x4009_0000n;
const SELF = 0x1400_0000; // b .
const HCR_IMO = 1n << 4n;
const HCR_FMO = 1n << 3n;

function mrs(name: string, Rt: number): number {
  const register = byName(name);
  assert.ok(register, name);
  return mrsOpcode(register, Rt);
}
function msr(name: string, Rt: number): number {
  const register = byName(name);
  assert.ok(register, name);
  return msrOpcode(register, Rt);
}

interface Options {
  readonly el?: 1 | 2;
  readonly gic?: 2 | 3;
  readonly atVector?: readonly number[];
  /** Offset of the vector from VBAR. */
  readonly vector?: bigint;
}

function board(words: readonly number[], options: Options = {}): Machine {
  const bytes = (code: readonly number[]): Uint8Array =>
    new Uint8Array(Uint32Array.from([...code, SELF]).buffer);
  const segment = (
    paddr: bigint,
    code: readonly number[],
  ): { paddr: bigint; bytes: Uint8Array; memSize: number } => {
    return { paddr, bytes: bytes(code), memSize: bytes(code).length };
  };
  const machine = new Machine({
    image: {
      segments: [
        segment(ENTRY, words),
        segment(VECTORS + (options.vector ?? 0x280n), options.atVector ?? []),
      ],
      entry: ENTRY,
    },
    el: options.el ?? 1,
    gic: options.gic ?? 3,
    hostProfile: '6-2-4',
    policy: 'OWNER',
    ram: [{ base: 0x4000_0000n, size: 4 << 20 }],
    commandLine: '',
    checkInvariants: true,
  });
  for (const EL of [1, 2]) machine.pe.registers.setRaw(`VBAR_EL${EL}`, VECTORS);
  return machine;
}

const run = (machine: Machine): void => {
  assert.equal(machine.run({ instructions: 200, pastStop: false }).kind, 'slice');
};

/** Puts the processor at EL1 with interrupts unmasked, as EL2 software would by ERET. */
function atEL1(machine: Machine): void {
  machine.pe.setPstate({ NZCV: 0, DAIF: 0, SS: 0, IL: false, EL: 1, SPSel: 1 });
}

describe('A GICv3 on the board', () => {
  const setUp = [
    0xd280_1e00, // mov x0, #0xf0
    msr('ICC_PMR_EL1', 0),
    0xd280_0020, // mov x0, #1
    msr('ICC_IGRPEN1_EL1', 0),
    0xd503_47ff, // msr daifclr, #7
  ];
  const acknowledge = [mrs('ICC_IAR1_EL1', 1), msr('ICC_EOIR1_EL1', 1)];

  for (const el of [1, 2] as const) {
    it(`a guest at EL${el} takes its timer's interrupt`, () => {
      const machine = board(setUp, { el, atVector: acknowledge });
      const { bus, registers, state } = machine.pe;
      if (el === 2) registers.write('HCR_EL2', (1n << 31n) | HCR_IMO);
      const timer = el === 1 ? ['CNTV', 'EL0', 27] : ['CNTHP', 'EL2', 26];
      const [name, suffix, INTID] = timer;
      bus.write(GICD, 4, 3n);
      bus.write(SGI_BASE + 0x80n, 4, 0xffff_ffffn);
      bus.write(SGI_BASE + 0x100n, 4, 1n << BigInt(INTID as number));
      bus.write(SGI_BASE + 0x400n + BigInt(INTID as number), 1, 0xa0n);
      registers.write(`${name}_CVAL_${suffix}`, 3n);
      registers.write(`${name}_CTL_${suffix}`, 1n);
      run(machine);
      assert.equal(state.X(1), BigInt(INTID as number));
      assert.equal(registers.peek('ICC_RPR_EL1'), 0xffn);
    });
  }

  it('EL1 of a GICv2 machine has no ICC registers, and ID_AA64PFR0_EL1 says so', () => {
    const machine = board(
      [mrs('ID_AA64PFR0_EL1', 2), mrs('ICC_PMR_EL1', 1)],
      { gic: 2, vector: 0x200n, atVector: [0xd280_00e3] }, // mov x3, #7
    );
    const stop = machine.run({ instructions: 200, pastStop: false });
    assert.equal(stop.kind, 'unimplemented', 'told once');
    run(machine);
    assert.equal((machine.pe.state.X(2) >> 24n) & 0xfn, 0n);
    assert.equal(machine.pe.state.X(3), 7n);
    assert.ok(!machine.registerGroups().some(({ name }) => name === 'Interrupt controller'));
  });

  it('ID_AA64PFR0_EL1.GIC is 1, and the registers are shown', () => {
    const machine = board([mrs('ID_AA64PFR0_EL1', 2), mrs('ICC_SRE_EL1', 3)]);
    run(machine);
    assert.equal((machine.pe.state.X(2) >> 24n) & 0xfn, 1n);
    assert.equal(machine.pe.state.X(3), 7n);
    const shown = machine.registerGroups().find(({ name }) => name === 'Interrupt controller');
    assert.ok(shown);
    assert.ok(shown.registers.includes('ICC_PMR_EL1'));
    assert.ok(shown.registers.includes('ICC_IAR1_EL1'));
    assert.equal(machine.readRegister(0, 'ICC_IAR1_EL1'), 1023n);
    assert.equal(machine.writeRegister(0, 'ICC_PMR_EL1', 0xffn), undefined);
    assert.equal(machine.readRegister(0, 'ICC_PMR_EL1'), 0xf8n);
  });

  it('a virtual interrupt goes to EL1, which sees the virtual interface', () => {
    const machine = board([], { el: 2, atVector: [mrs('ICC_PMR_EL1', 4), ...acknowledge] });
    const { registers, state } = machine.pe;
    registers.write('HCR_EL2', (1n << 31n) | HCR_IMO | HCR_FMO);
    registers.write('ICC_PMR_EL1', 0x20n);
    registers.write('ICH_VMCR_EL2', 0xf000_0002n);
    registers.write('ICH_HCR_EL2', 1n);
    registers.write('ICH_LR0_EL2', (1n << 62n) | (1n << 60n) | (0x80n << 48n) | 42n);
    atEL1(machine);
    run(machine);
    assert.equal(state.X(1), 42n);
    assert.equal(state.X(4), 0xf0n, 'ICV_PMR_EL1');
    assert.equal(registers.peek('ICH_ELRSR_EL2'), 0xfn);
    assert.equal(state.EL, 1);
    assert.equal((registers.peek('ISR_EL1') >> 7n) & 1n, 0n);
  });

  // [what is set, registers that trap to EL2 from EL1]
  const traps = [
    ['ICH_HCR_EL2', 1n << 10n, ['ICC_PMR_EL1', 'ICC_CTLR_EL1', 'ICC_RPR_EL1']],
    [
      'ICH_HCR_EL2',
      1n << 11n,
      ['ICC_IGRPEN0_EL1', 'ICC_BPR0_EL1', 'ICC_IAR0_EL1', 'ICC_AP0R0_EL1'],
    ],
    [
      'ICH_HCR_EL2',
      1n << 12n,
      ['ICC_IGRPEN1_EL1', 'ICC_BPR1_EL1', 'ICC_IAR1_EL1', 'ICC_AP1R0_EL1'],
    ],
    ['ICC_SRE_EL2', 0n, ['ICC_SRE_EL1']],
  ] as const;
  const readable = traps.flatMap(([, , names]) => names);
  for (const [control, value, trapping] of traps) {
    it(`${control} = 0x${value.toString(16)} traps ${trapping.join(', ')} only`, () => {
      for (const name of readable) {
        const machine = board([mrs(name, 1)], { el: 2, vector: 0x400n });
        const { registers, state } = machine.pe;
        registers.write('ICC_SRE_EL2', 8n);
        registers.write(control, value);
        atEL1(machine);
        run(machine);
        const trapped = (trapping as readonly string[]).includes(name);
        assert.equal(state.EL, trapped ? 2 : 1, name);
        if (trapped) assert.equal(registers.peek('ESR_EL2') >> 26n, 0x18n);
      }
    });
  }

  it('ICC_SGI1R_EL1 traps with HCR_EL2.IMO or FMO, ICC_DIR_EL1 with ICH_HCR_EL2.TDIR', () => {
    for (const [name, HCR, ICH, EL] of [
      ['ICC_SGI1R_EL1', 0n, 0n, 1],
      ['ICC_SGI1R_EL1', HCR_IMO, 0n, 2],
      ['ICC_SGI0R_EL1', HCR_FMO, 0n, 2],
      ['ICC_DIR_EL1', HCR_IMO, 0n, 1],
      ['ICC_DIR_EL1', 0n, 1n << 14n, 2],
    ] as const) {
      const machine = board([msr(name, 31)], { el: 2, vector: 0x400n });
      machine.pe.registers.write('HCR_EL2', (1n << 31n) | HCR);
      machine.pe.registers.write('ICH_HCR_EL2', ICH);
      atEL1(machine);
      run(machine);
      assert.equal(machine.pe.state.EL, EL, `${name} ${HCR} ${ICH}`);
    }
  });

  it('survives 100000 random accesses to its frames, and peeks what it reads', () => {
    const machine = board([]);
    const { bus } = machine.pe;
    const random = seededRandom(4);
    const below = (limit: number): number => Math.floor(random() * limit);
    const frames = [GICD, ITS, ITS + 0x1_0000n, GICR, SGI_BASE];
    const told = new Set<string>();
    machine.onGuestError = (device) => told.add(device);
    for (let n = 0; n < 100_000; n += 1) {
      const size = ([1, 2, 4, 8] as const)[below(4)] ?? 8;
      const offset = below(below(8) === 0 ? 0x1_0000 : 0x1000);
      const PA = ((frames[below(5)] ?? GICD) + BigInt(offset)) & ~BigInt(size - 1);
      const value = BigInt(below(2 ** 32)) | (BigInt(below(2 ** 32)) << 32n);
      if (below(2) === 0) bus.write(PA, size, below(4) === 0 ? -1n : value);
      else assert.equal(bus.peek(PA, size), bus.read(PA, size));
    }
    assert.deepEqual([...told].sort(), ['GIC ITS', 'GIC distributor', 'GIC redistributor']);
  });

  it('survives random accesses to its system registers', () => {
    const machine = board([], { el: 2 });
    const { registers } = machine.pe;
    const random = seededRandom(5);
    const below = (limit: number): number => Math.floor(random() * limit);
    const names = [...registers.entries]
      .map(({ name }) => name)
      .filter((it) => /^IC[CH]_/.test(it));
    assert.equal(names.length, 33);
    for (let n = 0; n < 20_000; n += 1) {
      const name: string = names[below(names.length)] ?? '';
      const { access } = registers.entry(name).register.reg;
      if (access !== 'RO' && below(2) === 0) {
        registers.write(name, BigInt(below(2 ** 32)) | (BigInt(below(2 ** 32)) << 32n));
      } else if (access !== 'WO') {
        assert.equal(registers.peek(name), registers.read(name), name);
      }
      if (below(10) === 0) {
        machine.pe.bus.write(GICD + 0x204n, 4, BigInt(below(2 ** 32)));
        machine.pe.bus.write(GICD, 4, 3n);
      }
    }
  });

  it('a snapshot holds what it knows', () => {
    const machine = board([], { el: 2 });
    const { registers, bus } = machine.pe;
    registers.write('ICC_PMR_EL1', 0x80n);
    registers.write('ICH_LR2_EL2', 0x50a0_0000_0000_0030n);
    bus.write(GICD + 0x6100n, 8, 0x8000_0000n);
    const saved = machine.save();
    machine.reset();
    assert.equal(registers.peek('ICC_PMR_EL1'), 0n);
    machine.restore(saved);
    assert.equal(registers.peek('ICC_PMR_EL1'), 0x80n);
    assert.equal(registers.peek('ICH_LR2_EL2'), 0x50a0_0000_0000_0030n);
    assert.equal(bus.read(GICD + 0x6100n, 8), 0x8000_0000n);
  });
});
