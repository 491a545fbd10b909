/**
 * The instruction word of a complete statement, for the instructions that code which deals with the
 * system uses most. What the disassembler does not read back under the same mnemonic is not shown.
 */
import { createDecoder } from '../emulator/isa/decode.ts';
import { allDefinitions } from '../emulator/isa/definitions.ts';
import { instructionText } from './decode-text.ts';
import { isMoveWide, isBitmask } from './immediates.ts';
import type { Operand } from './operand.ts';
import { isGeneral, widthOf } from './registers.ts';
import type { RegisterName } from './registers.ts';
import {
  barriers,
  operationKinds,
  operations,
  pstateFieldByName,
  systemRegister,
} from './system-operands.ts';

export interface Encoded {
  readonly word: number;
  /** The encoding diagram of its class. */
  readonly diagram: string;
  readonly note?: string;
}

const decoder = createDecoder(allDefinitions);

const general = (operand: Operand | undefined): RegisterName | undefined =>
  operand?.kind === 'register' && !operand.lane && isGeneral(operand.register)
    ? operand.register
    : undefined;

const immediate = (operand: Operand | undefined): bigint | undefined =>
  operand?.kind === 'immediate' || operand?.kind === 'name' ? operand.value : undefined;

const sfOf = (register: RegisterName): number => (widthOf(register) === 64 ? 1 : 0);

/** Arm ARM, the inverse of DecodeBitMasks(): N:immr:imms, or undefined. */
export function encodeBitmask(value: bigint, width: 32 | 64): number | undefined {
  const all = (1n << BigInt(width)) - 1n;
  const bits = value & all;
  if (!isBitmask(value, width)) return undefined;
  for (let size = 2; size <= width; size *= 2) {
    const mask = (1n << BigInt(size)) - 1n;
    const element = bits & mask;
    let repeated = 0n;
    for (let at = 0; at < width; at += size) repeated |= element << BigInt(at);
    if (repeated !== bits) continue;
    let ones = 0;
    for (let rest = element; rest !== 0n; rest &= rest - 1n) ones += 1;
    const run = (1n << BigInt(ones)) - 1n;
    for (let rotation = 0; rotation < size; rotation += 1) {
      const shift = BigInt(rotation);
      const rotated = ((run >> shift) | (run << (BigInt(size) - shift))) & mask;
      if (rotated !== element) continue;
      const N = size === 64 ? 1 : 0;
      const imms = ((~(size * 2 - 1) & 0x3f) | (ones - 1)) & 0x3f;
      return (N << 12) | (rotation << 6) | imms;
    }
  }
  return undefined;
}

interface Found {
  readonly word: number;
  readonly note?: string;
}

function addSubtract(name: string, operands: readonly Operand[]): Found | undefined {
  const compares = name === 'cmp' || name === 'cmn';
  const op = name.startsWith('sub') || name === 'cmp' ? 1 : 0;
  const S = compares || name.endsWith('s') ? 1 : 0;
  const rest = compares ? operands : operands.slice(1);
  const target = compares ? undefined : general(operands[0]);
  const n = general(rest[0]);
  if (!n || (!compares && !target)) return undefined;
  const Rd = target?.number ?? 31;
  const sf = sfOf(n);
  const base = (sf << 31) | (S << 29);
  const value = immediate(rest[1]);
  if (value !== undefined) {
    const negative = value < 0n;
    const size = Number(negative ? -value : value);
    const explicit = rest[2]?.kind === 'shift' && rest[2].amount === 12n;
    const sh = explicit || size > 4095 ? 1 : 0;
    const imm12 = explicit ? size : sh ? size / 4096 : size;
    const word =
      base |
      ((negative ? 1 - op : op) << 30) |
      (0b100010 << 23) |
      (sh << 22) |
      (imm12 << 10) |
      (n.number << 5) |
      Rd;
    return sh && !explicit ? { word, note: `encoded as #${imm12}, lsl #12` } : { word };
  }
  const m = general(rest[1]);
  if (!m || n.class === 'sp' || target?.class === 'sp') return undefined;
  const shift = rest[2];
  const type = shift?.kind === 'shift' ? ['lsl', 'lsr', 'asr'].indexOf(shift.shift) : 0;
  if (type < 0) return undefined;
  const amount = shift?.kind === 'shift' ? Number(shift.amount ?? 0n) : 0;
  return {
    word:
      base |
      (op << 30) |
      (0b01011 << 24) |
      (type << 22) |
      (m.number << 16) |
      (amount << 10) |
      (n.number << 5) |
      Rd,
  };
}

function logical(name: string, operands: readonly Operand[]): Found | undefined {
  const opcodes: Readonly<Record<string, readonly [number, number]>> = {
    and: [0, 0],
    bic: [0, 1],
    orr: [1, 0],
    orn: [1, 1],
    eor: [2, 0],
    eon: [2, 1],
    ands: [3, 0],
    bics: [3, 1],
    tst: [3, 0],
  };
  const [opc, N] = opcodes[name] ?? [];
  const rest = name === 'tst' ? operands : operands.slice(1);
  const target = name === 'tst' ? undefined : general(operands[0]);
  const n = general(rest[0]);
  if (opc === undefined || N === undefined || !n || (name !== 'tst' && !target)) return undefined;
  const sf = sfOf(n);
  const tail = (n.number << 5) | (target?.number ?? 31);
  const value = immediate(rest[1]);
  if (value !== undefined) {
    const mask = encodeBitmask(N === 1 ? ~value : value, widthOf(n));
    return mask === undefined
      ? undefined
      : { word: (sf << 31) | (opc << 29) | (0b100100 << 23) | (mask << 10) | tail };
  }
  const m = general(rest[1]);
  if (!m) return undefined;
  const shift = rest[2];
  const type = shift?.kind === 'shift' ? ['lsl', 'lsr', 'asr', 'ror'].indexOf(shift.shift) : 0;
  const amount = shift?.kind === 'shift' ? Number(shift.amount ?? 0n) : 0;
  if (type < 0) return undefined;
  return {
    word:
      (sf << 31) |
      (opc << 29) |
      (0b01010 << 24) |
      (type << 22) |
      (N << 21) |
      (m.number << 16) |
      (amount << 10) |
      tail,
  };
}

function moveWide(name: string, operands: readonly Operand[]): Found | undefined {
  const target = general(operands[0]);
  const value = immediate(operands[1]);
  if (!target || value === undefined) return undefined;
  const sf = sfOf(target);
  const width = widthOf(target);
  const opc = { movn: 0, movz: 2, movk: 3 }[name as 'movn' | 'movz' | 'movk'];
  const build = (code: number, hw: number, imm16: bigint): number =>
    (sf << 31) |
    (code << 29) |
    (0b100101 << 23) |
    (hw << 21) |
    (Number(imm16) << 5) |
    target.number;
  if (name !== 'mov') {
    const shift = operands[2];
    const hw = shift?.kind === 'shift' ? Number(shift.amount ?? 0n) / 16 : 0;
    return { word: build(opc, hw, value) };
  }
  const all = (1n << BigInt(width)) - 1n;
  const split = (bits: bigint): readonly [number, bigint] => {
    for (let hw = 0; hw < width / 16; hw += 1) {
      if ((bits & ~(0xffffn << BigInt(hw * 16))) === 0n) return [hw, bits >> BigInt(hw * 16)];
    }
    return [0, 0n];
  };
  if (target.class !== 'sp' && isMoveWide(value, width))
    return { word: build(2, ...split(value & all)), note: 'MOVZ' };
  if (target.class !== 'sp' && isMoveWide(~value & all, width))
    return { word: build(0, ...split(~value & all)), note: 'MOVN' };
  const mask = encodeBitmask(value, width);
  if (mask === undefined) return undefined;
  return {
    word: (sf << 31) | (1 << 29) | (0b100100 << 23) | (mask << 10) | (31 << 5) | target.number,
    note: 'ORR with the zero register',
  };
}

function move(operands: readonly Operand[]): Found | undefined {
  const [d, n] = operands.map(general);
  if (!d) return undefined;
  if (!n) return moveWide('mov', operands);
  const sf = sfOf(d);
  if (/sp$/.test(d.class) || /sp$/.test(n.class)) {
    return { word: (sf << 31) | (0b100010 << 23) | (n.number << 5) | d.number, note: 'ADD with 0' };
  }
  return {
    word: (sf << 31) | (1 << 29) | (0b01010 << 24) | (n.number << 16) | (31 << 5) | d.number,
    note: 'ORR with the zero register',
  };
}

function loadStore(name: string, operands: readonly Operand[]): Found | undefined {
  const match = /^(ldr|str|ldur|stur)(s?)([bhw]?)$/.exec(name);
  const t = general(operands[0]);
  const memory = operands[1];
  if (!match || !t || memory?.kind !== 'memory' || memory.parts.length > 2 || operands.length > 3)
    return undefined;
  const n = general(memory.parts[0]);
  const [, stem = '', signed = '', unit = ''] = match;
  if (!n) return undefined;
  const size = unit === 'b' ? 0 : unit === 'h' ? 1 : unit === 'w' ? 2 : sfOf(t) === 1 ? 3 : 2;
  const opc = stem.startsWith('st') ? 0 : signed === '' ? 1 : sfOf(t) === 1 ? 2 : 3;
  const base = (size << 30) | (0b111 << 27) | (opc << 22) | (n.number << 5) | t.number;
  const post = operands[2];
  const part = memory.parts[1] ?? post;
  const offset = part ? immediate(part) : 0n;
  if (offset === undefined) return undefined;
  const imm9 = (Number(BigInt.asUintN(9, offset)) << 12) >>> 0;
  if (post) return { word: base | imm9 | (1 << 10) };
  if (memory.writeback) return { word: base | imm9 | (3 << 10) };
  const scaled = offset >> BigInt(size);
  if (!stem.endsWith('ur') && offset >= 0n && scaled << BigInt(size) === offset && scaled < 4096n) {
    return { word: base | (1 << 24) | (Number(scaled) << 10) };
  }
  return offset >= -256n && offset <= 255n
    ? { word: base | imm9, note: 'the unscaled form' }
    : undefined;
}

function loadStorePair(name: string, operands: readonly Operand[]): Found | undefined {
  const [t, t2] = [general(operands[0]), general(operands[1])];
  const memory = operands[2];
  if (!t || !t2 || memory?.kind !== 'memory') return undefined;
  const n = general(memory.parts[0]);
  const post = operands[3];
  const part = memory.parts[1] ?? post;
  const offset = part ? immediate(part) : 0n;
  if (!n || offset === undefined) return undefined;
  const scale = sfOf(t) === 1 ? 8n : 4n;
  const mode = post ? 1 : memory.writeback ? 3 : 2;
  const imm7 = Number(BigInt.asUintN(7, offset / scale));
  return {
    word:
      (sfOf(t) << 31) |
      (0b101 << 27) |
      (mode << 23) |
      ((name === 'ldp' ? 1 : 0) << 22) |
      (imm7 << 15) |
      (t2.number << 10) |
      (n.number << 5) |
      t.number,
  };
}

function system(name: string, operands: readonly Operand[]): Found | undefined {
  const fixed: Readonly<Record<string, number>> = {
    nop: 0xd503201f,
    yield: 0xd503203f,
    wfe: 0xd503205f,
    wfi: 0xd503207f,
    sev: 0xd503209f,
    sevl: 0xd50320bf,
    isb: 0xd5033fdf,
    eret: 0xd69f03e0,
    clrex: 0xd5033f5f,
  };
  const [first, second] = operands;
  if (operands.length === 0 && fixed[name] !== undefined) return { word: fixed[name] };
  const value = immediate(first);
  const exceptions: Readonly<Record<string, number>> = {
    svc: 0xd4000001,
    hvc: 0xd4000002,
    smc: 0xd4000003,
    brk: 0xd4200000,
    hlt: 0xd4400000,
  };
  const exception = exceptions[name];
  if (exception !== undefined && value !== undefined)
    return { word: exception | (Number(value) << 5) };
  if (name === 'ret' || name === 'br' || name === 'blr') {
    const n = first ? general(first) : { number: 30 };
    const opc = { br: 0, blr: 1, ret: 2 }[name];
    return n && { word: 0xd61f0000 | (opc << 21) | (n.number << 5) };
  }
  if (name === 'dsb' || name === 'dmb') {
    const option = barriers.find(
      (it) => !it.nXS && it.name.toLowerCase() === first?.text.toLowerCase(),
    );
    const CRm = option?.encoding ?? (value === undefined ? undefined : Number(value));
    if (CRm === undefined || CRm > 15) return undefined;
    return { word: (name === 'dsb' ? 0xd503309f : 0xd50330bf) | (CRm << 8) };
  }
  if (name === 'mrs' || name === 'msr') {
    const [target, source] = name === 'mrs' ? [second, first] : [first, second];
    const t = general(source);
    const named = target && systemRegister(target.text, name === 'mrs' ? 'read' : 'write');
    if (t && named)
      return {
        word:
          (name === 'mrs' ? 0xd5200000 : 0xd5000000) | (named.register.encoding << 5) | t.number,
      };
    const field = target && pstateFieldByName(target.text);
    const imm = immediate(source);
    if (!field || imm === undefined) return undefined;
    const CRm = field.CRmHigh === undefined ? Number(imm) : (field.CRmHigh << 1) | Number(imm);
    return { word: 0xd500401f | (field.op1 << 16) | (CRm << 8) | (field.op2 << 5) };
  }
  if (operationKinds.has(name) && first) {
    const operation = operations(name).find(
      (it) => it.name.toLowerCase() === first.text.toLowerCase(),
    );
    const t = second ? general(second) : { number: 31 };
    if (operation && t && name !== 'tlbip') {
      return {
        word:
          0xd5080000 |
          (operation.op1 << 16) |
          (operation.CRn << 12) |
          (operation.CRm << 8) |
          (operation.op2 << 5) |
          t.number,
      };
    }
  }
  return undefined;
}

function encode(name: string, operands: readonly Operand[]): Found | undefined {
  if (/^(?:adds?|subs?|cmp|cmn)$/.test(name)) return addSubtract(name, operands);
  if (/^(?:ands?|orr|eor|bics?|orn|eon|tst)$/.test(name)) return logical(name, operands);
  if (/^mov[znk]$/.test(name)) return moveWide(name, operands);
  if (name === 'mov') return move(operands);
  if (/^(?:ldr|str|ldur|stur)/.test(name)) return loadStore(name, operands);
  if (name === 'ldp' || name === 'stp') return loadStorePair(name, operands);
  return system(name, operands);
}

export function encodeStatement(
  mnemonic: string,
  operands: readonly Operand[],
): Encoded | undefined {
  const found = encode(mnemonic.toLowerCase(), operands);
  if (!found) return undefined;
  const word = found.word >>> 0;
  const decoded = decoder.decode(word);
  const text = instructionText(word);
  if (!decoded || text === undefined) return undefined;
  const { diagram } = decoded.definition.encoding;
  return { word, diagram, ...(found.note !== undefined && { note: found.note }) };
}
