import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  firstWatchedByte,
  watchedRange,
  watchpointVerdict,
} from '../../../../../emulator/cpu/debug/watchpoint.ts';
import type { DebugResources } from '../../../../../emulator/cpu/debug/breakpoint.ts';

const RESOURCES: DebugResources = {
  breakpoints: 6,
  contextAwareBreakpoints: 2,
  watchpoints: 4,
  contextIdEL2: false,
  el2: true,
  el3: false,
  secureEL2: false,
};
const E = 1n;
const EL1 = 1n << 1n;
const EL0 = 2n << 1n;
const LOAD = 1n << 3n;
const STORE = 2n << 3n;
const BAS = (bytes: number): bigint => BigInt(bytes) << 5n;
const MASK = (bits: number): bigint => BigInt(bits) << 24n;

interface Access {
  readonly address: bigint;
  readonly size: number;
  readonly isWrite?: boolean;
  readonly EL?: 0 | 1;
}

function fires(DBGWCR: bigint, DBGWVR: bigint, access: Access): bigint | undefined {
  const verdict = watchpointVerdict(
    0,
    { isWrite: true, EL: 1, ...access },
    { DBGBCR: () => 0n, DBGBVR: () => 0n, DBGWCR: () => DBGWCR, DBGWVR: () => DBGWVR },
    { EL: 1, secure: false, CONTEXTIDR_EL1: 0n, CONTEXTIDR_EL2: 0n, VMID: 0n, inHost: false },
    RESOURCES,
    false,
  );
  return verdict.fires ? access.address + BigInt(verdict.offset) : undefined;
}

describe('a watchpoint', () => {
  const all = E | EL1 | EL0 | LOAD | STORE;

  it('fires for an unaligned access that reaches its byte, with that byte as FAR', () => {
    const control = all | BAS(0x08);
    assert.equal(fires(control, 0x1000n, { address: 0xffcn, size: 8 }), 0x1003n);
    assert.equal(fires(control, 0x1000n, { address: 0x1003n, size: 1 }), 0x1003n);
    assert.equal(fires(control, 0x1000n, { address: 0x1004n, size: 1 }), undefined);
  });

  it('uses only BAS[3:0] when DBGWVR[2] is 1', () => {
    const control = all | BAS(0x0f);
    assert.equal(fires(control, 0x1004n, { address: 0x1006n, size: 1 }), 0x1006n);
    assert.equal(fires(control, 0x1004n, { address: 0x1008n, size: 1 }), undefined);
    assert.equal(fires(all | BAS(0xf0), 0x1004n, { address: 0x1004n, size: 4 }), undefined);
  });

  it('covers the whole block of MASK and ignores BAS and masked address bits', () => {
    const control = all | MASK(12) | BAS(0xff);
    assert.equal(fires(control, 0x3000n, { address: 0x3fffn, size: 1 }), 0x3fffn);
    assert.equal(fires(control, 0x3000n, { address: 0x2ffcn, size: 8 }), 0x3000n);
    assert.equal(fires(control, 0x3000n, { address: 0x4000n, size: 1 }), undefined);
    assert.equal(fires(all | MASK(12) | BAS(1), 0x3123n, { address: 0x3800n, size: 4 }), 0x3800n);
  });

  it('is silent with a reserved MASK or LSC', () => {
    for (const mask of [1, 2]) {
      assert.equal(
        fires(all | MASK(mask) | BAS(0xff), 0x1000n, { address: 0x1000n, size: 8 }),
        undefined,
      );
    }
    const noDirection = E | EL1 | BAS(0xff);
    assert.equal(fires(noDirection, 0x1000n, { address: 0x1000n, size: 8 }), undefined);
  });

  it('tells loads from stores', () => {
    const at = { address: 0x1000n, size: 4 };
    assert.equal(fires(E | EL1 | LOAD | BAS(0xff), 0x1000n, at), undefined);
    assert.equal(fires(E | EL1 | LOAD | BAS(0xff), 0x1000n, { ...at, isWrite: false }), 0x1000n);
    assert.equal(fires(E | EL1 | STORE | BAS(0xff), 0x1000n, { ...at, isWrite: false }), undefined);
  });

  it('takes an unprivileged access as one of EL0', () => {
    const control = E | EL0 | LOAD | BAS(0xff);
    const at = { address: 0x1000n, size: 4, isWrite: false };
    assert.equal(fires(control, 0x1000n, { ...at, EL: 1 }), undefined);
    assert.equal(fires(control, 0x1000n, { ...at, EL: 0 }), 0x1000n);
  });

  it('fires for each selected byte of a BAS with gaps', () => {
    const control = all | BAS(0x81);
    assert.equal(fires(control, 0x1000n, { address: 0x1007n, size: 1 }), 0x1007n);
    assert.equal(fires(control, 0x1000n, { address: 0x1003n, size: 1 }), undefined);
    assert.equal(fires(control, 0x1000n, { address: 0x1001n, size: 8 }), 0x1007n);
  });

  it('ignores the top byte where TBI applies', () => {
    const tagged = (0x5an << 56n) | 0x1000n;
    assert.equal(firstWatchedByte(BAS(0xff), 0x1000n, tagged, 4, true), 0);
    assert.equal(firstWatchedByte(BAS(0xff), 0x1000n, tagged, 4, false), undefined);
  });

  it('agrees with a byte-by-byte reading of WatchpointByteMatch', () => {
    const byteMatches = (DBGWCR: bigint, DBGWVR: bigint, address: bigint): boolean => {
      const mask = (DBGWCR >> 24n) & 0x1fn;
      if (mask >= 3n) return address >> mask === DBGWVR >> mask;
      const bottom = (DBGWVR & 4n) !== 0n ? 2n : 3n;
      const select = (DBGWCR >> 5n) & (bottom === 2n ? 0xfn : 0xffn);
      const selected = (select >> (address & ((1n << bottom) - 1n))) & 1n;
      return selected === 1n && address >> bottom === DBGWVR >> bottom;
    };
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xff }),
        fc.constantFrom(0, 3, 4, 5, 7),
        fc.integer({ min: 0, max: 63 }),
        fc.integer({ min: -40, max: 140 }),
        fc.constantFrom(1, 2, 4, 8, 16, 64),
        (bas, mask, value, distance, size) => {
          const DBGWCR = BAS(bas) | MASK(mask);
          const DBGWVR = 0x8000n + BigInt(value & ~3);
          const address = 0x8000n + BigInt(distance);
          const bytes = Array.from({ length: size }, (_, index) => index);
          const expected = bytes.find((index) =>
            byteMatches(DBGWCR, DBGWVR, address + BigInt(index)),
          );
          assert.equal(firstWatchedByte(DBGWCR, DBGWVR, address, size, false), expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('reports a range that covers its bytes', () => {
    const range = watchedRange(0, all | BAS(0x3c), 0x1000n, RESOURCES);
    assert.deepEqual(range, { start: 0x1002n, end: 0x1006n, reads: true, writes: true });
    assert.equal(typeof watchedRange(4, all | BAS(1), 0n, RESOURCES), 'string');
  });
});
