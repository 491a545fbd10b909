import assert from 'node:assert/strict';
import type { HypervisorView } from '../../../../debug-adapter/machine.ts';
import { hostProfiles } from '../../../../emulator/kvm/host-profile.ts';
import { Kvm } from '../../../../emulator/kvm/kvm.ts';
import { policies } from '../../../../emulator/kvm/policies/index.ts';
import { ProcessingElementCpu } from '../../../../emulator/kvm/processing-element.ts';
import { implementedRegisters } from '../../../../emulator/sysregs/definitions.ts';
import {
  addImmediate,
  b,
  daifClr,
  eret,
  hvc,
  mov,
  mrs,
  msr,
  nop,
  set,
  smc,
  str,
  wfi,
} from '../../../support/a64.ts';
import { CODE, DATA, DONE, KvmGuest, VECTORS } from '../../../support/kvm-guest.ts';

const MDSCR_MDE = 0x8000n;
const SPSR_SS = 1n << 21n;

describe('KVM / interface', () => {
  it('is what the debug adapter expects of a hypervisor', () => {
    const view: HypervisorView = new KvmGuest().kvm;
    assert.equal(view.policy, 'REMAP_SHARED');
    assert.equal(view.owner, 'FREE');
    assert.ok(view.state().some(({ name }) => name === 'MDCR_EL2'));
  });

  it('describes each policy in one sentence', () => {
    for (const { name, description } of policies) {
      assert.match(description, /\.$/, name);
      assert.doesNotMatch(description, /\. /, name);
    }
  });

  it('has a processor for every host profile', () => {
    for (const { name, processor } of hostProfiles) {
      assert.ok(implementedRegisters(processor).byName('MDSCR_EL1'), name);
    }
    assert.ok(hostProfiles.some(({ name }) => name === '6-2-4'));
  });

  it('refuses to exist with an unknown policy', () => {
    const { pe, kvm } = new KvmGuest();
    assert.throws(
      () => new Kvm({ cpu: new ProcessingElementCpu(pe), profile: kvm.profile, policy: 'X' }),
      /There is no policy 'X'; there are EAGER/,
    );
  });
});

describe('KVM / policy change', () => {
  for (const from of policies.map(({ name }) => name)) {
    for (const to of policies.map(({ name }) => name)) {
      it(`${from} to ${to} in the middle of a run loses no register`, () => {
        const guest = new KvmGuest({ policy: from }).program(
          set('MDSCR_EL1', MDSCR_MDE),
          set('DBGBVR3_EL1', 0x1230n),
          set('DBGWCR1_EL1', 0x1ff8n),
          set('OSLAR_EL1', 1n),
          nop,
          b(-4),
        );
        guest.run(1000);
        assert.equal(guest.kvm.setPolicy(to), undefined);
        guest.run(1000);
        assert.equal(guest.kvm.policy, to);
        assert.equal(guest.guest('MDSCR_EL1'), MDSCR_MDE);
        assert.equal(guest.guest('DBGBVR3_EL1'), 0x1230n);
        assert.equal(guest.guest('DBGWCR1_EL1'), 0x1ff8n);
        assert.equal(guest.guest('OSLSR_EL1'), 0xan);
      });
    }
  }

  it('takes the debugger’s slots away with KVM_SET_GUEST_DEBUG', () => {
    const { kvm } = new KvmGuest({ policy: 'OWNER' });
    kvm.guestDebug.addBreakpoint(0x1000n);
    assert.equal(kvm.setPolicy('EAGER'), undefined);
    assert.equal(kvm.vcpu.guest_debug, 0);
    assert.ok(kvm.guestDebug.slots().every(({ owner }) => owner === 'free'));
  });

  it('says why a policy cannot be chosen', () => {
    const { kvm } = new KvmGuest({ policy: 'OWNER' });
    assert.match(kvm.setPolicy('nonsense') ?? '', /^There is no policy 'nonsense'/);
    assert.equal(kvm.policy, 'OWNER');
  });
});

describe('KVM / going on past a stop', () => {
  it('executes the instruction of a breakpoint once, and the breakpoint stays', () => {
    const guest = new KvmGuest({ policy: 'OWNER' }).program(addImmediate(1, 1, 1), b(-4));
    guest.kvm.guestDebug.addBreakpoint(CODE);
    for (const count of [0n, 1n, 2n, 3n]) {
      const stop = guest.run(1000, { pastStop: count > 0n });
      assert.equal(stop.kind, 'exit');
      assert.equal(guest.PC, CODE);
      assert.equal(guest.X(1), count);
    }
  });

  it('reports again without pastStop', () => {
    const guest = new KvmGuest({ policy: 'OWNER' }).program(addImmediate(1, 1, 1), DONE);
    guest.kvm.guestDebug.addBreakpoint(CODE);
    guest.run();
    guest.run();
    assert.equal(guest.X(1), 0n);
  });

  it('passes a breakpoint where a step of the machine has ended', () => {
    const guest = new KvmGuest({ policy: 'OWNER' }).program(
      nop,
      addImmediate(1, 1, 1),
      addImmediate(2, 2, 1),
      DONE,
    );
    guest.kvm.guestDebug.addBreakpoint(CODE + 4n);
    assert.deepEqual(guest.run(1), { kind: 'budget' });
    assert.equal(guest.kvm.running, true);
    assert.equal(guest.PC, CODE + 4n);
    guest.kvm.goPast();
    assert.deepEqual(guest.run(1), { kind: 'budget' });
    assert.equal(guest.PC, CODE + 8n);
    assert.deepEqual(guest.run(), { kind: 'done' });
    assert.deepEqual([guest.X(1), guest.X(2)], [1n, 1n]);
  });

  it('does not hide a watchpoint at an instruction that stopped for another reason', () => {
    const guest = new KvmGuest({ policy: 'OWNER' }).program(mov(1, DATA), str(1, 1), DONE);
    const store = CODE + 4n * BigInt(mov(1, DATA).length);
    guest.kvm.guestDebug.addBreakpoint(store);
    guest.kvm.guestDebug.addWatchpoint(DATA, 8, 'write');
    const causes: (string | undefined)[] = [];
    for (let n = 0; n < 3; n += 1) {
      const stop = guest.run(1000, { pastStop: n > 0 });
      causes.push(
        stop.kind === 'exit' && stop.exit.exit_reason === 'KVM_EXIT_DEBUG'
          ? stop.exit.cause
          : stop.kind,
      );
    }
    assert.deepEqual(causes, ['breakpoint', 'watchpoint', 'done']);
    assert.equal(guest.readMemory(DATA), DATA);
  });

  it('reports a breakpoint once although an interrupt came before its instruction', () => {
    const guest = new KvmGuest({ policy: 'OWNER' }).program(
      daifClr(2),
      addImmediate(1, 1, 1),
      DONE,
    );
    guest.marks.set(1, ({ pe }) => {
      pe.pendingInterrupts.irq = false;
    });
    guest.place(VECTORS + 0x280n, [hvc(1), eret]);
    guest.kvm.guestDebug.addBreakpoint(CODE + 4n);
    assert.equal(guest.run().kind, 'exit');
    guest.pe.pendingInterrupts.irq = true;
    assert.deepEqual(guest.run(1000, { pastStop: true }), { kind: 'done' });
    assert.equal(guest.X(1), 1n);
    assert.equal(guest.physical('SPSR_EL1') & SPSR_SS, 0n);
  });
});

describe('KVM / exits', () => {
  it('answers SMC like HVC and goes on after it', () => {
    const guest = new KvmGuest().program(mov(0, 5n), smc(1), addImmediate(1, 0, 0), DONE);
    const seen: bigint[] = [];
    guest.marks.set(1, ({ pe }) => seen.push(pe.state.X(0)));
    assert.deepEqual(guest.run(), { kind: 'done' });
    assert.deepEqual(seen, [5n]);
    assert.equal(guest.X(1), 5n);
  });

  it('lets WFI reach the machine', () => {
    const guest = new KvmGuest().program(wfi, DONE);
    assert.deepEqual(guest.run(), { kind: 'event', event: { kind: 'wfi' } });
  });

  it('gives the guest its identification registers under OWNER by a trap', () => {
    const guest = new KvmGuest({ policy: 'OWNER' }).program(mrs(1, 'ID_AA64DFR0_EL1'), DONE);
    assert.deepEqual(guest.run(), { kind: 'done' });
    assert.equal(guest.traps('ID_AA64DFR0_EL1'), 1);
    assert.equal(guest.X(1), 0x1030_5006n);
  });

  it('names an exception class it does not handle, once', () => {
    const guest = new KvmGuest().program(nop);
    guest.run(0);
    // Stage 2 is not used; turned on behind the hypervisor's back it maps nothing.
    guest.pe.pokeRegister('HCR_EL2', guest.physical('HCR_EL2') | 1n);
    const stop = guest.run();
    assert.ok(stop.kind === 'exit' && stop.exit.exit_reason === 'KVM_EXIT_UNKNOWN');
    assert.match(stop.exit.what, /^exit with EC 0x20/);
    assert.equal(guest.physical('ESR_EL1'), 0x02000000n);
    assert.equal(guest.PC, VECTORS + 0x200n);
  });

  it('takes no virtual time for the interrupts of the host', () => {
    const guest = new KvmGuest().program(b(0));
    guest.run(100);
    const before = guest.pe.state.retired;
    for (let n = 0; n < 10; n += 1) guest.kvm.onHostTick();
    assert.equal(guest.pe.state.retired, before);
    assert.equal(guest.kvm.log.counters.hostTicks, 10);
  });
});

describe('KVM / snapshots', () => {
  it('M21: saving, restoring and saving again gives the same vCPU', () => {
    const from = new KvmGuest({ policy: 'OWNER' }).program(
      set('DBGBVR0_EL1', 0x4440n),
      set('TPIDR_EL1', 0x77n),
      mov(5, 0x1234_5678n),
      b(0),
    );
    from.run(100);
    const first = from.kvm.saveVcpu(0);
    const to = new KvmGuest({ policy: 'LAZY_DIRTY' });
    to.kvm.restoreVcpu(0, first);
    assert.deepEqual(to.kvm.saveVcpu(0), first);
    assert.equal(to.X(5), 0x1234_5678n);
    assert.equal(to.PC, from.PC);
    assert.equal(to.physical('TPIDR_EL1'), 0x77n);
  });

  it('goes back to a state inside the guest together with the processor', () => {
    const guest = new KvmGuest({ policy: 'LAZY_DIRTY' }).program(
      set('DBGBVR0_EL1', 0x1000n),
      nop,
      set('DBGBVR0_EL1', 0x2000n),
      b(0),
    );
    guest.run(4); // the trap is one of them: the second write is still to come
    const processor = guest.pe.saveState();
    const hypervisor = guest.kvm.saveState();
    const events = guest.events().length;
    guest.run(100);
    guest.kvm.onHostTick();
    assert.equal(guest.guest('DBGBVR0_EL1'), 0x2000n);
    guest.pe.restoreState(processor);
    guest.kvm.restoreState(hypervisor);
    assert.equal(guest.guest('DBGBVR0_EL1'), 0x1000n);
    assert.equal(guest.kvm.owner, 'DIRTY');
    assert.equal(guest.events().length, events);
    assert.deepEqual(guest.kvm.saveState(), hypervisor);
    guest.run(100);
    assert.equal(guest.guest('DBGBVR0_EL1'), 0x2000n);
  });

  it('keeps the debugger’s present slots when it goes back', () => {
    const guest = new KvmGuest({ policy: 'OWNER' }).program(nop, nop, b(0));
    guest.run(1);
    const processor = guest.pe.saveState();
    const hypervisor = guest.kvm.saveState();
    guest.kvm.guestDebug.addBreakpoint(CODE + 8n);
    guest.pe.restoreState(processor);
    guest.kvm.restoreState(hypervisor);
    const stop = guest.run();
    assert.ok(stop.kind === 'exit' && stop.exit.exit_reason === 'KVM_EXIT_DEBUG');
    assert.equal(stop.exit.pc, CODE + 8n);
  });

  it('shows PSTATE without the debugger’s step', () => {
    const guest = new KvmGuest({ policy: 'OWNER' }).program(msr('DBGBVR0_EL1', 1), nop);
    guest.kvm.guestDebug.setSingleStep(true);
    guest.run(1);
    assert.equal(guest.kvm.running, true);
    assert.equal(guest.kvm.guestPstate & SPSR_SS, 0n);
  });
});

describe('KVM / invariants', () => {
  it('I2: notices that the host lost a register', () => {
    const guest = new KvmGuest({ policy: 'LAZY_DIRTY' }).program(b(0));
    guest.run(10);
    guest.pe.pokeRegister('DBGBVR0_EL1', 0x1000n);
    assert.throws(() => {
      guest.kvm.onHostTick();
    }, /Invariant I2: DBGBVR0_EL1 is 0x1000 in the host, not 0x0/);
  });
});
