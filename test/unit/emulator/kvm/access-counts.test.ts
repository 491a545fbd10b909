import assert from 'node:assert/strict';
import { AccessCounts } from '../../../../emulator/kvm/access-counts.ts';

describe('Access counts', () => {
  it('keep trapped and straight accesses of an instruction apart', () => {
    const counts = new AccessCounts();
    counts.count(0x1000n, 'MDSCR_EL1', 'write', 'trapped');
    counts.count(0x1000n, 'MDSCR_EL1', 'write', 'straight');
    counts.count(0x1000n, 'MDSCR_EL1', 'write', 'straight');
    counts.count(0x1004n, 'MDSCR_EL1', 'read', 'straight');
    assert.deepEqual(counts.all, [
      { pc: 0x1000n, register: 'MDSCR_EL1', direction: 'write', trapped: 1, straight: 2 },
      { pc: 0x1004n, register: 'MDSCR_EL1', direction: 'read', trapped: 0, straight: 1 },
    ]);
  });

  it('come back from what was saved, and go on', () => {
    const counts = new AccessCounts();
    counts.count(0x1000n, 'OSLAR_EL1', 'write', 'trapped');
    const other = new AccessCounts();
    other.restore(counts.all, counts.uncounted);
    other.count(0x1000n, 'OSLAR_EL1', 'write', 'trapped');
    assert.equal(other.all[0]?.trapped, 2);
    assert.equal(counts.all[0]?.trapped, 1);
  });

  it('stay bounded when a guest makes ever new instructions, and say what they left out', () => {
    const counts = new AccessCounts();
    for (let i = 0n; i < 20_000n; i += 1n) counts.count(4n * i, 'MDSCR_EL1', 'read', 'straight');
    assert.equal(counts.all.length + counts.uncounted, 20_000);
    assert.ok(counts.uncounted > 0);
  });
});
