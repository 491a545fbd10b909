import assert from 'node:assert/strict';
import { FetchTlb } from '../../../../emulator/engine/fetch-tlb.ts';
import * as L from '../../../../emulator/engine/layout.ts';
import { seededRandom } from '../../../support/random.ts';

const PAGE = 0x5_4000;

describe('the fetch TLB', () => {
  it('forgets a page whether its address comes sign-extended or not', () => {
    for (const va of [0xffff_8000_0832_5000n, 0x40_2000n]) {
      for (const form of [va, BigInt.asIntN(64, va), BigInt.asIntN(56, va)]) {
        const tlb = new FetchTlb(new ArrayBuffer(L.BANK_BYTES), 0);
        tlb.selectLevel(2);
        tlb.enter(va, { page: PAGE, notGlobal: false, guarded: false });
        assert.equal(tlb.recordAt(va), PAGE);
        tlb.flushPage(form);
        assert.equal(tlb.recordAt(va), undefined, form.toString(16));
        assert.equal(tlb.enterAgain(va), undefined, form.toString(16));
      }
    }
  });

  it('writes nothing of its bank but its own tables', () => {
    const bank = new ArrayBuffer(L.BANK_BYTES);
    const tlb = new FetchTlb(bank, 0);
    tlb.selectLevel(1);
    const before = new Uint8Array(bank.slice(0, L.FETCH_TLB));
    const random = seededRandom(20_261_128);
    for (let n = 0; n < 2000; n += 1) {
      const part = (bits: number): bigint => BigInt(Math.floor(random() * 2 ** bits));
      const number = (part(22) << 22n) | part(22);
      tlb.flushPage(BigInt.asIntN(44, number) << 12n);
      const va = BigInt.asUintN(64, BigInt.asIntN(44, number) << 12n);
      tlb.enter(va, { page: PAGE, notGlobal: n % 2 === 0, guarded: false });
    }
    tlb.flushAddressSpace(0, 2);
    tlb.flushAddressSpace(1, 1);
    assert.deepEqual(new Uint8Array(bank.slice(0, L.FETCH_TLB)), before);
    const end = L.FETCH_TLB + L.FETCH_TLB_COUNT * L.FETCH_TLB_BYTES;
    assert.ok(new Uint8Array(bank.slice(end)).every((byte) => byte === 0));
  });
});
