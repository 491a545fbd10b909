/**
 * Debian's Linux on our machine and on QEMU: `LINUX_IMAGES=<folder> [BREAKPOINT_TEST=<file>] npm run
 * test:linux [-- [--ours] [--output] [PART...]]`. The folder is what the script of samples/linux makes;
 * the file is the kernel's selftest breakpoint_test_arm64, built statically. `--ours` leaves QEMU out,
 * `--output` shows what the guests print. Parts are `boot`, `debug-registers` and `selftest`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { breakpointSelftest } from './breakpoint-selftest.ts';
import { CONFIGURATIONS, title } from './configurations.ts';
import type { Configuration } from './configurations.ts';
import { debugRegistersAtBoot } from './debug-registers.ts';
import { linuxImages } from './images.ts';
import type { LinuxImages } from './images.ts';
import { OurSession } from './our-machine.ts';
import { QemuSession, qemuVersion } from './qemu.ts';
import { table } from './report.ts';
import { ask, bootToShell, plain } from './session.ts';
import type { LinuxSession } from './session.ts';

const PARTS = ['boot', 'debug-registers', 'selftest'] as const;
const OPTIONS = ['--ours', '--output'];

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

class Checks {
  passed = 0;
  failed = 0;

  add(what: string, wrong: readonly string[]): void {
    if (wrong.length === 0) this.passed += 1;
    else this.failed += 1;
    print(wrong.length === 0 ? `ok: ${what}` : `FAILED: ${what}: ${wrong.join('; ')}`);
  }

  /** What throws has failed. */
  async run(what: string, body: () => Promise<readonly string[]>): Promise<void> {
    try {
      this.add(what, await body());
    } catch (error) {
      this.add(what, [error instanceof Error ? error.message : String(error)]);
    }
  }
}

/** What Linux says of its own KVM: with FEAT_VHE it stays at EL2 itself. */
const KVM_INITIALISED: Readonly<Record<Configuration['cpu'], RegExp>> = {
  'cortex-a72': /kvm \[1\]: Hyp mode initialized successfully/,
  'max-supported': /kvm \[1\]: VHE mode initialized successfully/,
};

interface Boot {
  /** From the start to the shell. */
  readonly seconds: number;
  readonly wrong: readonly string[];
}

/** Boots to the shell, asks it something and turns it off. */
async function boot(
  session: LinuxSession,
  { el, cpus, cpu }: Configuration,
  start: number,
): Promise<Boot> {
  try {
    await bootToShell(session);
    const seconds = (performance.now() - start) / 1000;
    const answer = await ask(session, 'echo $((6 * 7)) $(nproc) $(uname -m)');
    const messages = plain(await ask(session, 'dmesg'));
    session.type('poweroff -f\n');
    await session.waitForPowerOff();
    const expected = `42 ${cpus} aarch64`;
    const wanted = [
      /found 6 breakpoint and 4 watchpoint registers/,
      ...(el === 2 ? [KVM_INITIALISED[cpu]] : []),
    ];
    return {
      seconds,
      wrong: [
        ...(answer === expected ? [] : [`the shell answered "${answer}" instead of "${expected}"`]),
        ...wanted.filter((line) => !line.test(messages)).map((line) => `no "${line.source}"`),
      ],
    };
  } finally {
    session.dispose();
  }
}

async function boots(
  images: LinuxImages,
  checks: Checks,
  { withQemu, showOutput }: { withQemu: boolean; showOutput: boolean },
): Promise<void> {
  const rows: (readonly string[])[] = [];
  for (const configuration of CONFIGURATIONS) {
    const name = title(configuration);
    await checks.run(`boots with ${name}`, async () => {
      const theirs = withQemu
        ? await boot(new QemuSession(configuration, images), configuration, performance.now())
        : undefined;
      const start = performance.now();
      const session = new OurSession(configuration, images);
      const ours = await boot(session, configuration, start);
      if (showOutput) print(plain(session.output));
      const ratio = theirs === undefined ? '-' : (ours.seconds / theirs.seconds).toFixed(1);
      rows.push([
        name,
        ours.seconds.toFixed(1),
        theirs?.seconds.toFixed(1) ?? '-',
        ratio,
        session.machine.retired.toLocaleString('en-US'),
        theirs === undefined || theirs.wrong.length === 0 ? '' : `QEMU: ${theirs.wrong.join('; ')}`,
      ]);
      return ours.wrong;
    });
  }
  const headings = ['boot to shell', 'Trapline s', 'QEMU s', 'ratio', 'instructions', ''];
  print(`\n${table(headings, rows)}\n`);
}

async function debugRegisters(images: LinuxImages, checks: Checks): Promise<void> {
  const rows: (readonly string[])[] = [];
  await debugRegistersAtBoot(images, (row) => {
    checks.add(`writes of the debug registers at boot, ${row.title}`, row.wrong);
    rows.push([
      row.title,
      ...[row.slotWrites, row.slotTraps, row.mdscrTraps, row.lockTraps].map(String),
    ]);
  });
  const headings = ['policy', 'slot writes', 'trapped', 'MDSCR_EL1 traps', 'lock traps'];
  print(`\n${table(headings, rows)}\n`);
}

async function selftest(images: LinuxImages, checks: Checks, showOutput: boolean): Promise<void> {
  const path = process.env['BREAKPOINT_TEST'];
  if (path === undefined || !existsSync(path)) {
    print(
      path === undefined
        ? "The kernel's breakpoint selftest is not run: set BREAKPOINT_TEST to a static breakpoint_test_arm64."
        : `The kernel's breakpoint selftest is not run: there is no ${path}.`,
    );
    return;
  }
  const binary = new Uint8Array(readFileSync(path));
  for (const watchpoints of [0, 3]) {
    const what =
      watchpoints === 0
        ? 'breakpoint_test_arm64'
        : `breakpoint_test_arm64 while a debugger holds ${watchpoints} hardware watchpoints`;
    await checks.run(what, async () => {
      const { wrong, output, debuggerStops } = await breakpointSelftest(
        images,
        binary,
        watchpoints,
      );
      if (showOutput) print(output);
      if (watchpoints > 0)
        print(`    the debugger's watchpoints stopped Linux ${debuggerStops} times`);
      return wrong;
    });
  }
}

async function main(options: readonly string[]): Promise<void> {
  const parts: readonly string[] = PARTS;
  const unknown = options.filter((it) => !OPTIONS.includes(it) && !parts.includes(it));
  if (unknown.length > 0) {
    print(`There is no ${unknown.join(', ')}. Parts are ${parts.join(', ')}; options ${OPTIONS.join(', ')}.`); // prettier-ignore
    process.exitCode = 2;
    return;
  }
  const images = linuxImages(process.env['LINUX_IMAGES']);
  if (typeof images === 'string') {
    print(images);
    return;
  }
  const qemu = options.includes('--ours') ? undefined : qemuVersion();
  print(qemu ?? 'Without QEMU: the figures are ours alone.');
  const chosen = parts.filter((part) => options.includes(part));
  const runs = (part: (typeof PARTS)[number]): boolean =>
    chosen.length === 0 || chosen.includes(part);
  const showOutput = options.includes('--output');
  const checks = new Checks();
  if (runs('boot')) await boots(images, checks, { withQemu: qemu !== undefined, showOutput });
  if (runs('debug-registers')) await debugRegisters(images, checks);
  if (runs('selftest')) await selftest(images, checks, showOutput);
  print(`${checks.passed} passed, ${checks.failed} failed`);
  if (checks.failed > 0) process.exitCode = 1;
}

await main(process.argv.slice(2));
