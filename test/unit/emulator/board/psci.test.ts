import assert from 'node:assert/strict';
import { isPsciFunction, psciCall } from '../../../../emulator/board/psci.ts';
import type { PsciAction } from '../../../../emulator/board/psci.ts';

const call = (functionId: number, x1 = 0n, x2 = 0n): PsciAction =>
  psciCall({ functionId, arguments: [x1, x2, 0n], MPIDR_EL1: 0x8000_0000n });
const value = (functionId: number, x1 = 0n, x2 = 0n): bigint | string => {
  const action = call(functionId, x1, x2);
  return action.kind === 'return' ? action.value : action.kind;
};

describe('PSCI', () => {
  it('is version 1.1', () => {
    assert.equal(value(0x8400_0000), 0x1_0001n);
  });

  it('turns the system off and resets it', () => {
    assert.equal(value(0x8400_0008), 'systemOff');
    assert.equal(value(0x8400_0009), 'systemReset');
  });

  it('tells the features it has and NOT_SUPPORTED for the others', () => {
    for (const id of [0x8400_0000, 0x8400_0001, 0xc400_0003, 0x8400_0008, 0x8400_000a]) {
      assert.equal(value(0x8400_000a, BigInt(id)), 0n);
    }
    for (const id of [0x8400_0005, 0x8400_000e, 0x8000_0000]) {
      assert.equal(value(0x8400_000a, BigInt(id)), -1n);
    }
    assert.equal(value(0x8400_000e), -1n);
    assert.equal(value(0x8000_0000), -1n);
  });

  it('knows one processor, which is on', () => {
    assert.equal(value(0xc400_0003, 0n), -4n);
    assert.equal(value(0xc400_0003, 1n), -2n);
    assert.equal(value(0xc400_0004, 0n, 0n), 0n);
    assert.equal(value(0xc400_0004, 1n, 0n), -2n);
    assert.equal(value(0xc400_0004, 0n, 1n), -2n);
    assert.equal(value(0x8400_0006), 2n);
    assert.equal(value(0x8400_0002), 'cpuOff');
    assert.deepEqual(call(0xc400_0001), { kind: 'suspend', value: 0n });
  });

  it('recognises its function identifiers', () => {
    assert.ok(isPsciFunction(0x8400_0000));
    assert.ok(isPsciFunction(0xc400_001f));
    assert.ok(!isPsciFunction(0x8400_0020));
    assert.ok(!isPsciFunction(0x8000_0000));
  });
});
