import assert from 'node:assert/strict';
import {
  breakpointRegisters,
  watchpointRegisters,
} from '../../../../emulator/kvm/slot-encoding.ts';

/** Arm ARM, DBGWCR<n>_EL1: MASK 28:24, BAS 12:5, LSC 4:3, PAC 2:1, E 0. */
const DBGWCR = (MASK: number, BAS: number, LSC: number): bigint =>
  BigInt((MASK << 24) | (BAS << 5) | (LSC << 3) | 0b111);

describe('Slot encoding', () => {
  it('takes an instruction at EL1 and EL0, all bytes', () => {
    assert.deepEqual(breakpointRegisters(0x4008_0004n), { value: 0x4008_0004n, control: 0x1e7n });
  });

  it('refuses a breakpoint between instructions', () => {
    assert.equal(
      breakpointRegisters(0x4008_0002n),
      '0x40080002 is not the address of an instruction: it is not a multiple of 4.',
    );
  });

  const expressible = [
    { address: 0x1000n, length: 1, access: 'write', value: 0x1000n, control: DBGWCR(0, 0x01, 2) },
    { address: 0x1003n, length: 1, access: 'read', value: 0x1000n, control: DBGWCR(0, 0x08, 1) },
    {
      address: 0x1003n,
      length: 5,
      access: 'readWrite',
      value: 0x1000n,
      control: DBGWCR(0, 0xf8, 3),
    },
    { address: 0x1004n, length: 4, access: 'write', value: 0x1000n, control: DBGWCR(0, 0xf0, 2) },
    { address: 0x1008n, length: 8, access: 'write', value: 0x1008n, control: DBGWCR(0, 0xff, 2) },
    { address: 0x1010n, length: 16, access: 'write', value: 0x1010n, control: DBGWCR(4, 0xff, 2) },
    {
      address: 0x1000n,
      length: 4096,
      access: 'read',
      value: 0x1000n,
      control: DBGWCR(12, 0xff, 1),
    },
    {
      address: 0x8000_0000n,
      length: 0x8000_0000,
      access: 'write',
      value: 0x8000_0000n,
      control: DBGWCR(31, 0xff, 2),
    },
  ] as const;
  for (const { address, length, access, value, control } of expressible) {
    it(`watches ${length} bytes at 0x${address.toString(16)} for ${access}`, () => {
      assert.deepEqual(watchpointRegisters(address, length, access), { value, control });
    });
  }

  for (const [address, length] of [
    [0x1004n, 8],
    [0x1007n, 2],
    [0x1000n, 12],
    [0x1008n, 16],
    [0x0n, 2 ** 32],
  ] as const) {
    it(`refuses ${length} bytes at 0x${address.toString(16)} in a sentence`, () => {
      const reason = watchpointRegisters(address, length, 'write');
      assert.ok(typeof reason === 'string');
      assert.match(reason, new RegExp(`^No DBGWVR and DBGWCR can watch ${length} bytes`));
    });
  }

  it('refuses an empty range', () => {
    assert.equal(watchpointRegisters(0n, 0, 'read'), 'A watchpoint watches at least one byte.');
  });
});
