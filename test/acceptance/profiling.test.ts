/** Acceptance cases S: the SPE device attributes, and the host's profiling and tracing around a guest. */
import assert from 'node:assert/strict';
import {
  KVM_ARM_VCPU_SPE_CTRL,
  KVM_ARM_VCPU_SPE_INIT,
  KVM_ARM_VCPU_SPE_IRQ,
  KVM_ARM_VCPU_SPE_STOP,
} from '../../emulator/kvm/device-attributes.ts';
import type { SpeInterface } from '../../emulator/kvm/device-attributes.ts';
import type { IoctlResult } from '../../emulator/kvm/guest-debug-control.ts';
import { policies } from '../../emulator/kvm/policies/index.ts';
import {
  EL1_TRACING_CONFIGURED,
  HAS_SPE,
  TRBE_ENABLED,
} from '../../emulator/kvm/trace/host-data-flags.ts';
import {
  DEBUG_STATE_SAVE_MASK,
  DEBUG_STATE_SAVE_TRFCR,
} from '../../emulator/kvm/trace/save-flags.ts';
import { traceSchemes } from '../../emulator/kvm/trace/index.ts';
import { b, mrs, nop } from '../support/a64.ts';
import { CODE, DONE, KvmGuest } from '../support/kvm-guest.ts';
import type { GuestOptions } from '../support/kvm-guest.ts';

const group = KVM_ARM_VCPU_SPE_CTRL;
const IRQ = KVM_ARM_VCPU_SPE_IRQ;
const INIT = KVM_ARM_VCPU_SPE_INIT;
const STOP = KVM_ARM_VCPU_SPE_STOP;
const BAD_POINTER = undefined;
const SPE = '6-2-4-SPE';
const TRACE = '6-2-4-SPE-TRBE-nVHE';
const spin = b(0);

/** 0 or the name of the error. */
const code = (result: IoctlResult): string => (result.ok ? '0' : result.errno);

class Vm {
  readonly guest: KvmGuest;

  constructor(options: GuestOptions = {}) {
    this.guest = new KvmGuest({ profile: SPE, ...options });
  }

  init(SPE = true, vcpu = 0, EL1_32BIT = false): string {
    return code(this.guest.kvm.initVcpu(vcpu, { SPE, EL1_32BIT }));
  }
  set(attr: number, value?: number, vcpu = 0): string {
    return code(this.guest.kvm.setDeviceAttr(vcpu, { group, attr, value }));
  }
  get(attr: number, value: number | undefined = 0, vcpu = 0): string {
    const result = this.guest.kvm.getDeviceAttr(vcpu, { group, attr, value });
    return result.ok ? `${result.value}` : result.errno;
  }
  has(attr: number, vcpu = 0): string {
    return code(this.guest.kvm.hasDeviceAttr(vcpu, { group, attr }));
  }
}

/** A VM whose vCPU has KVM_ARM_VCPU_SPE and no interrupt yet. */
function vm(speInterface: SpeInterface, options: GuestOptions = {}): Vm {
  const made = new Vm({ speInterface, ...options });
  assert.equal(made.init(), '0');
  return made;
}

const VERSIONS: readonly SpeInterface[] = ['v3', 'v3-busy', 'v4'];

describe('KVM_ARM_VCPU_SPE_CTRL', () => {
  for (const version of VERSIONS) {
    it(`S1: ${version}: the interrupt that was set is the one that is got`, () => {
      const it = vm(version);
      assert.equal(it.get(IRQ), 'ENXIO');
      assert.equal(it.set(IRQ, 21), '0');
      assert.equal(it.get(IRQ), '21');
    });

    it(`S2: ${version}: a second interrupt is refused`, () => {
      const it = vm(version);
      it.set(IRQ, 21);
      assert.equal(it.set(IRQ, 21), 'EBUSY');
      assert.equal(it.set(IRQ, 22), version === 'v3' ? 'EINVAL' : 'EBUSY');
      assert.equal(it.get(IRQ), '21');
    });

    for (const irq of [15, 32, -1]) {
      it(`S3: ${version}: ${irq} is no PPI`, () => {
        const it = vm(version);
        assert.equal(it.set(IRQ, irq), 'EINVAL');
        assert.equal(it.get(IRQ), 'ENXIO');
      });
    }

    it(`S4: ${version}: a pointer that cannot be read is EFAULT, after ENXIO`, () => {
      const it = vm(version);
      assert.equal(it.set(IRQ, BAD_POINTER), 'EFAULT');
      assert.equal(new Vm({ speInterface: version }).set(IRQ, BAD_POINTER), 'ENXIO');
      it.set(IRQ, 21);
      const { kvm } = it.guest;
      assert.equal(kvm.getDeviceAttr(0, { group, attr: IRQ, value: BAD_POINTER }).ok, false);
    });

    it(`S5: ${version}: all vCPUs have the same interrupt`, () => {
      const it = vm(version, { vcpus: 2 });
      assert.equal(it.init(true, 1), '0');
      assert.equal(it.set(IRQ, 21, 0), '0');
      assert.equal(it.set(IRQ, 22, 1), 'EINVAL');
      assert.equal(it.set(IRQ, 21, 1), '0');
    });

    it(`S6: ${version}: without the feature, or without an interrupt controller, everything is ENXIO`, () => {
      const without = new Vm({ speInterface: version });
      const unrouted = vm(version, { irqchip: 'none' });
      for (const it of [without, unrouted]) {
        assert.equal(it.set(IRQ, 21), 'ENXIO');
        assert.equal(it.set(INIT), 'ENXIO');
        assert.equal(it.get(IRQ), 'ENXIO');
        assert.equal(it.has(IRQ), 'ENXIO');
      }
      assert.equal(vm(version).has(IRQ), '0');
      assert.equal(vm(version).has(INIT), '0');
      assert.equal(vm(version).has(7), 'ENXIO');
    });

    it(`S7: ${version}: INIT needs the interrupt`, () => {
      assert.equal(vm(version).set(INIT), 'ENXIO');
    });

    it(`S8: ${version}: INIT needs an initialised interrupt controller`, () => {
      const it = vm(version, { irqchip: 'created' });
      it.set(IRQ, 21);
      assert.equal(it.set(INIT), version === 'v4' ? 'ENXIO' : 'ENODEV');
      it.guest.kvm.irqchip = 'initialised';
      assert.equal(it.set(INIT), '0');
    });

    it(`S9: ${version}: INIT succeeds once`, () => {
      const it = vm(version);
      it.set(IRQ, 21);
      assert.equal(it.set(INIT), '0');
      assert.equal(it.set(INIT), 'EBUSY');
    });

    it(`S10: ${version}: no interrupt after INIT`, () => {
      const it = vm(version);
      it.set(IRQ, 21);
      it.set(INIT);
      assert.equal(it.set(IRQ, 21), 'EBUSY');
      assert.equal(it.set(IRQ, 22), version === 'v3' ? 'EINVAL' : 'EBUSY');
    });

    it(`S11: ${version}: KVM_ARM_VCPU_INIT refuses SPE with a 32-bit EL1, and SPE that is not there`, () => {
      assert.equal(new Vm({ speInterface: version }).init(true, 0, true), 'EINVAL');
      assert.equal(new Vm({ speInterface: version, profile: '6-2-4' }).init(), 'EINVAL');
    });

    it(`S12: ${version}: KVM_RUN refuses a vCPU that was not initialised`, () => {
      const it = vm(version);
      const { kvm } = it.guest;
      assert.equal(code(kvm.resume()), 'EPERM');
      assert.equal(kvm.running, false);
      it.set(IRQ, 21);
      assert.equal(code(kvm.resume()), 'EPERM');
      it.set(INIT);
      assert.equal(code(kvm.resume()), '0');
      assert.equal(kvm.running, true);
    });

    it(`${version}: KVM_RUN refuses vCPUs of which only one has SPE`, () => {
      const it = vm(version, { vcpus: 2 });
      it.set(IRQ, 21);
      it.set(INIT);
      assert.equal(code(it.guest.kvm.resume()), 'EINVAL');
    });
  }

  it('S13: STOP takes exactly one flag, after INIT', () => {
    const it = vm('v4');
    assert.equal(it.set(STOP, 1), 'EAGAIN');
    it.set(IRQ, 21);
    it.set(INIT);
    assert.equal(it.set(STOP, 0), 'EINVAL');
    assert.equal(it.set(STOP, 3), 'EINVAL');
    assert.equal(it.set(STOP, 1), '0');
    assert.equal(it.set(STOP, 4), '0');
    assert.equal(it.has(STOP), '0');
  });

  it('S13: v3 has no STOP', () => {
    const it = vm('v3');
    assert.equal(it.has(STOP), 'ENXIO');
    assert.equal(it.set(STOP, 1), 'ENXIO');
  });

  it('S14: a guest without SPE finds PMSIDR_EL1 UNDEFINED, and PMBIDR_EL1 where FEAT_FGT can trap it', () => {
    const undefinedAt = (name: string, profile: string): boolean => {
      const guest = new KvmGuest({ profile }).program(mrs(1, name), DONE);
      let stop = guest.run();
      // Said once by name where the processor has no such register.
      if (stop.kind === 'event' && stop.event.kind === 'unimplemented') stop = guest.run();
      if (stop.kind === 'done') return false;
      assert.deepEqual(stop, { kind: 'vector', offset: 0x200 });
      assert.equal(guest.physical('ESR_EL1'), 0x0200_0000n);
      assert.equal(guest.physical('ELR_EL1'), CODE);
      return true;
    };
    for (const profile of [SPE, '6-2-4-FGT-SPE', '6-2-4']) {
      assert.equal(undefinedAt('PMSIDR_EL1', profile), true, profile);
    }
    assert.equal(undefinedAt('PMBIDR_EL1', '6-2-4-FGT-SPE'), true);
    assert.equal(undefinedAt('PMBIDR_EL1', '6-2-4'), true);
    // MDCR_EL2 has no trap for it: the guest reads that a higher EL owns the buffer, as under KVM.
    const guest = new KvmGuest({ profile: SPE }).program(mrs(1, 'PMBIDR_EL1'), DONE);
    assert.deepEqual(guest.run(), { kind: 'done' });
    assert.equal((guest.X(1) >> 4n) & 1n, 1n);
  });
});

/** A guest that spins, and the accesses of one entry or one exit. */
class Traced {
  readonly guest: KvmGuest;

  constructor(traceScheme: string, profile = TRACE) {
    this.guest = new KvmGuest({ traceScheme, profile, policy: 'OWNER' }).program(nop, spin);
  }

  counts(...names: readonly string[]): Record<string, string> {
    const { counts } = this.guest.kvm.ws.cpu;
    return Object.fromEntries(
      names.map((name) => {
        const { reads = 0, writes = 0 } = counts.get(name) ?? {};
        return [name, `${reads}R${writes}W`];
      }),
    );
  }

  /** What changes in the counts while `body` runs. */
  during(names: readonly string[], body: () => void): Record<string, string> {
    this.guest.kvm.ws.cpu.restoreState([]);
    body();
    return this.counts(...names);
  }

  enter(): void {
    assert.deepEqual(this.guest.run(10), { kind: 'budget' });
  }

  /** Registers of the processor, by name. */
  registers(...names: readonly string[]): bigint[] {
    return names.map((name) => this.guest.physical(name));
  }

  kinds(since: number): string[] {
    return this.guest
      .events()
      .filter(({ seq }) => seq >= since)
      .map(({ kind, reg }) => (reg === undefined ? kind : `${kind} ${reg}`));
  }
}

const SPE_NAMES = ['PMBLIMITR_EL1', 'PMSCR_EL1'];
const SCHEMES = traceSchemes.map(({ name }) => name);

describe("The host's profiling and tracing", () => {
  for (const scheme of SCHEMES) {
    it(`S15: under ${scheme} idle SPE costs one read of PMBLIMITR_EL1 at entry and no write`, () => {
      const traced = new Traced(scheme);
      const entry = traced.during(SPE_NAMES, () => {
        traced.enter();
      });
      assert.deepEqual(entry, { PMBLIMITR_EL1: '1R0W', PMSCR_EL1: '0R0W' });
      const exit = traced.during(SPE_NAMES, () => {
        traced.guest.kvm.stop();
      });
      assert.deepEqual(exit, { PMBLIMITR_EL1: '0R0W', PMSCR_EL1: '0R0W' });
    });

    it(`S16: under ${scheme} active SPE is silent in the guest, drained before the regime changes, and restored`, () => {
      const traced = new Traced(scheme);
      const { kvm } = traced.guest;
      kvm.performHostActivity('hostProfiling');
      assert.deepEqual(traced.registers('PMSCR_EL1'), [3n]);
      const since = kvm.nextSeq;
      const entry = traced.during(SPE_NAMES, () => {
        traced.enter();
      });
      // The scheme that disables the buffer as well has one more write each way.
      const disables = scheme === 'HOST_DATA_DISABLE';
      const PMBLIMITR_EL1 = disables ? '1R1W' : '1R0W';
      assert.deepEqual(entry, { PMBLIMITR_EL1, PMSCR_EL1: '1R1W' });
      assert.deepEqual(traced.registers('PMSCR_EL1'), [0n]);
      const [limit = 0n] = traced.registers('PMBLIMITR_EL1');
      assert.equal((limit & 1n) === 0n, disables);
      const kinds = traced.kinds(since);
      assert.ok(kinds.indexOf('drain') >= 0);
      assert.ok(kinds.indexOf('drain') < kinds.indexOf('mdcrWrite MDCR_EL2'));
      const exit = traced.during(SPE_NAMES, () => {
        kvm.stop();
      });
      assert.deepEqual(exit, { PMBLIMITR_EL1: disables ? '0R1W' : '0R0W', PMSCR_EL1: '0R1W' });
      assert.deepEqual(traced.registers('PMSCR_EL1'), [3n]);
      const [restored = 0n] = traced.registers('PMBLIMITR_EL1');
      assert.equal(restored & 1n, 1n);
      assert.equal(kvm.trace.drains.SPE, 1);
    });
  }

  it('S17: a trace filter that nobody uses costs no access, and SAVE_TRFCR is not set', () => {
    for (const scheme of ['SAVE_FLAGS', 'SAVE_MASK', 'HOST_DATA', 'HOST_DATA_DISABLE']) {
      const traced = new Traced(scheme);
      const counts = traced.during(['TRFCR_EL1'], () => {
        traced.enter();
        assert.equal(traced.guest.kvm.trace.iflags & DEBUG_STATE_SAVE_TRFCR, 0);
        traced.guest.kvm.stop();
      });
      assert.deepEqual(counts, { TRFCR_EL1: '0R0W' }, scheme);
    }
  });

  it('S17: as it was posted, the flag is set wherever there is a filter', () => {
    const traced = new Traced('SAVE_TRFCR_POSTED');
    traced.enter();
    assert.notEqual(traced.guest.kvm.trace.iflags & DEBUG_STATE_SAVE_TRFCR, 0);
  });

  for (const scheme of ['HOST_DATA', 'HOST_DATA_DISABLE'])
    it(`S18: under ${scheme} nothing of the guest is traced while the host traces into its buffer`, () => {
      const traced = new Traced(scheme);
      const { kvm } = traced.guest;
      kvm.performHostActivity('hostTrace');
      // exclude_host = 0 and exclude_guest = 0: the session would trace the guest as well.
      kvm.trace.setEl1Configuration(3n);
      assert.notEqual(kvm.trace.hostFlags & TRBE_ENABLED, 0);
      const since = kvm.nextSeq;
      traced.enter();
      assert.deepEqual(traced.registers('TRFCR_EL1'), [0n]);
      const [limit = 0n] = traced.registers('TRBLIMITR_EL1');
      assert.equal(limit & 1n, scheme === 'HOST_DATA' ? 1n : 0n);
      assert.equal(kvm.trace.drains.TRBE, 1);
      const kinds = traced.kinds(since);
      assert.ok(kinds.indexOf('drain') < kinds.indexOf('mdcrWrite MDCR_EL2'));
      kvm.stop();
      assert.deepEqual(traced.registers('TRFCR_EL1'), [3n]);
      assert.equal(
        traced.registers('TRBLIMITR_EL1').every((limit) => (limit & 1n) === 1n),
        true,
      );
    });

  it('S18: up to 6.13 as well, by saving TRFCR_EL1 while the buffer is on', () => {
    const traced = new Traced('SAVE_FLAGS');
    const { kvm } = traced.guest;
    kvm.performHostActivity('hostTrace');
    traced.enter();
    assert.deepEqual(traced.registers('TRFCR_EL1'), [0n]);
    kvm.stop();
    assert.deepEqual(traced.registers('TRFCR_EL1'), [3n]);
  });

  /** A session of the host that traces it with a trace unit of its own, without the trace buffer. */
  function etm(scheme: string, TRFCR_EL1_in_guest: bigint): Traced {
    const traced = new Traced(scheme);
    traced.guest.pe.pokeRegister('TRFCR_EL1', 3n);
    traced.guest.kvm.trace.setEl1Configuration(TRFCR_EL1_in_guest);
    return traced;
  }

  it('S19: exclude_guest swaps the filter for the time in the guest', () => {
    const traced = etm('HOST_DATA', 0n);
    const { kvm } = traced.guest;
    assert.notEqual(kvm.trace.hostFlags & EL1_TRACING_CONFIGURED, 0);
    const counts = traced.during(['TRFCR_EL1'], () => {
      traced.enter();
      assert.deepEqual(traced.registers('TRFCR_EL1'), [0n]);
      kvm.stop();
    });
    assert.deepEqual(traced.registers('TRFCR_EL1'), [3n]);
    assert.deepEqual(counts, { TRFCR_EL1: '2R2W' }, 'one read and one write each way');
    assert.equal(kvm.trace.drains.TRBE, 0);
  });

  it('S20: a filter that is the current one anyhow is not swapped', () => {
    const traced = etm('HOST_DATA', 0n);
    const { kvm } = traced.guest;
    kvm.trace.setEl1Configuration(3n);
    assert.equal(kvm.trace.hostFlags & EL1_TRACING_CONFIGURED, 0);
    const counts = traced.during(['TRFCR_EL1'], () => {
      traced.enter();
      kvm.stop();
    });
    assert.deepEqual(counts, { TRFCR_EL1: '0R0W' });
  });

  /** Writes of flag words by vcpu_put while all three flags are set. */
  function writesOfPut(scheme: string, profile: string): number {
    const traced = new Traced(scheme, profile);
    traced.guest.pe.pokeRegister('TRFCR_EL1', 3n);
    traced.guest.kvm.trace.setEl1Configuration(0n);
    traced.enter();
    const { trace } = traced.guest.kvm;
    const all = trace.iflags & DEBUG_STATE_SAVE_MASK;
    assert.equal(all, profile.endsWith('nVHE') ? DEBUG_STATE_SAVE_MASK : 0);
    const before = trace.flagWrites;
    traced.guest.kvm.stop();
    assert.equal(trace.iflags, 0);
    return trace.flagWrites - before;
  }

  it('S21: vcpu_put clears three flags in one masked write, and with VHE in none', () => {
    assert.equal(writesOfPut('SAVE_MASK', TRACE), 1);
    assert.equal(writesOfPut('SAVE_MASK', '6-2-4-SPE-TRBE'), 0);
    assert.equal(writesOfPut('SAVE_TRFCR_POSTED', TRACE), 3);
    assert.equal(writesOfPut('SAVE_TRFCR_POSTED', '6-2-4-SPE-TRBE'), 3);
  });

  for (const scheme of SCHEMES) {
    it(`S22: under ${scheme} a buffer that a higher EL owns is never the host's to save`, () => {
      const traced = new Traced(scheme);
      const { guest } = traced;
      const P = 1n << 4n;
      guest.pe.registers.setRaw('PMBIDR_EL1', guest.pe.registers.raw('PMBIDR_EL1') | P);
      guest.kvm.reset(CODE);
      traced.enter();
      assert.equal(guest.kvm.trace.hostFlags & HAS_SPE, 0);
      assert.equal(guest.kvm.trace.iflags & (1 << 5), 0);
      assert.deepEqual(traced.counts('PMBLIMITR_EL1'), { PMBLIMITR_EL1: '0R0W' });
    });
  }

  for (const { name: policy } of policies) {
    it(`S23: under ${policy} the guest's access to TRFCR_EL1 traps and is UNDEFINED`, () => {
      const guest = new KvmGuest({ profile: TRACE, policy }).program(mrs(1, 'TRFCR_EL1'), DONE);
      assert.deepEqual(guest.run(), { kind: 'vector', offset: 0x200 });
      assert.equal(guest.traps('TRFCR_EL1'), 1);
      assert.equal((guest.physical('ESR_EL1') >> 26n) & 0x3fn, 0n);
      guest.kvm.resume();
      assert.equal((guest.physical('MDCR_EL2') >> 19n) & 1n, 1n);
    });
  }

  it('the scheme changes between two entries, and the host’s profiling and tracing are as before', () => {
    for (const before of SCHEMES) {
      for (const after of SCHEMES) {
        const traced = new Traced(before);
        const { kvm } = traced.guest;
        kvm.performHostActivity('hostProfiling');
        kvm.performHostActivity('hostTrace');
        const names = ['PMSCR_EL1', 'PMBLIMITR_EL1', 'TRFCR_EL1', 'TRBLIMITR_EL1'] as const;
        const host = traced.registers(...names);
        traced.enter();
        kvm.setTraceScheme(after);
        kvm.stop(); // where the scheme stays the guest goes on
        assert.equal(kvm.traceScheme, after);
        const where = `${before} to ${after}`;
        assert.deepEqual(traced.registers(...names), host, where);
        // I5 is checked at the entry.
        traced.enter();
        assert.deepEqual(traced.registers('PMSCR_EL1', 'TRFCR_EL1'), [0n, 0n], where);
        kvm.stop();
        assert.deepEqual(traced.registers(...names), host, where);
      }
    }
    assert.throws(() => {
      new KvmGuest().kvm.setTraceScheme('NONE');
    }, /no trace scheme 'NONE'/);
  });

  it('I5: profiling that is not drained is noticed at the entry', () => {
    const guest = new KvmGuest({ profile: TRACE }).program(spin);
    guest.kvm.performHostActivity('hostProfiling');
    guest.kvm.trace.hostFlags = 0;
    assert.throws(() => guest.run(1), /I5: the host profiles the guest into its own buffer/);
  });
});
