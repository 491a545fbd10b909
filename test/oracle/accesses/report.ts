/** Access disagreements for people. */
import { disassemble } from '../../../emulator/isa/disassemble.ts';
import { distanceContext, hexWord } from '../../support/disassembly-words.ts';
import { exceptionClassOf } from './compare.ts';
import type { AccessDisagreement } from './compare.ts';
import * as L from './layout.ts';

const hex = (value: bigint): string => `0x${value.toString(16)}`;

export function describeAccess({ case: it, differences, model }: AccessDisagreement): string {
  const { word, EL, SPSel, X0, controls } = it;
  const lines = [
    `${hexWord(word)}  ${disassemble(word, distanceContext)} at EL${EL}${SPSel === 1 ? 'h' : 't'} of ${model}, X0=${hex(X0)}:`,
    `  given ${L.CONTROLS.map((name) => `${name}=${hex(controls[name])}`).join(' ')}`,
  ];
  for (const { what, qemu, ours } of differences) {
    lines.push(`  ${what}: QEMU ${hex(qemu)}, ours ${hex(ours)}`);
  }
  return lines.join('\n');
}

/** One line that tells disagreements of one kind from those of others. */
export function kindOfAccess({ case: it, qemu, ours, differences }: AccessDisagreement): string {
  const [theirs, own] = [qemu, ours].map(
    (record) => `EC 0x${exceptionClassOf(record).toString(16)} by vector ${record[1] ?? 0n}`,
  );
  const text = disassemble(it.word, distanceContext).replace(/x0|w0/, '_');
  const what =
    theirs === own ? differences.map((each) => each.what).join() : `${theirs}, ours ${own}`;
  return `${text}: ${what}`;
}
