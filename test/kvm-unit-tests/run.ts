/**
 * kvm-unit-tests on our machine and on QEMU: `KVM_UNIT_TESTS=<folder of built images> npm run
 * test:kvm-unit-tests [-- [--ours] [--output] [--docs] [NAME...]]`. `--ours` leaves QEMU out, `--output`
 * shows what the guests print, `--docs` writes docs/kvm-unit-tests.md.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultPolicy, policies } from '../../emulator/kvm/policies/index.ts';
import { runOnOurMachine } from './our-machine.ts';
import { kvmUnitTestsPage } from './page.ts';
import { qemuVersion, runOnQemu } from './qemu.ts';
import { table, totals } from './report.ts';
import type { Row } from './report.ts';
import { parseUnittestsConfig } from './unittests-config.ts';
import type { TestCase } from './unittests-config.ts';

/** The processors of the tests that take as many as there are. */
const MAX_CPUS = 4;
const MOST_INSTRUCTIONS = 20_000_000_000;
const PAGE = new URL('../../docs/kvm-unit-tests.md', import.meta.url);

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** The debug tests are about what the policies differ in. */
function policiesFor(test: TestCase): readonly string[] {
  return test.groups.includes('debug') ? policies.map(({ name }) => name) : [defaultPolicy.name];
}

async function main(options: readonly string[]): Promise<void> {
  const folder = process.env['KVM_UNIT_TESTS'];
  const configuration = folder === undefined ? undefined : join(folder, 'arm', 'unittests.cfg');
  if (folder === undefined || configuration === undefined || !existsSync(configuration)) {
    print(
      folder === undefined
        ? 'The tests are not run: set KVM_UNIT_TESTS to a folder of kvm-unit-tests built for arm64.'
        : `The tests are not run: ${folder} has no arm/unittests.cfg. Build kvm-unit-tests for arm64 there.`,
    );
    return;
  }
  const names = options.filter((option) => !option.startsWith('--'));
  const all = parseUnittestsConfig(readFileSync(configuration, 'utf8'), MAX_CPUS);
  const tests = names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
  const qemu = options.includes('--ours') ? undefined : qemuVersion();
  print(qemu ?? 'Without QEMU: the results are ours alone.');

  const rows: Row[] = [];
  for (const test of tests) {
    const path = join(folder, 'arm', test.file);
    const image = readFileSync(path);
    const theirs = qemu === undefined ? undefined : await runOnQemu(test, path);
    for (const policy of policiesFor(test)) {
      const ours = runOnOurMachine(test, image, { policy, mostInstructions: MOST_INSTRUCTIONS });
      rows.push({ test: test.name, policy, ours, theirs });
      const seconds = (ours.milliseconds / 1000).toFixed(1);
      print(`${test.name} ${policy}: ${ours.verdict} in ${seconds} s`);
      for (const remark of ours.remarks) print(`    ${remark}`);
      if (options.includes('--output')) print(ours.output);
    }
  }
  print(`\n${table(rows)}\n`);
  const sum = totals(rows.map(({ test, ours }) => ({ test, outcome: ours })));
  if (qemu !== undefined) {
    const other = totals(
      rows.flatMap(({ test, theirs }) => (theirs ? [{ test, outcome: theirs }] : [])),
    );
    print(`QEMU: ${other.passed} passed, ${other.failed} failed, ${other.skipped} skipped`);
  }
  if (options.includes('--docs')) {
    if (qemu === undefined || tests.length < all.length) {
      print('The page is of all tests beside QEMU: it is not written.');
    } else writeFileSync(PAGE, await kvmUnitTestsPage(rows, qemu));
  }
  print(`${sum.skipped} skipped`);
  print(`${sum.passed} passed, ${sum.failed} failed`);
  if (sum.failed > 0) process.exitCode = 1;
}

await main(process.argv.slice(2));
