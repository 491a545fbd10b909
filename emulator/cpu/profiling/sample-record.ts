/**
 * Sample records as they stand in the profiling buffer. Arm ARM, "Statistical Profiling Extension Sample
 * Record Specification": packets of a header and a little-endian payload, ended by a Timestamp or an End
 * packet and filled with Padding packets.
 */

export interface SampleRecord {
  readonly pc: SampleAddress;
  readonly branchTarget: SampleAddress | undefined;
  /** VA with its top byte, which is a tag where it is ignored. */
  readonly dataVA: bigint | undefined;
  readonly dataPA: bigint | undefined;
  /** Cycles; 12 bits, saturating. */
  readonly totalLatency: number;
  readonly issueLatency: number;
  readonly translationLatency: number | undefined;
  readonly operation: {
    readonly kind: 'other' | 'loadStore' | 'branch';
    readonly subclass: number;
  };
  /** EVENT_* bits; 16 bits. */
  readonly events: number;
  readonly CONTEXTIDR_EL1: bigint | undefined;
  readonly timestamp: bigint | undefined;
}

export interface SampleAddress {
  readonly address: bigint;
  readonly EL: 0 | 1 | 2;
}

/** Bits of the Events packet. */
export const EVENT_EXCEPTION = 1 << 0;
export const EVENT_RETIRED = 1 << 1;
export const EVENT_TLB_ACCESS = 1 << 4;
export const EVENT_TLB_WALK = 1 << 5;
export const EVENT_NOT_TAKEN = 1 << 6;

const END = 0x01;
const EVENTS_16 = 0x52;
const CONTEXT_EL1 = 0x64;
const OPERATION_TYPE = 0x48;
const TIMESTAMP = 0x71;
const ADDRESS = 0xb0;
const COUNTER = 0x98;

/** Indexes of Address packets. */
const PC = 0;
const BRANCH_TARGET = 1;
const DATA_VA = 2;
const DATA_PA = 3;
/** Indexes of Counter packets. */
const TOTAL_LATENCY = 0;
const ISSUE_LATENCY = 1;
const TRANSLATION_LATENCY = 2;

const NS = 1n << 63n;
const MOST_CYCLES = 0xfff;
const CLASSES = { other: 0, loadStore: 1, branch: 2 } as const;

/** PMSIDR_EL1.MaxSize: the longest record, and what every record is padded to. */
export const RECORD_BYTES = 64;

export function encodeSampleRecord(record: SampleRecord): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES);
  let at = 0;
  const packet = (header: number, payload: bigint, size: number): void => {
    bytes[at] = header;
    for (let n = 0; n < size; n += 1) {
      bytes[at + 1 + n] = Number((payload >> BigInt(8 * n)) & 0xffn);
    }
    at += 1 + size;
  };
  const counter = (index: number, cycles: number): void => {
    packet(COUNTER | index, BigInt(Math.min(cycles, MOST_CYCLES)), 2);
  };
  packet(ADDRESS | PC, instructionAddress(record.pc), 8);
  if (record.CONTEXTIDR_EL1 !== undefined) packet(CONTEXT_EL1, record.CONTEXTIDR_EL1, 4);
  counter(ISSUE_LATENCY, record.issueLatency);
  counter(TOTAL_LATENCY, record.totalLatency);
  if (record.translationLatency !== undefined) {
    counter(TRANSLATION_LATENCY, record.translationLatency);
  }
  packet(OPERATION_TYPE | CLASSES[record.operation.kind], BigInt(record.operation.subclass), 1);
  packet(EVENTS_16, BigInt(record.events), 2);
  if (record.branchTarget !== undefined) {
    packet(ADDRESS | BRANCH_TARGET, instructionAddress(record.branchTarget), 8);
  }
  if (record.dataVA !== undefined) packet(ADDRESS | DATA_VA, record.dataVA, 8);
  if (record.dataPA !== undefined) packet(ADDRESS | DATA_PA, record.dataPA | NS, 8);
  if (record.timestamp === undefined) packet(END, 0n, 0);
  else packet(TIMESTAMP, record.timestamp, 8);
  if (at > RECORD_BYTES) throw new TypeError(`a sample record of ${at} bytes`);
  return bytes;
}

/** NS in bit 63, EL in bits 62:61, VA[55:0]. There is no Secure state. */
function instructionAddress({ address, EL }: SampleAddress): bigint {
  return NS | (BigInt(EL) << 61n) | BigInt.asUintN(56, address);
}
