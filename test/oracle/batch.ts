/** Cases in the records of layout.ts. */
import * as L from './layout.ts';

/** The instructions of one case and where they stand. */
export interface Case {
  readonly index: number;
  readonly EL: 0 | 1;
  readonly words: readonly number[];
}

/** Up to BATCH_CASES cases: their code, inputs, and after a run the outputs. */
export class Batch {
  readonly code = new Uint32Array(L.CODE_BYTES / 4);
  readonly inputs = new Uint8Array(L.BATCH_CASES * L.RECORD_BYTES);
  readonly cases: Case[] = [];

  /** The 32-bit words of a case's input record. */
  input(index: number): Uint32Array {
    return new Uint32Array(this.inputs.buffer, index * L.RECORD_BYTES, L.RECORD_BYTES / 4);
  }

  /** Replaces the instructions of a case; a BRK that tells which one it is fills the rest of the slot. */
  setWords(index: number, EL: 0 | 1, words: readonly number[]): void {
    const slotWords = L.SLOT_BYTES / 4;
    const first = index * slotWords;
    for (let n = 0; n < slotWords; n += 1) {
      this.code[first + n] = words[n] ?? (0xd4200000 | ((L.BRK_END + n) << 5)) >>> 0;
    }
    this.cases[index] = { index, EL, words };
    const input = this.input(index);
    input[L.PC / 4] = slotAddress(index);
    input[L.PC / 4 + 1] = 0;
    input[L.EL / 4] = EL;
    input[L.EL / 4 + 1] = 0;
  }
}

/** Virtual and physical address of a case's first instruction. */
export function slotAddress(index: number): number {
  return L.CODE + index * L.SLOT_BYTES;
}
