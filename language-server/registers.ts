/** Names of A64 registers as the assemblers take them, and their roles in AAPCS64. */

export type RegisterClass =
  'x' | 'w' | 'sp' | 'wsp' | 'b' | 'h' | 's' | 'd' | 'q' | 'v' | 'z' | 'p' | 'za';

export interface RegisterName {
  readonly class: RegisterClass;
  /** 31 for XZR, WZR, SP and WSP. */
  readonly number: number;
  /** `16b` of `v0.16b`, `s` of `v0.s`. */
  readonly arrangement?: string;
}

const fixed: ReadonlyMap<string, RegisterName> = new Map([
  ['sp', { class: 'sp', number: 31 }],
  ['wsp', { class: 'wsp', number: 31 }],
  ['xzr', { class: 'x', number: 31 }],
  ['wzr', { class: 'w', number: 31 }],
  ['fp', { class: 'x', number: 29 }],
  ['lr', { class: 'x', number: 30 }],
  ['ip0', { class: 'x', number: 16 }],
  ['ip1', { class: 'x', number: 17 }],
  ['zt0', { class: 'za', number: 0 }],
  ['za', { class: 'za', number: 0 }],
  ['ffr', { class: 'p', number: 16 }],
]);

/** Answers for words seen before: the names of registers are few, and asked for in every operand. */
const answers = new Map<string, RegisterName | undefined>();
const MAXIMUM_ANSWERS = 10_000;

/** The register of that name, in any case; undefined for another word. */
export function parseRegister(text: string): RegisterName | undefined {
  let register = answers.get(text);
  if (register === undefined && !answers.has(text)) {
    register = readRegister(text);
    if (answers.size < MAXIMUM_ANSWERS) answers.set(text, register);
  }
  return register;
}

function readRegister(text: string): RegisterName | undefined {
  if (text.length > 12) return undefined;
  const name = text.toLowerCase();
  const known = fixed.get(name);
  if (known) return known;
  const match =
    /^(?:([xwbhsdqvz])(\d{1,2})|(pn?)(\d{1,2})|(za\d{1,2}[hv]?))(?:\.(\d{0,2}[bhsdq]))?(?:\/([mz]))?$/.exec(
      name,
    );
  if (!match) {
    return /^za\.[bhsdq]$/.test(name) ? { class: 'za', number: 0 } : undefined;
  }
  const [, letter, digits, predicate, predicateDigits, tile, arrangement] = match;
  if (tile !== undefined) return { class: 'za', number: 0 };
  const number = Number(digits ?? predicateDigits);
  if (/^0\d/.test(digits ?? predicateDigits ?? '')) return undefined;
  if (predicate !== undefined) return number <= 15 ? { class: 'p', number } : undefined;
  const registerClass = letter as RegisterClass;
  if (registerClass === 'x' || registerClass === 'w') {
    return number <= 30 && arrangement === undefined ? { class: registerClass, number } : undefined;
  }
  if (number > 31) return undefined;
  if (arrangement !== undefined && registerClass !== 'v' && registerClass !== 'z') return undefined;
  return { class: registerClass, number, ...(arrangement !== undefined && { arrangement }) };
}

/** Whether a word can only have been meant as a register, though it names none: `x32`, `w31`. */
export function looksLikeRegister(text: string): boolean {
  return /^[xwbhsdqv]\d{1,2}$/i.test(text) && parseRegister(text) === undefined;
}

export const isGeneral = ({ class: it }: RegisterName): boolean =>
  it === 'x' || it === 'w' || it === 'sp' || it === 'wsp';

/** Bits of a general-purpose register. */
export const widthOf = ({ class: it }: RegisterName): 32 | 64 =>
  it === 'x' || it === 'sp' ? 64 : 32;

/** What procedures use the register for (AAPCS64, "General-purpose Registers"). */
export function registerRole({ class: it, number }: RegisterName): string {
  if (it === 'sp' || it === 'wsp') {
    return 'stack pointer; must be a multiple of 16 wherever it is used to address memory';
  }
  if (it === 'x' || it === 'w') {
    if (number === 31) return 'zero register: reads as 0, writes are ignored';
    if (number <= 7) return 'argument and result register, caller-saved (AAPCS64)';
    if (number === 8) return 'indirect result location, caller-saved (AAPCS64)';
    if (number <= 15) return 'temporary, caller-saved (AAPCS64)';
    if (number === 16) return 'IP0, may be changed by veneers between a call and its target';
    if (number === 17) return 'IP1, may be changed by veneers between a call and its target';
    if (number === 18) return 'platform register: do not use';
    if (number <= 28) return 'callee-saved (AAPCS64)';
    if (number === 29) return 'frame pointer, callee-saved (AAPCS64)';
    return 'link register: the return address after BL';
  }
  if (it === 'p') return 'SVE predicate register';
  if (it === 'za') return 'SME array storage';
  if (number <= 7) return 'argument and result register, caller-saved (AAPCS64)';
  if (number <= 15) return 'the low 64 bits are callee-saved (AAPCS64)';
  return 'temporary, caller-saved (AAPCS64)';
}

/** `64-bit general register`, `128-bit SIMD register`. */
export function registerKind({ class: it, number }: RegisterName): string {
  const scalarBits: Readonly<Record<string, number>> = { b: 8, h: 16, s: 32, d: 64, q: 128 };
  if (it === 'sp') return '64-bit stack pointer';
  if (it === 'wsp') return 'low 32 bits of the stack pointer';
  if (it === 'x') return number === 31 ? '64-bit zero register' : '64-bit general register';
  if (it === 'w') {
    return number === 31
      ? '32-bit zero register'
      : `32-bit general register, the low half of X${number}; a write clears the upper half`;
  }
  if (it === 'v') return '128-bit SIMD register';
  if (it === 'z') return `scalable vector register; its low 128 bits are V${number}`;
  if (it === 'p') return 'predicate register';
  if (it === 'za') return 'matrix register';
  return `${scalarBits[it] ?? 128}-bit scalar view of V${number}`;
}

/** All names that completion offers, in the order of their use. */
export const registerNames: Readonly<Record<RegisterClass, readonly string[]>> = {
  x: [...Array.from({ length: 31 }, (_, n) => `x${n}`), 'xzr', 'lr'],
  w: [...Array.from({ length: 31 }, (_, n) => `w${n}`), 'wzr'],
  sp: ['sp'],
  wsp: ['wsp'],
  b: Array.from({ length: 32 }, (_, n) => `b${n}`),
  h: Array.from({ length: 32 }, (_, n) => `h${n}`),
  s: Array.from({ length: 32 }, (_, n) => `s${n}`),
  d: Array.from({ length: 32 }, (_, n) => `d${n}`),
  q: Array.from({ length: 32 }, (_, n) => `q${n}`),
  v: Array.from({ length: 32 }, (_, n) => `v${n}`),
  z: Array.from({ length: 32 }, (_, n) => `z${n}`),
  p: Array.from({ length: 16 }, (_, n) => `p${n}`),
  za: ['za'],
};
