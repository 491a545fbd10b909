/** One operation on our engine beside the reference, over operands and modes. */
import * as L from '../../emulator/engine/layout.ts';
import { requireCpuModel } from '../../emulator/sysregs/cpu-model.ts';
import { IXC, ReferenceFloat } from '../support/reference-float.ts';
import { seededRandom } from '../support/random.ts';
import { RAM_BASE, testEngine } from '../support/test-engine.ts';
import { floatCorners, floatSource, integerCorners, integerSource } from './operands.ts';
import type { Operand } from './operations.ts';
import { withRegisters } from './operations.ts';
import type { Operation } from './operations.ts';

const RMODE_SHIFT = 22;
const FZ16 = 1 << 19;
const FZ = 1 << 24;
const DN = 1 << 25;
const AHP = 1 << 26;

/**
 * FPCR of the four rounding modes, each with and without flushing to zero and default NaNs, and with the
 * alternative half precision, which is for conversions between formats only.
 */
export const controls: readonly number[] = [0, 1, 2, 3].flatMap((RMode) =>
  [0, FZ | FZ16, DN, FZ | FZ16 | DN, AHP].map((bits) => bits | (RMode << RMODE_SHIFT)),
);

export interface Comparison {
  readonly cases: number;
  readonly differences: number;
  /** The first difference, for people. */
  readonly first: string | undefined;
}

/** Operand lists: of one operand every corner first if there is room, then random ones. */
function* operandLists(
  operands: readonly Operand[],
  cases: number,
  seed: number,
): Generator<readonly bigint[]> {
  const random = seededRandom(seed);
  const sources = operands.map(({ kind, N }) =>
    kind === 'float' ? floatSource(N, random) : integerSource(N, random),
  );
  const [only] = operands;
  let done = 0;
  if (operands.length === 1 && only !== undefined) {
    const corners = only.kind === 'float' ? floatCorners(only.N) : integerCorners(only.N);
    if (corners.length <= cases) {
      yield* corners.map((corner) => [corner]);
      done = corners.length;
    }
  }
  for (; done < cases; done += 1) yield sources.map((draw) => draw());
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const RESULT = 3;

export class FloatComparison {
  readonly #machine = testEngine({ features: requireCpuModel('max-supported').features });

  /** `cases` for each of `controls`; half of them begin with FPSR.IXC set, which opens a faster path. */
  compare(operation: Operation, cases: number, seed: number): Comparison {
    const { engine, load } = this.#machine;
    const { state } = engine;
    const count = operation.operands.length;
    load([
      withRegisters(operation.word, {
        Rd: operation.result === 'NZCV' ? 0 : RESULT,
        Rm: count > 1 ? 1 : 0,
        Ra: count > 2 ? 2 : 0,
      }),
    ]);
    let differences = 0;
    let first: string | undefined;
    for (const control of controls) {
      state.setSysreg(L.FPCR_SLOT, BigInt(control));
      let index = 0;
      for (const operands of operandLists(operation.operands, cases, seed + control)) {
        const before = index & 1 ? IXC : 0;
        index += 1;
        operands.forEach((value, n) => {
          if (operation.operands[n]?.kind === 'integer') state.setX(n, value);
          else state.setV(n, value, 0n);
        });
        state.setSysreg(L.FPSR_SLOT, BigInt(before));
        state.PC = RAM_BASE;
        engine.run(1);
        const reference = new ReferenceFloat(control);
        reference.FPSR = before;
        const wanted = operation.reference(reference, ...operands);
        const got = this.#result(operation);
        const flags = Number(state.sysreg(L.FPSR_SLOT));
        if (got === wanted && flags === reference.FPSR) continue;
        differences += 1;
        first ??=
          `${operation.name}(${operands.map(hex).join(', ')}) with FPCR ${hex(BigInt(control))} is ` +
          `${hex(got)}, FPSR ${flags.toString(16)}, not ${hex(wanted)}, FPSR ${reference.FPSR.toString(16)}`;
      }
    }
    return { cases: cases * controls.length, differences, first };
  }

  #result({ result }: Operation): bigint {
    const { state } = this.#machine.engine;
    if (result === 'NZCV') return BigInt(state.NZCV);
    if (result === 'X') return state.X(RESULT);
    // All of the register, so that upper bits that are not zero are a difference.
    const { lo, hi } = state.V(RESULT);
    return lo | (hi << 64n);
  }
}
