/** The benchmark guests: their ELF files with variables such as the iteration count set. */
import { readFileSync } from 'node:fs';
import { parseElf } from '../../debug-adapter/symbols/elf.ts';
import type { ElfImage } from '../../debug-adapter/symbols/elf.ts';

export interface Guest {
  readonly name: string;
  readonly image: ElfImage;
  /** The file with the variables patched in. */
  readonly bytes: Uint8Array;
  symbol(name: string): bigint;
}

/** 32-bit variables in the data of a guest. */
export interface Variables {
  readonly iterations: number;
  /** 1: the guest runs with translation. Default 0. */
  readonly mmu?: 0 | 1;
  /** Of the guest `costs` only: what is done. */
  readonly kind?: number;
}

export function loadGuest(name: string, variables: Variables): Guest {
  const path = new URL(`guests/${name}.elf`, import.meta.url);
  const bytes = new Uint8Array(readFileSync(path));
  const image = parseElf(bytes, `${name}.elf`);
  const symbol = (wanted: string): bigint => {
    const found = image.symbols.find((candidate) => candidate.name === wanted);
    if (!found) throw new Error(`${name}.elf has no symbol ${wanted}`);
    return found.value;
  };
  for (const [variable, value] of Object.entries(variables) as [string, number][]) {
    const at = symbol(variable);
    for (const { vaddr, offset, fileSize } of image.segments) {
      if (at < vaddr || at >= vaddr + BigInt(fileSize)) continue;
      new DataView(bytes.buffer).setUint32(offset + Number(at - vaddr), value, true);
    }
  }
  return { name, image: parseElf(bytes, `${name}.elf`), bytes, symbol };
}
