/** Several processors: turned on, counting together, and repeating exactly whatever the slices are. */
import assert from 'node:assert/strict';
import { Machine } from '../../../../emulator/machine.ts';
import type { StopReason } from '../../../../emulator/machine.ts';
import { QUANTUM } from '../../../../emulator/machine/scheduler.ts';
import * as a64 from '../../../support/a64.ts';
import { seededRandom } from '../../../support/random.ts';

const ENTRY = 0x4008_0000n;
const DATA = 0x4009_0000n;
const CPU_OFF = 0x8400_0002n;
const CPU_ON = 0xc400_0003n;
const SYSTEM_OFF = 0x8400_0008n;
const SEV = 0xd503209f;
const WFE = 0xd503205f;
const YIELD = 0xd503203f;
/** mov x20, x0 */
const KEEP_CONTEXT = 0xaa0003f4;
/** Enough that every processor loses its turn several times. */
const INCREMENTS = 6000;

/** [Xn] += 1, by a load-exclusive and a store-exclusive. */
const increment = (n: number): number[] => [
  a64.ldxr(1, n),
  a64.addImmediate(1, 1, 1),
  a64.stxr(2, 1, n),
  a64.cbnz(2, -12),
];

/**
 * CPU0 turns the others on; each adds INCREMENTS to the doubleword at DATA, then 1 to the next one, and
 * sends an event; CPU0 waits for all of them and ends the machine.
 */
function program(cpus: number, call: number, waitWith: number): Uint8Array {
  const turnOn = (work: bigint): number[] =>
    Array.from({ length: cpus - 1 }, (_, n) => [
      ...a64.mov(0, CPU_ON),
      ...a64.mov(1, BigInt(n + 1)),
      ...a64.mov(2, work),
      ...a64.mov(3, BigInt(n + 1)),
      call,
    ]).flat();
  const start = (work: bigint): number[] => [...turnOn(work), ...a64.mov(0, 0n)];
  const work = ENTRY + BigInt(4 * start(ENTRY).length);
  const loop = [...increment(19), a64.subsImmediate(21, 21, 1)];
  const off = [...a64.mov(0, CPU_OFF), call];
  const end = [...a64.mov(0, SYSTEM_OFF), call];
  const words = [
    ...start(work),
    KEEP_CONTEXT,
    ...a64.mov(19, DATA),
    ...a64.mov(21, BigInt(INCREMENTS)),
    ...loop,
    a64.bne(-4 * loop.length),
    ...a64.mov(22, DATA + 8n),
    ...increment(22),
    SEV,
    a64.cbnz(20, 4 * (1 + 3 + end.length + 2)),
    a64.ldr(1, 22),
    a64.subsImmediate(1, 1, cpus),
    a64.bne(4 * (1 + end.length)),
    ...end,
    waitWith,
    a64.b(-4 * (4 + end.length)),
    ...off,
  ];
  return new Uint8Array(new Uint32Array(words).buffer);
}

interface Setup {
  readonly cpus: number;
  readonly el: 1 | 2;
  readonly waitWith: number;
}

function create({ cpus, el, waitWith }: Setup): Machine {
  return machineOf({ cpus, el }, program(cpus, el === 1 ? a64.hvc(0) : a64.smc(0), waitWith));
}

function machineOf({ cpus, el }: Pick<Setup, 'cpus' | 'el'>, bytes: Uint8Array): Machine {
  return new Machine({
    image: { segments: [{ paddr: ENTRY, bytes, memSize: bytes.length }], entry: ENTRY },
    cpus,
    el,
    hostProfile: '6-2-4',
    policy: 'OWNER',
    ram: [{ base: 0x4000_0000n, size: 1 << 20 }],
    commandLine: '',
    checkInvariants: true,
  });
}

const SLICES = 1_000_000;

/** To the end of the guest, in slices of the lengths that `length` gives. */
function runToEnd(machine: Machine, length: () => number): StopReason {
  for (let slice = 0; slice < SLICES; slice += 1) {
    const stop = machine.run({ instructions: length(), pastStop: false });
    if (stop.kind !== 'slice' && stop.kind !== 'idle') return stop;
  }
  throw new Error('the guest does not end');
}

const doubleword = (machine: Machine, address: bigint): bigint =>
  new DataView(machine.readVirtual(address, 8).bytes.slice().buffer).getBigUint64(0, true);

const WAITS = [
  ['WFE', WFE],
  ['YIELD', YIELD],
] as const;

describe('A machine with several processors', () => {
  for (const el of [1, 2] as const) {
    for (const [name, waitWith] of WAITS) {
      it(`adds up what four processors count with exclusives, from EL${el}, waiting with ${name}`, () => {
        const machine = create({ cpus: 4, el, waitWith });
        const stop = runToEnd(machine, () => 10_000_000);
        assert.deepEqual(stop, { kind: 'exit', status: 0, how: 'PSCI SYSTEM_OFF' });
        assert.equal(doubleword(machine, DATA), BigInt(4 * INCREMENTS));
        assert.equal(doubleword(machine, DATA + 8n), 4n);
      });
    }
  }

  it('names a thread for each, and refuses none and nine', () => {
    assert.deepEqual(
      create({ cpus: 3, el: 1, waitWith: WFE }).vcpus.map(({ name }) => name),
      ['CPU0', 'CPU1', 'CPU2'],
    );
    for (const cpus of [0, 9, 1.5]) {
      assert.throws(() => create({ cpus, el: 1, waitWith: WFE }), RangeError);
    }
  });

  it('hands over to those who have something to do, where one polls with YIELD', () => {
    const turnOn = [
      ...a64.mov(22, DATA),
      ...a64.mov(0, CPU_ON),
      ...a64.mov(1, 1n),
      ...a64.mov(2, ENTRY + 0x100n),
      a64.hvc(0),
    ];
    const poll = [YIELD, a64.ldr(1, 22), a64.cbz(1, -8), ...a64.mov(0, SYSTEM_OFF), a64.hvc(0)];
    const words = new Uint32Array(0x180 / 4);
    words.set([...turnOn, ...poll]);
    words.set([...a64.mov(22, DATA), ...a64.mov(1, 1n), a64.str(1, 22), a64.b(0)], 0x100 / 4);
    const machine = machineOf({ cpus: 2, el: 1 }, new Uint8Array(words.buffer));
    assert.equal(runToEnd(machine, () => 1_000_000).kind, 'exit');
    // Both had their turn: the polling one a short one, the one that ends in a loop a whole one.
    assert.ok(machine.retired < 2n * BigInt(QUANTUM), `${machine.retired} instructions`);
  });

  for (const [el, waitWith] of [
    [1, WFE],
    [1, YIELD],
    [2, WFE],
  ] as const) {
    it(`does the same whatever the slices are, from EL${el}, with ${waitWith.toString(16)}`, () => {
      const setup = { cpus: 3, el, waitWith };
      const whole = create(setup);
      runToEnd(whole, () => 10_000_000);
      const expected = whole.save();
      const random = seededRandom(0x510c + el);
      for (const longest of [40, 3_000, 30_000]) {
        const machine = create(setup);
        runToEnd(machine, () => 1 + Math.floor(random() * longest));
        assert.deepEqual(machine.save(), expected, `slices of up to ${longest}`);
      }
    });
  }

  for (const el of [1, 2] as const) {
    it(`goes on from a snapshot as it would have gone on itself, from EL${el}`, () => {
      const setup = { cpus: 3, el, waitWith: WFE };
      const random = seededRandom(0x5a7e + el);
      for (let n = 0; n < 4; n += 1) {
        const machine = create(setup);
        machine.run({ instructions: Math.floor(random() * 90_000), pastStop: false });
        const copy = create(setup);
        copy.restore(structuredClone(machine.save()));
        runToEnd(machine, () => 1_000_000);
        runToEnd(copy, () => 1 + Math.floor(random() * 20_000));
        assert.deepEqual(copy.save(), machine.save());
      }
    });
  }

  it('steps the processor that is selected, and no other one', () => {
    const machine = create({ cpus: 2, el: 1, waitWith: WFE });
    while (machine.readRegister(1, 'X21') === 0n) {
      machine.run({ instructions: 100, pastStop: false });
    }
    const pcOf = (vcpu: number): bigint => machine.readRegister(vcpu, 'PC') ?? 0n;
    const others = pcOf(0);
    machine.selectVcpu(1);
    const before = pcOf(1);
    assert.equal(machine.stepInstruction().kind, 'step');
    assert.equal(machine.currentVcpu, 1);
    assert.notEqual(pcOf(1), before);
    assert.equal(pcOf(0), others);
    assert.equal(runToEnd(machine, () => 1_000_000).kind, 'exit');
    assert.equal(doubleword(machine, DATA), BigInt(2 * INCREMENTS));
  });

  it('stops on the processor that reaches a breakpoint, on each of them once a time', () => {
    const machine = create({ cpus: 2, el: 1, waitWith: WFE });
    const cbnz = a64.cbnz(2, -12);
    const { bytes } = machine.readVirtual(ENTRY, 400);
    const view = new DataView(bytes.slice().buffer);
    const sev = [...Array(100).keys()].find((n) => view.getUint32(4 * n, true) === SEV) ?? 0;
    assert.equal(view.getUint32(4 * (sev - 1), true), cbnz);
    machine.addBreakpoint(ENTRY + BigInt(4 * sev));
    const stopped: number[] = [];
    let pastStop = false;
    for (;;) {
      const stop = machine.run({ instructions: 1_000_000, pastStop });
      pastStop = stop.kind === 'breakpoint';
      if (stop.kind === 'breakpoint') stopped.push(machine.currentVcpu);
      else if (stop.kind === 'exit') break;
    }
    assert.deepEqual(stopped.sort(), [0, 1]);
  });
});
