/**
 * Accesses without sense or order to every device of the board and to the registers of a GICv3, two
 * processors taking turns, with what comes from outside in between. `FUZZ_ACCESSES` and `SEED` choose how
 * many and which.
 */
import assert from 'node:assert/strict';
import {
  BOARD_DEVICES,
  GIC_ITS,
  RAM_BASE,
  VIRTIO_MMIO,
  VIRTIO_TRANSPORTS,
} from '../../../../emulator/board/virt-map.ts';
import { ProcessingElement, processorMemory } from '../../../../emulator/cpu/pe.ts';
import { SystemBus } from '../../../../emulator/devices/bus.ts';
import type { EngineMemory } from '../../../../emulator/engine/engine-memory.ts';
import { BoardDevices } from '../../../../emulator/machine/board-devices.ts';
import { requireHostProfile } from '../../../../emulator/machine/hypervisor.ts';
import type { DiskOptions, VirtioOptions } from '../../../../emulator/machine/virtio-slots.ts';
import { seededRandom } from '../../../support/random.ts';

const ACCESSES = Number(process.env['FUZZ_ACCESSES'] ?? 100_000);
const SEED = Number(process.env['SEED'] ?? 20_261_128);
const CPUS = 2;
/** Virtio devices: a console, two disks and an entropy source. */
const PLUGGED = 4;
/** Little, so that what points into RAM meets something there. */
const RAM_BYTES = 128 << 10;
/** Accesses between two looks of a debugger at the board, and how much it looks at. */
const BETWEEN_LOOKS = 500;
const PEEKS = 100;

interface Configuration {
  readonly title: string;
  readonly gic: 2 | 3;
  readonly virtio: Pick<VirtioOptions, 'version' | 'console'>;
}
const CONFIGURATIONS: readonly Configuration[] = [
  {
    title: 'GICv2, legacy virtio with a terminal',
    gic: 2,
    virtio: { version: 'legacy', console: 'terminal' },
  },
  {
    title: 'GICv3 with ITS, modern virtio with an exit device',
    gic: 3,
    virtio: { version: 'modern', console: 'exit' },
  },
];

/** What the processors hold still for. */
class Board {
  readonly bus = new SystemBus();
  readonly devices: BoardDevices;
  readonly pes: readonly ProcessingElement[];
  /** What a guest was told to have done wrong, and what it has sent, since the last happening. */
  errors: string[] = [];
  output: (number | string)[] = [];
  now = 0n;
  #cpu = 0;
  readonly #memory: EngineMemory;

  constructor({ gic, virtio }: Configuration) {
    const profile = { ...requireHostProfile('6-2-4').processor, FEAT_GICv3: gic === 3 };
    const ram = [{ base: RAM_BASE, size: RAM_BYTES }];
    const memory = processorMemory(ram, CPUS, profile.model);
    this.#memory = memory;
    this.pes = Array.from({ length: CPUS }, (_, cpu) => {
      return new ProcessingElement({ profile, memory, bus: this.bus, startEL: 2, cpu });
    });
    this.devices = new BoardDevices({
      pes: this.pes,
      accessingCpu: () => this.#cpu,
      bus: this.bus,
      gic,
      transmit: (byte) => this.output.push(byte),
      now: () => this.now,
      startTime: 1_700_000_000n,
      events: { guestError: (device, message) => this.errors.push(`${device}: ${message}`) },
      virtio: {
        ...virtio,
        disks: [disk('copyOnWrite', 64 << 10), disk('refused', 5_000)],
        rngSeed: 7n,
      },
      exit: (status) => this.output.push(`exit ${status}`),
    });
    for (const pe of this.pes) pe.reset();
    this.bus.reset();
  }

  /** All that a guest could tell apart. */
  state(): BoardState {
    return {
      devices: this.bus.saveState(),
      lines: this.pes.map(({ pendingInterrupts }) => ({ ...pendingInterrupts })),
      ram: this.#memory.ram.read(RAM_BASE, RAM_BYTES)?.slice(),
      now: this.now,
    };
  }

  restore({ devices, ram, now }: BoardState): void {
    this.#write(RAM_BASE, ram ?? new Uint8Array());
    this.bus.restoreState(devices);
    this.now = now;
  }

  #write(PA: bigint, bytes: Uint8Array): void {
    assert.ok(this.#memory.writePhysical(PA, bytes));
  }

  #pe(cpu: number): ProcessingElement {
    const pe = this.pes[cpu];
    assert.ok(pe);
    return pe;
  }

  peek(place: Place): bigint | undefined {
    this.#cpu = place.cpu;
    return place.kind === 'register'
      ? this.#pe(place.cpu).registers.peek(place.name)
      : this.bus.peek(place.PA, place.size);
  }

  read(place: Place): bigint | undefined {
    this.#cpu = place.cpu;
    return place.kind === 'register'
      ? this.#pe(place.cpu).registers.read(place.name)
      : this.bus.read(place.PA, place.size);
  }

  #store(place: Place, value: bigint): boolean {
    this.#cpu = place.cpu;
    if (place.kind === 'memory') return this.bus.write(place.PA, place.size, value);
    this.#pe(place.cpu).registers.write(place.name, value);
    return true;
  }

  /** @returns what a read gave, whether a write was answered */
  happens(happening: Happening): bigint | boolean | undefined {
    this.errors = [];
    this.output = [];
    switch (happening.kind) {
      case 'read':
        return this.read(happening.place);
      case 'write':
        return this.#store(happening.place, happening.value);
      case 'store to RAM':
        this.#write(happening.PA, happening.bytes);
        return undefined;
      case 'typed':
        this.devices.receive(happening.bytes);
        return undefined;
      case 'power key':
        this.devices.pressPowerKey();
        return undefined;
      case 'time':
        this.now += happening.nanoseconds;
        this.devices.rtc.update();
        return undefined;
    }
  }
}

interface BoardState {
  readonly devices: unknown;
  readonly lines: unknown;
  readonly ram: Uint8Array | undefined;
  readonly now: bigint;
}

function disk(writes: 'copyOnWrite' | 'refused', size: number): DiskOptions {
  const read = (offset: number, length: number): Uint8Array =>
    Uint8Array.from({ length }, (_, i) => (offset + i) >> 9);
  return { image: { size, read }, writes, id: writes };
}

// -- what happens to it

type Size = 1 | 2 | 4 | 8;
type Place =
  | { readonly kind: 'memory'; readonly cpu: number; readonly PA: bigint; readonly size: Size }
  | { readonly kind: 'register'; readonly cpu: number; readonly name: string };
type Happening =
  | { readonly kind: 'read'; readonly place: Place }
  | { readonly kind: 'write'; readonly place: Place; readonly value: bigint }
  | { readonly kind: 'store to RAM'; readonly PA: bigint; readonly bytes: Uint8Array }
  | { readonly kind: 'typed'; readonly bytes: Uint8Array }
  | { readonly kind: 'power key' }
  | { readonly kind: 'time'; readonly nanoseconds: bigint };

const SYSTEM_REGISTERS: readonly string[] = [
  ...['ICC_IAR0_EL1', 'ICC_IAR1_EL1', 'ICC_EOIR0_EL1', 'ICC_EOIR1_EL1', 'ICC_DIR_EL1'],
  ...['ICC_HPPIR0_EL1', 'ICC_HPPIR1_EL1', 'ICC_BPR0_EL1', 'ICC_BPR1_EL1', 'ICC_PMR_EL1'],
  ...['ICC_RPR_EL1', 'ICC_CTLR_EL1', 'ICC_IGRPEN0_EL1', 'ICC_IGRPEN1_EL1', 'ICC_AP0R0_EL1'],
  ...['ICC_AP1R0_EL1', 'ICC_SGI0R_EL1', 'ICC_SGI1R_EL1', 'ICC_ASGI1R_EL1', 'ICC_SRE_EL1'],
  ...['ICH_HCR_EL2', 'ICH_VTR_EL2', 'ICH_VMCR_EL2', 'ICH_MISR_EL2', 'ICH_EISR_EL2'],
  ...['ICH_ELRSR_EL2', 'ICH_AP0R0_EL2', 'ICH_AP1R0_EL2', 'ICH_LR0_EL2', 'ICH_LR1_EL2'],
];
const WRITE_ONLY = /^ICC_(EOIR|DIR|A?SGI)/;
const READ_ONLY = /^ICC_(IAR|HPPIR|RPR)|^ICH_(VTR|MISR|EISR|ELRSR)/;

class Chance {
  readonly #random: () => number;
  readonly #gic: 2 | 3;

  constructor(seed: number, gic: 2 | 3) {
    this.#random = seededRandom(seed);
    this.#gic = gic;
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
  oneOf<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] ?? choices[0];
  }
  bits(width: number): bigint {
    let value = 0n;
    for (let n = 0; n < width; n += 16) value = (value << 16n) | BigInt(this.below(0x1_0000));
    return BigInt.asUintN(width, value);
  }

  /** What a register may mean: a number, a bit, an address in RAM or its page, anything. */
  value(): bigint {
    const kinds: readonly [() => bigint, ...(() => bigint)[]] = [
      () => BigInt(this.below(16)),
      () => BigInt(this.below(0x400)),
      () => 1n << BigInt(this.below(64)),
      () => (1n << 64n) - 1n,
      () => this.#ramAddress(),
      () => this.#ramAddress() >> 12n,
      // Two halves of a descriptor: where, and how much of which kind.
      () => (BigInt(this.below(8)) << 32n) | BigInt(this.below(0x800)),
      // Valid, as an ITS has it of its queue and tables.
      () => (1n << 63n) | (this.#ramAddress() & ~0xfffn) | BigInt(this.below(4)),
      () => this.bits(64),
    ];
    return this.oneOf(kinds)();
  }
  #ramAddress(): bigint {
    return RAM_BASE + BigInt(this.below(RAM_BYTES / 16) * 16);
  }

  /** A register that has a device work on what is in RAM. */
  #busyPlace(cpu: number): Place {
    if (this.#gic === 3 && this.below(3) === 0) {
      const offset = this.oneOf([0x0, 0x80, 0x80, 0x88, 0x88, 0x88, 0x100, 0x108]);
      return { kind: 'memory', cpu, PA: GIC_ITS.base + BigInt(offset), size: offset === 0 ? 4 : 8 };
    }
    const transport = VIRTIO_TRANSPORTS - 1 - this.below(PLUGGED);
    const offset = this.oneOf([0x24, 0x20, 0x28, 0x30, 0x38, 0x40, 0x44, 0x50, 0x50, 0x70, 0x80, 0x90, 0xa0]); // prettier-ignore
    const PA = VIRTIO_MMIO.base + BigInt(transport * VIRTIO_MMIO.length + offset);
    return { kind: 'memory', cpu, PA, size: 4 };
  }

  memory(length: number): Uint8Array {
    const words = BigUint64Array.from({ length: length / 8 }, () => this.value());
    return new Uint8Array(words.buffer);
  }

  place(direction: 'read' | 'write'): Place {
    const cpu = this.below(CPUS);
    if (direction === 'write' && this.below(4) === 0) return this.#busyPlace(cpu);
    if (this.#gic === 3 && this.below(4) === 0) {
      const name = SYSTEM_REGISTERS[this.below(SYSTEM_REGISTERS.length)] ?? 'ICC_PMR_EL1';
      if (!(direction === 'read' ? WRITE_ONLY : READ_ONLY).test(name)) {
        return { kind: 'register', cpu, name };
      }
    }
    const { base, length } = BOARD_DEVICES[this.below(BOARD_DEVICES.length)] ?? {
      base: 0n,
      length: 8,
    };
    const size = this.oneOf<Size>([4, 4, 4, 1, 2, 8]);
    // The registers are at the beginning of a frame; the transports of virtio devices are the last ones.
    const offsets: readonly [() => number, ...(() => number)[]] = [
      () => 4 * this.below(64),
      () => 4 * this.below(0x400),
      () => length - 4 * this.below(0x200),
      () => 0x1_0000 + 4 * this.below(0x400),
      () => this.below(length),
    ];
    const offset = this.oneOf(offsets)() + (this.below(8) === 0 ? this.below(8) : 0);
    return { kind: 'memory', cpu, PA: base + BigInt(offset), size };
  }

  happening(): Happening {
    switch (this.below(50)) {
      case 0:
        return { kind: 'power key' };
      case 1:
        return { kind: 'time', nanoseconds: this.bits(40) };
      case 2:
        return {
          kind: 'typed',
          bytes: Uint8Array.from({ length: this.below(20) }, (_, i) => 65 + i),
        };
      case 3:
      case 4:
      case 5: {
        const PA = RAM_BASE + BigInt(this.below(RAM_BYTES / 128) * 128);
        return { kind: 'store to RAM', PA, bytes: this.memory(128) };
      }
      default:
        return this.below(3) === 0
          ? { kind: 'read', place: this.place('read') }
          : { kind: 'write', place: this.place('write'), value: this.value() };
    }
  }
}

/** Errors of an access itself: a queue of an ITS that it sets going may hold any number of wrong commands. */
function ownErrors(errors: readonly string[]): readonly string[] {
  return errors.filter((error) => !error.startsWith('GIC ITS: command '));
}

/** A debugger looks at registers all over the board. */
function look(board: Board, chance: Chance): void {
  board.errors = [];
  board.output = [];
  const before = board.state();
  for (let n = 0; n < PEEKS; n += 1) board.peek(chance.place('read'));
  assert.deepEqual(board.state(), before);
  assert.deepEqual([board.errors, board.output], [[], []]);
}

describe('the devices of the board, accessed at random', () => {
  for (const [n, configuration] of CONFIGURATIONS.entries()) {
    const seed = SEED + n;

    it(`${configuration.title}: answers, tells an error once, peeks without effects (seed ${seed})`, () => {
      const chance = new Chance(seed, configuration.gic);
      const board = new Board(configuration);
      board.happens({ kind: 'store to RAM', PA: RAM_BASE, bytes: chance.memory(RAM_BYTES) });
      const told = new Set<string>();
      for (let count = 0; count < ACCESSES / CONFIGURATIONS.length; count += 1) {
        const happening = chance.happening();
        if (count % BETWEEN_LOOKS === 0) look(board, chance);
        const isWord = happening.kind === 'read' && !isDoubleword(happening.place);
        const foreseen = isWord ? board.peek(happening.place) : undefined;
        const answer = board.happens(happening);
        const where = `${count}: ${describeHappening(happening)}`;
        if (isWord) assert.equal(answer, foreseen, where);
        const own = ownErrors(board.errors);
        const parts = 'place' in happening && isDoubleword(happening.place) ? 2 : 1;
        assert.ok(own.length <= parts, `${where}: ${own.join('; ')}`);
        for (const error of board.errors) told.add(error.replaceAll(/0x[0-9a-f]+|\d+/g, 'N'));
      }
      // Else the accesses reach little.
      assert.ok(told.size >= 10, [...told].join('\n'));
    });

    it(`${configuration.title}: goes on elsewhere from a saved state as here (seed ${seed})`, () => {
      const chance = new Chance(seed + 100, configuration.gic);
      const here = new Board(configuration);
      here.happens({ kind: 'store to RAM', PA: RAM_BASE, bytes: chance.memory(RAM_BYTES) });
      let elsewhere = here;
      const accesses = ACCESSES / 10;
      for (let count = 0; count < accesses; count += 1) {
        // Three times, each time after what the devices have gone through until then.
        if (count % Math.ceil(accesses / 4) === 0 && count > 0) {
          elsewhere = new Board(configuration);
          elsewhere.restore(here.state());
          assert.deepEqual(elsewhere.state(), here.state());
        }
        const happening = chance.happening();
        const answer = here.happens(happening);
        if (elsewhere === here) continue;
        const other = elsewhere.happens(happening);
        const where = `${count}: ${describeHappening(happening)}`;
        assert.equal(other, answer, where);
        assert.deepEqual([elsewhere.errors, elsewhere.output], [here.errors, here.output], where);
      }
      assert.deepEqual(elsewhere.state(), here.state());
    });
  }
});

const isDoubleword = (place: Place): boolean => place.kind === 'memory' && place.size === 8;

function describeHappening(happening: Happening): string {
  return JSON.stringify(happening, (_, value: unknown) =>
    typeof value === 'bigint' ? `0x${value.toString(16)}` : value,
  );
}
