import assert from 'node:assert/strict';
import { Stage2 } from '../../../../emulator/kvm/stage-2.ts';
import { addImmediate, ldr, mov, nop, str } from '../../../support/a64.ts';
import { CODE, DATA, DONE, KvmGuest } from '../../../support/kvm-guest.ts';
import type { GuestOptions } from '../../../support/kvm-guest.ts';

const DEVICE = 0x0900_1000n;
const userspace = [{ base: DEVICE, size: 0x1000n }];
/** `ldp x2, x3, [x1]` */
const LDP_X2_X3_X1 = 0xa9400c22;
/** `ldrsb w2, [x1]` and `ldrsh x2, [x1]` */
const LDRSB_W2_X1 = 0x39c00022;
const LDRSH_X2_X1 = 0x79800022;
/** `dc civac, x1` */
const DC_CIVAC_X1 = 0xd50b7e21;
const BLR_X1 = 0xd63f0020;

const guest = (...words: readonly (number | readonly number[])[]): KvmGuest =>
  new KvmGuest({ userspace }).program(...words);

function exitOf(it: KvmGuest) {
  const stop = it.run(100);
  if (stop.kind !== 'exit') assert.fail(stop.kind);
  return stop.exit;
}

describe('Stage 2', () => {
  it('leaves all that is not user space where it was', () => {
    const it = guest(mov(1, DATA), str(1, 1), ldr(2, 1), DONE);
    assert.deepEqual(it.run(), { kind: 'done' });
    assert.equal(it.X(2), DATA);
    assert.equal(it.physical('VTTBR_EL2') >> 48n, 1n);
  });

  it('takes from the guest no more than the pages of user space', () => {
    const bus: NonNullable<GuestOptions['bus']> = {
      read: (PA) => PA,
      write: () => true,
      peek: (PA) => PA,
    };
    const around = [DEVICE - 8n, DEVICE + 0x1000n];
    const it = new KvmGuest({ userspace, bus }).program(
      around.flatMap((address, n) => [...mov(1, address), ldr(2 + n, 1)]),
      DONE,
    );
    assert.deepEqual(it.run(), { kind: 'done' });
    assert.deepEqual([it.X(2), it.X(3)], around);
  });

  it('has its tables where no address of the guest leads to', () => {
    const it = guest(mov(1, 0xff_c000_0000n), ldr(2, 1), DONE);
    assert.equal(exitOf(it).exit_reason, 'KVM_EXIT_MMIO');
    assert.equal(
      new Stage2(userspace).behind(noDevices).read(0xff_c000_0000n, 8) !== undefined,
      true,
    );
  });

  it('refuses regions that are not made of pages', () => {
    for (const [base, size] of [
      [1n, 0x1000n],
      [0n, 0n],
      [0x1000n, 8n],
    ] as const) {
      assert.throws(() => new Stage2([{ base, size }]), RangeError);
    }
  });
});

const noDevices: NonNullable<GuestOptions['bus']> = {
  read: () => undefined,
  write: () => false,
  peek: () => undefined,
};

describe('Accesses to user space', () => {
  it('loads extend as their instructions say', () => {
    const it = guest(mov(1, DEVICE), LDRSB_W2_X1, nop, LDRSH_X2_X1, DONE);
    assert.equal(exitOf(it).exit_reason, 'KVM_EXIT_MMIO');
    it.kvm.answerMmio(0x80n);
    it.run(1);
    assert.equal(it.X(2), 0xffff_ff80n);
    exitOf(it);
    it.kvm.answerMmio(0x8000n);
    assert.deepEqual(it.run(), { kind: 'done' });
    assert.equal(it.X(2), 0xffff_ffff_ffff_8000n);
  });

  it('an instruction that the syndrome does not describe ends in an external abort', () => {
    const it = guest(mov(1, DEVICE), LDP_X2_X3_X1, DONE);
    assert.deepEqual(exitOf(it), {
      exit_reason: 'KVM_EXIT_ARM_NISV',
      fault_ipa: DEVICE,
      esr_iss: 0b000111,
    });
    assert.deepEqual(it.run(), { kind: 'vector', offset: 0x200 });
    assert.equal(it.physical('ESR_EL1'), 0x9600_0010n);
  });

  it('cache maintenance has nothing to do there', () => {
    const it = guest(mov(1, DEVICE), DC_CIVAC_X1, addImmediate(2, 2, 1), DONE);
    assert.deepEqual(it.run(), { kind: 'done' });
    assert.equal(it.X(2), 1n);
  });

  it('there is no code to execute', () => {
    const it = guest(mov(1, DEVICE), BLR_X1, DONE);
    assert.deepEqual(it.run(), { kind: 'vector', offset: 0x200 });
    assert.equal(it.physical('ESR_EL1'), 0x8600_0010n);
    assert.equal(it.physical('ELR_EL1'), DEVICE);
    assert.equal(it.physical('FAR_EL1'), DEVICE);
  });

  it('an access that waits for user space is part of the saved vCPU', () => {
    const it = guest(mov(1, DEVICE), ldr(2, 1), DONE);
    exitOf(it);
    const other = guest(mov(1, DEVICE), ldr(2, 1), DONE);
    other.kvm.restoreVcpu(0, it.kvm.saveVcpu(0));
    other.kvm.answerMmio(7n);
    assert.deepEqual(other.run(), { kind: 'done' });
    assert.equal(other.X(2), 7n);
    assert.equal(other.physical('ELR_EL2'), CODE + 4n * BigInt(mov(1, DEVICE).length + 2));
  });
});
