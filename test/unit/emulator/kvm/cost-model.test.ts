import assert from 'node:assert/strict';
import { costModel, modelledCosts } from '../../../../emulator/kvm/cost-model.ts';
import { b, mrs } from '../../../support/a64.ts';
import { KvmGuest } from '../../../support/kvm-guest.ts';

describe('Cost model', () => {
  it('weighs each move by the figure of its source', () => {
    const moves = { entries: 2, exits: 1, reads: 10, writes: 3, fpSaves: 1, fpLoads: 2 };
    assert.deepEqual(modelledCosts(moves), [
      { name: 'general-purpose registers', cycles: 152 + 2 * 184 },
      { name: 'system registers', cycles: 10 * 9 + 3 * 20 },
      { name: 'FP registers', cycles: 282 + 2 * 310 },
      { name: 'sum', cycles: 520 + 150 + 902 },
    ]);
  });

  it('says what it is and where it comes from', () => {
    assert.match(costModel.source, /not measured here.*ISCA 2016, Table III/);
  });

  it('follows the counts of the hypervisor', () => {
    const guest = new KvmGuest({ policy: 'LAZY_DIRTY' }).program(mrs(1, 'DBGBCR0_EL1'), b(-4));
    guest.run(10);
    const sum = (): number => guest.kvm.modelledCosts().at(-1)?.cycles ?? 0;
    const before = { sum: sum(), ...guest.kvm.log.counters };
    guest.run(10);
    const { entries, exits } = guest.kvm.log.counters;
    const least = (exits - before.exits) * 152 + (entries - before.entries) * 184;
    assert.ok(exits > before.exits);
    assert.ok(sum() - before.sum > least);
  });
});
