/** Headers are made by hand after the System V ABI; whole programs are the samples and what the host runs. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isRunnableGuest } from '../../../extension/elf-header.ts';

const root = path.resolve(import.meta.dirname, '../../..');

interface Program {
  readonly e_type?: number;
  readonly e_machine?: number;
  readonly e_entry?: bigint;
  readonly class64?: boolean;
  readonly littleEndian?: boolean;
  readonly p_types?: readonly number[];
  /** Contents of the segment of the last program header. */
  readonly note?: readonly number[];
}

const [PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE] = [1, 2, 3, 4];

function elf({
  e_type = 2,
  e_machine = 183,
  e_entry = 0x4008_0000n,
  class64 = true,
  littleEndian = true,
  p_types = [PT_LOAD],
  note = [],
}: Program): Uint8Array {
  const noteAt = 64 + 56 * p_types.length;
  const bytes = new Uint8Array(noteAt + note.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, class64 ? 2 : 1, littleEndian ? 1 : 2, 1]);
  view.setUint16(16, e_type, true);
  view.setUint16(18, e_machine, true);
  view.setBigUint64(24, e_entry, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, p_types.length, true);
  p_types.forEach((type, i) => {
    view.setUint32(64 + 56 * i, type, true);
    view.setBigUint64(64 + 56 * i + 8, BigInt(noteAt), true);
    view.setBigUint64(64 + 56 * i + 32, BigInt(note.length), true);
  });
  bytes.set(note, noteAt);
  return bytes;
}

function isRunnable(bytes: Uint8Array): boolean {
  return isRunnableGuest((offset, length) => bytes.subarray(offset, offset + length));
}

/** A note: namesz 4, descsz 4, type, "GNU", four bytes. */
function gnuNote(type: number): number[] {
  return [4, 0, 0, 0, 4, 0, 0, 0, type, 0, 0, 0, 0x47, 0x4e, 0x55, 0, 9, 9, 9, 9];
}

const NT_GNU_ABI_TAG = 1;
const NT_GNU_BUILD_ID = 3;

const cases: readonly (readonly [title: string, program: Program, expected: boolean])[] = [
  ['a freestanding AArch64 executable', {}, true],
  ['a position-independent one with an entry', { e_type: 3, p_types: [PT_LOAD, PT_DYNAMIC] }, true],
  ['one with a build id', { p_types: [PT_LOAD, PT_NOTE], note: gnuNote(NT_GNU_BUILD_ID) }, true],
  ['a shared library, which has no entry', { e_type: 3, e_entry: 0n }, false],
  ['a relocatable object', { e_type: 1 }, false],
  ['a core file', { e_type: 4 }, false],
  ['a program for x86-64', { e_machine: 62 }, false],
  ['a 32-bit file', { class64: false }, false],
  ['a big-endian file', { littleEndian: false }, false],
  ['a program that asks for a dynamic linker', { p_types: [PT_INTERP, PT_LOAD] }, false],
  [
    'a static program for Linux',
    {
      p_types: [PT_LOAD, PT_NOTE],
      note: [...gnuNote(NT_GNU_BUILD_ID), ...gnuNote(NT_GNU_ABI_TAG)],
    },
    false,
  ],
  ['a file with nothing to load', { p_types: [PT_NOTE] }, false],
  ['a file without program headers', { p_types: [] }, false],
];

describe('what F5 offers, by ELF header', () => {
  for (const [title, program, expected] of cases) {
    it(`${expected ? 'takes' : 'refuses'} ${title}`, () => {
      assert.equal(isRunnable(elf(program)), expected);
    });
  }

  for (const name of ['hello', 'watchpoint', 'self-hosted-debug', 'el2-hypervisor']) {
    it(`takes the sample ${name}`, () => {
      const bytes = readFileSync(path.join(root, 'samples', name, `${name}.elf`));
      assert.equal(isRunnable(bytes), true);
    });
  }

  it('refuses the program that runs this test', () => {
    assert.equal(isRunnable(readFileSync(process.execPath).subarray(0, 1 << 16)), false);
  });

  it('refuses every truncation of a header, and text', () => {
    const whole = elf({});
    for (let length = 0; length < whole.length; length++) {
      assert.equal(isRunnable(whole.subarray(0, length)), false, `${length} bytes`);
    }
    assert.equal(isRunnable(new TextEncoder().encode('#!/bin/sh\n'.repeat(20))), false);
  });
});
