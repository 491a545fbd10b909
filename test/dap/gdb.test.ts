/** Backtraces, locals and arguments at every line of three -O2 programs are those that gdb showed on QEMU. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DebugInfo } from '../../debug-adapter/symbols/debug-info.ts';
import { parseElf } from '../../debug-adapter/symbols/elf.ts';
import { readFileSync } from 'node:fs';
import { DapClient } from './support/client.ts';
import { stoppedOrExited } from './support/stopped-or-exited.ts';
import { explain, GDB_DIFFERENCES, type Difference } from './support/gdb-differences.ts';
import { comparableValue } from './support/gdb-values.ts';
import {
  OPTIMISED_PROGRAMS,
  optimisedElf,
  optimisedFolder,
  optimisedSource,
  readRecording,
  type GdbFrame,
  type GdbStop,
  type GdbVariable,
  type OptimisedProgram,
} from './support/gdb-recording.ts';

/** Our variables of a frame under gdb's names, innermost block first. */
type Shown = Map<string, string[]>;

async function variablesOf(client: DapClient, frame: DebugProtocol.StackFrame): Promise<Shown> {
  const shown: Shown = new Map();
  const scopes = await client.scopes(frame.id);
  for (const scope of ['Locals', 'Arguments']) {
    const reference = scopes.get(scope);
    if (reference === undefined) continue;
    // Ours go from the outermost block in.
    for (const { name, value, evaluateName } of (await client.variables(reference)).reverse()) {
      const bare = name.replace(' (shadowed)', '');
      let text = value;
      if (text.includes('…') && evaluateName !== undefined) {
        const { result } = await client.send<DebugProtocol.EvaluateResponse['body']>('evaluate', {
          expression: evaluateName,
          frameId: frame.id,
          context: 'clipboard',
        });
        text = result;
      }
      shown.set(bare, [...(shown.get(bare) ?? []), text]);
    }
  }
  return shown;
}

function gdbVariables(variables: readonly GdbVariable[]): Shown {
  const shown: Shown = new Map();
  for (const { name, value } of variables) shown.set(name, [...(shown.get(name) ?? []), value]);
  return shown;
}

function differingVariables(
  place: Pick<Difference, 'program' | 'address' | 'hit' | 'level' | 'frame'>,
  expected: Shown,
  ours: Shown,
): Difference[] {
  const differences: Difference[] = [];
  for (const name of new Set([...expected.keys(), ...ours.keys()])) {
    const theirs = expected.get(name) ?? [];
    const mine = ours.get(name) ?? [];
    for (let i = 0; i < Math.max(theirs.length, mine.length); i++) {
      const gdb = theirs[i] ?? '<absent>';
      const trapline = mine[i] ?? '<absent>';
      if (comparableValue(gdb) === comparableValue(trapline)) continue;
      differences.push({ ...place, what: name, gdb, trapline });
    }
  }
  return differences;
}

async function compareStop(
  client: DapClient,
  program: OptimisedProgram,
  { address, hit, frames }: GdbStop,
): Promise<Difference[]> {
  const stack = await client.stack();
  const place = { program, address, hit };
  const line = ({ function: name, line: at }: GdbFrame): string => `${name}:${at}`;
  const gdb = frames.map(line).join(' < ');
  const trapline = stack.map(({ name, line: at }) => `${name}:${at}`).join(' < ');
  if (gdb !== trapline) {
    return [{ ...place, level: 0, frame: undefined, what: 'backtrace', gdb, trapline }];
  }
  const differences: Difference[] = [];
  for (const [level, frame] of frames.entries()) {
    const mine = stack[level];
    assert.ok(mine);
    // Assembly functions have no variables in DWARF.
    if (frame.function === '_start') continue;
    const where = { ...place, level, frame };
    const ours = await variablesOf(client, mine);
    differences.push(...differingVariables(where, gdbVariables(frame.variables), ours));
  }
  return differences;
}

describe('Optimised programs, compared with gdb', () => {
  const seen = new Set<string>();

  for (const program of OPTIMISED_PROGRAMS) {
    const recording = readRecording(program);

    it(`${program}: a breakpoint on a line is armed where gdb arms it`, () => {
      const info = new DebugInfo(parseElf(readFileSync(optimisedElf(program)), program));
      const problems: string[] = [];
      for (const [line, addresses] of Object.entries(recording.locations)) {
        const gdb = addresses.join(' ');
        const ours = info.addressesFor(`${program}.c`, Number(line));
        const trapline = ours
          .map(({ address }) => `0x${address.toString(16)}`)
          .sort()
          .join(' ');
        if (gdb === trapline) continue;
        const difference = { program, address: line, hit: 0, level: 0, frame: undefined };
        const reason = explain({ ...difference, what: 'location', gdb, trapline });
        if (reason === undefined) problems.push(`line ${line}: gdb ${gdb}, Trapline ${trapline}`);
        else seen.add(reason.name);
      }
      assert.ok(problems.length === 0, problems.join('\n'));
    });

    it(`${program}: frames and variables at every stop`, async function () {
      this.timeout(60_000);
      const expected = new Map(
        recording.stops.map((stop) => [`${stop.address} ${stop.hit}`, stop]),
      );
      const client = new DapClient({ workspaceFolders: [optimisedFolder] });
      await client.start({ program: optimisedElf(program), stopOnEntry: false }, async () => {
        const { breakpoints } = await client.send<DebugProtocol.SetBreakpointsResponse['body']>(
          'setBreakpoints',
          {
            source: { path: optimisedSource(program) },
            breakpoints: Object.keys(recording.locations).map((line) => ({ line: Number(line) })),
          },
        );
        // A line may have nothing but code that belongs to no statement, as gcc moves it about.
        const places = Object.values(recording.locations);
        const verified = breakpoints.map((breakpoint) => breakpoint.verified);
        assert.deepEqual(
          verified,
          places.map((addresses) => addresses.length > 0),
        );
      });
      const hits = new Map<string, number>();
      const problems: string[] = [];
      for (;;) {
        if ((await stoppedOrExited(client)) === 'exited') break;
        const { instructionPointerReference = '' } = await client.topFrame();
        const address = `0x${BigInt(instructionPointerReference).toString(16)}`;
        const hit = (hits.get(address) ?? 0) + 1;
        hits.set(address, hit);
        const stop = expected.get(`${address} ${hit}`);
        expected.delete(`${address} ${hit}`);
        if (stop !== undefined) {
          for (const difference of await compareStop(client, program, stop)) {
            const reason = explain(difference);
            if (reason !== undefined) {
              seen.add(reason.name);
              continue;
            }
            const { frame, level, what, gdb, trapline } = difference;
            const where = frame === undefined ? '' : ` #${level} ${frame.function}:${frame.line}`;
            problems.push(
              `${address} hit ${hit}${where} ${what}:\n  gdb      ${gdb}\n  Trapline ${trapline}`,
            );
          }
        }
        await client.send('continue', { threadId: 1 });
      }
      const { exitCode } = await client.event<DebugProtocol.ExitedEvent['body']>('exited');
      assert.equal(exitCode, 0);
      await client.disconnect();
      assert.deepEqual(client.logged, []);
      assert.ok(problems.length === 0, `${problems.length} differences:\n${problems.join('\n')}`);
      assert.deepEqual([...expected.keys()], [], 'stops of gdb that were never reached');
    });
  }

  it('every listed difference still occurs', () => {
    assert.deepEqual(
      GDB_DIFFERENCES.map(({ name }) => name).filter((name) => !seen.has(name)),
      [],
    );
  });
});
