/** Stops that gdb 13.1 recorded on QEMU: our stack walk and variables must agree with its own. */
import assert from 'node:assert/strict';
import { DebugInfoContext } from '../../../../debug-adapter/expressions/debug-info-context.ts';
import { formatValue } from '../../../../debug-adapter/expressions/format-value.ts';
import { stored } from '../../../../debug-adapter/expressions/value.ts';
import type { DebugInfo } from '../../../../debug-adapter/symbols/debug-info.ts';
import type { EvaluationContext } from '../../../../debug-adapter/symbols/location.ts';
import {
  FIXTURES,
  fixtureInfo,
  recordedStops,
  unwindStop,
  type RecordedFrame,
  type RecordedStop,
} from './fixtures.ts';

interface Logical {
  readonly function: string;
  readonly line: number | undefined;
  readonly inlined: boolean;
  readonly pc: string;
  readonly context: DebugInfoContext;
  readonly depth: number;
}

/** Physical frames with the inlined copies in each, innermost first. */
function logicalFrames(info: DebugInfo, stop: RecordedStop): Logical[] {
  const physical = unwindStop(info, stop, 16);
  return physical.flatMap(({ pc, evaluation }, level) => {
    const caller = physical[level + 1];
    const withEntry: EvaluationContext = {
      ...evaluation,
      entryValue(of) {
        const low = info.functionAt(evaluation.pc).at(-1)?.lowPc;
        if (caller === undefined || low === undefined) return undefined;
        return info.entryValue(caller.pc, caller.evaluation, low, of);
      },
    };
    const chain = info.functionAt(evaluation.pc);
    return chain.map((frame, depth) => ({
      function: frame.name,
      line: depth === 0 ? info.lineFor(evaluation.pc)?.line : chain[depth - 1]?.callLine,
      inlined: frame.isInlined,
      pc: `0x${pc.toString(16)}`,
      depth,
      context: new DebugInfoContext(info, {
        evaluation: withEntry,
        inlineDepth: depth,
        register: () => undefined,
        writeMemory: () => false,
        writeRegister: () => false,
      }),
    }));
  });
}

/** gdb's texts differ from ours on purpose in floats' digits and in why something is not there. */
function comparable(text: string): string {
  return text
    .replace(/<optimized out.*>/, '<optimized out>')
    .replace(/<error.*/, '<optimized out>');
}

/** Registers that a call may change: gdb shows their stale contents in outer frames, we do not. */
function isKnown(ours: string, level: number): boolean {
  return level === 0 || !ours.startsWith('<optimized out');
}

describe('frames and variables of a running guest', () => {
  for (const name of FIXTURES) {
    it(`of ${name} are those that gdb shows`, () => {
      const info = fixtureInfo(name);
      const stops = recordedStops(name);
      assert.ok(stops.length >= 3);
      for (const [number, stop] of stops.entries()) {
        const frames = logicalFrames(info, stop);
        const short = ({ function: f, line, inlined, pc }: Logical | RecordedFrame): unknown => ({
          function: f,
          line,
          inlined,
          pc,
        });
        const where = `stop ${number}`;
        assert.deepEqual(frames.map(short), stop.frames.map(short), where);
        for (const [level, expected] of stop.frames.entries()) {
          const frame = frames[level];
          assert.ok(frame);
          for (const [variable, text] of Object.entries(expected.variables)) {
            const bound = frame.context.findVariable(variable, undefined);
            assert.ok(bound, `${where}, ${expected.function}: no ${variable}`);
            const ours = formatValue(stored(bound.type, bound.locate()), frame.context);
            if (!isKnown(ours, level)) continue;
            // gdb 13 looks into no lexical block of an outer inlined copy, where gcc puts constants.
            if (level > 0 && text === '<optimized out>') continue;
            assert.equal(
              comparable(ours),
              comparable(text),
              `${where}, ${expected.function}: ${variable}`,
            );
          }
        }
      }
      assert.deepEqual(info.problems, []);
    });
  }
});
