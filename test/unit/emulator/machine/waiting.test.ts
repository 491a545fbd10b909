/** A machine whose processors wait: for events, for time, for whoever sits at the console. */
import assert from 'node:assert/strict';
import { Machine } from '../../../../emulator/machine.ts';
import type { Idling, StopReason } from '../../../../emulator/machine.ts';
import * as a64 from '../../../support/a64.ts';
import { seededRandom } from '../../../support/random.ts';

const ENTRY = 0x4008_0000n;
const WFE = 0xd503205f;
const SEV = 0xd503209f;
const SEVL = 0xd50320bf;
/** The Event Register is clear afterwards; the hypervisor's ERET into the guest has set it. */
const CLEAR = [SEVL, WFE];
const AFTER_CLEAR = ENTRY + 8n;
/** hlt #0xf000 */
const SEMIHOSTING = 0xd45e0000;

function machineOf(words: readonly number[], options: { el?: 1 | 2; cpus?: number } = {}): Machine {
  const bytes = new Uint8Array(Uint32Array.from(words).buffer);
  return new Machine({
    image: { segments: [{ paddr: ENTRY, bytes, memSize: bytes.length }], entry: ENTRY },
    el: options.el ?? 1,
    cpus: options.cpus ?? 1,
    hostProfile: '6-2-4',
    policy: 'OWNER',
    ram: [{ base: 0x4000_0000n, size: 1 << 20 }],
    commandLine: '',
    checkInvariants: true,
  });
}

const run = (machine: Machine, idle: Idling = 'skip', instructions = 1000): StopReason =>
  machine.run({ instructions, pastStop: false, idle });

/** Instructions executed since reset, of a guest of NOPs behind the first ones. */
const executed = (machine: Machine): number => Number((machine.pe.state.PC - ENTRY) / 4n);

describe('WFE on a machine with one processor', () => {
  it('with no event to come is a deadlock, as WFI is', () => {
    const machine = machineOf([...CLEAR, WFE, a64.nop]);
    assert.deepEqual(run(machine), { kind: 'wfiDeadlock', pc: AFTER_CLEAR, instruction: 'WFE' });
  });

  for (const [name, word] of [
    ['SEV', SEV],
    ['SEVL', SEVL],
  ] as const) {
    it(`takes the event of ${name}, once`, () => {
      const machine = machineOf([...CLEAR, word, WFE, a64.nop, WFE, a64.nop]);
      assert.deepEqual(run(machine), {
        kind: 'wfiDeadlock',
        pc: AFTER_CLEAR + 12n,
        instruction: 'WFE',
      });
    });
  }

  it('takes an exception return as an event', () => {
    const after = 8;
    const machine = machineOf([
      ...CLEAR,
      ...a64.set('SPSR_EL1', 0x3c5n),
      ...a64.mov(0, ENTRY + BigInt(4 * after)),
      a64.msr('ELR_EL1', 0),
      a64.eret,
      WFE,
      a64.nop,
      WFE,
    ]);
    assert.equal(
      (machine.readVirtual(ENTRY + BigInt(4 * after - 4), 4).bytes[3] ?? 0) >>> 0,
      0xd6,
      'eret',
    );
    const stop = run(machine);
    assert.ok(stop.kind === 'wfiDeadlock');
    assert.equal(stop.pc, ENTRY + BigInt(4 * (after + 2)), 'the second WFE');
  });

  // Arm ARM, "Event streams": an event at each transition of bit EVNTI of the counter in the direction EVNTDIR.
  const streams = [
    // EVNTI 4, 0 to 1: every 32 counts, first at 16.
    { control: 'CNTKCTL_EL1', value: 0x44n, el: 1, firsts: [16, 48, 80] },
    // EVNTI 4, 1 to 0: every 32 counts, first at 32.
    { control: 'CNTKCTL_EL1', value: 0x4cn, el: 1, firsts: [32, 64, 96] },
    { control: 'CNTHCTL_EL2', value: 0x44n, el: 2, firsts: [16, 48, 80] },
  ] as const;
  for (const { control, value, el, firsts } of streams) {
    it(`ends with the events of ${control} = 0x${value.toString(16)}`, () => {
      const machine = machineOf(
        [...CLEAR, ...a64.set(control, value), a64.isb, WFE, WFE, WFE, a64.nop],
        { el },
      );
      // A count is 16 notional nanoseconds.
      for (const count of firsts) {
        assert.deepEqual(run(machine), { kind: 'idle', until: BigInt(16 * count) });
      }
    });
  }

  it('ends with a timer, as WFI does', () => {
    const machine = machineOf([
      ...CLEAR,
      ...a64.set('CNTV_CVAL_EL0', 1000n),
      ...a64.set('CNTV_CTL_EL0', 1n),
      WFE,
      a64.nop,
    ]);
    for (const [PA, value] of [
      [0x0800_0000n, 1n],
      [0x0801_0004n, 0xffn],
      [0x0801_0000n, 1n],
      [0x0800_0100n, 1n << 27n],
    ] as const) {
      assert.ok(machine.pe.bus.write(PA, 4, value));
    }
    assert.deepEqual(run(machine), { kind: 'idle', until: 16_000n });
    assert.equal(run(machine, 'skip', 1).kind, 'slice');
    assert.equal(executed(machine), 8);
  });
});

describe('A guest that idles', () => {
  const STREAM = [...CLEAR, ...a64.set('CNTKCTL_EL1', 0x44n), WFE, a64.nop, WFE, a64.nop];

  it('leaves the clock alone when it is told to wait, until time is let pass', () => {
    const machine = machineOf(STREAM);
    const stop = run(machine, 'wait');
    assert.deepEqual(stop, { kind: 'waiting', until: 256n });
    const before = machine.retired;
    assert.deepEqual(run(machine, 'wait'), stop, 'asked again');
    assert.equal(machine.retired, before);
    machine.passTime(255n);
    assert.deepEqual(run(machine, 'wait'), stop, 'not yet');
    machine.passTime(256n);
    assert.deepEqual(run(machine, 'wait'), { kind: 'waiting', until: 768n });
  });

  it('waits for the same times however many processors there are', () => {
    // With three processors the clock has four instructions in a nanosecond.
    const machine = machineOf(STREAM, { cpus: 3 });
    assert.deepEqual(run(machine, 'wait'), { kind: 'waiting', until: 256n });
    machine.passTime(256n);
    assert.deepEqual(run(machine, 'wait'), { kind: 'waiting', until: 768n });
  });

  it('does not idle past the end of a run that says so', () => {
    const machine = machineOf(STREAM);
    assert.equal(run(machine, 'within', 100).kind, 'idle');
    assert.equal(machine.retired, 100n);
    assert.equal(run(machine, 'within', 10).kind, 'idle');
    assert.equal(machine.retired, 110n);
  });

  it('that reads a character by semihosting waits for it, and for nothing else', () => {
    const machine = machineOf([...a64.mov(0, 7n), SEMIHOSTING, a64.nop]);
    assert.deepEqual(run(machine, 'wait'), { kind: 'waiting', until: undefined });
    machine.passTime(5_000_000n);
    assert.deepEqual(run(machine, 'wait'), { kind: 'waiting', until: undefined });
    machine.console.input(Uint8Array.of(0x41));
    assert.equal(run(machine, 'wait', 1).kind, 'slice');
    assert.equal(machine.pe.state.X(0), 0x41n);
    assert.equal(machine.inputs[0]?.retired, 5_000_000n);
  });

  it('goes the same way again with the inputs of its record', () => {
    const random = seededRandom(20261128);
    /** Reads characters by semihosting and waits for events in between. */
    const guest = [
      ...a64.set('CNTKCTL_EL1', 0x84n),
      ...a64.mov(0, 7n),
      SEMIHOSTING,
      a64.addImmediate(3, 3, 1),
      WFE,
      a64.b(-16),
    ];
    const recorded = machineOf(guest);
    for (let n = 0; n < 40; n += 1) {
      const stop = run(recorded, 'wait', 1 + Math.floor(random() * 500));
      if (stop.kind !== 'waiting') continue;
      const now = recorded.virtualNanoseconds;
      const wished = now + BigInt(Math.floor(random() * 10_000));
      recorded.passTime(stop.until !== undefined && stop.until < wished ? stop.until : wished);
      if (stop.until === undefined) recorded.console.input(Uint8Array.of(n));
    }
    const { inputs, retired } = recorded;
    assert.ok(inputs.length > 5);
    const again = machineOf(guest);
    for (const input of inputs) {
      while (again.retired < input.retired) {
        run(again, 'within', Number(input.retired - again.retired));
      }
      again.replay(input);
    }
    while (again.retired < retired) run(again, 'within', Number(retired - again.retired));
    assert.equal(again.retired, retired);
    for (const n of [0, 3]) assert.equal(again.pe.state.X(n), recorded.pe.state.X(n));
    assert.equal(again.pe.state.PC, recorded.pe.state.PC);
  });
});
