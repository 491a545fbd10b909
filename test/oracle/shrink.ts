/** Makes a disagreement smaller while it stays one: fewer instructions, zero registers. */
import type { Disagreement } from './explained-differences.ts';
import { explanationOf } from './explained-differences.ts';
import * as L from './layout.ts';
import type { KeptDisagreement, Oracle } from './oracle.ts';
import { NOP } from './words.ts';

export async function shrink(oracle: Oracle, found: KeptDisagreement): Promise<Disagreement> {
  const { batch } = found;
  const { index, EL } = found.case;
  const input = batch.input(index);
  const unexplained = async (): Promise<Disagreement | undefined> => {
    const again = await oracle.runOne(batch, index);
    return again !== undefined && explanationOf(again) === undefined ? again : undefined;
  };
  let smallest: Disagreement = (await unexplained()) ?? found;

  for (let n = 0; n < found.case.words.length; n += 1) {
    const before = [...(batch.cases[index]?.words ?? [])];
    if (before[n] === NOP || before.length === 1) continue;
    batch.setWords(index, EL, before.with(n, NOP));
    const still = await unexplained();
    if (still !== undefined) smallest = still;
    else batch.setWords(index, EL, before);
  }

  for (;;) {
    const before = batch.cases[index]?.words ?? [];
    if (before.length === 1 || before.at(-1) !== NOP) break;
    batch.setWords(index, EL, before.slice(0, -1));
    const still = await unexplained();
    if (still === undefined) {
      batch.setWords(index, EL, before);
      break;
    }
    smallest = still;
  }

  const registers: (readonly [at: number, words: number])[] = [
    [L.FPSR / 4, 2],
    [L.FPCR / 4, 2],
    [L.NZCV / 4, 2],
  ];
  for (let n = 0; n < 31; n += 1) registers.push([2 * n, 2]);
  for (let n = 0; n < 32; n += 1) registers.push([L.V / 4 + 4 * n, 4]);
  for (const [at, words] of registers) {
    const before = input.slice(at, at + words);
    if (before.every((word) => word === 0)) continue;
    input.fill(0, at, at + words);
    const still = await unexplained();
    if (still !== undefined) smallest = still;
    else input.set(before, at);
  }
  // The records of `smallest` may show a state that was taken back later.
  return (await unexplained()) ?? smallest;
}
