/**
 * The benchmarks: our figures beside those of QEMU TCG, and of gdb on QEMU, from the same run.
 * With `--json` they are printed as JSON; `lsp` measures the language server alone, `policies` the hypervisor
 * alone, `linux` the boot of Linux alone, for which LINUX_IMAGES names the folder of its images.
 */
import { measureCosts } from './costs.ts';
import { measureDebugging } from './debug-rates.ts';
import { policyTable, recordingCost } from './policies.ts';
import { measureLanguageServer } from './language-server.ts';
import { measureLinuxBoot } from './linux-boot.ts';
import { hasGdb, hasQemu } from './qemu.ts';
import { ratioOf, table } from './report.ts';
import type { Result } from './report.ts';
import { measureColdStart, measureSessions } from './sessions.ts';
import { measureWorkloads } from './workloads.ts';

const USAGE = 'usage: npm run bench [-- [--json] [lsp | linux | policies]]\n';
const PARTS = ['lsp', 'linux', 'policies'];

async function main(options: readonly string[]): Promise<void> {
  const json = options.includes('--json');
  const parts = options.filter((option) => option !== '--json');
  const [part] = parts;
  if (parts.length > 1 || (part !== undefined && !PARTS.includes(part))) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
    return;
  }
  const withQemu = hasQemu();
  const withGdb = withQemu && hasGdb();
  const missing = [
    ...(withQemu ? [] : ['qemu-system-aarch64 is not installed: the figures are ours alone.']),
    ...(withQemu && !withGdb
      ? ['gdb-multiarch is not installed: debugging is not compared with it.']
      : []),
  ];
  const host = `Node ${process.version.slice(1)} (V8 ${process.versions.v8}), ${process.platform} ${process.arch}`;
  if (!json) process.stdout.write(`${[host, ...missing].join('\n')}\n\n`);

  const linux = part === 'lsp' || part === 'policies' ? [] : await measureLinuxBoot(withQemu);
  if (typeof linux === 'string') process.stderr.write(`${linux}\n`);
  const results = [
    ...(await measure(part, withQemu, withGdb)),
    ...(typeof linux === 'string' ? [] : linux),
  ];
  if (json) {
    const withRatios = results.map((result) => ({ ...result, ratio: ratioOf(result) }));
    process.stdout.write(`${JSON.stringify({ host, missing, results: withRatios }, null, 2)}\n`);
  } else {
    if (results.length > 0) process.stdout.write(`${table(results)}\n`);
    if (part === undefined || part === 'policies') {
      process.stdout.write(`\n${policyTable()}\n\n${recordingCost()}\n`);
    }
  }
}

async function measure(
  part: string | undefined,
  withQemu: boolean,
  withGdb: boolean,
): Promise<readonly Result[]> {
  if (part === 'linux' || part === 'policies') return [];
  return part === 'lsp' ? measureLanguageServer() : measureAll(withQemu, withGdb);
}

async function measureAll(withQemu: boolean, withGdb: boolean): Promise<Result[]> {
  const coldStart = await measureColdStart();
  return [
    ...measureWorkloads(withQemu),
    ...measureCosts(withQemu),
    ...(await measureDebugging(withGdb)),
    coldStart,
    ...(await measureSessions()),
    ...(await measureLanguageServer()),
  ];
}

await main(process.argv.slice(2));
