/** Instruction words are those of aarch64-linux-gnu-as. */
import assert from 'node:assert/strict';
import { readPrologue } from '../../../../debug-adapter/stack/prologue.ts';

const ENTRY = 0x1000n;

function at(words: readonly number[], index: number): ReturnType<typeof readPrologue> {
  return readPrologue(
    ENTRY,
    ENTRY + BigInt(index * 4),
    (address) => words[Number(address - ENTRY) / 4],
  );
}

/** gcc -O2: frame record at the bottom, x19 and x20 above it. */
const framed = [
  0xa9bd7bfd, // stp x29, x30, [sp, #-48]!
  0x910003fd, // mov x29, sp
  0xa90153f3, // stp x19, x20, [sp, #16]
  0xf90013f5, // str x21, [sp, #32]
  0x94000000, // bl .
  0xa94153f3, // ldp x19, x20, [sp, #16]
  0xa8c37bfd, // ldp x29, x30, [sp], #48
  0xd65f03c0, // ret
];

/** clang: sub sp first, frame record at the top. */
const clang = [
  0xd10103ff, // sub sp, sp, #64
  0xa9037bfd, // stp x29, x30, [sp, #48]
  0x9100c3fd, // add x29, sp, #48
  0xb81fc3a0, // stur w0, [x29, #-4]
];

const leaf = [
  0xd10043ff, // sub sp, sp, #16
  0xb9000fe0, // str w0, [sp, #12]
  0x910043ff, // add sp, sp, #16
  0xd65f03c0, // ret
];

describe('Prologues', () => {
  it('at entry the stack pointer is the canonical frame address', () => {
    assert.deepEqual(at(framed, 0), { spOffset: 0n, fpOffset: undefined, saved: new Map() });
  });

  it('between stp and mov x29 the frame is found by sp', () => {
    const { spOffset, fpOffset, saved } = at(framed, 1);
    assert.equal(spOffset, 48n);
    assert.equal(fpOffset, undefined);
    assert.deepEqual(
      [...saved],
      [
        [29, -48n],
        [30, -40n],
      ],
    );
  });

  it('in the body it is found by x29, and callee-saved registers are where they were stored', () => {
    const { fpOffset, saved } = at(framed, 5);
    assert.equal(fpOffset, 48n);
    assert.deepEqual(
      [...saved],
      [
        [29, -48n],
        [30, -40n],
        [19, -32n],
        [20, -24n],
        [21, -16n],
      ],
    );
  });

  it('a frame record at the top of the frame counts from there', () => {
    const { fpOffset, spOffset, saved } = at(clang, 4);
    assert.equal(spOffset, 64n);
    assert.equal(fpOffset, 16n);
    assert.equal(saved.get(30), -8n);
  });

  it('a leaf without a frame record has only sp', () => {
    assert.deepEqual(at(leaf, 1), { spOffset: 16n, fpOffset: undefined, saved: new Map() });
  });

  it('at the return the frame is gone', () => {
    assert.equal(at(framed, 7).spOffset, 0n);
    assert.equal(at(leaf, 3).spOffset, 0n);
  });
});
