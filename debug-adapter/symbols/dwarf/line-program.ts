/** DWARF 5, 6.2, "Line Number Information"; versions 2 to 5. */
import type { ByteReader } from '../byte-reader.ts';
import { DW_FORM, DW_LNCT, DW_LNE, DW_LNS } from './constants.ts';
import { readForm, type FormEncoding, type RawAttribute } from './form.ts';
import type { DwarfSections } from './sections.ts';

export const ROW_IS_STMT = 1 << 0;
export const ROW_PROLOGUE_END = 1 << 1;
export const ROW_EPILOGUE_BEGIN = 1 << 2;
export const ROW_END_SEQUENCE = 1 << 3;

/** Most directories or files that one table may name. */
const MAX_NAMES = 1_000_000;

/** A contiguous run of machine code: rows [firstRow, lastRow], of which the last is its end. */
export interface LineSequence {
  readonly low: bigint;
  readonly high: bigint;
  readonly firstRow: number;
  readonly lastRow: number;
}

/** Rows of one line number program, as columns. */
export interface LineTable {
  /** Full paths; index 0 is the unit's primary file from version 5 on, unused before. */
  readonly files: readonly string[];
  readonly addresses: BigUint64Array;
  readonly fileIndices: Uint32Array;
  readonly lines: Uint32Array;
  readonly columns: Uint32Array;
  /** ROW_* bits. */
  readonly flags: Uint8Array;
  /** In ascending order of `low`. */
  readonly sequences: readonly LineSequence[];
}

interface LineHeader extends FormEncoding {
  readonly minimum_instruction_length: number;
  readonly default_is_stmt: boolean;
  readonly line_base: number;
  readonly line_range: number;
  readonly opcode_base: number;
  readonly standard_opcode_lengths: readonly number[];
  readonly files: string[];
  readonly program: ByteReader;
  readonly directories: readonly string[];
}

export interface LineTableContext {
  readonly sections: DwarfSections;
  /** DW_AT_comp_dir. */
  readonly compilationDirectory: string;
  indexedString(index: number): string;
  /** Whether the image has anything there; sequences of discarded code are dropped. */
  occupies(address: bigint): boolean;
}

export function readLineTable(context: LineTableContext, offset: number): LineTable {
  return runLineProgram(readLineHeader(context, offset), context);
}

/** Joins DWARF path parts and resolves `.` and `..`; keeps the separators of the host that built it. */
export function joinPath(...parts: readonly string[]): string {
  let path = '';
  for (const part of parts) {
    if (part === '') continue;
    path = path === '' || isAbsolute(part) ? part : `${path.replace(/[/\\]$/, '')}/${part}`;
  }
  const root = /^([A-Za-z]:)?[/\\]*/.exec(path)?.[0] ?? '';
  const kept: string[] = [];
  for (const name of path.slice(root.length).split(/[/\\]/)) {
    if (name === '' || name === '.') continue;
    if (name === '..' && kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (name !== '..' || root === '') kept.push(name);
  }
  return root + kept.join(root.includes('\\') ? '\\' : '/');
}

function isAbsolute(path: string): boolean {
  return /^([A-Za-z]:)?[/\\]/.test(path);
}

function readLineHeader(context: LineTableContext, offset: number): LineHeader {
  const reader = context.sections.reader('.debug_line', offset);
  let length = reader.u32();
  let offsetSize: 4 | 8 = 4;
  if (length === 0xffff_ffff) {
    offsetSize = 8;
    length = reader.size64();
  }
  const unit = reader.slice(reader.offset, length);
  const version = unit.u16();
  if (version < 2 || version > 5) {
    throw reader.unsupported(`line table version ${version}`, offset);
  }
  const addressSize = version >= 5 ? unit.u8() : 8;
  if (addressSize !== 8) throw reader.unsupported(`address size ${addressSize}`, offset);
  if (version >= 5) unit.u8(); // segment_selector_size
  const header_length = unit.offsetOf(offsetSize);
  const programStart = unit.offset + header_length;
  const minimum_instruction_length = unit.u8();
  if (version >= 4 && unit.u8() !== 1) {
    throw unit.unsupported('a VLIW line table (maximum_operations_per_instruction is not 1)');
  }
  const default_is_stmt = unit.u8() !== 0;
  const line_base = unit.i8();
  const line_range = unit.u8();
  const opcode_base = unit.u8();
  const standard_opcode_lengths = [0];
  for (let i = 1; i < opcode_base; i++) standard_opcode_lengths.push(unit.u8());
  const encoding = { version, offsetSize, addressSize };
  const { files, directories } =
    version >= 5
      ? readEntryFormats(unit, encoding, context)
      : readNameLists(unit, context.compilationDirectory);
  if (programStart > unit.end) throw unit.error('header_length runs past the end of the table');
  return {
    ...encoding,
    minimum_instruction_length,
    default_is_stmt,
    line_base,
    line_range,
    opcode_base,
    standard_opcode_lengths,
    files,
    directories,
    program: unit.slice(programStart, unit.end - programStart),
  };
}

/** Versions 2 to 4: directories and files as NUL-terminated lists, both counted from 1. */
function readNameLists(
  reader: ByteReader,
  compilationDirectory: string,
): { files: string[]; directories: string[] } {
  const directories = [compilationDirectory];
  for (let name = reader.string(); name !== ''; name = reader.string()) {
    directories.push(joinPath(compilationDirectory, name));
  }
  const files = [''];
  for (let name = reader.string(); name !== ''; name = reader.string()) {
    files.push(joinPath(directories[reader.uleb()] ?? '', name));
    reader.ulebBig(); // modification time
    reader.ulebBig(); // length
  }
  return { files, directories };
}

/** Version 5: self-describing entries, both counted from 0. */
function readEntryFormats(
  reader: ByteReader,
  encoding: FormEncoding,
  context: LineTableContext,
): { files: string[]; directories: string[] } {
  // The first entry is the directory of the compilation itself, and the others are relative to it.
  const directories = readEntries(reader, encoding, context).map(({ path }, index) =>
    index === 0 ? path : joinPath(context.compilationDirectory, path),
  );
  const files = readEntries(reader, encoding, context).map(({ path, directory }) =>
    joinPath(directories[directory] ?? '', path),
  );
  return { files, directories };
}

function readEntries(
  reader: ByteReader,
  encoding: FormEncoding,
  context: LineTableContext,
): { path: string; directory: number }[] {
  const formats: { content: number; form: number }[] = [];
  const formatCount = reader.u8();
  for (let i = 0; i < formatCount; i++)
    formats.push({ content: reader.uleb(), form: reader.uleb() });
  const at = reader.offset;
  const count = reader.uleb();
  const takesSpace = formats.some(
    ({ form }) => form !== DW_FORM.flag_present && form !== DW_FORM.implicit_const,
  );
  if (count > MAX_NAMES || (count > 0 && (!takesSpace || count > reader.remaining))) {
    throw reader.error(`${count} names cannot be in ${reader.remaining} bytes`, at);
  }
  const entries = [];
  for (let i = 0; i < count; i++) {
    let path = '';
    let directory = 0;
    for (const { content, form } of formats) {
      const value = readForm(reader, form, encoding, undefined);
      if (content === DW_LNCT.path) path = pathOf(value, context);
      else if (content === DW_LNCT.directory_index && value.class === 'constant') {
        directory = Number(value.value);
      }
    }
    entries.push({ path, directory });
  }
  return entries;
}

function pathOf(value: RawAttribute, context: LineTableContext): string {
  switch (value.class) {
    case 'string':
      return value.value;
    case 'stringOffset':
      return context.sections.reader(value.section, value.offset).string();
    case 'stringIndex':
      return context.indexedString(value.index);
    default:
      return '';
  }
}

/** Growing columns; typed arrays at the end. */
class Rows {
  readonly addresses: bigint[] = [];
  readonly fileIndices: number[] = [];
  readonly lines: number[] = [];
  readonly columns: number[] = [];
  readonly flags: number[] = [];

  truncate(length: number): void {
    this.addresses.length = length;
    this.fileIndices.length = length;
    this.lines.length = length;
    this.columns.length = length;
    this.flags.length = length;
  }
}

function runLineProgram(header: LineHeader, context: LineTableContext): LineTable {
  const { program, opcode_base, line_base, line_range, minimum_instruction_length } = header;
  const rows = new Rows();
  const sequences: LineSequence[] = [];
  const firstFlags = header.default_is_stmt ? ROW_IS_STMT : 0;
  let address = 0n;
  let file = 1;
  let line = 1;
  let column = 0;
  let flags = firstFlags;
  let sequenceStart = 0;
  let ascending = true;

  const emit = (extra: number): void => {
    const previous = rows.addresses.length - 1;
    if (previous >= sequenceStart && (rows.addresses[previous] ?? 0n) > address) ascending = false;
    rows.addresses.push(address);
    rows.fileIndices.push(file);
    rows.lines.push(line);
    rows.columns.push(column);
    rows.flags.push(flags | extra);
    flags &= ROW_IS_STMT;
  };
  const advance = (operations: number): void => {
    address = BigInt.asUintN(64, address + BigInt(operations * minimum_instruction_length));
  };
  const specialAdvance = (opcode: number): number => {
    if (line_range === 0) throw program.error('line_range is 0', program.offset - 1);
    return Math.floor((opcode - opcode_base) / line_range);
  };
  const endSequence = (): void => {
    emit(ROW_END_SEQUENCE);
    const lastRow = rows.addresses.length - 1;
    const low = rows.addresses[sequenceStart] ?? 0n;
    if (ascending && low < address && context.occupies(low)) {
      sequences.push({ low, high: address, firstRow: sequenceStart, lastRow });
      sequenceStart = lastRow + 1;
    } else {
      rows.truncate(sequenceStart);
    }
    address = 0n;
    file = 1;
    line = 1;
    column = 0;
    flags = firstFlags;
    ascending = true;
  };

  while (!program.atEnd) {
    const opcode = program.u8();
    if (opcode >= opcode_base) {
      const advanced = specialAdvance(opcode);
      advance(advanced);
      line += line_base + (opcode - opcode_base - advanced * line_range);
      emit(0);
      continue;
    }
    switch (opcode) {
      case 0: {
        const length = program.uleb();
        const next = program.offset + length;
        if (length === 0 || length > program.remaining) {
          throw program.error(`extended opcode of ${length} bytes`);
        }
        const extended = program.u8();
        if (extended === DW_LNE.end_sequence) endSequence();
        else if (extended === DW_LNE.set_address) address = program.unsigned(length - 1);
        else if (extended === DW_LNE.define_file) {
          const name = program.string();
          header.files.push(joinPath(header.directories[program.uleb()] ?? '', name));
        }
        program.offset = next;
        break;
      }
      case DW_LNS.copy:
        emit(0);
        break;
      case DW_LNS.advance_pc:
        address = BigInt.asUintN(
          64,
          address + program.ulebBig() * BigInt(minimum_instruction_length),
        );
        break;
      case DW_LNS.advance_line:
        line += program.sleb();
        break;
      case DW_LNS.set_file:
        file = program.uleb();
        break;
      case DW_LNS.set_column:
        column = program.uleb();
        break;
      case DW_LNS.negate_stmt:
        flags ^= ROW_IS_STMT;
        break;
      case DW_LNS.set_basic_block:
        break;
      case DW_LNS.const_add_pc:
        advance(specialAdvance(255));
        break;
      case DW_LNS.fixed_advance_pc:
        address = BigInt.asUintN(64, address + BigInt(program.u16()));
        break;
      case DW_LNS.set_prologue_end:
        flags |= ROW_PROLOGUE_END;
        break;
      case DW_LNS.set_epilogue_begin:
        flags |= ROW_EPILOGUE_BEGIN;
        break;
      default: {
        const operands = header.standard_opcode_lengths[opcode] ?? 0;
        for (let i = 0; i < operands; i++) program.ulebBig();
      }
    }
  }
  rows.truncate(sequenceStart); // a program that stops inside a sequence
  sequences.sort((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : 0));
  return {
    files: header.files,
    addresses: BigUint64Array.from(rows.addresses),
    fileIndices: Uint32Array.from(rows.fileIndices),
    lines: Uint32Array.from(rows.lines),
    columns: Uint32Array.from(rows.columns),
    flags: Uint8Array.from(rows.flags),
    sequences,
  };
}
