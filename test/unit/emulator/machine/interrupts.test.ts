/** The wiring of the board and waiting for interrupts. */
import assert from 'node:assert/strict';
import { Machine } from '../../../../emulator/machine.ts';
import type { StopReason } from '../../../../emulator/machine.ts';
import { seededRandom } from '../../../support/random.ts';

const GICD = 0x0800_0000n;
const GICC = 0x0801_0000n;
const GICH = 0x0803_0000n;
const GICV = 0x0804_0000n;
const UART = 0x0900_0000n;
const RTC = 0x0901_0000n;
const GPIO = 0x0903_0000n;
const CTL_ENABLE = 1n;

interface Board {
  readonly machine: Machine;
  readonly write: (PA: bigint, value: number) => void;
  readonly read: (PA: bigint) => number;
  /** Runs one slice. */
  readonly run: () => StopReason;
}

const WFI = 0xd503_207f;
const HVC = 0xd400_0002;
const SMC = 0xd400_0003;

/** `wfi; b .-4`, or another first instruction, with the GIC set up and `SPIs` and `PPIs` enabled; PSTATE masks interrupts. */
function waiting(
  options: { el?: 1 | 2; INTIDs?: readonly number[]; entry?: bigint; first?: number } = {},
): Board {
  const entry = options.entry ?? 0x4008_0000n;
  const bytes = new Uint8Array(new Uint32Array([options.first ?? WFI, 0x17ff_ffff]).buffer);
  const machine = new Machine({
    image: { segments: [{ paddr: entry, bytes, memSize: 8 }], entry },
    el: options.el ?? 1,
    hostProfile: '6-2-4',
    policy: 'OWNER',
    ram: [{ base: 0x4000_0000n, size: 4 << 20 }],
    commandLine: 'loglevel=7',
    checkInvariants: true,
  });
  const { bus } = machine.pe;
  const write = (PA: bigint, value: number): void => {
    assert.ok(bus.write(PA, 4, BigInt(value)));
  };
  write(GICD, 3);
  write(GICC + 4n, 0xff);
  write(GICC, 7);
  for (const INTID of options.INTIDs ?? []) {
    write(GICD + 0x100n + 4n * BigInt(INTID >>> 5), 2 ** (INTID & 31));
  }
  return {
    machine,
    write,
    read: (PA) => Number(bus.read(PA, 4)),
    run: () => machine.run({ instructions: 100, pastStop: false }),
  };
}

describe('Interrupts on the board', () => {
  it('nothing that could wake the guest is a deadlock', () => {
    const { run } = waiting();
    assert.deepEqual(run(), { kind: 'wfiDeadlock', pc: 0x4008_0000n, instruction: 'WFI' });
  });

  const timers = [
    { name: 'CNTV', EL: 0, INTID: 27, el: 1 },
    { name: 'CNTP', EL: 0, INTID: 30, el: 1 },
    { name: 'CNTHP', EL: 2, INTID: 26, el: 2 },
  ] as const;
  for (const { name, EL, INTID, el } of timers) {
    it(`${name} is interrupt ${INTID}, and a wait lasts until it is due`, () => {
      const { machine, run, read } = waiting({ el, INTIDs: [INTID] });
      machine.pe.registers.write(`${name}_CVAL_EL${EL}`, 1000n);
      machine.pe.registers.write(`${name}_CTL_EL${EL}`, CTL_ENABLE);
      const stop = run();
      assert.deepEqual(stop, { kind: 'idle', until: 16_000n });
      assert.equal(run().kind, 'slice');
      assert.equal(machine.pe.pendingInterrupts.irq, true);
      assert.equal(read(GICC + 0x0cn), INTID);
    });
  }

  it('a guest that waits for the console only is idle, and a key wakes it', () => {
    const { machine, write, run, read } = waiting({ INTIDs: [33] });
    assert.equal(run().kind, 'wfiDeadlock', 'the UART does not interrupt yet');
    write(UART + 0x38n, 1 << 4);
    const first = run();
    const second = run();
    assert.ok(first.kind === 'idle' && second.kind === 'idle');
    assert.equal(second.until - first.until, 10_000_000n);
    assert.equal(machine.pe.state.PC, 0x4008_0004n, 'the WFI goes on waiting');
    machine.console.input(new Uint8Array([0x41]));
    assert.equal(run().kind, 'slice');
    assert.equal(read(GICC + 0x0cn), 33);
    assert.equal(read(UART), 0x41);
  });

  it('a timer ends a wait for the console', () => {
    const { machine, write, run } = waiting({ INTIDs: [27, 33] });
    write(UART + 0x38n, 1 << 4);
    machine.pe.registers.write('CNTV_CVAL_EL0', 1_000_000n); // 16 ms
    machine.pe.registers.write('CNTV_CTL_EL0', CTL_ENABLE);
    assert.equal(run().kind, 'idle');
    assert.deepEqual(run(), { kind: 'idle', until: 16_000_000n });
    assert.equal(run().kind, 'slice');
  });

  it('the alarm of the clock is interrupt 34', () => {
    const { write, run, read } = waiting({ INTIDs: [34] });
    write(RTC + 0x10n, 1);
    write(RTC + 0x04n, 3);
    assert.deepEqual(run(), { kind: 'idle', until: 3_000_000_000n });
    assert.equal(run().kind, 'slice');
    assert.equal(read(GICC + 0x0cn), 34);
  });

  it('the power key is pin 3 of the GPIO, interrupt 39', () => {
    const { machine, write, read } = waiting({ INTIDs: [39] });
    write(GPIO + 0x40cn, 8);
    write(GPIO + 0x410n, 8);
    machine.pressPowerKey();
    assert.equal(read(GPIO + 0x418n), 8);
    assert.equal(read(GICC + 0x0cn), 39);
  });

  it('group 0 raises FIQ with FIQEn', () => {
    const { machine, write } = waiting({ INTIDs: [100] });
    write(GICC, 0xf);
    write(GICD + 0x200n + 12n, 1 << 4);
    const { pendingInterrupts } = machine.pe;
    assert.deepEqual([pendingInterrupts.irq, pendingInterrupts.fiq], [false, true]);
    machine.reset();
    assert.deepEqual([pendingInterrupts.irq, pendingInterrupts.fiq], [false, false]);
  });

  for (const [el, first] of [
    [1, HVC],
    [2, SMC],
  ] as const) {
    /** A PSCI call at this EL while the virtual timer is due at 16 us. */
    const calling = (functionId: bigint): Board => {
      const board = waiting({ el, first, INTIDs: [27] });
      board.machine.pe.state.setX(0, functionId);
      board.machine.pe.registers.write('CNTV_CVAL_EL0', 1000n);
      board.machine.pe.registers.write('CNTV_CTL_EL0', CTL_ENABLE);
      return board;
    };

    it(`PSCI CPU_SUSPEND at EL${el} waits for the timer`, () => {
      const { machine, run } = calling(0x8400_0001n);
      assert.deepEqual(run(), { kind: 'idle', until: 16_000n });
      assert.equal(machine.pe.state.PC, 0x4008_0004n);
      assert.equal(machine.pe.state.X(0), 0n);
      assert.equal(run().kind, 'slice');
    });

    it(`PSCI CPU_OFF at EL${el} waits for nothing`, () => {
      const { machine, run } = calling(0x8400_0002n);
      assert.equal(run().kind, 'wfiDeadlock');
      const { retired } = machine;
      assert.equal(run().kind, 'wfiDeadlock');
      assert.equal(machine.retired, retired);
    });
  }

  it('a step takes an interrupt that is pending, also from a breakpoint', () => {
    const { machine, write } = waiting({ INTIDs: [100] });
    const { pe } = machine;
    pe.registers.write('VBAR_EL1', 0x4009_0000n);
    machine.addBreakpoint(0x4008_0000n);
    write(GICD + 0x200n + 12n, 1 << 4);
    assert.equal(machine.run({ instructions: 10, pastStop: false }).kind, 'breakpoint');
    pe.state.DAIF = 0;
    const stop = machine.stepInstruction();
    assert.ok(stop.kind === 'step' && stop.exception);
    const { kind, ELR, targetEL } = stop.exception;
    assert.deepEqual([kind, ELR, targetEL], ['IRQ', 0x4008_0000n, 1]);
    assert.equal(pe.state.PC, 0x4009_0280n);
  });

  it('survives 100000 random accesses to its devices, and peeks what it reads', () => {
    const { machine } = waiting({ el: 2 });
    const { bus } = machine.pe;
    const random = seededRandom(4);
    const below = (limit: number): number => Math.floor(random() * limit);
    const bases = [GICD, GICC, GICH, GICV, UART, RTC, GPIO];
    const told = new Set<string>();
    machine.onGuestError = (device) => told.add(device);
    for (let n = 0; n < 100_000; n += 1) {
      const size = ([1, 2, 4, 8] as const)[below(4)] ?? 8;
      const offset = below(below(8) === 0 ? 0x1_0000 : 0x1000);
      const PA = ((bases[below(bases.length)] ?? GICD) + BigInt(offset)) & ~BigInt(size - 1);
      const value = BigInt(below(2 ** 32)) | (BigInt(below(2 ** 32)) << 32n);
      if (below(2) === 0) bus.write(PA, size, below(4) === 0 ? -1n : value);
      else if (size === 8) bus.read(PA, size);
      else assert.equal(bus.peek(PA, size), bus.read(PA, size));
    }
    assert.deepEqual([...told].sort(), [
      'GIC CPU interface',
      'GIC distributor',
      'GIC virtual CPU interface',
      'GIC virtual interface control',
      'PL011',
      'PL031',
      'PL061',
    ]);
  });

  it('a message to the GICv2m frame is an interrupt', () => {
    const { write, read } = waiting({ INTIDs: [81] });
    const frame = 0x0802_0000n;
    assert.equal(read(frame + 8n), (80 << 16) | 64, '64 interrupts from 80');
    write(GICD + 0xc00n + 20n, 0xaaaa_aaaa); // edge-triggered
    write(frame + 0x40n, 81);
    assert.equal(read(GICC + 0x0cn), 81);
    assert.equal(read(GICC + 0x18n), 1023);
  });

  it('a snapshot holds a wait and what is pending', () => {
    const { machine, write, run, read } = waiting({ INTIDs: [33] });
    write(UART + 0x38n, 1 << 4);
    run();
    const snapshot = machine.save();
    machine.console.input(new Uint8Array([0x41]));
    run();
    machine.restore(snapshot);
    assert.equal(read(GICC + 0x18n), 1023);
    assert.equal(run().kind, 'idle');
    assert.equal(machine.pe.state.PC, 0x4008_0004n);
  });
});

describe('Device tree hand-over', () => {
  const magic = (machine: Machine): number => {
    const bytes = machine.pe.engine.readPhysical(0x4000_0000n, 4) ?? new Uint8Array(4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  };

  it('puts it at the start of RAM where the ELF leaves 1 MiB, with X0 = 0', () => {
    const { machine } = waiting({ entry: 0x4010_0000n });
    assert.equal(magic(machine), 0xd00d_feed);
    assert.equal(machine.pe.state.X(0), 0n);
    const blob = machine.pe.engine.readPhysical(0x4000_0000n, 0x4000) ?? new Uint8Array();
    assert.ok(String.fromCharCode(...blob).includes('loglevel=7'));
  });

  it('leaves it out where the ELF is', () => {
    assert.equal(magic(waiting({ entry: 0x4008_0000n }).machine), 0);
  });
});
