/**
 * Acceptance cases R and the column "ours" of D: under REMAP_SHARED the guest's own debugging and the debugger's
 * work at the same time, and each hears of its own events exactly once.
 */
import assert from 'node:assert/strict';
import {
  KVM_GUESTDBG_ENABLE,
  KVM_GUESTDBG_SINGLESTEP,
} from '../../emulator/kvm/guest-debug-control.ts';
import type { KvmDebugExit } from '../../emulator/kvm/kvm-exit.ts';
import {
  addImmediate,
  b,
  brk,
  daifClr,
  eret,
  mov,
  mrs,
  msr,
  nop,
  set,
  str,
  svc,
} from '../support/a64.ts';
import { CODE, DATA, DONE, KvmGuest } from '../support/kvm-guest.ts';
import type { GuestOptions } from '../support/kvm-guest.ts';
import {
  HANDLER,
  RECORD,
  recorded,
  RECORDS,
  recordingGuest,
  returnWith,
} from '../support/recording-guest.ts';

const MDSCR_SS = 1n << 0n;
const MDSCR_KDE = 1n << 13n;
const MDSCR_MDE = 1n << 15n;
const SPSR_SS = 1n << 21n;
/** E, all bytes; EL1, EL0 or both. */
const BCR_EL1 = 0x1e3n;
const BCR_EL0 = 0x1e5n;
const BCR_BOTH = 0x1e7n;
const withType = (control: bigint, BT: bigint, LBN = 0n): bigint =>
  control | (BT << 20n) | (LBN << 16n);
/** E, EL1 and EL0, stores, all eight bytes. */
const WCR_STORE = 0x1ff7n;
const ELSEWHERE = 0x4004_0000n;
const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

const seen = (guest: KvmGuest): [string, string][] =>
  recorded(guest).map(({ ESR, ELR }) => [`0x${ESR.toString(16)}`, `0x${ELR.toString(16)}`]);
const hex = (value: bigint): string => `0x${value.toString(16)}`;

function debugExit(guest: KvmGuest, options: { pastStop?: boolean } = {}): KvmDebugExit {
  const stop = guest.run(5000, options);
  if (stop.kind !== 'exit' || stop.exit.exit_reason !== 'KVM_EXIT_DEBUG') {
    assert.fail(`no KVM_EXIT_DEBUG: ${stop.kind} at 0x${guest.PC.toString(16)}`);
  }
  return stop.exit;
}

function breakAt(guest: KvmGuest, va: bigint): number {
  const result = guest.kvm.guestDebug.addBreakpoint(va);
  assert.ok(result.ok, result.ok ? '' : result.reason);
  return result.slot;
}

const enable = set('MDSCR_EL1', MDSCR_MDE | MDSCR_KDE);
const breakpoint = (n: number, va: bigint, control = BCR_EL1): number[] => [
  ...set(`DBGBVR${n}_EL1`, va),
  ...set(`DBGBCR${n}_EL1`, control),
];

/** Records, and arms the next step; the `count`th exception ends the program. */
function stepHandler(count: number): number[] {
  const CMP_X28_X27 = 0xeb1b039f;
  const beq = (offset: number): number => (0x54000000 | ((offset / 4) << 5)) >>> 0;
  const arm = returnWith(SPSR_SS);
  const end = RECORDS + BigInt(24 * count);
  return [RECORD, mov(27, end), CMP_X28_X27, beq(4 * (arm.length + 1)), arm, DONE].flat();
}

for (const profile of ['6-2-4', '6-2-4-nVHE', '8-2-4-FGT']) {
  describe(`Shared breakpoints / REMAP_SHARED on ${profile}`, () => {
    const TARGET = CODE + 0x1000n;
    const options: GuestOptions = { profile };

    /** Sets the guest's registers, unmasks debug exceptions and goes to TARGET. */
    function prepared(setup: readonly number[], at: readonly number[]): KvmGuest {
      const guest = recordingGuest(options);
      const words = [...enable, ...setup, daifClr(8)];
      guest.program(words, b(Number(TARGET - CODE) - 4 * words.length));
      guest.place(TARGET, at);
      return guest;
    }

    it('R1: both at the same instruction: the debugger first, then the guest, once each', () => {
      const guest = prepared(breakpoint(0, TARGET + 4n), [nop, addImmediate(7, 7, 1), DONE]);
      breakAt(guest, TARGET + 4n);
      const exit = debugExit(guest);
      assert.equal(exit.pc, TARGET + 4n);
      assert.equal(exit.hsr, 0xc2000022n);
      assert.deepEqual(seen(guest), []);
      assert.deepEqual(guest.run(1000, { pastStop: true }), { kind: 'done' });
      assert.deepEqual(seen(guest), [['0xc6000022', hex(TARGET + 4n)]]);
      assert.equal(guest.X(7), 1n);
    });

    it('R2: one that PSTATE.D silences is stepped over unseen, and its instruction executes once', () => {
      const guest = recordingGuest(options);
      const words = [enable, breakpoint(0, TARGET)].flat();
      guest.program(words, b(Number(TARGET - CODE) - 4 * words.length));
      guest.place(TARGET, [addImmediate(7, 7, 1), DONE]);
      breakAt(guest, ELSEWHERE);
      assert.deepEqual(guest.run(), { kind: 'done' });
      assert.deepEqual(seen(guest), []);
      assert.equal(guest.X(7), 1n);
    });

    it('R3: what the debugger pushes out of its slot still fires', () => {
      const { breakpoints } = new KvmGuest(options).kvm.profile;
      const addresses = range(breakpoints).map((n) => TARGET + BigInt(8 * n));
      const guest = prepared(
        addresses.flatMap((va, n) => breakpoint(n, va)),
        [...range(breakpoints).flatMap(() => [nop, daifClr(8)]), DONE],
      );
      breakAt(guest, ELSEWHERE);
      breakAt(guest, ELSEWHERE + 4n);
      assert.deepEqual(guest.run(10_000), { kind: 'done' });
      assert.deepEqual(
        seen(guest),
        addresses.map((va) => ['0xc6000022', hex(va)]),
      );
      const evictions = guest.events('evict').map(({ text }) => text);
      assert.deepEqual(
        evictions.filter((text) =>
          text.includes(`DBGBCR${breakpoints - 2}, DBGBCR${breakpoints - 1}`),
        ).length,
        1,
      );
      const rows = guest.kvm.guestDebug.slots().filter(({ placement }) => placement === 'software');
      assert.deepEqual(
        rows.map(({ owner, guestIndex }) => [owner, guestIndex]),
        [
          ['guest', breakpoints - 2],
          ['guest', breakpoints - 1],
        ],
      );
    });

    it('R3: the same for watchpoints', () => {
      const { watchpoints } = new KvmGuest(options).kvm.profile;
      const addresses = range(watchpoints).map((n) => DATA + BigInt(16 * n));
      const guest = prepared(
        addresses.flatMap((va, n) => [
          ...set(`DBGWVR${n}_EL1`, va),
          ...set(`DBGWCR${n}_EL1`, WCR_STORE),
        ]),
        [...addresses.flatMap((va) => [...mov(1, va), str(2, 1), daifClr(8)]), DONE],
      );
      guest.pe.state.setX(2, 0x77n);
      for (const n of [0, 1]) {
        assert.ok(guest.kvm.guestDebug.addWatchpoint(ELSEWHERE + BigInt(8 * n), 8, 'write').ok);
      }
      assert.deepEqual(guest.run(10_000), { kind: 'done' });
      assert.deepEqual(
        recorded(guest).map(({ ESR, FAR }) => [ESR, FAR]),
        addresses.map((va) => [0xd6000062n, va]),
      );
      for (const va of addresses) assert.equal(guest.readMemory(va), 0x77n);
    });

    it('R4: a comparator of the guest keeps a context-aware slot when the debugger wants all', () => {
      const { breakpoints: B, contextAware: C } = new KvmGuest(options).kvm.profile;
      const guest = prepared(
        [
          ...set('CONTEXTIDR_EL1', 0xabcdefn),
          ...breakpoint(B - C, 0xabcdefn, withType(BCR_BOTH, 3n)),
          ...breakpoint(0, TARGET + 4n, withType(BCR_BOTH, 1n, BigInt(B - C))),
        ],
        [nop, nop, DONE],
      );
      for (const n of range(B)) breakAt(guest, ELSEWHERE + BigInt(4 * n));
      breakAtLast(guest, TARGET);
      const exit = debugExit(guest);
      assert.equal(exit.pc, TARGET);
      const rows = guest.kvm.guestDebug.slots();
      const comparator = rows.find((row) => row.owner === 'guest' && row.guestIndex === B - C);
      assert.ok(comparator !== undefined);
      assert.equal(comparator.placement, undefined);
      assert.equal(comparator.contextAware, true);
      assert.equal(comparator.slot, B - 1);
      assert.equal(
        rows.filter((row) => row.owner === 'debugger' && row.placement === 'software').length,
        1,
      );
      assert.deepEqual(guest.run(1000, { pastStop: true }), { kind: 'done' });
      assert.deepEqual(seen(guest), [['0xc6000022', hex(TARGET + 4n)]]);
    });

    /** The last of the debugger's breakpoints moves. */
    function breakAtLast(guest: KvmGuest, va: bigint): void {
      const { guestDebug, profile: host } = guest.kvm;
      guestDebug.removeBreakpoint(host.breakpoints - 1);
      breakAt(guest, va);
    }

    it('R5: the OS Lock silences the guest and not the debugger', () => {
      const guest = prepared([...breakpoint(0, TARGET), ...set('OSLAR_EL1', 1n)], [nop, nop, DONE]);
      breakAt(guest, TARGET + 4n);
      assert.equal(debugExit(guest).pc, TARGET + 4n);
      assert.deepEqual(guest.run(1000, { pastStop: true }), { kind: 'done' });
      assert.deepEqual(seen(guest), []);
    });

    it('R6: with KDE = 0 the programmed condition loses EL1, and the guest reads its own', () => {
      const guest = recordingGuest(options).program(
        set('MDSCR_EL1', MDSCR_MDE),
        breakpoint(0, TARGET, BCR_BOTH),
        breakpoint(1, TARGET + 4n, BCR_EL1),
        mrs(5, 'DBGBCR0_EL1'),
        b(0),
      );
      breakAt(guest, ELSEWHERE);
      assert.deepEqual(guest.run(1000), { kind: 'budget' });
      const programmed = range(guest.kvm.profile.breakpoints)
        .map((n) => [guest.physical(`DBGBVR${n}_EL1`), guest.physical(`DBGBCR${n}_EL1`)])
        .filter(([, control]) => control !== 0n);
      assert.deepEqual(programmed, [
        [ELSEWHERE, BCR_BOTH],
        [TARGET, BCR_EL0],
      ]);
      assert.equal(guest.X(5), BCR_BOTH);
    });

    it('R7, D11: the guest steps EL0 code with a breakpoint of the debugger in the way', () => {
      const el0 = TARGET;
      const guest = recordingGuest(options);
      // The handler of step exceptions arms the next step: SPSR_EL1.SS = 1, D stays 0 at EL0.
      guest.place(HANDLER, stepHandler(4));
      guest.program(
        set('MDSCR_EL1', MDSCR_SS),
        set('ELR_EL1', el0),
        set('SPSR_EL1', SPSR_SS),
        eret,
      );
      guest.place(el0, [nop, addImmediate(7, 7, 1), nop, nop, svc(0), nop]);
      breakAt(guest, el0 + 4n);
      const exit = debugExit(guest);
      assert.equal(exit.pc, el0 + 4n);
      assert.deepEqual(seen(guest), [['0xcb000022', hex(el0 + 4n)]]);
      assert.deepEqual(guest.run(2000, { pastStop: true }), { kind: 'done' });
      assert.deepEqual(seen(guest), [
        ['0xcb000022', hex(el0 + 4n)],
        ['0xcb000022', hex(el0 + 8n)],
        ['0xcb000022', hex(el0 + 12n)],
        ['0xcb000022', hex(el0 + 16n)],
      ]);
      assert.equal(guest.X(7), 1n);
    });

    it('D11: guest and debugger both step the same code, and both sequences are complete', () => {
      const el0 = TARGET;
      const guest = recordingGuest(options);
      guest.place(HANDLER, stepHandler(3));
      guest.program(
        set('MDSCR_EL1', MDSCR_SS),
        set('ELR_EL1', el0),
        set('SPSR_EL1', SPSR_SS),
        eret,
      );
      guest.place(el0, [nop, nop, nop, nop]);
      const result = guest.kvm.guestDebug.setSingleStep(true);
      assert.ok(result.ok);
      const atEL0: bigint[] = [];
      for (let stop = guest.run(); stop.kind !== 'done'; stop = guest.run()) {
        assert.ok(stop.kind === 'exit' && stop.exit.exit_reason === 'KVM_EXIT_DEBUG');
        if (stop.exit.pc >= el0 && stop.exit.pc < el0 + 0x20n) atEL0.push(stop.exit.pc);
      }
      assert.deepEqual(seen(guest), [
        ['0xcb000022', hex(el0 + 4n)],
        ['0xcb000022', hex(el0 + 8n)],
        ['0xcb000022', hex(el0 + 12n)],
      ]);
      // Each place is reported after the step to it and again after the return from the guest's handler.
      assert.deepEqual(atEL0, [el0, el0 + 4n, el0 + 4n, el0 + 8n, el0 + 8n, el0 + 12n]);
    });

    it('R8: one store that both watch: the debugger, then the guest, and the store happens once', () => {
      const guest = prepared(
        [...set('DBGWVR0_EL1', DATA), ...set('DBGWCR0_EL1', WCR_STORE)],
        [...mov(1, DATA), mov(2, 0x5an), str(2, 1), DONE].flat(),
      );
      const store = TARGET + 4n * BigInt(mov(1, DATA).length + 1);
      assert.ok(guest.kvm.guestDebug.addWatchpoint(DATA, 8, 'write').ok);
      const exit = debugExit(guest);
      assert.equal(exit.pc, store);
      assert.equal(exit.far, DATA);
      assert.equal(exit.hsr, 0xd2000062n);
      assert.equal(guest.readMemory(DATA), 0n);
      assert.deepEqual(seen(guest), []);
      assert.deepEqual(guest.run(1000, { pastStop: true }), { kind: 'done' });
      assert.deepEqual(recorded(guest), [{ ESR: 0xd6000062n, ELR: store, FAR: DATA }]);
      assert.equal(guest.readMemory(DATA), 0x5an);
      assert.equal(guest.kvm.log.counters.debugExits, 1);
    });

    it('R9: after detaching the guest has its registers back and traps are off', () => {
      const guest = prepared(breakpoint(0, TARGET + 8n), [nop, nop, nop, DONE]);
      const slot = breakAt(guest, TARGET);
      assert.equal(debugExit(guest).pc, TARGET);
      guest.kvm.guestDebug.removeBreakpoint(slot);
      guest.kvm.resume();
      assert.equal(guest.physical('DBGBVR0_EL1'), TARGET + 8n);
      assert.equal(guest.physical('DBGBCR0_EL1'), BCR_EL1);
      assert.equal(guest.physical('DBGBCR1_EL1'), 0n);
      assert.equal(guest.physical('MDCR_EL2') & 0x300n, 0n, 'TDA and TDE are 0');
      assert.deepEqual(guest.run(), { kind: 'done' });
      assert.deepEqual(seen(guest), [['0xc6000022', hex(TARGET + 8n)]]);
    });

    it('R10: the guest reads its own registers only', () => {
      const guest = prepared(breakpoint(3, TARGET + 0x100n), [
        ...range(4).map((n) => mrs(10 + n, `DBGBVR${n}_EL1`)),
        mrs(14, 'DBGBCR0_EL1'),
        mrs(15, 'DBGBCR3_EL1'),
        mrs(16, 'MDSCR_EL1'),
        DONE,
      ]);
      breakAt(guest, ELSEWHERE);
      assert.deepEqual(guest.run(), { kind: 'done' });
      assert.deepEqual(
        range(7).map((n) => guest.X(10 + n)),
        [0n, 0n, 0n, TARGET + 0x100n, 0n, BCR_EL1, MDSCR_MDE | MDSCR_KDE],
      );
    });

    it('R11: where the syndrome tells the number of the watchpoint, the guest gets its own', () => {
      const guest = recordingGuest({ profile: profile.replace(/(-nVHE)?$/, '-WPT$1') });
      const words = [
        enable,
        set('DBGWVR2_EL1', DATA),
        set('DBGWCR2_EL1', WCR_STORE),
        mov(1, DATA),
        daifClr(8),
        str(2, 1),
        DONE,
      ].flat();
      guest.program(words);
      // Three of the debugger's are before it, so the guest's watchpoint 2 is another one on the processor.
      for (const n of [0, 1, 2]) {
        assert.ok(guest.kvm.guestDebug.addWatchpoint(ELSEWHERE + BigInt(8 * n), 8, 'write').ok);
      }
      assert.deepEqual(guest.run(), { kind: 'done' });
      const WPT2 = (1n << 17n) | (2n << 18n);
      assert.deepEqual(
        recorded(guest).map(({ ESR, FAR }) => [ESR, FAR]),
        [[0xd6000062n | WPT2, DATA]],
      );
      const rows = guest.kvm.guestDebug.slots();
      assert.equal(
        rows.find(({ owner, kind }) => owner === 'guest' && kind === 'watchpoint')?.slot,
        3,
      );
    });

    it('R12: a BRK of the guest goes to the guest', () => {
      const guest = prepared([], [brk(4)]);
      // Returns behind the BRK.
      guest.place(HANDLER, [
        ...RECORD,
        mrs(26, 'ELR_EL1'),
        addImmediate(26, 26, 4),
        msr('ELR_EL1', 26),
        eret,
      ]);
      guest.place(TARGET + 4n, [DONE]);
      breakAt(guest, ELSEWHERE);
      assert.deepEqual(guest.run(), { kind: 'done' });
      assert.deepEqual(seen(guest), [['0xf2000004', hex(TARGET)]]);
      assert.equal(guest.kvm.log.counters.debugExits, 0);
    });

    it('D12: the guest’s breakpoints fire while a debugger is attached', () => {
      const guest = prepared(
        [...breakpoint(0, TARGET), ...breakpoint(1, TARGET + 8n)],
        [nop, daifClr(8), nop, DONE],
      );
      breakAt(guest, ELSEWHERE);
      assert.deepEqual(guest.run(), { kind: 'done' });
      assert.deepEqual(seen(guest), [
        ['0xc6000022', hex(TARGET)],
        ['0xc6000022', hex(TARGET + 8n)],
      ]);
    });

    it('a session of single steps through it all changes nothing for the guest', () => {
      const guest = prepared(
        [...breakpoint(0, TARGET), ...breakpoint(1, TARGET + 8n)],
        [nop, daifClr(8), addImmediate(7, 7, 1), DONE],
      );
      guest.kvm.setGuestDebug({ control: KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP });
      let stops = 0;
      while (guest.run(1000).kind !== 'done') stops += 1;
      assert.ok(stops > 40, `${stops} stops`);
      assert.deepEqual(seen(guest), [
        ['0xc6000022', hex(TARGET)],
        ['0xc6000022', hex(TARGET + 8n)],
      ]);
      assert.equal(guest.X(7), 1n);
    });
  });
}
