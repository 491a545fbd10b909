/**
 * A slow reference of A64's integer, branch and load/store instructions, on BigInt, written from the
 * Arm ARM's pseudocode. It shares nothing with the engine and its definitions: not the decoder,
 * not the operators.
 *
 * CONSTRAINED UNPREDICTABLE encodings are reported as such, so that a comparison can leave them out.
 */

export interface ReferenceState {
  /** X0-X30. */
  readonly X: bigint[];
  SP: bigint;
  PC: bigint;
  N: boolean;
  Z: boolean;
  C: boolean;
  V: boolean;
  /** V0-V31, for the loads and stores of SIMD&FP registers. */
  readonly Q: bigint[];
  /** Little-endian bytes by address; anything else aborts. */
  read(address: bigint, size: number): bigint;
  write(address: bigint, size: number, value: bigint): void;
  monitor: { address: bigint; size: number } | undefined;
}

export type Outcome =
  | 'executed'
  | 'undefined'
  | 'unpredictable'
  | 'alignment fault'
  /** Not an instruction of this reference: exceptions, system registers, SIMD arithmetic. */
  | 'elsewhere';

const mask = (n: number): bigint => (1n << BigInt(n)) - 1n;
const uint = (value: bigint, n: number): bigint => value & mask(n);
const sint = (value: bigint, n: number): bigint => BigInt.asIntN(n, value);

class Word {
  readonly #word: bigint;
  constructor(word: number) {
    this.#word = BigInt(word >>> 0);
  }
  bits(high: number, low: number): number {
    return Number((this.#word >> BigInt(low)) & mask(high - low + 1));
  }
  bit(n: number): boolean {
    return this.bits(n, n) === 1;
  }
  signed(high: number, low: number): bigint {
    return sint(BigInt(this.bits(high, low)), high - low + 1);
  }
  /** Bits as a string of 0 and 1, for matching against the tables of the encoding index. */
  text(high: number, low: number): string {
    return this.bits(high, low)
      .toString(2)
      .padStart(high - low + 1, '0');
  }
}

function matches(text: string, pattern: string): boolean {
  return Array.from(pattern).every((want, index) => want === 'x' || want === text[index]);
}

class Unallocated extends Error {}
class Unpredictable extends Error {}
class AlignmentFault extends Error {}
class Elsewhere extends Error {}

/** Arm ARM, AddWithCarry(). */
function AddWithCarry(x: bigint, y: bigint, carry: boolean, n: number) {
  const unsignedSum = uint(x, n) + uint(y, n) + (carry ? 1n : 0n);
  const signedSum = sint(x, n) + sint(y, n) + (carry ? 1n : 0n);
  const result = uint(unsignedSum, n);
  return {
    result,
    N: result >> BigInt(n - 1) === 1n,
    Z: result === 0n,
    C: result !== unsignedSum,
    V: sint(result, n) !== signedSum,
  };
}

function ror(value: bigint, amount: number, n: number): bigint {
  const shift = BigInt(amount % n);
  return uint((value >> shift) | (value << (BigInt(n) - shift)), n);
}

function shiftReg(value: bigint, type: number, amount: number, n: number): bigint {
  switch (type) {
    case 0:
      return uint(value << BigInt(amount), n);
    case 1:
      return uint(value, n) >> BigInt(amount);
    case 2:
      return uint(sint(value, n) >> BigInt(amount), n);
    default:
      return ror(uint(value, n), amount, n);
  }
}

function extendReg(value: bigint, option: number, shift: number, n: number): bigint {
  const width = [8, 16, 32, 64][option & 3] ?? 64;
  const extended = (option & 4) !== 0 ? sint(value, width) : uint(value, width);
  return uint(extended << BigInt(shift), n);
}

/** Arm ARM, DecodeBitMasks(). */
function DecodeBitMasks(immN: number, imms: number, immr: number, immediate: boolean, n: number) {
  const source = (immN << 6) | (~imms & 0x3f);
  let len = -1;
  for (let bit = 6; bit >= 0; bit -= 1) {
    if (((source >> bit) & 1) === 1) {
      len = bit;
      break;
    }
  }
  if (len < 1 || n < 2 ** len) throw new Unallocated();
  const levels = 2 ** len - 1;
  if (immediate && (imms & levels) === levels) throw new Unallocated();
  const S = imms & levels;
  const R = immr & levels;
  const diff = (S - R) & 0x3f;
  const esize = 2 ** len;
  const d = diff & levels;
  const replicate = (value: bigint): bigint => {
    let out = 0n;
    for (let at = 0; at < n; at += esize) out |= value << BigInt(at);
    return uint(out, n);
  };
  return { wmask: replicate(ror(mask(S + 1), R, esize)), tmask: replicate(mask(d + 1)) };
}

function crc32(accumulator: bigint, value: bigint, size: number, polynomial: bigint): bigint {
  let crc = accumulator ^ uint(value, size);
  // Bit-reversed arithmetic: `polynomial` is the reflected one.
  if (size === 64) {
    crc = accumulator ^ uint(value, 32);
    for (let i = 0; i < 32; i += 1) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
    crc ^= value >> 32n;
    for (let i = 0; i < 32; i += 1) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
    return crc;
  }
  for (let i = 0; i < size; i += 1) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
  return crc;
}

export function executeReference(word: number, state: ReferenceState): Outcome {
  const next = state.PC + 4n;
  const start = { X: [...state.X], SP: state.SP };
  try {
    const target = execute(new Word(word), state);
    state.PC = uint(target ?? next, 64);
    return 'executed';
  } catch (error) {
    state.X.splice(0, 31, ...start.X);
    state.SP = start.SP;
    if (error instanceof Unallocated) return 'undefined';
    if (error instanceof Unpredictable) return 'unpredictable';
    if (error instanceof AlignmentFault) return 'alignment fault';
    if (error instanceof Elsewhere) return 'elsewhere';
    throw error;
  }
}

function execute(w: Word, s: ReferenceState): bigint | undefined {
  const op0 = w.text(28, 25);
  if (matches(op0, '100x')) {
    dataProcessingImmediate(w, s);
    return;
  }
  if (matches(op0, '101x')) return branches(w, s);
  if (matches(op0, 'x1x0')) {
    loadsStores(w, s);
    return;
  }
  if (matches(op0, 'x101')) {
    dataProcessingRegister(w, s);
    return;
  }
  if (matches(op0, 'x111')) throw new Elsewhere();
  throw new Unallocated();
}

const readX = (s: ReferenceState, r: number, n: number): bigint =>
  r === 31 ? 0n : uint(s.X[r] ?? 0n, n);
const readXSP = (s: ReferenceState, r: number, n: number): bigint =>
  r === 31 ? uint(s.SP, n) : readX(s, r, n);
function writeX(s: ReferenceState, r: number, n: number, value: bigint): void {
  if (r !== 31) s.X[r] = uint(value, n);
}
function writeXSP(s: ReferenceState, r: number, n: number, value: bigint): void {
  if (r === 31) s.SP = uint(value, n);
  else writeX(s, r, n, value);
}
function setFlags(
  s: ReferenceState,
  flags: { N: boolean; Z: boolean; C: boolean; V: boolean },
): void {
  s.N = flags.N;
  s.Z = flags.Z;
  s.C = flags.C;
  s.V = flags.V;
}
function setNZ(s: ReferenceState, result: bigint, n: number): void {
  setFlags(s, { N: sint(result, n) < 0n, Z: uint(result, n) === 0n, C: false, V: false });
}
function ConditionHolds(s: ReferenceState, cond: number): boolean {
  const base =
    [s.Z, s.C, s.N, s.V, s.C && !s.Z, s.N === s.V, s.N === s.V && !s.Z, true][cond >> 1] ?? true;
  return (cond & 1) === 1 && cond !== 15 ? !base : base;
}

function dataProcessingImmediate(w: Word, s: ReferenceState): undefined {
  const n = w.bit(31) ? 64 : 32;
  const [Rn, Rd] = [w.bits(9, 5), w.bits(4, 0)];
  const op = w.text(25, 23);
  if (matches(op, '00x')) {
    const immediate = sint((BigInt(w.bits(23, 5)) << 2n) | BigInt(w.bits(30, 29)), 21);
    const value = w.bit(31) ? (s.PC & ~0xfffn) + (immediate << 12n) : s.PC + immediate;
    writeX(s, Rd, 64, value);
    return undefined;
  }
  if (op === '010') {
    const immediate = BigInt(w.bits(21, 10)) << (w.bit(22) ? 12n : 0n);
    const subtract = w.bit(30);
    const sum = AddWithCarry(readXSP(s, Rn, n), subtract ? ~immediate : immediate, subtract, n);
    if (w.bit(29)) {
      setFlags(s, sum);
      writeX(s, Rd, n, sum.result);
    } else {
      writeXSP(s, Rd, n, sum.result);
    }
    return undefined;
  }
  if (op === '100') {
    if (n === 32 && w.bit(22)) throw new Unallocated();
    const { wmask } = DecodeBitMasks(w.bits(22, 22), w.bits(15, 10), w.bits(21, 16), true, n);
    const operand = readX(s, Rn, n);
    const opc = w.bits(30, 29);
    const result = opc === 1 ? operand | wmask : opc === 2 ? operand ^ wmask : operand & wmask;
    if (opc === 3) {
      setNZ(s, result, n);
      writeX(s, Rd, n, result);
    } else {
      writeXSP(s, Rd, n, result);
    }
    return undefined;
  }
  if (op === '101') {
    const opc = w.bits(30, 29);
    const shift = w.bits(22, 21) * 16;
    if (opc === 1 || (n === 32 && shift >= 32)) throw new Unallocated();
    const immediate = BigInt(w.bits(20, 5)) << BigInt(shift);
    const kept = readX(s, Rd, n) & ~(0xffffn << BigInt(shift));
    writeX(s, Rd, n, opc === 0 ? ~immediate : opc === 2 ? immediate : kept | immediate);
    return undefined;
  }
  if (op === '110') {
    const opc = w.bits(30, 29);
    const [immr, imms] = [w.bits(21, 16), w.bits(15, 10)];
    if (opc === 3 || w.bit(22) !== (n === 64)) throw new Unallocated();
    if (n === 32 && (immr >= 32 || imms >= 32)) throw new Unallocated();
    const { wmask, tmask } = DecodeBitMasks(w.bits(22, 22), imms, immr, false, n);
    const source = readX(s, Rn, n);
    const before = opc === 1 ? readX(s, Rd, n) : 0n;
    const bottom = (before & ~wmask) | (ror(source, immr, n) & wmask);
    const sign = ((source >> BigInt(imms)) & 1n) === 1n ? mask(n) : 0n;
    const top = opc === 0 ? sign : before;
    writeX(s, Rd, n, (top & ~tmask) | (bottom & tmask));
    return undefined;
  }
  if (op === '111') {
    const lsb = w.bits(15, 10);
    if (
      w.text(30, 29) !== '00' ||
      w.bit(21) ||
      w.bit(22) !== (n === 64) ||
      (n === 32 && lsb >= 32)
    ) {
      throw new Unallocated();
    }
    const concatenated = (readX(s, Rn, n) << BigInt(n)) | readX(s, w.bits(20, 16), n);
    writeX(s, Rd, n, concatenated >> BigInt(lsb));
    return undefined;
  }
  throw new Unallocated();
}

function branches(w: Word, s: ReferenceState): bigint | undefined {
  if (w.text(30, 26) === '00101') {
    if (w.bit(31)) s.X[30] = uint(s.PC + 4n, 64);
    return s.PC + (w.signed(25, 0) << 2n);
  }
  if (w.text(30, 25) === '011010') {
    const zero = readX(s, w.bits(4, 0), w.bit(31) ? 64 : 32) === 0n;
    return zero !== w.bit(24) ? s.PC + (w.signed(23, 5) << 2n) : undefined;
  }
  if (w.text(30, 25) === '011011') {
    const bit = (w.bits(31, 31) << 5) | w.bits(23, 19);
    const set = ((readX(s, w.bits(4, 0), 64) >> BigInt(bit)) & 1n) === 1n;
    return set === w.bit(24) ? s.PC + (w.signed(18, 5) << 2n) : undefined;
  }
  if (w.text(31, 24) === '01010100') {
    if (w.bit(4)) throw new Unallocated();
    return ConditionHolds(s, w.bits(3, 0)) ? s.PC + (w.signed(23, 5) << 2n) : undefined;
  }
  if (w.text(31, 25) === '1101011') {
    if (w.bits(20, 16) !== 31 || w.bits(15, 10) !== 0) throw new Unallocated();
    const opc = w.bits(24, 21);
    if (opc > 2) {
      if ((opc === 4 || opc === 5) && w.bits(9, 5) === 31 && w.bits(4, 0) === 0)
        throw new Elsewhere();
      throw new Unallocated();
    }
    if (w.bits(4, 0) !== 0) throw new Unallocated();
    const target = readX(s, w.bits(9, 5), 64);
    if (opc === 1) s.X[30] = uint(s.PC + 4n, 64);
    if ((target & 3n) !== 0n) throw new Elsewhere();
    return target;
  }
  throw new Elsewhere();
}

function dataProcessingRegister(w: Word, s: ReferenceState): undefined {
  const n = w.bit(31) ? 64 : 32;
  const [Rm, Rn, Rd] = [w.bits(20, 16), w.bits(9, 5), w.bits(4, 0)];
  const op2 = w.text(24, 21);
  if (!w.bit(28)) {
    const imm6 = w.bits(15, 10);
    if (matches(op2, '0xxx')) {
      if (n === 32 && imm6 >= 32) throw new Unallocated();
      const shifted = shiftReg(readX(s, Rm, n), w.bits(23, 22), imm6, n);
      const operand2 = w.bit(21) ? uint(~shifted, n) : shifted;
      const operand1 = readX(s, Rn, n);
      const opc = w.bits(30, 29);
      const result =
        opc === 1 ? operand1 | operand2 : opc === 2 ? operand1 ^ operand2 : operand1 & operand2;
      if (opc === 3) setNZ(s, result, n);
      writeX(s, Rd, n, result);
      return undefined;
    }
    const [subtract, flags] = [w.bit(30), w.bit(29)];
    if (matches(op2, '1xx0')) {
      if (w.bits(23, 22) === 3 || (n === 32 && imm6 >= 32)) throw new Unallocated();
      const operand2 = shiftReg(readX(s, Rm, n), w.bits(23, 22), imm6, n);
      const sum = AddWithCarry(readX(s, Rn, n), subtract ? ~operand2 : operand2, subtract, n);
      if (flags) setFlags(s, sum);
      writeX(s, Rd, n, sum.result);
      return undefined;
    }
    if (w.bits(12, 10) > 4 || w.bits(23, 22) !== 0) throw new Unallocated();
    const operand2 = extendReg(readX(s, Rm, 64), w.bits(15, 13), w.bits(12, 10), n);
    const sum = AddWithCarry(readXSP(s, Rn, n), subtract ? ~operand2 : operand2, subtract, n);
    if (flags) {
      setFlags(s, sum);
      writeX(s, Rd, n, sum.result);
    } else {
      writeXSP(s, Rd, n, sum.result);
    }
    return undefined;
  }
  if (op2 === '0000') {
    if (w.bits(15, 10) !== 0) throw new Unallocated();
    const operand2 = readX(s, Rm, n);
    const sum = AddWithCarry(readX(s, Rn, n), w.bit(30) ? ~operand2 : operand2, s.C, n);
    if (w.bit(29)) setFlags(s, sum);
    writeX(s, Rd, n, sum.result);
    return undefined;
  }
  if (op2 === '0010') {
    if (!w.bit(29) || w.bit(10) || w.bit(4)) throw new Unallocated();
    if (!ConditionHolds(s, w.bits(15, 12))) {
      setFlags(s, { N: w.bit(3), Z: w.bit(2), C: w.bit(1), V: w.bit(0) });
      return undefined;
    }
    const operand2 = w.bit(11) ? BigInt(Rm) : readX(s, Rm, n);
    setFlags(s, AddWithCarry(readX(s, Rn, n), w.bit(30) ? ~operand2 : operand2, w.bit(30), n));
    return undefined;
  }
  if (op2 === '0100') {
    if (w.bit(29) || w.bit(11)) throw new Unallocated();
    let result = readX(s, Rn, n);
    if (!ConditionHolds(s, w.bits(15, 12))) {
      result = readX(s, Rm, n);
      if (w.bit(30)) result = ~result;
      if (w.bit(10)) result += 1n;
    }
    writeX(s, Rd, n, result);
    return undefined;
  }
  if (op2 === '0110') {
    if (w.bit(29)) throw new Unallocated();
    if (w.bit(30)) oneSource(w, s, n);
    else twoSource(w, s, n);
    return;
  }
  if (matches(op2, '1xxx')) {
    threeSource(w, s, n);
    return;
  }
  throw new Unallocated();
}

function twoSource(w: Word, s: ReferenceState, n: number): undefined {
  const opcode = w.bits(15, 10);
  const [Rm, Rn, Rd] = [w.bits(20, 16), w.bits(9, 5), w.bits(4, 0)];
  const [a, b] = [readX(s, Rn, n), readX(s, Rm, n)];
  if (opcode === 2 || opcode === 3) {
    const [x, y] = opcode === 2 ? [a, b] : [sint(a, n), sint(b, n)];
    writeX(s, Rd, n, y === 0n ? 0n : x / y);
    return undefined;
  }
  if (opcode >= 8 && opcode <= 11) {
    writeX(s, Rd, n, shiftReg(a, opcode - 8, Number(b % BigInt(n)), n));
    return undefined;
  }
  if (opcode >= 16 && opcode <= 23) {
    const size = 8 << (opcode & 3);
    if ((size === 64) !== (n === 64)) throw new Unallocated();
    const polynomial = (opcode & 4) !== 0 ? 0x82f63b78n : 0xedb88320n;
    writeX(s, Rd, 32, crc32(readX(s, Rn, 32), readX(s, Rm, size), size, polynomial));
    return undefined;
  }
  throw new Unallocated();
}

function oneSource(w: Word, s: ReferenceState, n: number): undefined {
  if (w.bits(20, 16) !== 0) throw new Unallocated();
  const opcode = w.bits(15, 10);
  const [Rn, Rd] = [w.bits(9, 5), w.bits(4, 0)];
  const value = readX(s, Rn, n);
  const binary = value.toString(2).padStart(n, '0');
  const bytesReversedIn = (size: number): bigint => {
    let out = 0n;
    for (let at = 0; at < n; at += size) {
      for (let byte = 0; byte < size; byte += 8) {
        const from = (value >> BigInt(at + byte)) & 0xffn;
        out |= from << BigInt(at + size - 8 - byte);
      }
    }
    return out;
  };
  switch (opcode) {
    case 0:
      writeX(s, Rd, n, BigInt(`0b${Array.from(binary).reverse().join('')}`));
      return undefined;
    case 1:
      writeX(s, Rd, n, bytesReversedIn(16));
      return undefined;
    case 2:
      writeX(s, Rd, n, bytesReversedIn(32));
      return undefined;
    case 3:
      if (n === 32) throw new Unallocated();
      writeX(s, Rd, n, bytesReversedIn(64));
      return undefined;
    case 4:
      writeX(s, Rd, n, BigInt(binary.indexOf('1') === -1 ? n : binary.indexOf('1')));
      return undefined;
    case 5: {
      const different = Array.from(binary).findIndex((bit) => bit !== binary[0]);
      writeX(s, Rd, n, BigInt((different === -1 ? n : different) - 1));
      return undefined;
    }
    default:
      throw new Unallocated();
  }
}

function threeSource(w: Word, s: ReferenceState, n: number): undefined {
  if (w.bits(30, 29) !== 0) throw new Unallocated();
  const [Rm, Ra, Rn, Rd] = [w.bits(20, 16), w.bits(14, 10), w.bits(9, 5), w.bits(4, 0)];
  const op31 = w.bits(23, 21);
  const subtract = w.bit(15);
  const accumulate = (product: bigint): bigint => readX(s, Ra, n) + (subtract ? -product : product);
  if (op31 === 0) {
    writeX(s, Rd, n, accumulate(readX(s, Rn, n) * readX(s, Rm, n)));
    return undefined;
  }
  if (n === 32) throw new Unallocated();
  const long = (signed: boolean): bigint =>
    signed
      ? sint(readX(s, Rn, 32), 32) * sint(readX(s, Rm, 32), 32)
      : readX(s, Rn, 32) * readX(s, Rm, 32);
  if (op31 === 1 || op31 === 5) {
    writeX(s, Rd, 64, accumulate(long(op31 === 1)));
    return undefined;
  }
  if ((op31 === 2 || op31 === 6) && !subtract) {
    const product =
      op31 === 2
        ? sint(readX(s, Rn, 64), 64) * sint(readX(s, Rm, 64), 64)
        : readX(s, Rn, 64) * readX(s, Rm, 64);
    writeX(s, Rd, 64, product >> 64n);
    return undefined;
  }
  throw new Unallocated();
}

// -- loads and stores

interface Access {
  readonly register: 'X' | 'Q';
  /** In bytes. */
  readonly size: number;
  readonly load: boolean;
  /** Width of the result that a signed load extends to; 0 for zero extension. */
  readonly signedTo: number;
  readonly prefetch?: boolean;
}

function transfer(s: ReferenceState, access: Access, Rt: number, address: bigint): void {
  if (access.prefetch === true) return;
  const n = access.size * 8;
  if (access.load) {
    const data = s.read(uint(address, 64), access.size);
    if (access.register === 'Q') s.Q[Rt] = data;
    else if (access.signedTo !== 0) writeX(s, Rt, access.signedTo, sint(data, n));
    else writeX(s, Rt, 64, data);
  } else {
    const data = access.register === 'Q' ? uint(s.Q[Rt] ?? 0n, n) : readX(s, Rt, n);
    s.write(uint(address, 64), access.size, data);
  }
}

/** The size:V:opc field of the single-register forms. */
function singleAccess(w: Word, unprivileged = false): Access {
  const size = w.bits(31, 30);
  const opc = w.bits(23, 22);
  if (w.bit(26)) {
    if (unprivileged) throw new Unallocated();
    if (opc >= 2 && size !== 0) throw new Unallocated();
    const bytes = opc >= 2 ? 16 : 1 << size;
    return { register: 'Q', size: bytes, load: (opc & 1) === 1, signedTo: 0 };
  }
  if (opc <= 1) return { register: 'X', size: 1 << size, load: opc === 1, signedTo: 0 };
  if (size === 3) {
    if (opc === 3 || unprivileged) throw new Unallocated();
    return { register: 'X', size: 8, load: true, signedTo: 0, prefetch: true };
  }
  if (size === 2 && opc === 3) throw new Unallocated();
  return { register: 'X', size: 1 << size, load: true, signedTo: opc === 2 ? 64 : 32 };
}

function loadsStores(w: Word, s: ReferenceState): undefined {
  const [Rn, Rt] = [w.bits(9, 5), w.bits(4, 0)];
  if (w.text(29, 24) === '001000') {
    exclusiveOrOrdered(w, s);
    return;
  }
  if (matches(w.text(29, 24), '011x00')) {
    const opc = w.bits(31, 30);
    const address = s.PC + (w.signed(23, 5) << 2n);
    if (w.bit(26)) {
      if (opc === 3) throw new Unallocated();
      transfer(s, { register: 'Q', size: 4 << opc, load: true, signedTo: 0 }, Rt, address);
    } else if (opc !== 3) {
      transfer(
        s,
        { register: 'X', size: opc === 1 ? 8 : 4, load: true, signedTo: opc === 2 ? 64 : 0 },
        Rt,
        address,
      );
    }
    return undefined;
  }
  if (matches(w.text(29, 23), '101xxxx')) {
    pair(w, s);
    return;
  }
  if (!matches(w.text(29, 27), '111')) throw new Elsewhere();
  if (w.bit(24)) {
    if (w.bit(25)) throw new Unallocated();
    const access = singleAccess(w);
    const base = readXSP(s, Rn, 64);
    transfer(s, access, Rt, base + BigInt(w.bits(21, 10)) * BigInt(access.size));
    return undefined;
  }
  if (w.bit(25)) throw new Unallocated();
  const kind = w.bits(11, 10);
  if (w.bit(21)) {
    // 0b10 is the register offset; the rest is FEAT_LSE and FEAT_PAuth
    if (kind !== 2) throw new Unallocated();
    const access = singleAccess(w);
    const option = w.bits(15, 13);
    if ((option & 2) === 0) throw new Unallocated();
    const shift = w.bit(12) ? Math.log2(access.size) : 0;
    transfer(
      s,
      access,
      Rt,
      readXSP(s, Rn, 64) + extendReg(readX(s, w.bits(20, 16), 64), option, shift, 64),
    );
    return undefined;
  }
  const access = singleAccess(w, kind === 2);
  if (access.prefetch === true && kind !== 0) throw new Unallocated();
  const offset = w.signed(20, 12);
  const base = readXSP(s, Rn, 64);
  const writeback = kind === 1 || kind === 3;
  if (writeback && access.register === 'X' && Rn === Rt && Rn !== 31) throw new Unpredictable();
  transfer(s, access, Rt, kind === 1 ? base : base + offset);
  if (writeback) writeXSP(s, Rn, 64, base + offset);
  return undefined;
}

function pair(w: Word, s: ReferenceState): undefined {
  const opc = w.bits(31, 30);
  const mode = w.bits(24, 23);
  const load = w.bit(22);
  const [Rt2, Rn, Rt] = [w.bits(14, 10), w.bits(9, 5), w.bits(4, 0)];
  const vector = w.bit(26);
  if (opc === 3) throw new Unallocated();
  if (!vector && opc === 1 && (!load || mode === 0)) throw new Unallocated();
  const size = vector ? 4 << opc : opc === 2 ? 8 : 4;
  const access: Access = {
    register: vector ? 'Q' : 'X',
    size,
    load,
    signedTo: !vector && opc === 1 ? 64 : 0,
  };
  const writeback = mode === 1 || mode === 3;
  if (load && Rt === Rt2) throw new Unpredictable();
  if (writeback && !vector && (Rt === Rn || Rt2 === Rn) && Rn !== 31) throw new Unpredictable();
  const base = readXSP(s, Rn, 64);
  const offset = w.signed(21, 15) * BigInt(size);
  const address = mode === 1 ? base : base + offset;
  transfer(s, access, Rt, address);
  transfer(s, access, Rt2, address + BigInt(size));
  if (writeback) writeXSP(s, Rn, 64, base + offset);
  return undefined;
}

function exclusiveOrOrdered(w: Word, s: ReferenceState): undefined {
  const size = 1 << w.bits(31, 30);
  const [o2, L, o1] = [w.bit(23), w.bit(22), w.bit(21)];
  const [Rs, o0, Rt2, Rn, Rt] = [
    w.bits(20, 16),
    w.bit(15),
    w.bits(14, 10),
    w.bits(9, 5),
    w.bits(4, 0),
  ];
  const base = readXSP(s, Rn, 64);
  if (o2) {
    // LDLAR, STLLR and CAS are not Armv8.0
    if (o1 || !o0) throw new Unallocated();
    if (base % BigInt(size) !== 0n) throw new AlignmentFault();
    transfer(s, { register: 'X', size, load: L, signedTo: 0 }, Rt, base);
    return undefined;
  }
  if (o1 && size < 4) throw new Unallocated();
  const total = o1 ? 2 * size : size;
  if (L && o1 && Rt === Rt2) throw new Unpredictable();
  if (!L && (Rs === Rt || (o1 && Rs === Rt2) || (Rs === Rn && Rn !== 31)))
    throw new Unpredictable();
  const access: Access = { register: 'X', size, load: L, signedTo: 0 };
  const both = (): void => {
    transfer(s, access, Rt, base);
    if (o1) transfer(s, access, Rt2, base + BigInt(size));
  };
  if (L) {
    if (base % BigInt(total) !== 0n) throw new AlignmentFault();
    both();
    s.monitor = { address: uint(base, 64), size: total };
    return undefined;
  }
  const passes = s.monitor?.address === uint(base, 64) && s.monitor.size === total;
  s.monitor = undefined;
  if (passes) both();
  writeX(s, Rs, 32, passes ? 0n : 1n);
  return undefined;
}
