/** The benchmark guests: their ELF files with the iteration count set. */
import { readFileSync } from 'node:fs';
import { parseElf } from '../../debug-adapter/symbols/elf.ts';
import type { ElfImage } from '../../debug-adapter/symbols/elf.ts';

export interface Guest {
  readonly name: string;
  readonly image: ElfImage;
  /** The file with `iterations` patched in. */
  readonly bytes: Uint8Array;
  symbol(name: string): bigint;
}

export function loadGuest(name: string, iterations: number): Guest {
  const path = new URL(`guests/${name}.elf`, import.meta.url);
  const bytes = new Uint8Array(readFileSync(path));
  const image = parseElf(bytes, `${name}.elf`);
  const symbol = (wanted: string): bigint => {
    const found = image.symbols.find((candidate) => candidate.name === wanted);
    if (!found) throw new Error(`${name}.elf has no symbol ${wanted}`);
    return found.value;
  };
  const at = symbol('iterations');
  for (const { vaddr, offset, fileSize } of image.segments) {
    if (at < vaddr || at >= vaddr + BigInt(fileSize)) continue;
    new DataView(bytes.buffer).setUint32(offset + Number(at - vaddr), iterations, true);
  }
  return { name, image: parseElf(bytes, `${name}.elf`), bytes, symbol };
}
