/**
 * Whether a file is a program that can be started, from its ELF headers alone. Sources: System V ABI, "ELF Header",
 * "Program Header" and "Note Section"; ELF for the Arm 64-bit Architecture, "Machine type". The debug adapter reads the
 * whole file later and says what is wrong with it; this only decides what F5 offers.
 */

/** Bytes of a file from an offset on; fewer than asked for where the file ends. */
export type ReadBytes = (offset: number, length: number) => Uint8Array;

const EHDR_SIZE = 64;
const PHDR_SIZE = 56;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const ET_EXEC = 2;
const ET_DYN = 3;
const EM_AARCH64 = 183;
const PT_LOAD = 1;
const PT_INTERP = 3;
const PT_NOTE = 4;
const NT_GNU_ABI_TAG = 1;
/** Linkers write a handful of program headers; more than this is no program of ours. */
const LARGEST_PHNUM = 128;
const LARGEST_NOTE = 4096;

/** True for a little-endian AArch64 executable with something to load that asks for no operating system under it. */
export function isRunnableGuest(read: ReadBytes): boolean {
  const header = view(read(0, EHDR_SIZE));
  if (header.byteLength < EHDR_SIZE || header.getUint32(0) !== 0x7f454c46) return false;
  if (header.getUint8(4) !== ELFCLASS64 || header.getUint8(5) !== ELFDATA2LSB) return false;
  const e_type = header.getUint16(16, true);
  const e_entry = header.getBigUint64(24, true);
  if (header.getUint16(18, true) !== EM_AARCH64) return false;
  // A shared library is ET_DYN as a position-independent program is, but nothing enters it.
  if (e_type !== ET_EXEC && !(e_type === ET_DYN && e_entry !== 0n)) return false;

  const e_phoff = Number(header.getBigUint64(32, true));
  const e_phnum = header.getUint16(56, true);
  if (header.getUint16(54, true) !== PHDR_SIZE || e_phnum === 0 || e_phnum > LARGEST_PHNUM)
    return false;
  const programHeaders = view(read(e_phoff, e_phnum * PHDR_SIZE));
  if (programHeaders.byteLength < e_phnum * PHDR_SIZE) return false;

  let loads = false;
  for (let at = 0; at < programHeaders.byteLength; at += PHDR_SIZE) {
    const p_type = programHeaders.getUint32(at, true);
    if (p_type === PT_LOAD) loads = true;
    // A dynamic linker is asked for, or the ABI of a system is named: a program for Linux.
    if (p_type === PT_INTERP) return false;
    if (p_type === PT_NOTE) {
      const p_offset = Number(programHeaders.getBigUint64(at + 8, true));
      const p_filesz = Number(programHeaders.getBigUint64(at + 32, true));
      if (hasAbiTag(view(read(p_offset, Math.min(p_filesz, LARGEST_NOTE))))) return false;
    }
  }
  return loads;
}

function hasAbiTag(notes: DataView): boolean {
  let at = 0;
  while (at + 12 <= notes.byteLength) {
    const namesz = notes.getUint32(at, true);
    const descsz = notes.getUint32(at + 4, true);
    const isGnu =
      namesz === 4 && at + 16 <= notes.byteLength && notes.getUint32(at + 12) === 0x474e5500;
    if (isGnu && notes.getUint32(at + 8, true) === NT_GNU_ABI_TAG) return true;
    at += 12 + aligned(namesz) + aligned(descsz);
  }
  return false;
}

function aligned(size: number): number {
  return Math.ceil(size / 4) * 4;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
