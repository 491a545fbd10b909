/** Linux Standard Base, "DWARF Extensions": encoded pointers of .eh_frame. */
import type { ByteReader } from '../byte-reader.ts';

const DW_EH_PE_absptr = 0x00;
const DW_EH_PE_uleb128 = 0x01;
const DW_EH_PE_udata2 = 0x02;
const DW_EH_PE_udata4 = 0x03;
const DW_EH_PE_udata8 = 0x04;
const DW_EH_PE_sleb128 = 0x09;
const DW_EH_PE_sdata2 = 0x0a;
const DW_EH_PE_sdata4 = 0x0b;
const DW_EH_PE_sdata8 = 0x0c;
const DW_EH_PE_pcrel = 0x10;
const DW_EH_PE_aligned = 0x50;
const DW_EH_PE_omit = 0xff;

/** @param sectionAddress address of the section's first byte, for pc-relative pointers */
export function readPointer(reader: ByteReader, encoding: number, sectionAddress: bigint): bigint {
  if (encoding === DW_EH_PE_omit) return 0n;
  const at = reader.offset;
  const application = encoding & 0x70;
  if (application !== 0 && application !== DW_EH_PE_pcrel) {
    const what = application === DW_EH_PE_aligned ? 'aligned' : `0x${encoding.toString(16)}`;
    throw reader.unsupported(`pointer encoding ${what}`, at);
  }
  const value = readFormat(reader, encoding & 0x0f);
  const base = application === DW_EH_PE_pcrel ? sectionAddress + BigInt(at) : 0n;
  return BigInt.asUintN(64, base + value);
}

function readFormat(reader: ByteReader, format: number): bigint {
  switch (format) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_udata8:
      return reader.u64();
    case DW_EH_PE_uleb128:
      return reader.ulebBig();
    case DW_EH_PE_udata2:
      return BigInt(reader.u16());
    case DW_EH_PE_udata4:
      return BigInt(reader.u32());
    case DW_EH_PE_sleb128:
      return reader.slebBig();
    case DW_EH_PE_sdata2:
      return BigInt(reader.i16());
    case DW_EH_PE_sdata4:
      return BigInt(reader.i32());
    case DW_EH_PE_sdata8:
      return reader.i64();
    default:
      throw reader.error(`pointer format 0x${format.toString(16)} is unknown`);
  }
}
