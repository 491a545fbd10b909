/**
 * Random guest programs that use their own debug registers have the same exceptions under every policy, on every
 * processor that can run them, with interrupts of the host at any time, and with a debugger attached or
 * not.
 */
import assert from 'node:assert/strict';
import { policies } from '../../emulator/kvm/policies/index.ts';
import {
  addImmediate,
  bne,
  brk,
  daifClr,
  daifSet,
  isb,
  ldr,
  mov,
  mrs,
  msr,
  nop,
  set,
  str,
  subsImmediate,
  svc,
} from '../support/a64.ts';
import { CODE, DATA, DONE } from '../support/kvm-guest.ts';
import type { GuestOptions, KvmGuest } from '../support/kvm-guest.ts';
import { seededRandom } from '../support/random.ts';
import {
  HANDLER,
  RECORD,
  recorded,
  recordingGuest,
  returnWith,
  SPSR_D,
} from '../support/recording-guest.ts';
import type { GuestEvent } from '../support/recording-guest.ts';

const PROGRAMS = Number(process.env['PROGRAMS'] ?? 10);
const BLOCKS = 60;
const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** After BRK the guest goes on behind it. */
const LSR_X26_26 = 0xd35aff5a;
const EC_BRK = 0x3c;
const SKIP_BRK = [mrs(26, 'ELR_EL1'), addImmediate(26, 26, 4), msr('ELR_EL1', 26)];
const HANDLER_WORDS = [
  ...RECORD,
  mrs(26, 'ESR_EL1'),
  LSR_X26_26,
  subsImmediate(31, 26, EC_BRK),
  bne(4 * (SKIP_BRK.length + 1)),
  ...SKIP_BRK,
  ...returnWith(SPSR_D),
];

interface Program {
  readonly words: readonly number[];
  /** Addresses of instructions for the debugger to break at. */
  readonly places: readonly bigint[];
}

function randomProgram(seed: number): Program {
  const next = seededRandom(seed);
  const integer = (low: number, high: number): number =>
    low + Math.floor(next() * (high - low + 1));
  const of = <T>(values: readonly T[]): T => values[integer(0, values.length - 1)] as T;
  const words: number[] = [];
  const address = (): bigint => CODE + 4n * BigInt(integer(20, 6 * BLOCKS));
  const conditions = (): bigint => of([0x2n, 0x2n, 0x6n, 0x4n, 0x2002n]);
  const blocks: readonly (() => readonly number[])[] = [
    () => [nop],
    () => [addImmediate(7, 7, 1)],
    () => [daifClr(8)],
    () => [daifClr(8), nop, addImmediate(7, 7, 1)],
    () => [daifSet(8)],
    () => [...mov(1, DATA + 8n * BigInt(integer(0, 3))), str(7, 1)],
    () => [...mov(1, DATA + 8n * BigInt(integer(0, 3))), ldr(2, 1)],
    () => set('MDSCR_EL1', of([0n, 0x8000n, 0xa000n, 0xa000n, 0xa000n, 0xa001n, 0x2001n])),
    () => [...set('CONTEXTIDR_EL1', of([0xabcn, 1n])), isb],
    () => [brk(integer(0, 9))],
    () => [svc(integer(0, 9))],
    () => set(`DBGBVR${integer(0, 3)}_EL1`, address()),
    () => {
      const BT = of([0n, 0n, 1n]);
      // REMAP_STATIC forgets a link to a breakpoint that does not exist (M17).
      const link = of([4n, 5n, 4n, 2n]);
      return set(`DBGBCR${integer(0, 3)}_EL1`, 0x1e1n | conditions() | (link << 16n) | (BT << 20n));
    },
    () => set(`DBGBVR${integer(4, 5)}_EL1`, of([0xabcn, 1n, 2n])),
    () => {
      const BT = of([0n, 2n, 3n, 3n]);
      return set(`DBGBCR${integer(4, 5)}_EL1`, of([0x1e0n, 0x1e1n]) | conditions() | (BT << 20n));
    },
    () => set(`DBGWVR${integer(0, 3)}_EL1`, DATA + 8n * BigInt(integer(0, 3))),
    () => {
      const WT = of([0n, 0n, 1n]);
      const LSC = BigInt(integer(1, 3)) << 3n;
      const link = of([4n, 5n, 0n]) << 16n;
      return set(`DBGWCR${integer(0, 3)}_EL1`, 0x1fe1n | conditions() | LSC | link | (WT << 20n));
    },
    () => [mrs(3, `DBGBCR${integer(0, 5)}_EL1`)],
    () => set('OSLAR_EL1', of([0n, 0n, 1n])),
  ];
  words.push(...set('OSLAR_EL1', 0n), ...set('MDSCR_EL1', 0xa000n));
  for (let block = 0; block < BLOCKS; block += 1) words.push(...of(blocks)());
  words.push(DONE);
  return { words, places: range(3).map(() => CODE + 4n * BigInt(integer(6, words.length - 2))) };
}

interface Outcome {
  readonly events: readonly GuestEvent[];
  readonly X7: bigint;
  readonly memory: readonly bigint[];
  readonly registers: readonly bigint[];
  readonly stops: number;
}

const COMPARED = [
  'MDSCR_EL1',
  ...range(6).flatMap((n) => [`DBGBVR${n}_EL1`, `DBGBCR${n}_EL1`]),
  ...range(4).flatMap((n) => [`DBGWVR${n}_EL1`, `DBGWCR${n}_EL1`]),
];

function outcomeOf(
  { words }: Program,
  options: GuestOptions,
  tick: number,
  attach: (guest: KvmGuest) => void = () => undefined,
): Outcome {
  const guest = recordingGuest(options);
  guest.place(CODE, words);
  guest.place(HANDLER, HANDLER_WORDS);
  attach(guest);
  let stops = 0;
  let pastStop = false;
  for (let slice = 0; slice < 20_000; slice += 1) {
    const stop = guest.run(tick, { pastStop });
    pastStop = false;
    if (stop.kind === 'budget') guest.kvm.onHostTick();
    else if (stop.kind === 'exit' && stop.exit.exit_reason === 'KVM_EXIT_DEBUG') {
      stops += 1;
      pastStop = true;
    } else {
      assert.deepEqual(stop, { kind: 'done' });
      return {
        events: recorded(guest),
        X7: guest.X(7),
        memory: range(4).map((n) => guest.readMemory(DATA + BigInt(8 * n))),
        registers: COMPARED.map((name) => guest.guest(name)),
        stops,
      };
    }
  }
  return assert.fail('the program does not end');
}

describe('Random programs', function () {
  this.timeout(240_000);
  const first = Number(process.env['SEED'] ?? 1);
  const guestProfile = { breakpoints: 6, contextAware: 2, watchpoints: 4 };

  it(`I7: ${PROGRAMS} programs have the same exceptions under every policy and remapping, debugged or not`, () => {
    let events = 0;
    let stops = 0;
    for (const n of range(PROGRAMS)) {
      const seed = first + n;
      const program = randomProgram(seed);
      const { stops: none, ...expected } = outcomeOf(program, { policy: 'EAGER' }, 1_000_000);
      assert.equal(none, 0);
      events += expected.events.length;
      const compare = (what: string, outcome: Outcome): void => {
        const { stops: seen, ...rest } = outcome;
        stops += seen;
        assert.deepEqual(rest, expected, `seed ${seed}, ${what}`);
      };
      for (const { name: policy } of policies) {
        compare(policy, outcomeOf(program, { policy }, 7 + n));
      }
      for (const profile of ['8-2-4', '8-3-6-FGT', '16-4-16-nVHE']) {
        for (const policy of ['REMAP_TOP', 'REMAP_STATIC', 'REMAP_SHARED']) {
          compare(
            `${policy} on ${profile}`,
            outcomeOf(program, { policy, profile, guestProfile }, 50 + n),
          );
        }
      }
      for (const profile of ['6-2-4', '8-2-4', '16-4-16-nVHE']) {
        const options = { policy: 'REMAP_SHARED', profile, guestProfile };
        const attach = ({ kvm }: KvmGuest): void => {
          for (const place of program.places) assert.ok(kvm.guestDebug.addBreakpoint(place).ok);
          assert.ok(kvm.guestDebug.addWatchpoint(DATA + 8n, 8, 'readWrite').ok);
        };
        compare(`debugged on ${profile}`, outcomeOf(program, options, 40 + n, attach));
        compare(
          `stepped on ${profile}`,
          outcomeOf(program, options, 1_000_000, ({ kvm }) => {
            assert.ok(kvm.guestDebug.setSingleStep(true).ok);
          }),
        );
      }
    }
    // The programs are worth running only if something happens in them.
    assert.ok(events > 5 * PROGRAMS, `${events} exceptions`);
    assert.ok(stops > 100 * PROGRAMS, `${stops} stops of the debugger`);
  });
});
