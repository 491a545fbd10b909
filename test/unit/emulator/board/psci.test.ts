import assert from 'node:assert/strict';
import { isPsciFunction, psciCall } from '../../../../emulator/board/psci.ts';
import type { PowerControl, PowerState, PsciAction } from '../../../../emulator/board/psci.ts';

const RAM = 0x4000_0000n;

/** Processors by their affinity; turning one on leaves it pending. */
function processors(states: readonly PowerState[]): PowerControl & { readonly log: string[] } {
  const all = states.map((power) => ({ power }));
  const log: string[] = [];
  return {
    log,
    find: (affinity) => all[Number(affinity)],
    inAffinityLevel: (affinity, level) =>
      level === 0 ? all.slice(Number(affinity), Number(affinity) + 1) : all,
    isExecutable: (entry) => entry >= RAM && (entry & 3n) === 0n,
    turnOn(affinity, entry, contextId) {
      log.push(`${affinity} at 0x${entry.toString(16)} with 0x${contextId.toString(16)}`);
      const target = all[Number(affinity)];
      if (target) target.power = 'onPending';
    },
  };
}

let board = processors(['on']);
const call = (functionId: number, x1 = 0n, x2 = 0n, x3 = 0n): PsciAction =>
  psciCall({ functionId, arguments: [x1, x2, x3] }, board);
const value = (functionId: number, x1 = 0n, x2 = 0n, x3 = 0n): bigint | string => {
  const action = call(functionId, x1, x2, x3);
  return action.kind === 'return' ? action.value : action.kind;
};

describe('PSCI', () => {
  beforeEach(() => {
    board = processors(['on', 'off', 'onPending']);
  });

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

  it('turns processors on once', () => {
    assert.equal(value(0xc400_0003, 0n, RAM), -4n, 'ALREADY_ON');
    assert.equal(value(0xc400_0003, 2n, RAM), -5n, 'ON_PENDING');
    assert.equal(value(0xc400_0003, 3n, RAM), -2n, 'INVALID_PARAMETERS');
    assert.equal(value(0xc400_0003, 1n << 31n, RAM), -2n, 'MPIDR_EL1 bits that are no affinity');
    assert.equal(value(0xc400_0003, 1n, RAM + 2n), -9n, 'INVALID_ADDRESS');
    assert.equal(value(0xc400_0003, 1n, 0x1000n), -9n, 'INVALID_ADDRESS');
    assert.equal(value(0xc400_0003, 1n, RAM, 0x1234_5678_9abcn), 0n);
    assert.equal(value(0xc400_0003, 1n, RAM, 0n), -5n);
    assert.deepEqual(board.log, ['1 at 0x40000000 with 0x123456789abc']);
  });

  it('takes 32 bits of the arguments of an SMC32 call', () => {
    assert.equal(value(0x8400_0003, 0xffff_ffff_0000_0001n, RAM | (1n << 40n), 1n << 32n), 0n);
    assert.deepEqual(board.log, ['1 at 0x40000000 with 0x0']);
  });

  it('tells which processors are on', () => {
    assert.equal(value(0xc400_0004, 0n, 0n), 0n);
    assert.equal(value(0xc400_0004, 1n, 0n), 1n);
    assert.equal(value(0xc400_0004, 2n, 0n), 2n);
    assert.equal(value(0xc400_0004, 3n, 0n), -2n);
    assert.equal(value(0xc400_0004, 0n, 1n), 0n, 'a cluster is on when a processor in it is');
    assert.equal(value(0xc400_0004, 0n, 4n), -2n);
  });

  it('turns the calling processor off, and waits', () => {
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
