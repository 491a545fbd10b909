/** The language server at work: a file of 50,000 lines and a workspace of 2,000 files, over its standard streams. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import type { CompletionList, WorkspaceSymbol } from 'vscode-languageserver';
import { LanguageService } from '../../language-server/service.ts';
import { Client } from '../lsp/client.ts';
import { seededRandom } from '../support/random.ts';
import type { Result, Target } from './report.ts';

/** A repeatable choice below a limit. */
function chooser(seed: number): (limit: number) => number {
  const random = seededRandom(seed);
  return (limit) => Math.floor(random() * limit);
}

const LINES = 50_000;
const FILES = 2000;
/** The average of the kernel's assembly files. */
const LINES_PER_FILE = 160;

/** Functions of some 60 lines, as kernels have them. */
function program(lines: number, prefix: string, seed: number): string[] {
  const random = chooser(seed);
  const x = (): string => `x${random(18)}`;
  const forms = [
    () => `        add     ${x()}, ${x()}, #${random(4096)}`,
    () => `        ldr     ${x()}, [${x()}, #${random(100) * 8}]`,
    () => `        cbz     ${x()}, 1f`,
    () => `        mov     ${x()}, #0x${random(65536).toString(16)}`,
    () => `        bl      ${prefix}${random(Math.max(1, Math.floor(lines / 60)))}`,
    () => `        mrs     ${x()}, mdscr_el1               // what the guest has`,
  ];
  const text: string[] = [];
  for (let n = 0; text.length < lines; n += 1) {
    const name = `${prefix}${n}`;
    text.push(
      '',
      `// ${name}`,
      `        .globl  ${name}`,
      `        .type   ${name}, %function`,
      `${name}:`,
    );
    text.push('        stp     x29, x30, [sp, #-32]!', '        stp     x19, x20, [sp, #16]');
    for (let k = 0; k < 45; k += 1) text.push(forms[random(forms.length)]?.() ?? '');
    text.push('1:      ldp     x19, x20, [sp, #16]', '        ldp     x29, x30, [sp], #32');
    text.push('        ret', `        .size   ${name}, . - ${name}`);
  }
  return text.slice(0, lines);
}

/** The value below which 95 % of the samples lie. */
function p95(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.95)] ?? 0;
}

const below = (limit: number): Target => ({ kind: 'ours', below: limit });

const milliseconds = (name: string, ours: number, limit?: number): Result => ({
  name,
  unit: 'ms',
  ours,
  target: limit === undefined ? undefined : below(limit),
});

/** What a person types, one character at a time, somewhere in the file. */
const typed =
  '\n        ldr     x3, [x4, #16]           // next\n        add     x3, x3, #1\n        b       1f';

function measureService(): Result[] {
  const lines = program(LINES, 'f', 1);
  const text = lines.join('\n');
  const uri = 'file:///large.S';
  // A server that has been used for a while.
  for (let warm = 0; warm < 5; warm += 1) {
    const service = new LanguageService({ read: () => undefined });
    service.open(uri, 'aarch64', lines.slice(0, 6000).join('\n'));
    service.diagnostics(uri);
  }
  const service = new LanguageService({ read: () => undefined });
  const started = performance.now();
  service.open(uri, 'aarch64', text);
  const index = performance.now() - started;
  const checked = performance.now();
  service.diagnostics(uri);
  const diagnostics = performance.now() - checked;

  const random = chooser(2);
  const keystrokes: number[] = [];
  const completions: number[] = [];
  const hovers: number[] = [];
  let version = 1;
  for (let place = 0; place < 12; place += 1) {
    const document = service.workspace.get(uri)?.document;
    let line = 100 + random(LINES - 200);
    while (!/^ {8}add/.test(document?.line(line)?.text ?? '')) line += 1;
    let character = (document?.line(line)?.text ?? '').replace(/[\r\n]+$/, '').length;
    for (const key of typed) {
      const before = performance.now();
      version += 1;
      const position = { line, character };
      service.change(uri, [{ range: { start: position, end: position }, text: key }], version);
      service.diagnostics(uri);
      keystrokes.push(performance.now() - before);
      if (key === '\n') {
        line += 1;
        character = 0;
      } else character += 1;
      const asked = performance.now();
      service.completion(uri, { line, character });
      completions.push(performance.now() - asked);
      const pointed = performance.now();
      service.hover(uri, { line, character: Math.min(character, 10) });
      hovers.push(performance.now() - pointed);
    }
  }
  const symbols = new LanguageService({ read: () => undefined });
  symbols.open(
    uri,
    'aarch64',
    Array.from({ length: LINES }, (_, n) => `${n % 100 === 7 ? 'spe_' : 'sym_'}${n}: nop`).join(
      '\n',
    ),
  );
  const searches = Array.from({ length: 20 }, () => {
    const before = performance.now();
    symbols.workspaceSymbols('spe_');
    return performance.now() - before;
  });
  return [
    milliseconds('language server: search of 50,000 symbols, p95', p95(searches), 20),
    milliseconds('language server: first index of 50,000 lines', index, 300),
    milliseconds('language server: first diagnostics of 50,000 lines', diagnostics),
    milliseconds("language server: a keystroke's diagnostics, p95", p95(keystrokes), 10),
    milliseconds('language server: completion, p95', p95(completions), 20),
    milliseconds('language server: hover, p95', p95(hovers)),
  ];
}

/** Bytes that a process keeps in memory; undefined where the system does not tell. */
function residentBytes(pid: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  } catch {
    return undefined;
  }
}

async function measureProgram(): Promise<Result[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-language-server-'));
  const results: Result[] = [];
  try {
    // As it is delivered: one file.
    const entry = path.join(folder, 'language-server.cjs');
    await build({
      entryPoints: ['language-server/server.ts'],
      outfile: entry,
      bundle: true,
      format: 'cjs',
      platform: 'node',
      target: 'node20',
    });
    const large = await Client.start(folder, { entry });
    const file = await large.open(program(LINES, 'f', 1).join('\n'));
    await large.at<CompletionList>('completion', file);
    // While nobody types.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const bytes = residentBytes(large.processId);
    if (bytes !== undefined)
      results.push({
        name: 'language server: memory of the process with 50,000 lines open',
        unit: 'MB',
        ours: bytes / 2 ** 20,
        target: below(150),
      });
    await large.stop();

    for (let n = 0; n < FILES; n += 1) {
      const sub = path.join(folder, `d${n % 40}`);
      mkdirSync(sub, { recursive: true });
      writeFileSync(path.join(sub, `file${n}.S`), program(LINES_PER_FILE, `w${n}_`, n).join('\n'));
    }
    const client = await Client.start(folder, { entry });
    const started = performance.now();
    const open = await client.open('        ldr     x0, [|\n');
    const waits: number[] = [];
    for (;;) {
      const asked = performance.now();
      await client.at<CompletionList>('completion', open);
      waits.push(performance.now() - asked);
      const found = await client.connection.sendRequest<WorkspaceSymbol[]>('workspace/symbol', {
        query: `w${FILES - 1}_0`,
      });
      const all = found.length > 0 && (await countOf(client)) >= FILES;
      if (all || performance.now() - started > 120_000) break;
    }
    results.push(
      milliseconds(
        'language server: workspace of 2,000 files (320,000 lines)',
        performance.now() - started,
        5000,
      ),
      milliseconds('language server: completion while it is indexed, p95', p95(waits), 20),
    );
    await client.stop();
  } finally {
    rmSync(folder, { recursive: true });
  }
  return results;
}

/** Files that are known so far. */
async function countOf(client: Client): Promise<number> {
  const { files } = await client.connection.sendRequest<{ files: number }>('trapline/indexState');
  return files;
}

export async function measureLanguageServer(): Promise<Result[]> {
  return [...measureService(), ...(await measureProgram())];
}
