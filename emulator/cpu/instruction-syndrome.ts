/**
 * What ESR_EL2 says about the instruction behind a stage 2 Data Abort, so that a hypervisor can emulate
 * it without reading it. Arm ARM, ESR_EL2, "ISS encoding for an exception from a Data Abort", ISV.
 */

const ISV = 1 << 24;
const SSE = 1 << 21;
const SF = 1 << 15;
const AR = 1 << 14;

interface Transfer {
  /** log2 of the bytes. */
  readonly size: number;
  readonly signed: boolean;
  /** Rt is an X register. */
  readonly is64: boolean;
  readonly acquireRelease?: boolean;
}

/**
 * ISS bits 24:14 for an instruction word: ISV = 1 for loads and stores of one general-purpose register
 * without writeback that are not exclusive; all zero for any other instruction.
 */
export function dataAbortInstructionSyndrome(word: number): number {
  const transfer = loadStoreRegister(word) ?? loadLiteral(word) ?? acquireRelease(word);
  if (transfer === undefined) return 0;
  const Rt = word & 31;
  return (
    ISV |
    (transfer.size << 22) |
    (transfer.signed ? SSE : 0) |
    (Rt << 16) |
    (transfer.is64 ? SF : 0) |
    (transfer.acquireRelease === true ? AR : 0)
  );
}

/** "Load/store register": unscaled, unprivileged, register offset and unsigned immediate. */
function loadStoreRegister(word: number): Transfer | undefined {
  // Bits 29:27 are 0b111, bit 26 is V, bit 25 is 0.
  if ((word & 0x3e00_0000) !== 0x3800_0000) return undefined;
  const isUnsignedImmediate = ((word >>> 24) & 1) === 1;
  const form = (word >>> 10) & 3;
  if (!isUnsignedImmediate) {
    const isRegisterOffset = ((word >>> 21) & 1) === 1;
    // Bits 11:10: 0b00 unscaled, 0b10 unprivileged; 0b01 and 0b11 write back.
    if (isRegisterOffset ? form !== 0b10 : (form & 1) === 1) return undefined;
  }
  const size = word >>> 30;
  const opc = (word >>> 22) & 3;
  const signed = opc >= 2;
  return { size, signed, is64: signed ? opc === 2 : size === 3 };
}

/** "Load register (literal)": LDR and LDRSW. */
function loadLiteral(word: number): Transfer | undefined {
  if ((word & 0x3f00_0000) !== 0x1800_0000) return undefined;
  switch (word >>> 30) {
    case 0b00:
      return { size: 2, signed: false, is64: false };
    case 0b01:
      return { size: 3, signed: false, is64: true };
    case 0b10:
      return { size: 2, signed: true, is64: true };
    default:
      return undefined; // PRFM
  }
}

/** "Load/store ordered": LDAR and STLR. */
function acquireRelease(word: number): Transfer | undefined {
  // Bits 29:24 are 0b001000, o2 = 1, o1 = 0, o0 = 1.
  if ((word & 0x3fa0_8000) !== 0x0880_8000) return undefined;
  const size = word >>> 30;
  return { size, signed: false, is64: size === 3, acquireRelease: true };
}
