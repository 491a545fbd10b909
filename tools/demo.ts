/**
 * A debug session in the terminal, for who has no VS Code at hand: the real adapter and machine on three of the samples,
 * driven as an editor drives them, with every step explained. Ends by itself.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type {
  DebugResourcesResponse,
  StateBody,
  WatchpointRow,
  WorldSwitchResponse,
} from '../debug-adapter/custom-requests.ts';
import { DemoClient, type RunResult } from './demo/client.ts';

const samples = path.resolve(import.meta.dirname, '../samples');
const colours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;

const paint =
  (code: number) =>
  (text: string): string =>
    colours ? `\x1b[${code}m${text}\x1b[0m` : text;
const bold = paint(1);
const dim = paint(2);
const green = paint(32);
const yellow = paint(33);

function print(text = ''): void {
  console.log(text);
}

function explain(text: string): void {
  print(`\n${text}`);
}

function key(name: string, request: string): void {
  print(`\n${yellow(`▶ ${name}`)} ${dim(`(${request})`)}`);
}

/** One sample in one session. */
class Demo {
  readonly client: DemoClient;
  readonly #name: string;
  /** A line that the guest has not finished yet. */
  #unfinished = '';

  constructor(name: string) {
    this.#name = name;
    this.client = new DemoClient((output, category) => {
      const text = this.#wholeLines(output, category);
      if (text === '') return;
      const lines = text.replace(/\n$/, '').split('\n');
      for (const line of lines)
        print(category === 'stdout' ? green(`  │ ${line}`) : dim(`  · ${line}`));
    });
  }

  /** The guest's UART is read in pieces; they are printed by line. */
  #wholeLines(output: string, category: string): string {
    if (category !== 'stdout') return output;
    const text = this.#unfinished + output;
    const end = text.lastIndexOf('\n') + 1;
    this.#unfinished = text.slice(end);
    return text.slice(0, end);
  }

  get program(): string {
    return path.join(samples, this.#name, `${this.#name}.elf`);
  }

  file(name: string): string {
    return path.join(samples, this.#name, name);
  }

  /** The line behind a marker in a comment, such as `#BP1`. */
  line(file: string, marker: string): number {
    const index = readFileSync(this.file(file), 'utf8')
      .split('\n')
      .findIndex((line) => line.includes(`// ${marker}`));
    if (index < 0) throw new Error(`${file} has no marker ${marker}`);
    return index + 1;
  }

  async breakAt(file: string, ...markers: string[]): Promise<void> {
    await this.client.send('setBreakpoints', {
      source: { path: this.file(file) },
      breakpoints: markers.map((marker) => ({ line: this.line(file, marker) })),
    });
  }

  async stack(): Promise<DebugProtocol.StackFrame[]> {
    const body = await this.client.send<DebugProtocol.StackTraceResponse['body']>('stackTrace', {
      threadId: 1,
    });
    return body.stackFrames;
  }

  /** Why it stopped, where, and the source around it. */
  async show(result: RunResult): Promise<void> {
    if (result.kind === 'exited') {
      print(`  The guest has ended with exit status ${result.exitCode}.`);
      return;
    }
    const { reason, description, text } = result.stop;
    print(`  ${bold(`Stopped: ${description ?? reason}`)}`);
    if (text !== undefined && text !== description) print(`  ${text}`);
    const frames = await this.stack();
    const [top] = frames;
    if (top !== undefined) showSource(top);
    print(`  Call stack: ${frames.map(describeFrame).join(' ← ')}`);
  }

  async scope(name: string): Promise<DebugProtocol.Variable[]> {
    const [top] = (await this.stack()).filter((frame) => frame.presentationHint !== 'label');
    const { scopes } = await this.client.send<DebugProtocol.ScopesResponse['body']>('scopes', {
      frameId: top?.id ?? 0,
    });
    const found = scopes.find((scope) => scope.name === name);
    return found === undefined ? [] : this.children(found.variablesReference);
  }

  async children(variablesReference: number): Promise<DebugProtocol.Variable[]> {
    const { variables } = await this.client.send<DebugProtocol.VariablesResponse['body']>(
      'variables',
      {
        variablesReference,
      },
    );
    return variables;
  }

  async unfold(
    variables: readonly DebugProtocol.Variable[],
    name: string,
  ): Promise<DebugProtocol.Variable[]> {
    const found = variables.find((variable) => variable.name === name);
    return found === undefined ? [] : this.children(found.variablesReference);
  }

  async end(): Promise<void> {
    await this.client.send('disconnect');
  }
}

function describeFrame(frame: DebugProtocol.StackFrame): string {
  if (frame.presentationHint === 'label') return `[${frame.name}]`;
  return frame.source === undefined
    ? frame.name
    : `${frame.name} (${frame.source.name}:${frame.line})`;
}

function showSource({ source, line }: DebugProtocol.StackFrame): void {
  if (source?.path === undefined || (source.sourceReference ?? 0) > 0) return;
  const lines = readFileSync(source.path, 'utf8').split('\n');
  print(dim(`  ${path.relative(samples, source.path)}`));
  for (let at = Math.max(1, line - 2); at <= Math.min(lines.length, line + 2); at++) {
    const text = `${at === line ? '→' : ' '} ${String(at).padStart(4)}  ${lines[at - 1] ?? ''}`;
    print(`  ${at === line ? bold(text) : dim(text)}`);
  }
}

function showVariables(variables: readonly DebugProtocol.Variable[], indent = '    '): void {
  const width = Math.min(20, Math.max(0, ...variables.map(({ name }) => name.length)));
  for (const { name, value } of variables) {
    const shown = value.length > 90 ? `${value.slice(0, 87)}...` : value;
    print(`${indent}${name.padEnd(width)} = ${shown}`);
  }
}

async function hello(): Promise<void> {
  print(bold('\n1. hello: a C program on the bare machine'));
  explain(
    'Trapline carries its own AArch64 machine, so a guest is one ELF file and F5. The session stops in main.',
  );
  const demo = new Demo('hello');
  key('F5', 'launch');
  await demo.show(
    await demo.client.launch({ program: demo.program }, async () => {
      await demo.breakAt('main.c', '#BP1', '#BP5');
    }),
  );
  key('Continue, to a breakpoint', 'continue');
  await demo.show(await demo.client.run('continue'));
  const locals = await demo.scope('Locals');
  print('  Locals:');
  showVariables(locals);
  print('  station, unfolded:');
  showVariables(await demo.unfold(locals, 'station'), '      ');
  key('Step into greet()', 'stepIn');
  await demo.show(await demo.client.run('stepIn'));
  key('Step out again: the guest prints to its UART', 'stepOut');
  await demo.show(await demo.client.run('stepOut'));

  key('Registers', 'scopes, variables');
  const registers = await demo.scope('Registers');
  showVariables(registers.filter(({ name }) => ['X0', 'X29', 'X30', 'SP', 'PC'].includes(name)));
  print('    PSTATE, field by field:');
  const PSTATE = await demo.unfold(registers, 'PSTATE');
  showVariables(
    PSTATE.filter(({ name }) => ['N', 'Z', 'C', 'V', 'D', 'I', 'M'].includes(name)),
    '      ',
  );

  key('Continue, to a breakpoint in a recursive function', 'continue');
  await demo.show(await demo.client.run('continue'));
  await demo.client.send('setBreakpoints', {
    source: { path: demo.file('main.c') },
    breakpoints: [],
  });
  key('Continue, to the end', 'continue');
  await demo.show(await demo.client.run('continue'));
  await demo.end();
}

async function watchpoint(): Promise<void> {
  print(bold('\n2. watchpoint: who changed my variable?'));
  explain(
    'Something overwrites sensor.limit, and no line of the program seems to do it. A hardware watchpoint compares every store with the address while the guest runs at full speed.',
  );
  const demo = new Demo('watchpoint');
  key('F5, to the line behind the calibration', 'launch');
  await demo.show(
    await demo.client.launch({ program: demo.program, stopOnEntry: false }, async () => {
      await demo.breakAt('main.c', '#BP1');
    }),
  );
  key('Set watchpoint on sensor.limit', 'trapline/setWatchpoint');
  const row = await demo.client.send<WatchpointRow>('trapline/setWatchpoint', {
    expression: 'sensor.limit',
    accessType: 'write',
  });
  print(`  ${row.length} bytes at ${row.address}. ${row.message}`);
  if (row.slot !== undefined) {
    print('  The slot, as the processor holds it:');
    const views = await demo.scope('Debug registers');
    const pair = [`DBGWVR${row.slot}_EL1`, `DBGWCR${row.slot}_EL1`];
    showVariables((await demo.unfold(views, 'Debugger')).filter(({ name }) => pair.includes(name)));
  }
  const { slots } = await demo.client.send<DebugResourcesResponse>('trapline/debugResources');
  for (const slot of slots.filter(({ owner }) => owner !== 'free')) {
    print(
      `    ${slot.kind} ${slot.slot}: ${slot.owner}, ${slot.symbol ?? slot.value}. ${slot.verdict}`,
    );
  }
  key('Continue', 'continue');
  await demo.show(await demo.client.run('continue'));
  for (const expression of [
    'next',
    'sizeof(entries) / sizeof(entries[0])',
    '&entries[next]',
    '&sensor.limit',
  ]) {
    const { result } = await demo.client.send<DebugProtocol.EvaluateResponse['body']>('evaluate', {
      expression,
      context: 'watch',
    });
    print(`    ${expression} = ${result}`);
  }
  print(
    '  The store goes one past the last entry of the journal, and sensor.limit lies behind it.',
  );
  await demo.client.send('trapline/removeWatchpoint', { id: row.id });
  key('Continue, to the end', 'continue');
  await demo.show(await demo.client.run('continue'));
  await demo.end();
}

/** Rows of the log that are shown from the start of the run. */
const SHOWN_EVENTS = 24;
const SHOWN_TOTALS = 12;
const SHOWN_COUNTERS = 8;

async function selfHostedDebug(): Promise<void> {
  print(bold('\n3. self-hosted-debug: a guest that debugs itself'));
  explain(
    'This guest programs its own breakpoints, watchpoints and single-step. A hypervisor has to switch those registers between guest and host: Trapline shows each trap that it takes and each register that it saves and loads.',
  );
  const demo = new Demo('self-hosted-debug');
  key(
    'F5, stopping at the first breakpoint exception of the guest itself',
    'launch, setExceptionBreakpoints',
  );
  const first = await demo.client.launch(
    { program: demo.program, stopOnEntry: false },
    async () => {
      await demo.client.send('setExceptionBreakpoints', {
        filters: ['noHandler', 'loop', 'debug-breakpoint'],
      });
    },
  );
  await demo.show(first);
  if (first.kind === 'stopped') {
    print('  The call stack continues below the exception, into the program that it interrupted.');
    const system = await demo.scope('System registers');
    const debug = await demo.unfold(system, 'Debug');
    const MDSCR_EL1 = debug.find(({ name }) => name === 'MDSCR_EL1');
    if (MDSCR_EL1 !== undefined) {
      print(`  MDSCR_EL1 = ${MDSCR_EL1.value}`);
      const fields = await demo.children(MDSCR_EL1.variablesReference);
      showVariables(
        fields.filter(({ name }) => ['SS', 'KDE', 'MDE'].includes(name)),
        '      ',
      );
    }
    await demo.client.send('setExceptionBreakpoints', { filters: ['noHandler', 'loop'] });
    key('Continue, to the end', 'continue');
    await demo.show(await demo.client.run('continue'));
  }
  await showWorldSwitch(demo.client);
  await demo.end();
}

async function showWorldSwitch(client: DemoClient): Promise<void> {
  const state = await client.send<StateBody>('trapline/state');
  const log = await client.send<WorldSwitchResponse>('trapline/worldSwitch', {
    limit: SHOWN_EVENTS,
  });
  if (state.policy === undefined) {
    print(
      '\n  No hypervisor stands between this guest and the processor, so nothing was switched.',
    );
    return;
  }
  print(
    `\n  Policy ${state.policy}: ${state.policies.find(({ name }) => name === state.policy)?.description ?? ''}`,
  );
  print(`  The first ${log.events.length} of ${state.nextSeq} events:`);
  for (const event of log.events) {
    const place =
      event.path === undefined
        ? (event.symbol ?? event.guestPC)
        : `${path.basename(event.path)}:${event.line ?? 0}`;
    print(
      `    ${String(event.seq).padStart(5)}  ${event.kind.padEnd(14)} ${event.text} ${dim(`EL${event.EL} ${place}`)}`,
    );
  }
  const accesses = ({ reads, writes }: { reads: number; writes: number }): number => reads + writes;
  const totals = [...log.totals].sort(
    (a, b) =>
      b.traps - a.traps || accesses(b) - accesses(a) || a.register.localeCompare(b.register),
  );
  print(
    "  What the whole run cost, by register: accesses of the guest that trapped, and the hypervisor's own:",
  );
  print(
    dim(
      `    ${'register'.padEnd(16)} ${'traps'.padStart(8)} ${'reads'.padStart(8)} ${'writes'.padStart(8)}`,
    ),
  );
  for (const { register, traps, reads, writes } of totals.slice(0, SHOWN_TOTALS)) {
    const numbers = [traps, reads, writes].map((value) => String(value).padStart(8)).join(' ');
    print(`    ${register.padEnd(16)} ${numbers}`);
  }
  if (totals.length > SHOWN_TOTALS)
    print(dim(`    ... and ${totals.length - SHOWN_TOTALS} more registers`));
  const counted = state.counters.filter(({ value }) => value > 0).slice(0, SHOWN_COUNTERS);
  print(`  ${counted.map(({ name, value }) => `${name} ${value}`).join(', ')}`);
}

print(bold('Trapline: debug AArch64 guests, and see what their debug registers do.'));
print(
  dim(
    'The lines with ▶ are what you press in VS Code; the request that it sends stands behind them.',
  ),
);
await hello();
await watchpoint();
await selfHostedDebug();
print(
  `\n${bold('That was it.')} Open samples/ in VS Code with the extension and press F5 to do it yourself.`,
);
process.exit(0);
