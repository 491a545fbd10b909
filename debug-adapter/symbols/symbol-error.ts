/** Why a symbol file, or a part of it, could not be used. The adapter words its messages by this. */
export type SymbolErrorCode =
  /** Does not start with the ELF magic number. */
  | 'not-elf'
  /** Ends before a structure that its headers promise. */
  | 'truncated'
  | 'elf32'
  | 'big-endian'
  /** An ELF file for another machine; the message names it. */
  | 'wrong-machine'
  /** ET_REL: an object file that was never linked. */
  | 'relocatable'
  /** ET_CORE. */
  | 'core-file'
  /** A Linux user program: it has an interpreter or carries the GNU/Linux ABI note. */
  | 'user-program'
  /** A header field that contradicts the file. */
  | 'malformed-elf'
  /** A compressed section that no injected decompressor handles. */
  | 'compressed'
  /** DWARF that breaks the standard's rules. */
  | 'malformed-dwarf'
  /** Well-formed DWARF of a version or form that this reader does not implement. */
  | 'unsupported-dwarf';

/** The only exception that this folder throws for bad input. */
export class SymbolError extends Error {
  readonly code: SymbolErrorCode;
  readonly fileName: string;
  /** Section that was being read, or undefined for the ELF headers themselves. */
  readonly section: string | undefined;
  /** Byte offset of the problem: in `section` when there is one, else in the file. */
  readonly offset: number;
  /** The sentence without the place. */
  readonly detail: string;

  constructor(
    code: SymbolErrorCode,
    fileName: string,
    section: string | undefined,
    offset: number,
    detail: string,
  ) {
    const place = `${section === undefined ? 'offset ' : `${section}+`}0x${offset.toString(16)}`;
    super(`${fileName}: ${place}: ${detail}`);
    this.name = 'SymbolError';
    this.code = code;
    this.fileName = fileName;
    this.section = section;
    this.offset = offset;
    this.detail = detail;
  }
}
