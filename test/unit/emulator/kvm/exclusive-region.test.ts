import assert from 'node:assert/strict';
import { exclusiveRegion } from '../../../../emulator/kvm/exclusive-region.ts';
import { addImmediate, b, bne, cbnz, ldxr, nop, stxr, svc } from '../../../support/a64.ts';

const AT = 0x4000_1000n;

/** Offsets of the exits of the region at AT. */
function exits(...words: readonly number[]): readonly bigint[] | undefined {
  const region = exclusiveRegion(AT, (va) => words[Number(va - AT) / 4]);
  return region?.exits.map((va) => va - AT);
}

describe('Exclusive regions', () => {
  it('end behind the branch that tries again', () => {
    const loop = [ldxr(0, 1), addImmediate(0, 0, 1), stxr(2, 0, 1), cbnz(2, -12), nop];
    assert.deepEqual(exits(...loop), [16n]);
  });

  it('end behind the store-exclusive where nothing tries again', () => {
    assert.deepEqual(exits(ldxr(0, 1), stxr(2, 0, 1), nop), [8n]);
    assert.deepEqual(exits(ldxr(0, 1), stxr(2, 0, 1), cbnz(2, 8), nop), [8n]);
  });

  it('have the targets of branches out of them as exits', () => {
    // A lock that is taken: forward out of the region. A branch back to its begin is no exit.
    const loop = [ldxr(0, 1), bne(0x40), cbnz(0, -8), stxr(2, 0, 1), cbnz(2, -16), nop];
    assert.deepEqual(exits(...loop), [20n, 0x44n]);
  });

  it('begin only at a load-exclusive', () => {
    assert.equal(exits(nop, ldxr(0, 1), stxr(2, 0, 1)), undefined);
  });

  it('are none where execution leads away unseen, or where no store comes', () => {
    assert.equal(exits(ldxr(0, 1), svc(0), stxr(2, 0, 1), nop), undefined);
    assert.equal(exits(ldxr(0, 1), 0xd65f03c0, stxr(2, 0, 1), nop), undefined);
    assert.equal(exits(ldxr(0, 1), 0x94000010, stxr(2, 0, 1), nop), undefined);
    assert.equal(exits(ldxr(0, 1), ...Array.from({ length: 40 }, () => nop)), undefined);
    assert.equal(exits(ldxr(0, 1), b(0)), undefined);
  });
});
