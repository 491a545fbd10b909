/**
 * A decoder of sample records, written from the Arm ARM's "Statistical Profiling Extension Sample Record
 * Specification" apart from the encoder: sizes come from the header's own size field.
 */

export interface DecodedSample {
  pc?: { address: bigint; EL: number; NS: boolean };
  target?: { address: bigint; EL: number; NS: boolean };
  dataVA?: bigint;
  dataPA?: bigint;
  context?: bigint;
  timestamp?: bigint;
  operation?: { class: 'other' | 'loadStore' | 'branch'; subclass: number };
  events?: number;
  counters: Partial<Record<'total' | 'issue' | 'translation', number>>;
  /** Bytes up to and with the packet that ends the record. */
  bytes: number;
}

const CLASSES = ['other', 'loadStore', 'branch'] as const;
const COUNTERS = ['total', 'issue', 'translation'] as const;

/** Packets from the start of a buffer; a record ends with End or Timestamp, Padding is skipped. */
export function decodeSamples(buffer: Uint8Array): DecodedSample[] {
  const samples: DecodedSample[] = [];
  let sample: DecodedSample = { counters: {}, bytes: 0 };
  let start = 0;
  const ends = (at: number): void => {
    samples.push({ ...sample, bytes: at - start });
    sample = { counters: {}, bytes: 0 };
  };
  for (let at = 0; at < buffer.length;) {
    const header = buffer[at] ?? 0;
    if (header === 0x00) {
      at += 1;
      if (Object.keys(sample).length === 2) start = at;
      continue;
    }
    if (header === 0x01) {
      at += 1;
      ends(at);
      start = at;
      continue;
    }
    // Bits 5:4 of a one-byte header: log2 of the payload's bytes.
    const size = 1 << ((header >> 4) & 3);
    let payload = 0n;
    for (let n = size - 1; n >= 0; n -= 1)
      payload = (payload << 8n) | BigInt(buffer[at + 1 + n] ?? 0);
    at += 1 + size;
    const index = header & 7;
    const instruction = {
      address: payload & 0xff_ffff_ffff_ffffn,
      EL: Number((payload >> 61n) & 3n),
      NS: payload >> 63n === 1n,
    };
    if (header === 0x71) {
      sample.timestamp = payload;
      ends(at);
      start = at;
    } else if ((header & 0xf8) === 0xb0) {
      if (index === 0) sample.pc = instruction;
      else if (index === 1) sample.target = instruction;
      else if (index === 2) sample.dataVA = payload;
      else if (index === 3) sample.dataPA = payload;
      else throw new Error(`address packet ${index}`);
    } else if ((header & 0xf8) === 0x98) {
      const name = COUNTERS[index];
      if (name === undefined) throw new Error(`counter packet ${index}`);
      sample.counters[name] = Number(payload);
    } else if ((header & 0xfc) === 0x48) {
      const name = CLASSES[header & 3];
      if (name === undefined) throw new Error(`operation class ${header & 3}`);
      sample.operation = { class: name, subclass: Number(payload) };
    } else if ((header & 0xcf) === 0x42) sample.events = Number(payload);
    else if ((header & 0xfc) === 0x64) sample.context = payload;
    else throw new Error(`header 0x${header.toString(16)} at ${at}`);
  }
  return samples;
}
