/** DWARF expressions written byte by byte; what they mean is taken from DWARF 5, 2.5 and 2.6. */
import assert from 'node:assert/strict';
import {
  evaluateLocation,
  expressionLocation,
  readLocation,
  subLocation,
  type EvaluationContext,
  type ExpressionScope,
  type Location,
} from '../../../../debug-adapter/symbols/location.ts';
import { SymbolError } from '../../../../debug-adapter/symbols/symbol-error.ts';

const scope: ExpressionScope = {
  unitOffset: 0x100,
  fileName: 'test.elf',
  indexedAddress: (index) => 0x1000n + BigInt(index),
  baseType: (offset) =>
    offset === 1
      ? { encoding: 'signed', byteSize: 4 }
      : offset === 2
        ? { encoding: 'float', byteSize: 8 }
        : undefined,
  procedure: () => Uint8Array.of(0x33), // DW_OP_lit3
  object: () => undefined,
};

const context: EvaluationContext = {
  pc: 0x4000n,
  register: (n) => (n === 9 ? undefined : BigInt(n) + 0x100n),
  readMemory: (address, length) =>
    address < 0x10000n
      ? Uint8Array.from({ length }, (_, i) => Number(address & 0xffn) + i)
      : undefined,
  cfa: () => 0x2000n,
  entryValue: (of) =>
    of.kind === 'parameter' ? BigInt(of.offset) : of.register % 64 === 0 ? 77n : undefined,
};

function evaluate(...bytes: number[]): Location {
  const frameBase = expressionLocation(Uint8Array.of(0x9c), scope, undefined); // DW_OP_call_frame_cfa
  return evaluateLocation(expressionLocation(Uint8Array.from(bytes), scope, frameBase), context);
}

const memory = (address: bigint): Location => ({ kind: 'memory', address });
const value = (...bytes: number[]): Location => ({ kind: 'value', bytes: Uint8Array.from(bytes) });

const cases: readonly { title: string; bytes: readonly number[]; expected: Location }[] = [
  {
    title: 'DW_OP_addr',
    bytes: [0x03, 0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0],
    expected: memory(0x1234_5678n),
  },
  {
    title: 'DW_OP_fbreg -8 over DW_OP_call_frame_cfa',
    bytes: [0x91, 0x78],
    expected: memory(0x1ff8n),
  },
  { title: 'DW_OP_reg5', bytes: [0x55], expected: { kind: 'register', register: 5 } },
  { title: 'DW_OP_regx 64', bytes: [0x90, 0x40], expected: { kind: 'register', register: 64 } },
  { title: 'DW_OP_breg1 -1', bytes: [0x71, 0x7f], expected: memory(0x100n) },
  { title: 'DW_OP_addrx 3', bytes: [0xa1, 3], expected: memory(0x1003n) },
  {
    title: 'DW_OP_lit5, DW_OP_stack_value',
    bytes: [0x35, 0x9f],
    expected: value(5, 0, 0, 0, 0, 0, 0, 0),
  },
  {
    title: 'DW_OP_const1s -2, DW_OP_lit2, DW_OP_div',
    bytes: [0x09, 0xfe, 0x32, 0x1b],
    expected: memory(0xffff_ffff_ffff_ffffn),
  },
  {
    title: 'DW_OP_lit1, DW_OP_lit2, DW_OP_lit3, DW_OP_rot: 3 goes below 1 and 2',
    bytes: [0x31, 0x32, 0x33, 0x17],
    expected: memory(2n),
  },
  {
    title: 'DW_OP_bra taken over DW_OP_lit1',
    bytes: [0x34, 0x31, 0x28, 1, 0, 0x31, 0x96],
    expected: memory(4n),
  },
  {
    title: 'DW_OP_deref_size 2',
    bytes: [0x03, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x94, 2],
    expected: memory(0x1110n),
  },
  { title: 'DW_OP_implicit_value', bytes: [0x9e, 2, 7, 8], expected: value(7, 8) },
  {
    title: 'DW_OP_entry_value(DW_OP_reg0), DW_OP_stack_value',
    bytes: [0xa3, 1, 0x50, 0x9f],
    expected: value(77, 0, 0, 0, 0, 0, 0, 0),
  },
  {
    title: 'DW_OP_entry_value(DW_OP_regval_type V0 double), DW_OP_stack_value',
    bytes: [0xa3, 3, 0xa5, 0x40, 2, 0x9f],
    expected: value(77, 0, 0, 0, 0, 0, 0, 0),
  },
  {
    title: 'DW_OP_GNU_parameter_ref, relative to its unit',
    bytes: [0xfa, 5, 0, 0, 0, 0x9f],
    expected: value(5, 1, 0, 0, 0, 0, 0, 0),
  },
  { title: 'DW_OP_call4', bytes: [0x99, 0, 0, 0, 0], expected: memory(3n) },
  // 7 as a 32-bit integer, to a double, doubled: 14.0.
  {
    title: 'DW_OP_convert to a double and DW_OP_plus',
    bytes: [0x37, 0xa8, 1, 0xa8, 2, 0x12, 0x22, 0x9f],
    expected: value(0, 0, 0, 0, 0, 0, 0x2c, 0x40),
  },
];

describe('DWARF expressions', () => {
  for (const { title, bytes, expected } of cases) {
    it(title, () => {
      assert.deepEqual(evaluate(...bytes), expected);
    });
  }

  it('name the register that the frame does not know', () => {
    assert.deepEqual(evaluate(0x79, 0), {
      kind: 'optimizedOut',
      reason: 'X9 is not known in this frame',
    });
  });

  it('say that an entry value is unknown when the caller does not tell', () => {
    const location = evaluate(0xa3, 1, 0x51, 0x9f);
    assert.equal(location.kind, 'optimizedOut');
  });

  it('compose an object of pieces, of which one may be missing', () => {
    // x1, 4 bytes; memory at 0x10, 4 bytes
    const whole = evaluate(0x51, 0x93, 4, 0x03, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x93, 4);
    assert.deepEqual(
      readLocation(whole, 8, context),
      Uint8Array.of(1, 1, 0, 0, 0x10, 0x11, 0x12, 0x13),
    );
    assert.deepEqual(subLocation(whole, 4, 4), memory(0x10n));
    const holed = evaluate(0x51, 0x93, 4, 0x93, 4);
    assert.deepEqual(readLocation(subLocation(holed, 0, 4), 4, context), Uint8Array.of(1, 1, 0, 0));
    assert.ok(!(readLocation(holed, 8, context) instanceof Uint8Array));
  });

  const malformed: readonly { title: string; bytes: readonly number[] }[] = [
    { title: 'an empty stack', bytes: [0x22] },
    { title: 'an operand that is cut off', bytes: [0x03, 1, 2] },
    { title: 'an unknown operation', bytes: [0x01] },
    { title: 'an endless loop', bytes: [0x2f, 0xfd, 0xff] },
    { title: 'a division by zero', bytes: [0x31, 0x30, 0x1b] },
    { title: 'a jump outside', bytes: [0x2f, 0x00, 0x40] },
  ];
  for (const { title, bytes } of malformed) {
    it(`with ${title} are refused`, () => {
      assert.throws(() => evaluate(...bytes), SymbolError);
    });
  }
});
