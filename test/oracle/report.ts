/** Disagreements for people. */
import { disassemble } from '../../emulator/isa/disassemble.ts';
import { distanceContext, hexWord } from '../support/disassembly-words.ts';
import { slotAddress } from './batch.ts';
import type { Disagreement } from './explained-differences.ts';
import * as L from './layout.ts';

const hex = (value: bigint): string => `0x${value.toString(16)}`;

export function describe(disagreement: Disagreement): string {
  const { case: it, input, differences } = disagreement;
  const lines = [`case at ${hex(BigInt(slotAddress(it.index)))}, EL${it.EL}:`];
  for (const word of it.words) {
    lines.push(`  ${hexWord(word)}  ${disassemble(word, distanceContext)}`);
  }
  const state: string[] = [];
  const add = (name: string, value: bigint): void => {
    if (value !== 0n) state.push(`${name}=${hex(value)}`);
  };
  for (let n = 0; n < 31; n += 1) add(`X${n}`, input[n] ?? 0n);
  add('SP', input[L.SP / 8] ?? 0n);
  add('NZCV', input[L.NZCV / 8] ?? 0n);
  add('FPCR', input[L.FPCR / 8] ?? 0n);
  add('FPSR', input[L.FPSR / 8] ?? 0n);
  for (let n = 0; n < 32; n += 1) {
    const at = L.V / 8 + 2 * n;
    add(`V${n}`, (input[at] ?? 0n) | ((input[at + 1] ?? 0n) << 64n));
  }
  lines.push(`  given ${state.join(' ')}`);
  for (const { what, qemu, ours } of differences) {
    lines.push(`  ${what}: QEMU ${hex(qemu)}, ours ${hex(ours)}`);
  }
  return lines.join('\n');
}

/** One line that tells disagreements of one kind from those of others. */
export function kindOf({ case: it, ours, differences }: Disagreement): string {
  const at = (Number(ours[L.ELR / 8] ?? 0n) - slotAddress(it.index)) / 4;
  const word = it.words.length > 2 ? it.words[at] : it.words[0];
  const [mnemonic = '', operand = ''] =
    word === undefined
      ? [`${it.words.length} words`]
      : disassemble(word, distanceContext).split(' ');
  const register = mnemonic === 'msr' ? ` ${operand}` : '';
  const what = new Set(differences.map((it) => it.what.replace(/\d+$/, '')));
  return `${mnemonic}${register} ${[...what].join()}`;
}
