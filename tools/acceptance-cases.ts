/**
 * The acceptance cases of the debug virtualisation, by id, and which tests show them. A test shows a case when its title
 * begins with the case's id; a guest program shows those that it prints.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** How many cases each series has, numbered from 1, and what the series is about. */
export const SERIES = [
  { letter: 'E', count: 50, subject: "The guest's own debug exceptions" },
  { letter: 'P', count: 25, subject: 'What each policy traps, switches and counts' },
  { letter: 'D', count: 18, subject: 'KVM_SET_GUEST_DEBUG' },
  { letter: 'F', count: 12, subject: 'FPSIMD switching' },
  { letter: 'S', count: 23, subject: 'SPE, TRBE and trace filtering' },
  { letter: 'M', count: 23, subject: 'Identification registers, migration and remapping' },
  { letter: 'R', count: 12, subject: "The guest's and the debugger's breakpoints together" },
] as const;

/** What a reader has to know beside the tests: a departure, or why a case is open. */
const NOTES: Readonly<Record<string, string>> = {
  E49: 'KVM keeps values for registers that the processor does not have and gives them back while it traps; here they are UNDEFINED.',
  P16: 'Register state only: the processor enters the guest and executes none of its AArch32 code.',
  D18: 'Plain stepping livelocks, as the case says; region mode runs from the load-exclusive to where its loop ends.',
  M1: 'The last step, back from 0xf to 0, is EINVAL on a host that has no lock. On one that has it KVM accepts it: arm64_check_features() of its sys_regs.c takes its limit from rd->reset(), the sanitised value of the host, and not from the present value, and the value of the limit is always safe.',
  M17: 'REMAP_STATIC reads 0, as the proposal of 2022 did; the other policies read what was written.',
  S14: 'KVM lets the guest read PMBIDR_EL1 of the host, since no bit of MDCR_EL2 traps it; here HDFGRTR_EL2 does where there is FEAT_FGT, and without it the guest reads the host’s.',
};

export interface AcceptanceCase {
  readonly id: string;
  /** Paths from the root of the repository. */
  readonly tests: readonly string[];
  readonly note?: string;
}

const root = new URL('../', import.meta.url);

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(new URL(folder, root), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory()) return filesBelow(`${path}/`, ending);
    return path.endsWith(ending) ? [path] : [];
  });
}

const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

/** Strings of the source that begin as a title with ids does: `'M15, M16: ...'`, `` `E1 to E50 pass ...` ``. */
const TITLE =
  /(['"`])((?:[A-Z]\d{1,2}(?:[a-z])?(?:, | to )?)+)(?:: | pass )(?:(?!\1)[^\\]|\\.)*\1/g;
/** `id: 'P14'`, where a table of cases makes the titles. */
const TABLE_ROW = /\bid: '([A-Z]\d{1,2})'/g;
/** The guest programs print `E7 PASS`, or begin a case with its id. */
const GUEST_CASE = /"([E]\d{1,2})[ "]/g;

/** `E1 to E6, E9`. */
function expand(text: string): string[] {
  return text.split(', ').flatMap((part) => {
    const [, letter = '', first, last] = /^([A-Z])(\d+)(?: to [A-Z](\d+))?/.exec(part) ?? [];
    const from = Number(first);
    const to = Number(last ?? first);
    return Array.from({ length: to - from + 1 }, (_, n) => `${letter}${from + n}`);
  });
}

/** Every case with the tests that show it, in order. */
export function acceptanceCases(): AcceptanceCase[] {
  const known = new Set(
    SERIES.flatMap(({ letter, count }) =>
      Array.from({ length: count }, (_, n) => `${letter}${n + 1}`),
    ),
  );
  const tests = new Map<string, Set<string>>();
  const note = (id: string, path: string): void => {
    if (!known.has(id)) return;
    const paths = tests.get(id) ?? new Set<string>();
    tests.set(id, paths.add(path));
  };
  for (const folder of ['test/acceptance/', 'test/unit/', 'test/toolchain/']) {
    for (const path of filesBelow(folder, '.test.ts')) {
      const source = read(path);
      for (const [, , ids = ''] of source.matchAll(TITLE)) {
        // A range is the title of a guest program's run: its cases are in the program.
        if (!ids.includes(' to ')) for (const id of expand(ids)) note(id, path);
      }
      for (const [, id = ''] of source.matchAll(TABLE_ROW)) note(id, path);
    }
  }
  for (const folder of ['test/guest/acceptance/', 'test/guest/translation/']) {
    for (const path of filesBelow(folder, '.c')) {
      for (const [, id = ''] of read(path).matchAll(GUEST_CASE)) note(id, path);
    }
  }
  return [...known].map((id) => ({
    id,
    tests: [...(tests.get(id) ?? [])].sort(),
    ...(NOTES[id] !== undefined && { note: NOTES[id] }),
  }));
}
