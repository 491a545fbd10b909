/**
 * The operands that the base instructions take, as one table. It covers the integer, load/store and
 * system instructions and scalar floating point; for the others only the names of registers are
 * checked, since a wrong error costs more than a missed one.
 */

export type Scalar = 'b' | 'h' | 's' | 'd' | 'q';

export type OperandSpec =
  | {
      readonly kind: 'general';
      readonly width: 32 | 64;
      readonly sp: boolean;
      readonly name: string;
    }
  | { readonly kind: 'scalar'; readonly size: Scalar; readonly name: string }
  | { readonly kind: 'vector'; readonly name: string }
  | {
      readonly kind: 'immediate';
      readonly min: bigint;
      readonly max: bigint;
      readonly step: bigint;
      readonly name: string;
    }
  /** Bit field width: 1 up to the register's width less the operand before it. */
  | { readonly kind: 'width'; readonly bits: 32 | 64 }
  /** 0 to 4095, or that times 4096; negative values turn ADD into SUB. */
  | { readonly kind: 'addImmediate' }
  | { readonly kind: 'bitmask'; readonly width: 32 | 64; readonly inverted: boolean }
  | { readonly kind: 'movImmediate'; readonly width: 32 | 64 }
  | { readonly kind: 'floatImmediate' }
  | { readonly kind: 'zero' }
  | {
      readonly kind: 'shift';
      readonly shifts: readonly string[];
      /** The amounts allowed; a missing amount counts as 0. */
      readonly amounts: readonly number[];
      readonly optional: boolean;
      /** Whether the shift must say its amount, as LSL must and UXTW need not. */
      readonly amountNeeded: boolean;
    }
  | { readonly kind: 'condition' }
  /** Reach in bytes in both directions. */
  | { readonly kind: 'label'; readonly reach: number }
  | { readonly kind: 'literal' }
  | { readonly kind: 'option'; readonly set: 'prefetch' | 'bti' }
  | MemorySpec;

export interface MemorySpec {
  readonly kind: 'memory';
  /** Offsets in bytes; one list element per encoding that the assembler tries. */
  readonly offsets: readonly {
    readonly min: number;
    readonly max: number;
    readonly step: number;
  }[];
  readonly preIndex?: { readonly min: number; readonly max: number; readonly step: number };
  /** Shift amounts of the register offset form; absent where there is none. */
  readonly registerShift?: number;
}

export type Form = readonly OperandSpec[];

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

const registerNames = ['d', 'n', 'm', 'a'];
const transferNames = ['t', 't2', 's', 's2'];

/** One token of the table below for registers of `width` bits; `position` counts registers. */
function spec(token: string, width: 32 | 64, name: string): OperandSpec {
  const optional = token.endsWith('?');
  const text = optional ? token.slice(0, -1) : token;
  const shift = (
    shifts: string,
    amounts: readonly number[],
    amountNeeded: boolean,
  ): OperandSpec => ({
    kind: 'shift',
    shifts: shifts.split(' '),
    amounts,
    optional,
    amountNeeded,
  });
  switch (text) {
    case 'R':
      return { kind: 'general', width, sp: false, name };
    case 'Rs':
      return { kind: 'general', width, sp: true, name };
    case 'X':
    case 'W':
      return { kind: 'general', width: text === 'X' ? 64 : 32, sp: false, name };
    case 'Xs':
    case 'Ws':
      return { kind: 'general', width: text === 'Xs' ? 64 : 32, sp: true, name };
    case 'V':
      return { kind: 'vector', name };
    case 'b':
    case 'h':
    case 's':
    case 'd':
    case 'q':
      return { kind: 'scalar', size: text, name };
    case 'add':
      return { kind: 'addImmediate' };
    case 'bits':
      return { kind: 'bitmask', width, inverted: false };
    case 'notbits':
      return { kind: 'bitmask', width, inverted: true };
    case 'mov':
      return { kind: 'movImmediate', width };
    case 'float':
      return { kind: 'floatImmediate' };
    case 'zero':
      return { kind: 'zero' };
    case 'width':
      return { kind: 'width', bits: width };
    case 'cond':
      return { kind: 'condition' };
    case 'lsl12':
      return shift('lsl', [0, 12], true);
    case 'shift3':
      return shift('lsl lsr asr', range(width), true);
    case 'shift4':
      return shift('lsl lsr asr ror', range(width), true);
    case 'hw':
      return shift('lsl', width === 64 ? [0, 16, 32, 48] : [0, 16], true);
    case 'extw':
      return shift('uxtb uxth uxtw uxtx sxtb sxth sxtw sxtx', range(5), false);
    case 'extx':
      return shift('uxtx sxtx lsl', range(5), false);
    case 'extww':
      return shift('uxtb uxth uxtw uxtx sxtb sxth sxtw sxtx lsl', range(5), false);
    case 'literal':
      return { kind: 'literal' };
    case 'prefetch':
      return { kind: 'option', set: 'prefetch' };
    case 'bti':
      return { kind: 'option', set: 'bti' };
    default:
  }
  const label = /^label(\d+)([KMG])$/.exec(text);
  if (label) {
    const unit = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[label[2] as 'K' | 'M' | 'G'];
    return { kind: 'label', reach: Number(label[1]) * unit };
  }
  const memory = /^\[(\w+)\]$/.exec(text);
  if (memory) return memorySpec(memory[1] ?? '', width);
  const immediate = /^#(-?\d+)\.\.(-?\d+|B)(?:\/(\d+))?(?::(\w+))?$/.exec(text);
  if (immediate) {
    const [, min = '0', max = '0', step = '1', given] = immediate;
    return {
      kind: 'immediate',
      min: BigInt(min),
      max: max === 'B' ? BigInt(width - 1) : BigInt(max),
      step: BigInt(step),
      name: given ?? 'imm',
    };
  }
  throw new TypeError(`The table of forms has no operand "${token}"`);
}

/**
 * `base`: no offset. `sN`: everything LDR takes for an access of N bytes. `uN`: LDUR. `pN`, `qN`: pairs
 * with and without writeback. `iN`: 9 bits scaled by N with writeback.
 */
function memorySpec(text: string, width: 32 | 64): OperandSpec {
  const unscaled = { min: -256, max: 255, step: 1 };
  const size = Number(/\d+$/.exec(text)?.[0] ?? width / 8);
  const pair = { min: -64 * size, max: 63 * size, step: size };
  const letter = text.replace(/\d+$/, '');
  switch (letter) {
    case 'base':
      return { kind: 'memory', offsets: [{ min: 0, max: 0, step: 1 }] };
    case 's':
      return {
        kind: 'memory',
        offsets: [{ min: 0, max: 4095 * size, step: size }, unscaled],
        preIndex: unscaled,
        registerShift: Math.log2(size),
      };
    case 'u':
      return { kind: 'memory', offsets: [unscaled] };
    case 'p':
      return { kind: 'memory', offsets: [pair], preIndex: pair };
    case 'q':
      return { kind: 'memory', offsets: [pair] };
    case 'f':
      // PRFM: as a load of eight bytes without writeback.
      return {
        kind: 'memory',
        offsets: [{ min: 0, max: 32760, step: 8 }, unscaled],
        registerShift: 3,
      };
    default:
      throw new TypeError(`The table of forms has no memory operand "${text}"`);
  }
}

/** Mnemonics, a colon, and the forms; `R` in a form means X throughout or W throughout. */
const table = `
add sub: Rs Rs add lsl12? | R R R shift3? | Xs Xs W extw | Xs Xs X extw | Xs Xs X extx? | Ws Ws W extww? | V V V | d d d
adds subs: R Rs add lsl12? | R R R shift3? | X Xs W extw | X Xs X extw | X Xs X extx? | W Ws W extww?
cmp cmn: Rs add lsl12? | R R shift3? | Xs W extw | Xs X extw | Xs X extx? | Ws W extww?
neg: R R shift3? | V V | d d
negs: R R shift3?
adc sbc adcs sbcs: R R R
ngc ngcs: R R
and eor: Rs R bits | R R R shift4? | V V V
orr: Rs R bits | R R R shift4? | V V V | V #0..255 | V #0..255 vlsl
ands: R R bits | R R R shift4?
orn: Rs R notbits | R R R shift4? | V V V
eon: Rs R notbits | R R R shift4?
bic: Rs R notbits | R R R shift4? | V V V | V #0..255 | V #0..255 vlsl
bics: R R notbits | R R R shift4?
tst: R bits | R R shift4?
mvn: R R shift4? | V V
movz movn: R #0..65535 hw?
movk: R #0..65535 hw?
adr: X label1M
adrp: X label4G
asr lsl lsr ror: R R R | R R #0..B:shift
asrv lslv lsrv rorv: R R R
extr: R R R #0..B:lsb
sbfm ubfm bfm: R R #0..B:immr #0..B:imms
ubfx sbfx bfxil ubfiz sbfiz bfi: R R #0..B:lsb width
bfc: R #0..B:lsb width
sxtb sxth uxtb uxth: R W | X X
sxtw: X W | X X
uxtw: X W | W W | X X
clz cls: R R | V V
rbit rev16: R R | V V
rev: R R
rev32: X X | V V
rev64: X X | V V
madd msub: R R R R
mneg: R R R
mul: R R R | V V V
smaddl smsubl umaddl umsubl: X W W X
smull umull: X W W | V V V
smnegl umnegl: X W W
smulh umulh: X X X
sdiv udiv: R R R
crc32b crc32h crc32w crc32cb crc32ch crc32cw: W W W
crc32x crc32cx: W W X
ccmp ccmn: R R #0..15:nzcv cond | R #0..31 #0..15:nzcv cond
csel csinc csinv csneg: R R R cond
cset csetm: R cond
cinc cinv cneg: R R cond
b bl: label128M
cbz cbnz: R label1M
tbz tbnz: X #0..63:bit label32K | W #0..31:bit label32K
br blr: X
ret: X?
eret drps nop wfe wfi sev sevl yield csdb esb dgh sb ssbb pssbb clrbhb eretaa eretab retaa retab: -
paciasp pacibsp autiasp autibsp paciaz pacibz autiaz autibz pacia1716 pacib1716 autia1716 autib1716 xpaclri: -
braa brab blraa blrab: X Xs
braaz brabz blraaz blrabz: X
pacia pacib pacda pacdb autia autib autda autdb: X Xs
paciza pacizb pacdza pacdzb autiza autizb autdza autdzb xpaci xpacd: X
pacga: X X Xs
svc hvc smc brk hlt udf: #0..65535
dcps1 dcps2 dcps3: #0..65535?
hint: #0..127
clrex: #0..15?
bti: bti?
wfet wfit: X
ldr: R [s] | R [base] #-256..255:simm | R label1M | R literal | b [s1] | h [s2] | s [s4] | d [s8] | q [s16] | b [base] #-256..255:simm | h [base] #-256..255:simm | s [base] #-256..255:simm | d [base] #-256..255:simm | q [base] #-256..255:simm | s label1M | d label1M | q label1M | s literal | d literal | q literal
str: R [s] | R [base] #-256..255:simm | b [s1] | h [s2] | s [s4] | d [s8] | q [s16] | b [base] #-256..255:simm | h [base] #-256..255:simm | s [base] #-256..255:simm | d [base] #-256..255:simm | q [base] #-256..255:simm
ldrb strb: W [s1] | W [base] #-256..255:simm
ldrh strh: W [s2] | W [base] #-256..255:simm
ldrsb: R [s1] | R [base] #-256..255:simm
ldrsh: R [s2] | R [base] #-256..255:simm
ldrsw: X [s4] | X [base] #-256..255:simm | X label1M | X literal
ldur stur: R [u] | b [u] | h [u] | s [u] | d [u] | q [u]
ldurb sturb ldurh sturh ldtrb sttrb ldtrh sttrh ldapurb stlurb ldapurh stlurh: W [u]
ldursb ldursh ldtrsb ldtrsh ldapursb ldapursh: R [u]
ldursw ldtrsw ldapursw: X [u]
ldtr sttr: R [u]
ldp stp: R R [p] | R R [base] pair | s s [p4] | d d [p8] | q q [p16] | s s [base] pair4 | d d [base] pair8 | q q [base] pair16
ldpsw: X X [p4] | X X [base] pair4
ldnp stnp: R R [q] | s s [q4] | d d [q8] | q q [q16]
ldxr ldaxr ldar ldlar ldapr stlr stllr: R [base]
ldxrb ldaxrb ldarb ldlarb ldaprb stlrb stllrb ldxrh ldaxrh ldarh ldlarh ldaprh stlrh stllrh: W [base]
stxr stlxr: W R [base]
stxrb stlxrb stxrh stlxrh: W W [base]
ldxp ldaxp: R R [base]
stxp stlxp: W R R [base]
prfm: prefetch [f] | prefetch label1M
prfum: prefetch [u]
fadd fsub fdiv fmax fmin fmaxnm fminnm fabd: h h h | s s s | d d d | V V V
fmul: h h h | s s s | d d d | V V V | h h V | s s V | d d V
fnmul: h h h | s s s | d d d
fmadd fmsub fnmadd fnmsub: h h h h | s s s s | d d d d
fabs fneg fsqrt frintn frintp frintm frintz frinta frintx frinti: h h | s s | d d | V V
fcmp fcmpe: h h | s s | d d | h zero | s zero | d zero
fccmp fccmpe: h h #0..15:nzcv cond | s s #0..15:nzcv cond | d d #0..15:nzcv cond
fcsel: h h h cond | s s s cond | d d d cond
fcvt: s h | s d | d h | d s | h s | h d
sys: #0..7:op1 cr cr #0..7:op2 X?
sysl: X #0..7:op1 cr cr #0..7:op2
mov: R R | Rs Rs | R mov | Rs mov
`;

const lse: readonly (readonly [string, string])[] = (() => {
  const rows: [string, string][] = [];
  for (const operation of ['add', 'clr', 'eor', 'set', 'smax', 'smin', 'umax', 'umin']) {
    for (const order of ['', 'a', 'l', 'al']) {
      rows.push([`ld${operation}${order}`, 'R R [base]']);
      for (const size of ['b', 'h']) rows.push([`ld${operation}${order}${size}`, 'W W [base]']);
      if (order.includes('a')) continue;
      rows.push([`st${operation}${order}`, 'R [base]']);
      for (const size of ['b', 'h']) rows.push([`st${operation}${order}${size}`, 'W [base]']);
    }
  }
  for (const operation of ['swp', 'cas']) {
    for (const order of ['', 'a', 'l', 'al']) {
      rows.push([`${operation}${order}`, 'R R [base]']);
      for (const size of ['b', 'h']) rows.push([`${operation}${order}${size}`, 'W W [base]']);
    }
  }
  for (const order of ['', 'a', 'l', 'al']) rows.push([`casp${order}`, 'R R R R [base]']);
  return rows;
})();

function special(token: string, width: 32 | 64): OperandSpec | undefined {
  const pair = /^pair(\d*)$/.exec(token);
  if (pair) {
    const size = Number(pair[1] === '' ? width / 8 : pair[1]);
    return {
      kind: 'immediate',
      min: BigInt(-64 * size),
      max: BigInt(63 * size),
      step: BigInt(size),
      name: 'simm',
    };
  }
  if (token === 'cr') return { kind: 'immediate', min: 0n, max: 15n, step: 1n, name: 'Cn' };
  if (token === 'vlsl') {
    return {
      kind: 'shift',
      shifts: ['lsl'],
      amounts: [0, 8, 16, 24],
      optional: false,
      amountNeeded: true,
    };
  }
  return undefined;
}

/** An immediate that may be left out is written as two forms. */
function parseForm(text: string, transfer: boolean): Form[] {
  if (text === '-') return [[]];
  const tokens = text.split(' ');
  const widths: readonly (32 | 64)[] = tokens.some((it) => /^(?:R|Rs)\??$/.test(it))
    ? [64, 32]
    : [64];
  const forms = widths.map((width) => {
    let registers = 0;
    return tokens.map((token) => {
      const names = transfer ? transferNames : registerNames;
      const isRegister = /^(?:R|Rs|X|W|Xs|Ws|V|b|h|s|d|q)\??$/.test(token);
      const name = isRegister ? (names[registers++] ?? '') : '';
      return special(token, width) ?? spec(token, width, name);
    });
  });
  const last = tokens.at(-1) ?? '';
  const mayLackLast = last.endsWith('?') && forms[0]?.at(-1)?.kind !== 'shift';
  return mayLackLast ? [...forms, ...forms.map((form) => form.slice(0, -1))] : forms;
}

const formsByMnemonic: ReadonlyMap<string, readonly Form[]> = (() => {
  const map = new Map<string, readonly Form[]>();
  const put = (mnemonic: string, texts: readonly string[]): void => {
    const transfer = /^(?:ld|st|swp|cas)/.test(mnemonic);
    map.set(
      mnemonic,
      texts.flatMap((text) => parseForm(text.trim(), transfer)),
    );
  };
  for (const line of table.trim().split('\n')) {
    const [mnemonics = '', forms = ''] = line.split(/:(?= )/);
    for (const mnemonic of mnemonics.split(' ')) put(mnemonic, forms.split(' | '));
  }
  for (const [mnemonic, form] of lse) put(mnemonic, [form]);
  return map;
})();

/** The forms of a base instruction; undefined where operands are not checked. */
export function formsOf(mnemonic: string): readonly Form[] | undefined {
  return formsByMnemonic.get(mnemonic);
}

export const checkedMnemonics: readonly string[] = [...formsByMnemonic.keys()];

/** One operand as documentation writes it: `Xd`, `Wn|WSP`, `#lsb`, `[Xn|SP{, #simm}]`. */
export function specText(operand: OperandSpec): string {
  switch (operand.kind) {
    case 'general': {
      const letter = operand.width === 64 ? 'X' : 'W';
      return `${letter}${operand.name}${operand.sp ? (operand.width === 64 ? '|SP' : '|WSP') : ''}`;
    }
    case 'scalar':
      return `${operand.size.toUpperCase()}${operand.name}`;
    case 'vector':
      return `V${operand.name}.T`;
    case 'immediate':
      return operand.name === 'Cn' ? 'Cn' : `#${operand.name}`;
    case 'width':
      return '#width';
    case 'addImmediate':
      return '#imm';
    case 'bitmask':
      return '#bitmask';
    case 'movImmediate':
      return '#imm';
    case 'floatImmediate':
      return '#fimm';
    case 'zero':
      return '#0.0';
    case 'shift': {
      const [first = 'lsl'] = operand.shifts;
      const text =
        operand.shifts.length === 1
          ? `${first} #amount`
          : operand.amountNeeded
            ? 'shift #amount'
            : 'extend {#amount}';
      return operand.optional ? `{${text}}` : text;
    }
    case 'condition':
      return 'cond';
    case 'label':
      return 'label';
    case 'literal':
      return '=value';
    case 'option':
      return operand.set === 'prefetch' ? 'prfop' : 'targets';
    case 'memory': {
      if (operand.registerShift !== undefined) return '[Xn|SP{, offset}]';
      return operand.offsets[0]?.max === 0 ? '[Xn|SP]' : '[Xn|SP{, #simm}]';
    }
  }
}

/** What values an operand takes, in words; empty where its shape says it. */
export function specExplanation(operand: OperandSpec): string {
  switch (operand.kind) {
    case 'general':
      return `${operand.width}-bit general register${operand.sp ? ', or the stack pointer' : ', or the zero register'}`;
    case 'scalar':
      return 'scalar floating-point register';
    case 'vector':
      return 'SIMD register with an arrangement, such as `v0.4s`';
    case 'immediate':
      return `${operand.name} ${operand.min}-${operand.max}${operand.step === 1n ? '' : ` in steps of ${operand.step}`}`;
    case 'width':
      return `width 1-(${operand.bits}-lsb)`;
    case 'addImmediate':
      return '0-4095, or a multiple of 4096 up to 0xfff000';
    case 'bitmask':
      return 'a repeated, rotated run of ones';
    case 'movImmediate':
      return 'what one MOVZ, MOVN or ORR can make';
    case 'floatImmediate':
      return 'a small floating-point constant';
    case 'zero':
      return 'only zero';
    case 'shift':
      return `${operand.shifts.join(', ')} by ${amountsText(operand.amounts)}`;
    case 'condition':
      return 'a condition, such as `eq`';
    case 'label':
      return `a place within ${reachText(operand.reach)}`;
    case 'literal':
      return 'a constant from the literal pool';
    case 'option':
      return operand.set === 'prefetch'
        ? 'a prefetch operation, such as `pldl1keep`'
        : 'c, j or jc';
    case 'memory':
      return `base register${memoryText(operand) === '' ? '' : `, offset ${memoryText(operand)}`}`;
  }
}

export function amountsText(amounts: readonly number[]): string {
  const last = amounts.at(-1) ?? 0;
  const isRun = amounts.length > 2 && amounts.every((it, index) => it === index);
  if (isRun) return `0-${last}`;
  return amounts.length === 1 ? String(last) : `${amounts.slice(0, -1).join(', ')} or ${last}`;
}

export function memoryText({ offsets }: MemorySpec): string {
  return offsets
    .filter(({ max }) => max !== 0)
    .map(
      ({ min, max, step }) =>
        (min < 0 ? `${min}..${max}` : `${min}-${max}`) + (step > 1 ? ` step ${step}` : ''),
    )
    .join(', or ');
}

export function reachText(bytes: number): string {
  if (bytes >= 2 ** 30) return `${bytes / 2 ** 30} GiB`;
  return bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`;
}
