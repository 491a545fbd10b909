/** System V ABI, "Object Files", and ELF for the Arm 64-bit Architecture (AArch64). Field names are the ABI's. */
import { ByteReader } from './byte-reader.ts';
import { SymbolError } from './symbol-error.ts';

const ELFCLASS32 = 1;
const ELFDATA2MSB = 2;
const ET_REL = 1;
const ET_EXEC = 2;
const ET_DYN = 3;
const ET_CORE = 4;
const EM_AARCH64 = 183;
const PT_LOAD = 1;
const PT_INTERP = 3;
const SHT_SYMTAB = 2;
const SHT_NOTE = 7;
const SHT_NOBITS = 8;
const SHT_DYNSYM = 11;
const SHF_WRITE = 1n << 0n;
const SHF_ALLOC = 1n << 1n;
const SHF_EXECINSTR = 1n << 2n;
const SHF_COMPRESSED = 1n << 11n;
const ELFCOMPRESS_ZLIB = 1;
const SHN_UNDEF = 0;
const SHN_XINDEX = 0xffff;

const EHDR_SIZE = 64;
const PHDR_SIZE = 56;
const SHDR_SIZE = 64;
const SYM_SIZE = 24;

/** Machines that people are most likely to load by mistake. */
const MACHINES = new Map<number, string>([
  [2, 'SPARC'],
  [3, 'x86 (32-bit)'],
  [8, 'MIPS'],
  [20, 'PowerPC'],
  [21, 'PowerPC64'],
  [22, 'S390'],
  [40, 'Arm (32-bit)'],
  [62, 'x86-64'],
  [83, 'AVR'],
  [94, 'Xtensa'],
  [243, 'RISC-V'],
  [247, 'BPF'],
  [258, 'LoongArch'],
]);

export interface ElfSegment {
  /** p_paddr, where a loader puts the bytes. */
  readonly paddr: bigint;
  /** p_vaddr, the address that symbols and DWARF use. */
  readonly vaddr: bigint;
  readonly offset: number;
  readonly fileSize: number;
  readonly memSize: number;
  /** PF_X = 1, PF_W = 2, PF_R = 4. */
  readonly flags: number;
}

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  /** sh_type. */
  readonly type: number;
  readonly address: bigint;
  readonly offset: number;
  /** sh_size: bytes in the file, compressed when `compressed`; bytes in memory for SHT_NOBITS. */
  readonly size: number;
  readonly link: number;
  readonly allocated: boolean;
  readonly executable: boolean;
  readonly writable: boolean;
  readonly compressed: boolean;
}

export interface ElfSymbol {
  readonly name: string;
  readonly value: bigint;
  readonly size: bigint;
  /** 'mapping' is $x, $d and their dotted forms, which mark code and data for disassemblers. */
  readonly kind:
    'function' | 'object' | 'notype' | 'section' | 'file' | 'tls' | 'mapping' | 'other';
  readonly binding: 'local' | 'global' | 'weak' | 'other';
  /** Index of the section that defines it; 0xfff1 for an absolute value. */
  readonly sectionIndex: number;
}

/** Inflates a zlib stream (RFC 1950) to exactly `size` bytes; throws on bad data. */
export type Inflate = (data: Uint8Array, size: number) => Uint8Array;

export interface ElfOptions {
  /** For sections with SHF_COMPRESSED; without it they are reported as unreadable. */
  readonly inflate?: Inflate;
  /** Accept Linux user programs, for the symbols of a process inside the guest. */
  readonly acceptUserPrograms?: boolean;
}

/** One linked little-endian AArch64 ELF file. */
export class ElfImage {
  readonly fileName: string;
  readonly bytes: Uint8Array;
  readonly entry: bigint;
  /** e_type. */
  readonly type: 'ET_EXEC' | 'ET_DYN';
  readonly machine = EM_AARCH64;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
  readonly #inflate: Inflate | undefined;
  readonly #inflated = new Map<number, Uint8Array>();
  readonly #byName = new Map<string, ElfSection>();

  constructor(
    fileName: string,
    bytes: Uint8Array,
    header: { readonly entry: bigint; readonly type: 'ET_EXEC' | 'ET_DYN' },
    segments: readonly ElfSegment[],
    sections: readonly ElfSection[],
    symbols: readonly ElfSymbol[],
    inflate: Inflate | undefined,
  ) {
    this.fileName = fileName;
    this.bytes = bytes;
    this.entry = header.entry;
    this.type = header.type;
    this.segments = segments;
    this.sections = sections;
    this.symbols = symbols;
    this.#inflate = inflate;
    for (const section of sections) {
      if (!this.#byName.has(section.name)) this.#byName.set(section.name, section);
    }
  }

  section(name: string): ElfSection | undefined {
    return this.#byName.get(name);
  }

  /** Contents of a section, inflated if need be; undefined when there is none of that name. */
  sectionData(name: string): Uint8Array | undefined {
    const section = this.#byName.get(name);
    if (section === undefined || section.type === SHT_NOBITS) return undefined;
    const raw = this.bytes.subarray(section.offset, section.offset + section.size);
    return section.compressed ? this.#decompress(section, raw) : raw;
  }

  /** True when the file puts something at this address. */
  occupies(address: bigint): boolean {
    for (const { vaddr, memSize } of this.segments) {
      if (address >= vaddr && address < vaddr + BigInt(memSize)) return true;
    }
    for (const { allocated, address: start, size } of this.sections) {
      if (allocated && address >= start && address < start + BigInt(size)) return true;
    }
    return false;
  }

  /** Bytes that the file loads at a virtual address; undefined unless all of them are in it. */
  loadedBytes(address: bigint, length: number): Uint8Array | undefined {
    for (const { vaddr, offset, fileSize } of this.segments) {
      if (address >= vaddr && address + BigInt(length) <= vaddr + BigInt(fileSize)) {
        const start = offset + Number(address - vaddr);
        return this.bytes.subarray(start, start + length);
      }
    }
    return undefined;
  }

  #decompress(section: ElfSection, raw: Uint8Array): Uint8Array {
    const done = this.#inflated.get(section.index);
    if (done !== undefined) return done;
    const source = {
      fileName: this.fileName,
      section: section.name,
      bytes: raw,
      code: 'malformed-elf',
    } as const;
    const reader = new ByteReader(source);
    const ch_type = reader.u32();
    reader.u32(); // ch_reserved
    const ch_size = reader.size64();
    reader.u64(); // ch_addralign
    const fail = (detail: string): SymbolError =>
      new SymbolError('compressed', this.fileName, section.name, 0, detail);
    if (ch_type !== ELFCOMPRESS_ZLIB) {
      throw fail(`compression type ${ch_type} is not supported, only zlib is`);
    }
    if (this.#inflate === undefined) throw fail('is compressed and no decompressor was provided');
    // Deflate cannot expand more than 1032 times; a larger promise is a bomb or a broken header.
    if (ch_size > raw.length * 1032 + 1024) throw fail(`claims to inflate to ${ch_size} bytes`);
    let data: Uint8Array;
    try {
      data = this.#inflate(raw.subarray(reader.offset), ch_size);
    } catch (cause) {
      const error = fail('does not inflate');
      error.cause = cause;
      throw error;
    }
    if (data.length !== ch_size) {
      throw fail(`inflates to ${data.length} bytes instead of ${ch_size}`);
    }
    this.#inflated.set(section.index, data);
    return data;
  }
}

/**
 * Reads the headers and the symbol table of an ELF file.
 * @throws SymbolError for anything but a linked little-endian AArch64 file
 */
export function parseElf(bytes: Uint8Array, fileName: string, options: ElfOptions = {}): ElfImage {
  const fail = (code: SymbolError['code'], offset: number, detail: string): SymbolError =>
    new SymbolError(code, fileName, undefined, offset, detail);

  if (bytes.length < 4 || readMagic(bytes) !== 0x7f454c46) {
    throw fail('not-elf', 0, 'not an ELF file: it does not start with 7f 45 4c 46');
  }
  if (bytes[4] === ELFCLASS32) throw fail('elf32', 4, 'a 32-bit ELF file, not AArch64 LP64');
  if (bytes[5] === ELFDATA2MSB) throw fail('big-endian', 5, 'a big-endian ELF file');
  if (bytes.length < EHDR_SIZE) {
    throw fail('truncated', bytes.length, `ends inside the ELF header (${bytes.length} bytes)`);
  }
  if (bytes[4] !== 2) throw fail('malformed-elf', 4, `EI_CLASS is ${bytes[4] ?? 0}`);
  if (bytes[5] !== 1) throw fail('malformed-elf', 5, `EI_DATA is ${bytes[5] ?? 0}`);

  const reader = new ByteReader({ fileName, section: undefined, bytes, code: 'truncated' });
  reader.offset = 16;
  const e_type = reader.u16();
  const e_machine = reader.u16();
  if (e_machine !== EM_AARCH64) {
    const name = MACHINES.get(e_machine) ?? `machine number ${e_machine}`;
    throw fail('wrong-machine', 18, `built for ${name}, not for AArch64`);
  }
  if (e_type === ET_REL) {
    throw fail('relocatable', 16, 'a relocatable object file (ET_REL); link it first');
  }
  if (e_type === ET_CORE) throw fail('core-file', 16, 'a core dump (ET_CORE), not a program');
  if (e_type !== ET_EXEC && e_type !== ET_DYN) {
    throw fail('malformed-elf', 16, `e_type is ${e_type}, neither ET_EXEC nor ET_DYN`);
  }
  reader.offset = 24;
  const entry = reader.u64();
  const e_phoff = reader.size64();
  const e_shoff = reader.size64();
  reader.offset = 54;
  const e_phentsize = reader.u16();
  const e_phnum = reader.u16();
  const e_shentsize = reader.u16();
  const e_shnum = reader.u16();
  const e_shstrndx = reader.u16();

  if (e_phnum > 0 && e_phentsize !== PHDR_SIZE) {
    throw fail('malformed-elf', 54, `e_phentsize is ${e_phentsize} instead of ${PHDR_SIZE}`);
  }
  if (e_phoff + e_phnum * PHDR_SIZE > bytes.length) {
    throw fail('truncated', bytes.length, 'ends before its program headers');
  }
  const programHeaders = readProgramHeaders(reader, e_phoff, e_phnum);
  if (programHeaders.hasInterpreter && options.acceptUserPrograms !== true) {
    throw fail('user-program', 16, 'a Linux user program: it asks for a dynamic linker');
  }
  const sections =
    e_shoff === 0
      ? []
      : readSections(reader, e_shoff, { e_shentsize, e_shnum, e_shstrndx, length: bytes.length });
  const abiNote = sections.some(({ name, type }) => type === SHT_NOTE && name === '.note.ABI-tag');
  if (abiNote && options.acceptUserPrograms !== true) {
    throw fail('user-program', 16, 'a Linux user program: it carries .note.ABI-tag');
  }
  const header = { entry, type: e_type === ET_EXEC ? 'ET_EXEC' : 'ET_DYN' } as const;
  const symbols = readSymbols(reader, sections);
  return new ElfImage(
    fileName,
    bytes,
    header,
    programHeaders.segments,
    sections,
    symbols,
    options.inflate,
  );
}

function readMagic(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}

function readProgramHeaders(
  reader: ByteReader,
  e_phoff: number,
  e_phnum: number,
): { segments: ElfSegment[]; hasInterpreter: boolean } {
  const segments: ElfSegment[] = [];
  let hasInterpreter = false;
  for (let i = 0; i < e_phnum; i++) {
    const at = e_phoff + i * PHDR_SIZE;
    reader.offset = at;
    const p_type = reader.u32();
    if (p_type === PT_INTERP) hasInterpreter = true;
    if (p_type !== PT_LOAD) continue;
    const flags = reader.u32();
    const offset = reader.size64();
    const vaddr = reader.u64();
    const paddr = reader.u64();
    const fileSize = reader.size64();
    const memSize = reader.size64();
    if (offset + fileSize > reader.end) {
      throw reader.error(
        `segment ${i} needs ${fileSize} bytes at 0x${offset.toString(16)}, past the end of the file`,
        at,
      );
    }
    if (fileSize > memSize) {
      throw reader.error(`segment ${i} has p_filesz ${fileSize} above p_memsz ${memSize}`, at);
    }
    segments.push({ paddr, vaddr, offset, fileSize, memSize, flags });
  }
  return { segments, hasInterpreter };
}

function readSections(
  reader: ByteReader,
  e_shoff: number,
  header: { e_shentsize: number; e_shnum: number; e_shstrndx: number; length: number },
): ElfSection[] {
  if (header.e_shentsize !== SHDR_SIZE) {
    throw reader.error(`e_shentsize is ${header.e_shentsize} instead of ${SHDR_SIZE}`, 58);
  }
  // More than 0xff00 sections: the real counts stand in section 0.
  reader.offset = e_shoff;
  reader.skip(32);
  const extendedCount = reader.size64();
  const extendedStrings = reader.u32();
  const count = header.e_shnum === 0 ? extendedCount : header.e_shnum;
  const stringIndex = header.e_shstrndx === SHN_XINDEX ? extendedStrings : header.e_shstrndx;
  if (e_shoff + count * SHDR_SIZE > header.length) {
    throw reader.error('the file ends before its section headers', header.length);
  }

  const raw = [];
  for (let index = 0; index < count; index++) {
    reader.offset = e_shoff + index * SHDR_SIZE;
    const nameOffset = reader.u32();
    const type = reader.u32();
    const flags = reader.u64();
    const address = reader.u64();
    const offset = reader.size64();
    const size = reader.size64();
    const link = reader.u32();
    if (type !== SHT_NOBITS && type !== 0 && offset + size > header.length) {
      const range = `0x${offset.toString(16)}, size 0x${size.toString(16)}`;
      throw reader.error(`section ${index} (offset ${range}) lies past the end of the file`);
    }
    raw.push({ nameOffset, index, type, flags, address, offset, size, link });
  }
  const strings = raw[stringIndex];
  return raw.map(({ nameOffset, flags, ...section }) => ({
    ...section,
    name: sectionName(reader, strings, nameOffset),
    allocated: (flags & SHF_ALLOC) !== 0n,
    executable: (flags & SHF_EXECINSTR) !== 0n,
    writable: (flags & SHF_WRITE) !== 0n,
    compressed: (flags & SHF_COMPRESSED) !== 0n,
  }));
}

function sectionName(
  reader: ByteReader,
  strings: { offset: number; size: number; type: number } | undefined,
  nameOffset: number,
): string {
  if (strings === undefined || strings.type === 0 || strings.type === SHT_NOBITS) return '';
  const table = new ByteReader(reader.source, strings.offset, strings.offset + strings.size);
  table.skip(nameOffset);
  return table.atEnd ? '' : table.string();
}

function readSymbols(reader: ByteReader, sections: readonly ElfSection[]): ElfSymbol[] {
  const table =
    sections.find(({ type }) => type === SHT_SYMTAB) ??
    sections.find(({ type }) => type === SHT_DYNSYM);
  if (table === undefined) return [];
  const strings = sections[table.link];
  if (strings === undefined || strings.type === SHT_NOBITS) {
    throw reader.error(`symbol table's sh_link ${table.link} is no string table`, table.offset);
  }
  const names = new ByteReader(reader.source, strings.offset, strings.offset + strings.size);
  const symbols: ElfSymbol[] = [];
  const count = Math.floor(table.size / SYM_SIZE);
  for (let i = 1; i < count; i++) {
    reader.offset = table.offset + i * SYM_SIZE;
    const st_name = reader.u32();
    const st_info = reader.u8();
    reader.u8(); // st_other
    const st_shndx = reader.u16();
    const value = reader.u64();
    const size = reader.u64();
    if (st_shndx === SHN_UNDEF) continue;
    names.offset = strings.offset;
    names.skip(st_name);
    const name = names.atEnd ? '' : names.string();
    const binding = (['local', 'global', 'weak'] as const)[st_info >> 4] ?? 'other';
    symbols.push({
      name,
      value,
      size,
      kind: symbolKind(st_info & 15, name),
      binding,
      sectionIndex: st_shndx,
    });
  }
  return symbols;
}

function symbolKind(st_type: number, name: string): ElfSymbol['kind'] {
  switch (st_type) {
    case 0:
      return /^\$[xd](\.|$)/.test(name) ? 'mapping' : 'notype';
    case 1:
      return 'object';
    case 2:
    case 10: // STT_GNU_IFUNC
      return 'function';
    case 3:
      return 'section';
    case 4:
      return 'file';
    case 6:
      return 'tls';
    default:
      return 'other';
  }
}
