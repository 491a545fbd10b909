/**
 * What Linux does with the debug registers while it boots, and what each access costs under a debug policy:
 * on every processor MDSCR_EL1 once, the locks once each, and a write of zero to both registers of each
 * breakpoint and watchpoint, 2N for N of them.
 */
import type { Machine } from '../../emulator/machine.ts';
import { policies } from '../../emulator/kvm/policies/index.ts';
import type { LinuxImages } from './images.ts';
import { OurSession } from './our-machine.ts';
import type { OurSessionOptions } from './our-machine.ts';

/** The guest's breakpoints and watchpoints in all of these. */
const GUEST = { breakpoints: 6, watchpoints: 4 };
const SLOT_WRITES = 2 * (GUEST.breakpoints + GUEST.watchpoints);
const SLOT_REGISTER = /^DBG[BW][CV]R\d+_EL1$/;
const DONE = /hw-breakpoint: found [^]*Serial: AMBA/;

interface DebugRegisterCase {
  readonly title: string;
  readonly options: OurSessionOptions;
  /** Of the 2N writes: how many may trap. */
  readonly slotTraps: readonly [least: number, most: number];
  /** Its one write is the first access of all, which finds the registers nobody's. */
  readonly mdscrTraps: 0 | 1;
  /** A debugger has a watchpoint from the start. */
  readonly debugger?: true;
}

/** One access opens the registers until the next exit, which may come between two of the writes. */
const OPENED: readonly [number, number] = [1, 2];
const EACH: readonly [number, number] = [SLOT_WRITES, SLOT_WRITES];

/** Where a policy does not open the registers by the first access. */
const SLOT_TRAPS: Readonly<Record<string, readonly [number, number]>> = {
  EAGER: [0, 0],
  // MDSCR_EL1.MDE and KDE are clear, and nothing else opens them.
  LAZY_MDSCR: EACH,
};

/** The guest sees 6 of 16 breakpoints, 2 of 2 context-aware ones, and 4 of 16 watchpoints. */
const FEWER = {
  policy: 'REMAP_TOP',
  idRegisters: { ID_AA64DFR0_EL1: { BRPs: 5n, CTX_CMPs: 1n, WRPs: 3n } },
};

const CASES: readonly DebugRegisterCase[] = [
  ...policies.map(({ name }): DebugRegisterCase => ({
    title: name,
    options: { policy: name },
    slotTraps: SLOT_TRAPS[name] ?? OPENED,
    mdscrTraps: name === 'EAGER' ? 0 : 1,
  })),
  {
    title: 'REMAP_SHARED, a debugger has a watchpoint',
    options: { policy: 'REMAP_SHARED' },
    slotTraps: EACH,
    mdscrTraps: 1,
    debugger: true,
  },
  {
    title: 'REMAP_TOP, 6-2-4 on 16-2-16',
    options: { ...FEWER, hostProfile: '16-2-16' },
    slotTraps: EACH,
    mdscrTraps: 1,
  },
  {
    title: 'REMAP_TOP, 6-2-4 on 16-2-16 with FEAT_FGT',
    options: { ...FEWER, hostProfile: '16-2-16-FGT' },
    slotTraps: EACH,
    mdscrTraps: 1,
  },
];

export interface DebugRegisterRow {
  readonly title: string;
  readonly slotWrites: number;
  readonly slotTraps: number;
  readonly mdscrTraps: number;
  /** OSLAR_EL1 and OSDLR_EL1. */
  readonly lockTraps: number;
  /** What differs from what is expected. */
  readonly wrong: readonly string[];
}

export async function debugRegistersAtBoot(
  images: LinuxImages,
  report: (row: DebugRegisterRow) => void,
): Promise<void> {
  for (const testCase of CASES) report(await measure(testCase, images));
}

async function measure(
  { title, options, slotTraps, mdscrTraps, debugger: hasDebugger }: DebugRegisterCase,
  images: LinuxImages,
): Promise<DebugRegisterRow> {
  const session = new OurSession({ el: 1, gic: 3, cpus: 1, cpu: 'max-supported' }, images, options);
  const { machine } = session;
  if (hasDebugger === true) {
    // Nothing is ever there.
    const added = machine.kvm?.guestDebug.addWatchpoint(0xffff_0000_0000_0000n, 8, 'write');
    if (added?.ok !== true) throw new Error(`${title}: the debugger gets no watchpoint`);
  }
  await session.waitFor(DONE);
  const slots = writes(machine, SLOT_REGISTER);
  const MDSCR = writes(machine, /^MDSCR_EL1$/);
  const locks = writes(machine, /^OS(LAR|DLR)_EL1$/);
  const wrong = [
    ...unless(slots.all === SLOT_WRITES, `${slots.all} writes instead of ${SLOT_WRITES}`),
    ...unless(
      slots.trapped >= slotTraps[0] && slots.trapped <= slotTraps[1],
      `${slots.trapped} of them trapped instead of ${[...new Set(slotTraps)].join(' to ')}`,
    ),
    ...unless(MDSCR.trapped === mdscrTraps, `MDSCR_EL1 trapped ${MDSCR.trapped} times`),
    ...unless(locks.all === 2 && locks.trapped === 2, `the locks trapped ${locks.trapped} times`),
  ];
  return {
    title,
    slotWrites: slots.all,
    slotTraps: slots.trapped,
    mdscrTraps: MDSCR.trapped,
    lockTraps: locks.trapped,
    wrong,
  };
}

const unless = (holds: boolean, text: string): readonly string[] => (holds ? [] : [text]);

/** The guest's writes as the World Switch log counted them. */
function writes(machine: Machine, register: RegExp): { all: number; trapped: number } {
  let [all, trapped] = [0, 0];
  for (const place of machine.kvm?.log.accesses.all ?? []) {
    if (place.direction !== 'write' || !register.test(place.register)) continue;
    all += place.trapped + place.straight;
    trapped += place.trapped;
  }
  return { all, trapped };
}
