/** arm/unittests.cfg of kvm-unit-tests: which image each test is, and with what it is started. */

export interface TestCase {
  readonly name: string;
  /** Image below the folder `arm`. */
  readonly file: string;
  readonly cpus: number;
  /** The test's arguments, as the guest's command line. */
  readonly args: string;
  readonly gic: 2 | 3;
  readonly mte: boolean;
  /** RAM in bytes. */
  readonly memory: number;
  readonly groups: readonly string[];
}

const DEFAULT_MEMORY = 128 << 20;

/** @param maxCpus what `$MAX_SMP` stands for */
export function parseUnittestsConfig(text: string, maxCpus: number): TestCase[] {
  const sections: { name: string; entries: Map<string, string> }[] = [];
  for (const line of text.split('\n')) {
    const heading = /^\[(.+)\]/.exec(line)?.[1];
    if (heading !== undefined) sections.push({ name: heading, entries: new Map() });
    const [, key, value] = /^(\w+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) sections.at(-1)?.entries.set(key, value.trim());
  }
  return sections.map(({ name, entries }) => testCase(name, entries, maxCpus));
}

function testCase(name: string, entries: ReadonlyMap<string, string>, maxCpus: number): TestCase {
  const file = entries.get('file');
  if (file === undefined) throw new Error(`unittests.cfg: [${name}] has no file`);
  const parameters = entries.get('qemu_params') ?? '';
  const megabytes = /-m (\d+)/.exec(parameters)?.[1];
  return {
    name,
    file,
    cpus: cpusOf(entries.get('smp') ?? '1', maxCpus),
    args: (entries.get('test_args') ?? '').replace(/^(['"])(.*)\1$/, '$2'),
    gic: /gic-version=3/.test(parameters) ? 3 : 2,
    mte: /mte=on/.test(parameters),
    memory: megabytes === undefined ? DEFAULT_MEMORY : Number(megabytes) << 20,
    groups: (entries.get('groups') ?? '').split(/\s+/),
  };
}

/** A number, `$MAX_SMP`, or `$((($MAX_SMP < N)?$MAX_SMP:N))`: the smaller of the two. */
function cpusOf(smp: string, maxCpus: number): number {
  if (/^\d+$/.test(smp)) return Number(smp);
  const most = /MAX_SMP\s*<\s*(\d+)/.exec(smp)?.[1];
  return most === undefined ? maxCpus : Math.min(maxCpus, Number(most));
}
