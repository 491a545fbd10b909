import assert from 'node:assert/strict';
import {
  breakpointVerdict,
  debugResources,
  isContextAware,
} from '../../../../emulator/cpu/debug/breakpoint.ts';
import type { DebugContext, DebugResources } from '../../../../emulator/cpu/debug/breakpoint.ts';
import { monitorDisabledReason } from '../../../../emulator/cpu/debug/enable-and-routing.ts';
import { watchpointVerdict } from '../../../../emulator/cpu/debug/watchpoint.ts';
import { emptyDebugState } from '../../../../emulator/kvm/debug-state.ts';
import type { DebugState } from '../../../../emulator/kvm/debug-state.ts';
import { registersOf } from '../../../../emulator/kvm/debugger-match.ts';
import { hostProfile } from '../../../../emulator/kvm/host-profile.ts';
import { compile, remapOf, withLink } from '../../../../emulator/kvm/remap.ts';
import type { DebugCounts } from '../../../../emulator/kvm/remap.ts';
import { allocateShared, liveEntries } from '../../../../emulator/kvm/shared-slots.ts';
import type { GuestSlots, SharedAllocation } from '../../../../emulator/kvm/shared-slots.ts';
import { contextAwareRange } from '../../../../emulator/sysregs/processor-model.ts';
import { seededRandom } from '../../../support/random.ts';

const MDSCR_KDE = 1n << 13n;
const MDSCR_MDE = 1n << 15n;
const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

function resourcesOf(counts: DebugCounts): DebugResources {
  return debugResources(hostProfile(counts).processor, true);
}

const PCS = [0x1000n, 0x1004n, 0x1008n] as const;
const DATA = [0x2000n, 0x2004n, 0x2008n] as const;
const CONTEXTS = [0n, 0xabcn, 0xabcdefn] as const;
const VMIDS = [1n, 2n] as const;

/** Register files, requests and places that hit each other often. */
class Generator {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  integer(low: number, high: number): number {
    return low + Math.floor(this.#next() * (high - low + 1));
  }

  of<T>(values: readonly T[]): T {
    return values[this.integer(0, values.length - 1)] as T;
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  hostAndGuest(): readonly [host: DebugCounts, guest: DebugCounts] {
    // Now and then FEAT_Debugv8p9 with more than 16.
    const most = this.chance(0.2) ? 64 : 16;
    const breakpoints = this.integer(2, most);
    const contextAware = this.integer(1, breakpoints);
    const watchpoints = this.integer(2, most);
    const guestBreakpoints = this.integer(2, breakpoints);
    const guest = {
      breakpoints: guestBreakpoints,
      contextAware: this.integer(1, Math.min(guestBreakpoints, contextAware)),
      watchpoints: this.integer(2, watchpoints),
    };
    return [{ breakpoints, contextAware, watchpoints }, guest];
  }

  #conditions(): bigint {
    // Mostly EL1 and EL0; now and then any combination, reserved ones too.
    return this.chance(0.85) ? BigInt(this.integer(1, 3)) << 1n : this.#anyConditions();
  }

  #anyConditions(): bigint {
    return (BigInt(this.integer(0, 3)) << 1n) | (BigInt(this.integer(0, 7)) << 13n);
  }

  registers({ breakpoints, contextAware, watchpoints }: DebugCounts): DebugState {
    const state = emptyDebugState();
    const [first, last] = contextAwareRange({
      breakpoints,
      contextAwareBreakpoints: contextAware,
    });
    const anyLink = breakpoints > 16 ? 63 : 15;
    const link = (): bigint =>
      withLink(0n, this.chance(0.8) ? this.integer(first, last) : this.integer(0, anyLink));
    for (const n of range(breakpoints)) {
      const isContext = n >= first && n <= last && this.chance(0.7);
      const BT = this.chance(0.1)
        ? this.integer(0, 15)
        : isContext
          ? this.of([2, 3, 3, 8, 9, 10, 11])
          : this.of([0, 0, 1]);
      const E = this.chance(0.8) ? 1n : 0n;
      state.dbg_bcr[n] = E | this.#conditions() | 0x1e0n | link() | (BigInt(BT) << 20n);
      state.dbg_bvr[n] = BT % 16 < 2 ? this.of(PCS) : this.of(CONTEXTS) | (this.of(VMIDS) << 32n);
    }
    for (const n of range(watchpoints)) {
      const E = this.chance(0.8) ? 1n : 0n;
      const WT = this.chance(0.4) ? 1n : 0n;
      const LSC = BigInt(this.integer(0, 3));
      const BAS = this.of([0xffn, 0x0fn, 0xf0n, 0x01n]);
      state.dbg_wcr[n] = E | this.#conditions() | (LSC << 3n) | (BAS << 5n) | link() | (WT << 20n);
      state.dbg_wvr[n] = this.of(DATA);
    }
    return state;
  }

  /** As a debugger makes them: EL1 and EL0, no links. */
  requests({ breakpoints, watchpoints }: DebugCounts): DebugState {
    const state = emptyDebugState();
    for (const n of range(this.integer(0, breakpoints))) {
      state.dbg_bcr[n] = 0x1e7n;
      state.dbg_bvr[n] = this.of(PCS);
    }
    for (const n of range(this.integer(0, watchpoints))) {
      state.dbg_wcr[n] = 0x1fffn;
      state.dbg_wvr[n] = this.of([0x2000n, 0x2008n]);
    }
    return state;
  }

  context(): DebugContext {
    return {
      EL: this.of([0, 1] as const),
      secure: false,
      CONTEXTIDR_EL1: this.of(CONTEXTS),
      CONTEXTIDR_EL2: 0n,
      VMID: this.of(VMIDS),
      inHost: false,
    };
  }

  access(EL: DebugContext['EL']) {
    return { address: this.of(DATA), size: 4, isWrite: this.chance(0.5), EL };
  }
}

interface Place {
  readonly pc: bigint;
  readonly context: DebugContext;
  readonly access: ReturnType<Generator['access']>;
}

function firedBreakpoints(
  state: Readonly<DebugState>,
  resources: DebugResources,
  { pc, context }: Place,
  among = range(resources.breakpoints),
): number[] {
  const registers = registersOf(state);
  return among.filter((n) => breakpointVerdict(n, pc, registers, context, resources).fires);
}

function firedWatchpoints(
  state: Readonly<DebugState>,
  resources: DebugResources,
  { access, context }: Place,
  among = range(resources.watchpoints),
): number[] {
  const registers = registersOf(state);
  return among.filter(
    (n) => watchpointVerdict(n, access, registers, context, resources, false).fires,
  );
}

/** What the slots tell EL2 of one kind: the debugger's requests and the guest's entries that fire. */
function heard(
  kind: 'breakpoints' | 'watchpoints',
  shared: SharedAllocation,
  requests: DebugState,
  guest: DebugResources,
  host: DebugResources,
  place: Place,
): { readonly debugger: boolean; readonly guest: boolean } {
  const fired = kind === 'breakpoints' ? firedBreakpoints : firedWatchpoints;
  const slots = shared[kind];
  const evicted = kind === 'breakpoints' ? shared.evictedBreakpoints : shared.evictedWatchpoints;
  const physical = fired(shared.image, host, place).map((p) => slots[p]);
  const software = fired(shared.masked, guest, place, [...evicted]);
  const late =
    kind === 'breakpoints' ? fired(requests, host, place, [...shared.softwareRequests]) : [];
  return {
    debugger: physical.some((use) => use?.owner === 'debugger') || late.length > 0,
    guest: physical.some((use) => use?.owner === 'guest') || software.length > 0,
  };
}

/** Each file is looked at from so many places, in three forms. */
const PLACES = 20;
const FORMS = 3;
const CASES = 204_000;

describe('Register files / what fires', function () {
  this.timeout(240_000);

  it(`M23, I7: ${CASES} random cases fire the same natively, remapped to either end, and shared with a debugger`, () => {
    const seed = Number(process.env['SEED'] ?? 20_261_128);
    const generator = new Generator(seed);
    for (const file of range(CASES / PLACES / FORMS)) {
      const where = `seed ${seed}, file ${file}`;
      const [hostCounts, guestCounts] = generator.hostAndGuest();
      const host = resourcesOf(hostCounts);
      // The guest is promised the debug architecture of the host.
      const { contextIdEL2 } = host;
      const guest = { ...resourcesOf(guestCounts), contextIdEL2 };
      const registers = generator.registers(guestCounts);
      const requests = generator.requests(hostCounts);
      const MDSCR_EL1 =
        (generator.chance(0.9) ? MDSCR_MDE : 0n) | (generator.chance(0.8) ? MDSCR_KDE : 0n);
      const locked = generator.chance(0.05);
      const slots: GuestSlots = { registers, resources: guest, MDSCR_EL1, locked };
      const shared = allocateShared(slots, requests, host);
      const maps = (['top', 'bottom'] as const).map((alignment) => {
        const remap = remapOf(guestCounts, hostCounts, alignment);
        return { remap, image: compile(remap, registers) };
      });
      for (let n = 0; n < PLACES; n += 1) {
        const context = generator.context();
        const place = { pc: generator.of(PCS), context, access: generator.access(context.EL) };
        const D = generator.chance(0.3);
        const native = {
          breakpoints: firedBreakpoints(registers, guest, place),
          watchpoints: firedWatchpoints(registers, guest, place),
        };
        for (const { remap, image } of maps) {
          assert.deepEqual(
            firedBreakpoints(image, host, place),
            native.breakpoints.map(remap.toPhysical),
            where,
          );
          assert.deepEqual(firedWatchpoints(image, host, place), native.watchpoints, where);
        }
        const controls = {
          el2: true,
          TDE: false,
          TGE: false,
          OSLK: locked,
          doubleLocked: false,
          MDSCR_EL1,
        };
        const silent = monitorDisabledReason(controls, context.EL, D) !== undefined;
        const onlyD = silent && monitorDisabledReason(controls, context.EL, false) === undefined;
        for (const kind of ['breakpoints', 'watchpoints'] as const) {
          const fired = kind === 'breakpoints' ? firedBreakpoints : firedWatchpoints;
          const exits = heard(kind, shared, requests, guest, host, place);
          assert.equal(exits.debugger, fired(requests, host, place).length > 0, where);
          const due = !silent && native[kind].length > 0;
          // What fires although it is not due can only be what PSTATE.D silences; it is stepped over.
          const expected = onlyD ? native[kind].length > 0 : due;
          assert.equal(exits.guest, expected, `${where}, ${kind}`);
        }
      }
    }
  });
});

describe('Shared slots', () => {
  it('nothing is evicted that has room, and what has none is evicted and not lost', () => {
    const generator = new Generator(7);
    for (const file of range(3000)) {
      const where = `file ${file}`;
      const [hostCounts, guestCounts] = generator.hostAndGuest();
      const host = resourcesOf(hostCounts);
      const registers = generator.registers(guestCounts);
      const requests = generator.requests(hostCounts);
      const slots = {
        registers,
        resources: resourcesOf(guestCounts),
        MDSCR_EL1: MDSCR_MDE | MDSCR_KDE,
        locked: false,
      };
      const shared = allocateShared(slots, requests, host);
      const live = liveEntries(slots);
      const uses = shared.breakpoints.filter((use) => use !== undefined);
      const placed = uses.flatMap((use) => (use.owner === 'guest' ? use.indices : []));
      assert.deepEqual(
        [...placed, ...shared.evictedBreakpoints].sort((a, b) => a - b),
        [...live.breakpoints.keys()].sort((a, b) => a - b),
        where,
      );
      const short = shared.evictedBreakpoints.length + shared.softwareRequests.length > 0;
      if (short) assert.equal(uses.length, host.breakpoints, where);
      const wanted = requests.dbg_wcr.filter((control) => control !== 0n).length;
      assert.equal(
        shared.evictedWatchpoints.length,
        Math.max(0, live.watchpoints.size + wanted - host.watchpoints),
        where,
      );
      shared.breakpoints.forEach((use, p) => {
        const BT = ((shared.image.dbg_bcr[p] ?? 0n) >> 20n) & 0xfn;
        if (use !== undefined && BT > 1n) assert.ok(isContextAware(p, host), where);
      });
    }
  });

  it('equal comparators share one slot', () => {
    const counts = { breakpoints: 6, contextAware: 2, watchpoints: 4 };
    const registers = emptyDebugState();
    for (const v of [4, 5]) {
      registers.dbg_bcr[v] = 0x3001e7n;
      registers.dbg_bvr[v] = 0xabcn;
    }
    for (const [v, LBN] of [
      [0, 4n],
      [1, 5n],
    ] as const) {
      registers.dbg_bcr[v] = 0x1001e7n | (LBN << 16n);
      registers.dbg_bvr[v] = 0x1000n;
    }
    const resources = resourcesOf(counts);
    const shared = allocateShared(
      { registers, resources, MDSCR_EL1: MDSCR_MDE | MDSCR_KDE, locked: false },
      emptyDebugState(),
      resources,
    );
    assert.deepEqual(shared.breakpoints[5], { owner: 'guest', indices: [4, 5] });
    assert.equal(shared.breakpoints[4], undefined);
    assert.deepEqual(
      [0, 1].map((p) => ((shared.image.dbg_bcr[p] ?? 0n) >> 16n) & 0xfn),
      [5n, 5n],
    );
  });
});
