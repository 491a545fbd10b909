import { spawnSync } from 'node:child_process';
import type { Context } from 'mocha';

/** What a finished program left behind. `status` is null when the time ran out. */
export interface Finished {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a program to its end, without input; it is killed after `timeout` milliseconds. */
export function run(
  command: string,
  commandArguments: readonly string[],
  timeout: number,
  input?: string,
): Finished {
  const { status, stdout, stderr } = spawnSync(command, commandArguments, {
    timeout,
    killSignal: 'SIGKILL',
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(input !== undefined && { input }),
    encoding: 'utf8',
  });
  return { status, output: stdout, errors: stderr };
}

/** First line of `command --version`, or undefined where the command is not installed. */
export function versionOf(command: string): string | undefined {
  const { error, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  return error === undefined ? stdout.split('\n')[0] : undefined;
}

/** Skips the running test and says why; a test that is not run never looks like one that passed. */
export function skipBecause(context: Context, reason: string): never {
  console.log(`      not run: ${reason}`);
  context.skip();
}
