import assert from 'node:assert/strict';
import { guest, untilEvent, untilException } from './guest.ts';

const CTL_ENABLE = 1n;
const CTL_IMASK = 2n;
const CTL_ISTATUS = 4n;

describe('the generic timers', () => {
  it('count one tick in sixteen instructions', () => {
    const pe = guest([
      0xd53be040, // mrs x0, cntvct_el0
      0xd2800c82, // mov x2, #100
      0xd503201f, // 1: nop
      0xd503201f, // nop
      0xf1000442, // subs x2, x2, #1
      0x54ffffa1, // b.ne 1b
      0xd53be041, // mrs x1, cntvct_el0
      0xd53be003, // mrs x3, cntfrq_el0
      0xd45e0000, // hlt #0xf000
    ]);
    assert.equal(untilEvent(pe).kind, 'halt');
    const elapsed = pe.state.X(1) - pe.state.X(0);
    assert.ok(elapsed === 25n || elapsed === 26n, `${elapsed} ticks for 402 instructions`);
    assert.equal(pe.state.X(3), 62_500_000n);
  });

  it('subtract CNTVOFF_EL2 from the virtual count only', () => {
    const pe = guest(
      [
        0xd53be040, // mrs x0, cntvct_el0
        0xd53be021, // mrs x1, cntpct_el0
        0xd45e0000, // hlt #0xf000
      ],
      { startEL: 2, EL: 1 },
    );
    pe.pokeRegister('CNTHCTL_EL2', 3n);
    pe.pokeRegister('CNTVOFF_EL2', 1000n);
    assert.equal(untilEvent(pe).kind, 'halt');
    assert.equal(pe.state.X(1), 0n);
    assert.equal(pe.state.X(0), BigInt.asUintN(64, -1000n));
  });

  it('trap EL1 accesses to the physical counter by CNTHCTL_EL2', () => {
    const pe = guest(
      [
        0xd53be021, // mrs x1, cntpct_el0
      ],
      { startEL: 2, EL: 1 },
    );
    pe.pokeRegister('CNTHCTL_EL2', 0n);
    assert.equal(untilException(pe).targetEL, 2);
  });

  it('meet their condition when the count reaches CVAL', () => {
    const pe = guest([]);
    pe.pokeRegister('CNTV_TVAL_EL0', 10n);
    pe.pokeRegister('CNTV_CTL_EL0', CTL_ENABLE);
    assert.equal(pe.peekRegister('CNTV_CTL_EL0'), CTL_ENABLE);
    assert.equal(pe.peekRegister('CNTV_CVAL_EL0'), 10n);
    pe.state.retired += 160n;
    assert.equal(pe.peekRegister('CNTV_CTL_EL0'), CTL_ENABLE | CTL_ISTATUS);
    assert.equal(pe.peekRegister('CNTV_TVAL_EL0'), 0n);
    pe.state.retired += 32n;
    assert.equal(pe.peekRegister('CNTV_TVAL_EL0'), 0xffff_fffen);
    assert.ok(pe.timers.isAsserted('CNTV'));
    pe.pokeRegister('CNTV_CTL_EL0', CTL_ENABLE | CTL_IMASK);
    assert.ok(!pe.timers.isAsserted('CNTV'));
    assert.equal(pe.peekRegister('CNTV_CTL_EL0'), CTL_ENABLE | CTL_IMASK | CTL_ISTATUS);
  });

  it('interrupt at the exact instruction when a line is connected', () => {
    const pe = guest([
      0xd2800280, // mov x0, #20
      0xd51be300, // msr cntv_tval_el0, x0
      0xd2800020, // mov x0, #1
      0xd51be320, // msr cntv_ctl_el0, x0
      0x14000000, // 1: b 1b
    ]);
    pe.timers.connect('CNTV', {
      set(asserted) {
        pe.pendingInterrupts.irq = asserted;
      },
    });
    const taken = untilException(pe, 10_000);
    assert.equal(taken.kind, 'IRQ');
    // Entry counts as an instruction.
    assert.equal(pe.state.retired, 20n * 16n + 1n);
  });

  it('are moved on by idle time', () => {
    const pe = guest([]);
    pe.timers.connect('CNTP', { set: () => undefined });
    pe.pokeRegister('CNTP_TVAL_EL0', 1000n);
    pe.pokeRegister('CNTP_CTL_EL0', CTL_ENABLE);
    assert.equal(pe.nextDeadline(), 16_000n);
    pe.timers.skip(999n);
    assert.equal(pe.nextDeadline(), 16n);
    assert.ok(!pe.timers.isAsserted('CNTP'));
    pe.timers.skip(1n);
    assert.ok(pe.timers.isAsserted('CNTP'));
    assert.equal(pe.nextDeadline(), undefined);
    const saved = pe.saveState();
    pe.reset();
    assert.equal(pe.peekRegister('CNTPCT_EL0'), 0n);
    pe.restoreState(saved);
    assert.equal(pe.peekRegister('CNTPCT_EL0'), 1000n);
  });
});
