/** One test on QEMU TCG, as the tests' own runner starts it. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ENVIRONMENT } from './environment.ts';
import { outcomeOf } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { TestCase } from './unittests-config.ts';

const QEMU = 'qemu-system-aarch64';
/** Wall time that a test has, in milliseconds. */
const TIMEOUT = 180_000;

/** The first line of `--version`, or undefined where it is not installed. */
export function qemuVersion(): string | undefined {
  const { status, stdout } = spawnSync(QEMU, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n')[0] : undefined;
}

export async function runOnQemu(test: TestCase, imagePath: string): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'trapline-kut-'));
  try {
    const initrd = join(folder, 'environment');
    writeFileSync(initrd, ENVIRONMENT);
    return await runIn(folder, commandLine(test, imagePath, initrd));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function commandLine(test: TestCase, imagePath: string, initrd: string): string[] {
  const machine = `virt,gic-version=${test.gic}${test.mte ? ',mte=on' : ''}`;
  return [
    ...['-nodefaults', '-machine', machine, '-accel', 'tcg', '-cpu', 'max'],
    ...['-device', 'virtio-serial-device', '-device', 'virtconsole,chardev=ctd'],
    ...['-chardev', 'testdev,id=ctd', '-device', 'pci-testdev'],
    ...['-display', 'none', '-serial', 'stdio', '-m', `${test.memory >> 20}`],
    ...['-kernel', imagePath, '-smp', `${test.cpus}`, '-append', test.args, '-initrd', initrd],
  ];
}

interface RunningQemu {
  readonly input: (text: string) => void;
  /** What it has printed since it was started. */
  readonly output: () => string;
  readonly monitor: string;
  readonly ended: Promise<number | null>;
  readonly kill: () => void;
}

function start(folder: string, name: string, parameters: readonly string[]): RunningQemu {
  const monitor = join(folder, `${name}.monitor`);
  const qmp = ['-qmp', `unix:${monitor},server=on,wait=off`];
  const child = spawn(QEMU, [...parameters, ...qmp], { stdio: ['pipe', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString('latin1');
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT);
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
  return {
    input: (text) => child.stdin.write(text),
    output: () => output,
    monitor,
    ended,
    kill: () => child.kill('SIGKILL'),
  };
}

const pause = (milliseconds: number): Promise<'later'> =>
  new Promise((resolve) => {
    setTimeout(() => {
      resolve('later');
    }, milliseconds);
  });

async function runIn(folder: string, parameters: readonly string[]): Promise<Outcome> {
  let machine = start(folder, 'source', parameters);
  let output = '';
  for (let migrations = 0; ;) {
    const ended = await Promise.race([machine.ended, pause(50)]);
    if (ended !== 'later') {
      return outcomeOf(output + machine.output(), ended ?? undefined);
    }
    if (/Skipped VM migration.*\n/.test(machine.output())) machine.input('\n');
    else if (/Now migrate the VM.*\n/.test(machine.output())) {
      migrations += 1;
      output += machine.output();
      machine = await migrate(folder, machine, `destination${migrations}`, parameters);
      machine.input('\n');
    }
  }
}

async function migrate(
  folder: string,
  source: RunningQemu,
  name: string,
  parameters: readonly string[],
): Promise<RunningQemu> {
  const file = join(folder, `${name}.state`);
  await monitorCommands(source.monitor, [
    { execute: 'migrate', arguments: { uri: `exec:cat > ${file}` } },
  ]);
  for (;;) {
    const answer = await monitorCommands(source.monitor, [{ execute: 'query-migrate' }]);
    if (answer.includes('"completed"')) break;
    if (answer.includes('"failed"')) throw new Error(`QEMU does not migrate: ${answer}`);
    await pause(50);
  }
  source.kill();
  await source.ended;
  const destination = start(folder, name, [...parameters, '-incoming', `exec:cat ${file}`]);
  // What is typed before the state has arrived is lost with the state that it replaces.
  while (!(await answers(destination.monitor, 'query-status')).includes('"status": "running"')) {
    await pause(50);
  }
  return destination;
}

/** The answer to one command, or nothing while the monitor is not there yet. */
async function answers(monitor: string, command: string): Promise<string> {
  return existsSync(monitor) ? monitorCommands(monitor, [{ execute: command }]) : '';
}

/** Sends commands to QEMU's monitor and returns what it answered. */
async function monitorCommands(path: string, commands: readonly object[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const wanted = commands.length + 1;
    let answer = '';
    socket.once('error', reject);
    socket.on('data', (data) => {
      answer += data.toString('utf8');
      if ((answer.match(/"return"/g)?.length ?? 0) >= wanted || answer.includes('"error"')) {
        socket.end();
        resolve(answer);
      }
    });
    for (const command of [{ execute: 'qmp_capabilities' }, ...commands]) {
      socket.write(`${JSON.stringify(command)}\n`);
    }
  });
}
