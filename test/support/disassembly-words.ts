/** Instruction words with the text that an independent disassembler gives them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { AssemblyContext } from '../../emulator/isa/instruction.ts';
import { byEncoding } from '../../emulator/sysregs/catalogue.ts';

const folder = path.resolve(import.meta.dirname, '../fixtures/words');

export const wordSets = [
  'gcc-O2',
  'gcc-O0-O3-Os',
  'kut-a72',
  'llvm-mc-v80-words',
  'llvm-mc-other-words',
] as const;
export type WordSet = (typeof wordSets)[number];

/** `base`: Armv8.0 with EL3 and CRC32; `later`: only with extensions; `undefined`: with none of them. */
export type WordStatus = 'base' | 'later' | 'undefined';

export interface DisassembledWord {
  readonly word: number;
  readonly status: WordStatus;
  /** As llvm-mc prints it, with one space for the tab and without comments. */
  readonly text: string;
}

/** Words that an emulated Cortex-A72 executed between the boot of Linux and its shell; they have no text. */
export function linuxWords(): number[] {
  return gunzipSync(readFileSync(path.join(folder, 'linux-shell-a72.txt.gz')))
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => Number.parseInt(line, 16));
}

/** The CPU models, in the order of the digits in `modelWordsFile`. */
export const MODEL_NAMES = ['v8.0', 'cortex-a72', 'neoverse-n1', 'max-supported'] as const;
export const modelWordsFile = path.join(folder, 'llvm-mc-models.txt.gz');

export interface ModelWord {
  readonly word: number;
  /** Whether llvm-mc takes it for an instruction, by MODEL_NAMES. */
  readonly isDefined: readonly boolean[];
}

export function readModelWords(): ModelWord[] {
  return gunzipSync(readFileSync(modelWordsFile))
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [word = '', digits = ''] = line.split(' ');
      return {
        word: Number.parseInt(word, 16),
        isDefined: Array.from(digits, (digit) => digit === '1'),
      };
    });
}

export function wordSetFile(set: WordSet): string {
  return path.join(folder, `${set}.txt.gz`);
}

export function readWordSet(set: WordSet): DisassembledWord[] {
  return gunzipSync(readFileSync(wordSetFile(set)))
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [word = '', status = '', ...text] = line.split(' ');
      return {
        word: Number.parseInt(word, 16),
        status: status as WordStatus,
        text: text.join(' '),
      };
    });
}

export function hexWord(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}

/** PC-relative targets as distances, which is how llvm-mc shows a word without an address. */
export const distanceContext: AssemblyContext = {
  pc: 0n,
  label: (address) => `#${BigInt.asIntN(64, address)}`,
  systemRegisterName: (packed, direction) => byEncoding(packed, direction)?.name,
};

/** Advanced SIMD, floating point and their structure loads and stores: definitions in `simd-fp`. */
export function isSIMDDataProcessing(word: number): boolean {
  const isDataProcessing = ((word >>> 25) & 7) === 7;
  const isStructureAccess = (word & 0xbe000000) === 0x0c000000;
  return isDataProcessing || isStructureAccess;
}

/**
 * Where our text differs from llvm-mc's on purpose. Each row turns its text into ours; the second
 * is a system register that only one of the two knows by name.
 */
const NORMALISATIONS: readonly {
  readonly reason: string;
  apply(word: DisassembledWord, ours: string): string;
}[] = [
  {
    reason: 'RPRFM is a hint of Armv8.9 in the space of PRFM (register); here it is PRFM',
    apply: ({ text }, ours) =>
      text.startsWith('rprfm ') && ours.startsWith('prfm #') ? ours : text,
  },
  {
    reason: 'The two tables of system registers are of different age: the encodings are compared',
    apply({ word, text }, ours) {
      const isMove = (word & 0xffd00000) >>> 0 === 0xd5100000;
      const generic = /S[23]_\d_C\d+_C\d+_\d/;
      return isMove && generic.test(text) !== generic.test(ours) ? ours : text;
    },
  },
];

export function normalised(word: DisassembledWord, ours: string): string {
  let { text } = word;
  for (const row of NORMALISATIONS) text = row.apply({ ...word, text }, ours);
  return text;
}
