/** A PT_LOAD program header and the bytes it loads (System V gABI, "Program Header"). */
export interface LoadSegment {
  readonly p_vaddr: bigint;
  readonly p_memsz: bigint;
  readonly p_flags: number;
  readonly bytes: Buffer;
}

const PT_LOAD = 1;

/** The PT_LOAD segments of a little-endian ELF64 image, in the order of the file. */
export function loadSegments(elf: Buffer): readonly LoadSegment[] {
  const e_phoff = Number(elf.readBigUInt64LE(0x20));
  const e_phentsize = elf.readUInt16LE(0x36);
  const e_phnum = elf.readUInt16LE(0x38);
  const segments: LoadSegment[] = [];
  for (let i = 0; i < e_phnum; i++) {
    const header = elf.subarray(e_phoff + i * e_phentsize, e_phoff + (i + 1) * e_phentsize);
    if (header.readUInt32LE(0) !== PT_LOAD) continue;
    const p_offset = Number(header.readBigUInt64LE(0x08));
    const p_filesz = Number(header.readBigUInt64LE(0x20));
    segments.push({
      p_vaddr: header.readBigUInt64LE(0x10),
      p_memsz: header.readBigUInt64LE(0x28),
      p_flags: header.readUInt32LE(0x04),
      bytes: elf.subarray(p_offset, p_offset + p_filesz),
    });
  }
  return segments;
}

/** The version that GCC left in the .comment section, such as "12.2.0". */
export function gccVersion(elf: Buffer): string | undefined {
  return /GCC: \([^)]*\) (\d+\.\d+\.\d+)/.exec(elf.toString('latin1'))?.[1];
}
