import assert from 'node:assert/strict';
import {
  breakpointTypeInfo,
  breakpointVerdict,
  isContextAware,
  reservedTypeReason,
} from '../../../../../emulator/cpu/debug/breakpoint.ts';
import type { DebugContext, DebugResources } from '../../../../../emulator/cpu/debug/breakpoint.ts';

const RESOURCES: DebugResources = {
  breakpoints: 6,
  contextAwareBreakpoints: 2,
  watchpoints: 4,
  contextIdEL2: false,
  el2: true,
  el3: false,
  secureEL2: false,
};
const CONTEXT: DebugContext = {
  EL: 1,
  secure: false,
  CONTEXTIDR_EL1: 0xabcdefn,
  CONTEXTIDR_EL2: 0n,
  VMID: 0x42n,
  inHost: false,
};
const E = 1n;
const EL1 = 1n << 1n;
const EL0 = 2n << 1n;
const BT = (type: number): bigint => BigInt(type) << 20n;
const LBN = (n: number): bigint => BigInt(n) << 16n;
const PC = 0x4000_1000n;

type Slots = Readonly<Record<number, readonly [DBGBCR: bigint, DBGBVR: bigint]>>;

function fires(
  n: number,
  slots: Slots,
  context: Partial<DebugContext> = {},
  resources: DebugResources = RESOURCES,
  pc = PC,
): boolean {
  const registers = {
    DBGBCR: (index: number) => slots[index]?.[0] ?? 0n,
    DBGBVR: (index: number) => slots[index]?.[1] ?? 0n,
  };
  return breakpointVerdict(n, pc, registers, { ...CONTEXT, ...context }, resources).fires;
}

describe('breakpoint types', () => {
  it('tell linkable comparators and linked consumers by BT', () => {
    const types = Array.from({ length: 16 }, (_, type) => breakpointTypeInfo(type));
    const linkable = types.filter((type) => type.linkable).map((type) => type.BT);
    assert.deepEqual(linkable, [0b0011, 0b0111, 0b1001, 0b1011, 0b1101, 0b1111]);
    assert.deepEqual(
      types.filter((type) => type.linked).map((type) => type.BT),
      [0b0001, 0b0101],
    );
  });

  it('compare what the table of BT values says', () => {
    const compared = Array.from({ length: 16 }, (_, type) => {
      const info = breakpointTypeInfo(type);
      return [
        info.address ? 'address' : '',
        info.contextId ? 'cid' : '',
        info.contextIdEL1 ? 'cid1' : '',
        info.VMID ? 'vmid' : '',
        info.contextIdEL2 ? 'cid2' : '',
      ]
        .filter((part) => part !== '')
        .join('+');
    });
    assert.deepEqual(
      compared.filter((_, type) => type % 2 === 0),
      ['address', 'cid', 'address', 'cid1', 'vmid', 'cid1+vmid', 'cid2', 'cid1+cid2'],
    );
  });

  it('reserve mismatch, context types on plain breakpoints and CONTEXTIDR_EL2 before Debugv8p2', () => {
    const valid = (n: number, resources: DebugResources): number[] =>
      Array.from({ length: 16 }, (_, type) => type).filter(
        (type) => reservedTypeReason(n, type, resources) === undefined,
      );
    assert.deepEqual(valid(0, RESOURCES), [0, 1]);
    assert.deepEqual(valid(4, RESOURCES), [0, 1, 2, 3, 8, 9, 10, 11]);
    assert.deepEqual(
      valid(5, { ...RESOURCES, contextIdEL2: true }),
      [0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    );
  });

  it('put the context-aware breakpoints where the number of breakpoints says', () => {
    const aware = (breakpoints: number, contextAwareBreakpoints: number): number[] =>
      Array.from({ length: 64 }, (_, n) => n).filter((n) =>
        isContextAware(n, { breakpoints, contextAwareBreakpoints }),
      );
    assert.deepEqual(aware(6, 2), [4, 5]);
    assert.deepEqual(aware(16, 4), [12, 13, 14, 15]);
    assert.deepEqual(aware(20, 4), [12, 13, 14, 15]);
    assert.deepEqual(aware(32, 18), [...Array(18).keys()]);
  });
});

describe('an address breakpoint', () => {
  it('fires at its address at the selected EL', () => {
    assert.ok(fires(0, { 0: [E | EL1, PC] }));
    assert.ok(!fires(0, { 0: [E | EL1, PC + 4n] }));
    assert.ok(!fires(0, { 0: [E | EL0, PC] }));
    assert.ok(fires(0, { 0: [E | EL0, PC] }, { EL: 0 }));
  });

  it('is silent while disabled, reserved or not implemented', () => {
    assert.ok(!fires(0, { 0: [EL1, PC] }));
    assert.ok(!fires(0, { 0: [E, PC] }), 'PMC 0b00 with HMC and SSC 0');
    assert.ok(!fires(0, { 0: [E | EL1 | (1n << 14n), PC] }), 'SSC 0b01 without EL3');
    assert.ok(!fires(0, { 0: [E | EL1 | BT(0b0100), PC] }), 'mismatch');
    assert.ok(!fires(6, { 6: [E | EL1, PC] }));
  });

  it('compares all upper address bits', () => {
    assert.ok(!fires(0, { 0: [E | EL1, PC | (1n << 63n)] }));
  });
});

describe('a linked breakpoint', () => {
  const consumer: readonly [bigint, bigint] = [E | EL1 | BT(1) | LBN(5), PC];

  it('fires only with the context its comparator names', () => {
    assert.ok(fires(0, { 0: consumer, 5: [E | BT(3), 0xabcdefn] }));
    assert.ok(!fires(0, { 0: consumer, 5: [E | BT(3), 0x123n] }));
  });

  it('ignores HMC, SSC and PMC of the comparator', () => {
    assert.ok(fires(0, { 0: consumer, 5: [E | BT(3) | EL0, 0xabcdefn] }));
  });

  it('is silent when LBN names nothing it can link to', () => {
    const link = (n: number): readonly [bigint, bigint] => [E | EL1 | BT(1) | LBN(n), PC];
    assert.ok(!fires(0, { 0: link(3), 3: [E | BT(3), 0xabcdefn] }), 'not context-aware');
    assert.ok(!fires(0, { 0: link(9) }), 'not implemented');
    assert.ok(!fires(0, { 0: link(5), 5: [BT(3), 0xabcdefn] }), 'disabled');
    assert.ok(!fires(0, { 0: link(5), 5: [E | EL1 | BT(2), 0xabcdefn] }), 'not linkable');
  });

  it('compares the VMID, alone or with CONTEXTIDR_EL1', () => {
    const VMID = 0x42n << 32n;
    assert.ok(fires(0, { 0: consumer, 5: [E | BT(9), VMID] }));
    assert.ok(!fires(0, { 0: consumer, 5: [E | BT(9), 0x43n << 32n] }));
    assert.ok(fires(0, { 0: consumer, 5: [E | BT(11), VMID | 0xabcdefn] }));
    assert.ok(!fires(0, { 0: consumer, 5: [E | BT(11), VMID | 0xabcden] }));
  });

  it('compares CONTEXTIDR_EL2 with Debugv8p2', () => {
    const resources = { ...RESOURCES, contextIdEL2: true };
    const context = { CONTEXTIDR_EL2: 0x77n };
    assert.ok(fires(0, { 0: consumer, 5: [E | BT(13), 0x77n << 32n] }, context, resources));
    const both = (0x77n << 32n) | 0xabcdefn;
    assert.ok(fires(0, { 0: consumer, 5: [E | BT(15), both] }, context, resources));
    assert.ok(!fires(0, { 0: consumer, 5: [E | BT(15), both + 1n] }, context, resources));
  });
});

describe('a context breakpoint', () => {
  it('fires for every instruction of its context when unlinked', () => {
    const slots = { 4: [E | EL1 | EL0 | BT(2), 0xabcdefn] } as const;
    assert.ok(fires(4, slots));
    assert.ok(fires(4, slots, {}, RESOURCES, 0x1234n));
    assert.ok(!fires(4, slots, { CONTEXTIDR_EL1: 1n }));
  });

  it('never fires alone when linkable', () => {
    assert.ok(!fires(4, { 4: [E | EL1 | BT(3), 0xabcdefn] }));
  });

  it('is silent on a breakpoint that is not context-aware', () => {
    assert.ok(!fires(0, { 0: [E | EL1 | BT(2), 0xabcdefn] }));
  });
});
