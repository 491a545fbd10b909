/**
 * Acceptance cases E: the debug exceptions of the guest itself, under every policy, with the interrupts of
 * the host coming at any time and with the vCPU moved to another processor where the case asks for it.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parseElf } from '../../debug-adapter/symbols/elf.ts';
import type { Bus } from '../../emulator/cpu/pe.ts';
import type { DebugCounts } from '../../emulator/kvm/remap.ts';
import { policies } from '../../emulator/kvm/policies/index.ts';
import { b, daifClr, nop, set } from '../support/a64.ts';
import { CODE, DONE, KvmGuest, RAM_BASE } from '../support/kvm-guest.ts';

const FILE = 'test/guest/acceptance/debug-exceptions.elf';
const bytes = new Uint8Array(readFileSync(new URL(`../../${FILE}`, import.meta.url)));
const image = parseElf(bytes, FILE);

const RAM_SIZE = 0x10_0000;
const UART = 0x0900_0000n;
const UARTFR = UART + 0x18n;
const UARTFR_IDLE = 0x90n;
const SYS_EXIT = 0x18n;
/** The program takes care of 3 migrations; each adds one to this variable of it. */
const MIGRATIONS = symbol('migrations');
const MIGRATE_POINT = symbol('migrate_point');

function symbol(name: string): bigint {
  const found = image.symbols.find((candidate) => candidate.name === name);
  if (found === undefined) throw new TypeError(`${FILE} has no symbol ${name}`);
  return found.value;
}

interface Board {
  readonly guest: KvmGuest;
  text: string;
}

/** The counts that the program was made for. */
const GUEST = { breakpoints: 6, contextAware: 2, watchpoints: 4 };

function board(
  policy: string,
  profile: string,
  tickInterval: bigint,
  guestProfile?: DebugCounts,
): Board {
  const created: { text: string; guest?: KvmGuest } = { text: '' };
  const bus: Bus = {
    read: (pa) => (pa === UARTFR ? UARTFR_IDLE : 0n),
    write(pa, _size, value) {
      if (pa === UART) created.text += String.fromCharCode(Number(value & 0xffn));
      return true;
    },
    peek: () => 0n,
  };
  const guest = new KvmGuest({
    policy,
    profile,
    tickInterval,
    bus,
    ...(guestProfile && { guestProfile }),
    ramSize: RAM_SIZE,
    logCapacity: 100,
  });
  created.guest = guest;
  for (const { paddr, offset, fileSize } of image.segments) {
    const data = bytes.slice(offset, offset + fileSize);
    guest.pe.engine.writePhysical(paddr, data);
  }
  guest.kvm.reset(image.entry);
  guest.pe.machineBreakpoints.add(MIGRATE_POINT);
  return created as Board;
}

/** Runs to the next migration point or to the end. @returns the exit status at the end */
function runToStop({ guest }: Board): number | 'migrate' {
  const { kvm, pe } = guest;
  let resume = pe.state.PC === MIGRATE_POINT;
  for (let slices = 0; slices < 1_000_000; slices += 1) {
    kvm.resume();
    const event = pe.run(Number(kvm.nextTick - kvm.ws.cpu.cpu.retired), { resume });
    resume = false;
    switch (event.kind) {
      case 'budget':
        kvm.onHostTick();
        break;
      case 'machineBreakpoint':
        return 'migrate';
      case 'halt': {
        assert.equal(pe.state.X(0), SYS_EXIT);
        return Number(guest.readMemory(pe.state.X(1) + 8n));
      }
      default:
        assert.fail(`${event.kind} at 0x${pe.state.PC.toString(16)}`);
    }
  }
  return assert.fail('the program does not end');
}

function migrate(from: Board, to: Board, count: number): void {
  to.guest.kvm.restoreVcpu(0, from.guest.kvm.saveVcpu(0));
  const ram = from.guest.pe.engine.readPhysical(RAM_BASE, RAM_SIZE);
  assert.ok(ram !== undefined);
  to.guest.pe.engine.writePhysical(RAM_BASE, ram);
  to.guest.pe.engine.flushCode();
  to.guest.pe.pokeVirtual(MIGRATIONS, Uint8Array.of(count));
  to.text = from.text;
}

/** Data is Device memory while the MMU is off; these need Normal memory or tolerance for unaligned accesses. */
const MAY_SKIP = ['E37'];

const runs = [
  { policy: 'EAGER', profile: '6-2-4', tickInterval: 997n },
  { policy: 'LAZY_DIRTY', profile: '6-2-4', tickInterval: 997n },
  { policy: 'LAZY_DIRTY', profile: '4-2-4', tickInterval: 4_000_000n },
  { policy: 'LAZY_MDSCR', profile: '6-2-4', tickInterval: 997n },
  { policy: 'DEBUG_PTR', profile: '6-2-4', tickInterval: 997n },
  { policy: 'DEBUG_PTR', profile: '6-2-4-nVHE', tickInterval: 4_000_000n },
  { policy: 'IFLAGS', profile: '6-2-4', tickInterval: 997n },
  { policy: 'IFLAGS', profile: '4-2-4', tickInterval: 4_000_000n },
  { policy: 'OWNER', profile: '6-2-4', tickInterval: 4_000_000n },
  { policy: 'OWNER', profile: '6-2-4-nVHE', tickInterval: 997n },
  { policy: 'REMAP_STATIC', profile: '6-2-4', tickInterval: 997n },
  { policy: 'REMAP_TOP', profile: '6-2-4', tickInterval: 997n },
  { policy: 'REMAP_SHARED', profile: '6-2-4', tickInterval: 997n },
  { policy: 'REMAP_SHARED', profile: '6-2-4-nVHE', tickInterval: 4_000_000n },
] as const;

/** Debuggers that are attached all the time and ask for places where the guest never is. */
const debuggers: readonly {
  readonly what: string;
  readonly profile: string;
  readonly attach: (guest: KvmGuest) => void;
}[] = [
  {
    what: 'that only claims BRK instructions',
    profile: '6-2-4',
    attach: ({ kvm }) => {
      kvm.guestDebug.claimBreakpointInstructions(() => false);
    },
  },
  {
    what: 'with one breakpoint and one watchpoint',
    profile: '8-2-8',
    attach: (guest) => {
      takeSlots(guest, 1, 1);
    },
  },
  {
    what: 'that has every slot but those of context comparators',
    profile: '6-2-4-nVHE',
    attach: (guest) => {
      takeSlots(guest, 4, 4);
    },
  },
];

const NOWHERE = 0xffff_0000_0000n;

function takeSlots({ kvm }: KvmGuest, breakpoints: number, watchpoints: number): void {
  for (let n = 0; n < breakpoints; n += 1) {
    assert.ok(kvm.guestDebug.addBreakpoint(NOWHERE + BigInt(4 * n)).ok);
  }
  for (let n = 0; n < watchpoints; n += 1) {
    assert.ok(kvm.guestDebug.addWatchpoint(NOWHERE + BigInt(8 * n), 8, 'readWrite').ok);
  }
}

/** The guest starts on the first and is moved three times. */
const migrations = [
  { policy: 'REMAP_TOP', profiles: ['6-2-4', '8-2-4', '6-4-4', '16-2-16'] },
  { policy: 'REMAP_TOP', profiles: ['8-2-4-FGT', '8-2-4', '6-2-4-nVHE', '8-2-4-FGT-nVHE'] },
  { policy: 'REMAP_SHARED', profiles: ['8-2-4', '6-4-4', '8-3-4-nVHE', '16-2-16'] },
  { policy: 'REMAP_STATIC', profiles: ['8-2-4', '6-4-4', '8-3-4-nVHE', '16-2-16'] },
  { policy: 'REMAP_TOP', profiles: ['6-2-4', '20-4-20', '8-2-4-FGT', '20-4-20-nVHE'] },
  { policy: 'REMAP_SHARED', profiles: ['20-4-20-FGT', '6-2-4', '20-2-20', '16-2-16'] },
] as const;

describe('Guest events', function () {
  this.timeout(60_000);
  for (const { policy, profile, tickInterval } of runs) {
    it(`E1 to E50 pass under ${policy} on ${profile} with an interrupt of the host every ${tickInterval} instructions`, () => {
      check(() => board(policy, profile, tickInterval));
    });
  }

  for (const { what, profile, attach } of debuggers) {
    it(`E1 to E50 pass under REMAP_SHARED on ${profile} with a debugger attached ${what}`, () => {
      check(() => {
        const created = board('REMAP_SHARED', profile, 997n, GUEST);
        attach(created.guest);
        return created;
      });
    });
  }

  for (const { policy, profiles } of migrations) {
    it(`M11, M12: E1 to E50 pass under ${policy} for a guest of 6-2-4 that goes over ${profiles.join(', ')}`, () => {
      check((n) => board(policy, profiles[n] ?? '6-2-4', 997n, GUEST));
    });
  }
});

describe('Guest events / VMID', () => {
  const BCR = 0x1e7n;
  const target = CODE + 0x200n;
  for (const { name: policy } of policies) {
    for (const VMID of [1n, 2n]) {
      const fires = VMID === 1n;
      it(`E26: a comparator of VMID ${VMID} ${fires ? 'permits' : 'silences'} what links to it under ${policy}, in VM 1`, () => {
        const guest = new KvmGuest({ policy });
        assert.equal(guest.physical('VTTBR_EL2') >> 48n, 1n);
        const words = [
          set('DBGBVR5_EL1', VMID << 32n),
          set('DBGBCR5_EL1', BCR | (9n << 20n)),
          set('DBGBVR0_EL1', target),
          set('DBGBCR0_EL1', BCR | (1n << 20n) | (5n << 16n)),
          set('MDSCR_EL1', 0xa000n),
          daifClr(8),
        ].flat();
        guest.place(CODE, [...words, b(0x200 - 4 * words.length)]);
        guest.place(target, [nop, DONE]);
        const stop = guest.run();
        assert.deepEqual(stop, fires ? { kind: 'vector', offset: 0x200 } : { kind: 'done' });
        if (!fires) return;
        assert.equal(guest.physical('ESR_EL1'), 0xc6000022n);
        assert.equal(guest.physical('ELR_EL1'), target);
      });
    }
  }
});

/** Runs the program, which is moved from `boards(0)` to `boards(1)` and so on where it asks for it. */
function check(boards: (n: number) => Board): void {
  let current = boards(0);
  let migrations = 0;
  let status = runToStop(current);
  while (status === 'migrate') {
    migrations += 1;
    const next = boards(migrations);
    migrate(current, next, migrations);
    current = next;
    status = runToStop(current);
  }
  const lines = current.text.replaceAll('\r', '').split('\n').filter(Boolean);
  const bad = lines.filter(
    (line) =>
      !/^E\S+ PASS$/.test(line) &&
      line !== 'DONE' &&
      !MAY_SKIP.some((name) => line.startsWith(`${name} SKIP`)),
  );
  assert.deepEqual(bad, []);
  assert.equal(migrations, 3);
  assert.equal(status, 0);
  assert.ok(lines.length >= 46, `${lines.length} lines`);
}
