/** Translation disagreements for people. */
import { exceptionLevel } from './cases.ts';
import * as L from './layout.ts';
import type { TranslationDisagreement } from './oracle.ts';

const hex = (value: bigint): string => `0x${value.toString(16)}`;

export function describeTranslation(disagreement: TranslationDisagreement): string {
  const { registers, access } = disagreement.case;
  const what = access?.text ?? 'an instruction fetch';
  const lines = [`${what} at EL${exceptionLevel(registers)}:`];
  const given = L.INPUT_REGISTERS.filter((name) => registers[name] !== 0n);
  lines.push(`  given ${given.map((name) => `${name}=${hex(registers[name])}`).join(' ')}`);
  for (const { what: name, qemu, ours } of disagreement.differences) {
    lines.push(`  ${name}: QEMU ${hex(qemu)}, ours ${hex(ours)}`);
  }
  return lines.join('\n');
}

/** One line that tells disagreements of one kind from those of others. */
export function kindOfTranslation({
  case: { access },
  qemu,
  ours,
  differences,
}: TranslationDisagreement): string {
  const syndrome = (record: BigUint64Array): string => {
    const [ESR1, ESR2] = [L.OUTPUT_REGISTERS.ESR_EL1, L.OUTPUT_REGISTERS.ESR_EL2].map(
      (offset) => record[offset / 8] ?? 0n,
    );
    const ESR = ESR2 === 0n ? ESR1 : ESR2;
    return `EC 0x${((ESR ?? 0n) >> 26n).toString(16)} FSC 0x${((ESR ?? 0n) & 0x3fn).toString(16)}`;
  };
  const names = differences.map(({ what }) => what).join();
  const [theirs, own] = [syndrome(qemu), syndrome(ours)];
  const text = access?.text.split(' ')[0] ?? 'fetch';
  const kind = text === 'at' ? 'at' : (access?.kind ?? 'fetch');
  return theirs === own ? `${kind}, ${own}: ${names}` : `${kind}: QEMU ${theirs}, ours ${own}`;
}
