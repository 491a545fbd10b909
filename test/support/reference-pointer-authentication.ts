/**
 * A slow reference of pointer authentication on BigInt, after the Arm ARM's pseudocode: ComputePAC() with
 * QARMA5, AddPAC(), Auth() and Strip() without FEAT_PAuth2. It shares nothing with the engine.
 */

const ones = (n: number): bigint => (1n << BigInt(n)) - 1n;
const slice = (value: bigint, high: number, low: number): bigint =>
  (value >> BigInt(low)) & ones(high - low + 1);
const isSet = (value: bigint, n: number): boolean => slice(value, n, n) === 1n;
/** Cell n is bits 4n+3:4n. */
const cell = (value: bigint, n: number): number => Number(slice(value, 4 * n + 3, 4 * n));
const fromCells = (cells: readonly number[]): bigint =>
  cells.reduce((value, each, n) => value | (BigInt(each) << BigInt(4 * n)), 0n);

/** `from[n]` is the cell of the input that becomes cell n of the output. */
const shuffled = (value: bigint, from: readonly number[]): bigint =>
  fromCells(from.map((n) => cell(value, n)));

const PAC_CELL_SHUFFLE = [13, 6, 11, 0, 7, 12, 1, 10, 8, 3, 14, 5, 2, 9, 4, 15];
const PAC_CELL_INV_SHUFFLE = [3, 6, 12, 9, 14, 11, 1, 4, 8, 13, 7, 2, 5, 0, 10, 15];
const PAC_SUB = [0xb, 6, 8, 0xf, 0xc, 0, 9, 0xe, 3, 7, 4, 5, 0xd, 2, 1, 0xa];
const PAC_INV_SUB = [5, 0xe, 0xd, 8, 0xa, 0xb, 1, 9, 2, 6, 0xf, 0, 4, 0xc, 7, 3];

const substituted = (value: bigint, table: readonly number[]): bigint =>
  fromCells(Array.from({ length: 16 }, (_, n) => table[cell(value, n)] ?? 0));

const RotCell = (value: number, by: number): number => ((value << by) | (value >> (4 - by))) & 15;

function PACMult(value: bigint): bigint {
  const output = Array<number>(16).fill(0);
  for (let i = 0; i < 4; i += 1) {
    const [a, b, c, d] = [i + 12, i + 8, i + 4, i].map((n) => cell(value, n)) as [
      number,
      number,
      number,
      number,
    ];
    output[i + 12] = RotCell(d, 1) ^ RotCell(c, 2) ^ RotCell(b, 1);
    output[i + 8] = RotCell(a, 1) ^ RotCell(d, 2) ^ RotCell(c, 1);
    output[i + 4] = RotCell(b, 1) ^ RotCell(a, 2) ^ RotCell(d, 1);
    output[i] = RotCell(c, 1) ^ RotCell(b, 2) ^ RotCell(a, 1);
  }
  return fromCells(output);
}

const TweakCellRot = (value: number): number =>
  (((value & 1) ^ ((value >> 1) & 1)) << 3) | (value >> 1);
const TweakCellInvRot = (value: number): number =>
  ((value << 1) & 15) | ((value & 1) ^ ((value >> 3) & 1));

/** For each cell of the output: the cell of the input, and whether it is rotated. */
const TWEAK_SHUFFLE: readonly (readonly [number, boolean])[] = [
  [4, false],
  [5, false],
  [6, true],
  [7, false],
  [11, true],
  [2, false],
  [3, false],
  [8, true],
  [12, false],
  [13, false],
  [14, false],
  [15, true],
  [0, true],
  [1, false],
  [10, true],
  [9, true],
];

function TweakShuffle(value: bigint): bigint {
  return fromCells(
    TWEAK_SHUFFLE.map(([from, rotated]) =>
      rotated ? TweakCellRot(cell(value, from)) : cell(value, from),
    ),
  );
}
function TweakInvShuffle(value: bigint): bigint {
  const output = Array<number>(16).fill(0);
  TWEAK_SHUFFLE.forEach(([to, rotated], n) => {
    output[to] = rotated ? TweakCellInvRot(cell(value, n)) : cell(value, n);
  });
  return fromCells(output);
}

const ALPHA = 0xc0ac29b7c97c50ddn;
const RC = [0n, 0x13198a2e03707344n, 0xa4093822299f31d0n, 0x082efa98ec4e6c89n, 0x452821e638d01377n];

export function ComputePAC(data: bigint, modifier: bigint, key0: bigint, key1: bigint): bigint {
  const modk0 =
    (slice(key0, 0, 0) << 63n) |
    (slice(key0, 63, 2) << 1n) |
    (slice(key0, 63, 63) ^ slice(key0, 1, 1));
  let runningmod = modifier;
  let workingval = data ^ key0;
  for (let i = 0; i <= 4; i += 1) {
    workingval ^= key1 ^ runningmod;
    workingval ^= RC[i] ?? 0n;
    if (i > 0) workingval = PACMult(shuffled(workingval, PAC_CELL_SHUFFLE));
    workingval = substituted(workingval, PAC_SUB);
    runningmod = TweakShuffle(runningmod);
  }
  workingval ^= modk0 ^ runningmod;
  workingval = PACMult(shuffled(workingval, PAC_CELL_SHUFFLE));
  workingval = substituted(workingval, PAC_SUB);
  workingval = PACMult(shuffled(workingval, PAC_CELL_SHUFFLE));
  workingval ^= key1;
  workingval = shuffled(workingval, PAC_CELL_INV_SHUFFLE);
  workingval = substituted(workingval, PAC_INV_SUB);
  workingval = PACMult(workingval);
  workingval = shuffled(workingval, PAC_CELL_INV_SHUFFLE);
  workingval ^= key0;
  workingval ^= runningmod;
  for (let i = 0; i <= 4; i += 1) {
    workingval = substituted(workingval, PAC_INV_SUB);
    if (i < 4) workingval = shuffled(PACMult(workingval), PAC_CELL_INV_SHUFFLE);
    runningmod = TweakInvShuffle(runningmod);
    workingval ^= RC[4 - i] ?? 0n;
    workingval ^= key1 ^ runningmod;
    workingval ^= ALPHA;
  }
  return workingval ^ modk0;
}

/** Of the EL1&0 regime. */
export interface ReferenceControls {
  readonly T0SZ: number;
  readonly T1SZ: number;
  readonly TBI0: boolean;
  readonly TBI1: boolean;
  readonly TBID0: boolean;
  readonly TBID1: boolean;
}

export interface ReferenceKey {
  readonly Hi: bigint;
  readonly Lo: bigint;
}

function EffectiveTBI(
  controls: ReferenceControls,
  address: bigint,
  isInstruction: boolean,
): boolean {
  const upper = isSet(address, 55);
  const TBI = upper ? controls.TBI1 : controls.TBI0;
  const TBID = upper ? controls.TBID1 : controls.TBID0;
  return TBI && (!TBID || !isInstruction);
}

function CalculateBottomPACBit({ T0SZ, T1SZ }: ReferenceControls, top: boolean): number {
  return 64 - Math.min(Math.max(top ? T1SZ : T0SZ, 16), 39);
}

/** `extension` in bits `top` to `bottom` of the pointer. */
function withExtension(pointer: bigint, top: number, bottom: number, extension: boolean): bigint {
  const mask = ones(top - bottom + 1) << BigInt(bottom);
  return (pointer & ~mask) | (extension ? mask : 0n);
}

export function AddPAC(
  controls: ReferenceControls,
  ptr: bigint,
  modifier: bigint,
  { Hi, Lo }: ReferenceKey,
  data: boolean,
): bigint {
  const tbi = EffectiveTBI(controls, ptr, !data);
  const top_bit = tbi ? 55 : 63;
  const { TBI0, TBI1, TBID0, TBID1 } = controls;
  const usesBit55 = data ? TBI1 || TBI0 : (TBI1 && !TBID1) || (TBI0 && !TBID0);
  const selbit = isSet(ptr, usesBit55 ? 55 : 63);
  const bottom = CalculateBottomPACBit(controls, selbit);
  let PAC = ComputePAC(withExtension(ptr, top_bit, bottom, selbit), modifier, Hi, Lo);
  const given = slice(ptr, top_bit, bottom);
  if (given !== 0n && given !== ones(top_bit - bottom + 1)) PAC ^= 1n << BigInt(top_bit - 1);
  const top = (tbi ? slice(ptr, 63, 56) : slice(PAC, 63, 56)) << 56n;
  const middle = bottom > 54 ? 0n : slice(PAC, 54, bottom) << BigInt(bottom);
  return top | (selbit ? 1n << 55n : 0n) | middle | slice(ptr, bottom - 1, 0);
}

function originalPointer(controls: ReferenceControls, ptr: bigint, data: boolean): bigint {
  const top = EffectiveTBI(controls, ptr, !data) ? 55 : 63;
  const upper = isSet(ptr, 55);
  return withExtension(ptr, top, CalculateBottomPACBit(controls, upper), upper);
}

export function Auth(
  controls: ReferenceControls,
  ptr: bigint,
  modifier: bigint,
  { Hi, Lo }: ReferenceKey,
  data: boolean,
  key_number: 0 | 1,
): bigint {
  const tbi = EffectiveTBI(controls, ptr, !data);
  const original = originalPointer(controls, ptr, data);
  const bottom = CalculateBottomPACBit(controls, isSet(ptr, 55));
  const PAC = ComputePAC(original, modifier, Hi, Lo);
  const isSame =
    slice(PAC, 54, bottom) === slice(ptr, 54, bottom) &&
    (tbi || slice(PAC, 63, 56) === slice(ptr, 63, 56));
  if (isSame) return original;
  const low = tbi ? 53n : 61n;
  const error_code = key_number === 0 ? 0b01n : 0b10n;
  return (original & ~(3n << low)) | (error_code << low);
}

export function Strip(controls: ReferenceControls, ptr: bigint, data: boolean): bigint {
  return originalPointer(controls, ptr, data);
}
