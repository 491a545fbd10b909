import assert from 'node:assert/strict';
import { SystemBus } from '../../../../emulator/devices/bus.ts';
import { vectorOffset } from '../../../../emulator/cpu/exceptions.ts';
import {
  CODE,
  DATA,
  eret,
  guest,
  hex,
  place,
  read64,
  untilEvent,
  untilException,
  VECTORS,
} from './guest.ts';

describe('exception vectors', () => {
  it('lie 0x200 apart by where the exception comes from and 0x80 apart by kind', () => {
    const EL1t = { EL: 1, SPSel: 0 } as const;
    const EL1h = { EL: 1, SPSel: 1 } as const;
    const EL0t = { EL: 0, SPSel: 0 } as const;
    assert.equal(vectorOffset('Synchronous', EL1t, 1), 0x000n);
    assert.equal(vectorOffset('Synchronous', EL1h, 1), 0x200n);
    assert.equal(vectorOffset('Synchronous', EL0t, 1), 0x400n);
    assert.equal(vectorOffset('IRQ', EL1h, 1), 0x280n);
    assert.equal(vectorOffset('FIQ', EL0t, 1), 0x500n);
    assert.equal(vectorOffset('SError', EL1h, 2), 0x580n);
  });
});

describe('SVC', () => {
  it('goes from EL0 to EL1 and returns behind itself', () => {
    const pe = guest(
      [
        0xd4002461, // svc #0x123
        0xd28000e1, // mov x1, #7
        0xd503207f, // wfi
      ],
      { EL: 0 },
    );
    place(pe, VECTORS + 0x400n, [
      0xd5385202, // mrs x2, esr_el1
      0xd5384023, // mrs x3, elr_el1
      0xd5384004, // mrs x4, spsr_el1
      0xd5384245, // mrs x5, currentel
      0xd69f03e0, // eret
    ]);
    pe.registers.setRaw('SCTLR_EL1', pe.registers.raw('SCTLR_EL1') | (1n << 16n));
    assert.equal(untilEvent(pe).kind, 'wfi');
    assert.equal(hex(pe.state.X(2)), '0x56000123');
    assert.equal(pe.state.X(3), CODE + 4n);
    assert.equal(pe.state.X(4), 0n);
    assert.equal(pe.state.X(5), 4n);
    assert.equal(pe.state.X(1), 7n);
    assert.equal(pe.state.EL, 0);
  });

  it('masks D, A, I and F and selects SP_ELx', () => {
    const pe = guest(
      [
        0xd4000001, // svc #0
      ],
      { EL: 0 },
    );
    pe.registers.setRaw('SP_EL1', 0x1234_5670n);
    const { vector } = untilException(pe);
    assert.equal(vector, VECTORS + 0x400n);
    assert.equal(pe.state.DAIF, 0xf);
    assert.equal(pe.state.SPSel, 1);
    assert.equal(pe.state.SP, 0x1234_5670n);
    assert.equal(pe.peekRegister('SP_EL0'), DATA);
  });

  it('goes to EL2 from EL0 with HCR_EL2.TGE', () => {
    const pe = guest(
      [
        0xd4000021, // svc #1
      ],
      { startEL: 2, EL: 0 },
    );
    pe.pokeRegister('HCR_EL2', 1n << 27n);
    const { targetEL, ESR } = untilException(pe);
    assert.equal(targetEL, 2);
    assert.equal(hex(ESR), '0x56000001');
  });
});

describe('HVC', () => {
  it('goes to EL2 from EL1 and is UNDEFINED with HCR_EL2.HCD and at EL0', () => {
    const program = [
      0xd4000042, // hvc #2
    ];
    const pe = guest(program, { startEL: 2, EL: 1 });
    const taken = untilException(pe);
    assert.equal(taken.targetEL, 2);
    assert.equal(hex(taken.ESR), '0x5a000002');
    assert.equal(taken.preferredReturn, CODE + 4n);

    const disabled = guest(program, { startEL: 2, EL: 1 });
    disabled.pokeRegister('HCR_EL2', 1n << 29n);
    assert.equal(hex(untilException(disabled).ESR), '0x2000000');

    const fromEL0 = guest(program, { startEL: 2, EL: 0 });
    assert.equal(untilException(fromEL0).targetEL, 1);
  });

  it('reaches EL2 software, which returns to the guest', () => {
    const pe = guest([
      0xd40000e2, // hvc #7
      0xaa0003e1, // mov x1, x0
      0xd503207f, // wfi
    ]);
    pe.el2Software = {
      handle(el2, exception) {
        assert.equal(hex(exception.ESR), '0x5a000007');
        assert.equal(el2.state.EL, 2);
        el2.state.setX(0, 99n);
        el2.exceptionReturn();
      },
    };
    assert.equal(untilEvent(pe).kind, 'wfi');
    assert.equal(pe.state.X(1), 99n);
  });

  it('is a call to firmware for a guest without a hypervisor', () => {
    const pe = guest([
      0x52b08000, // mov w0, #0x84000000
      0xd4000002, // hvc #0
      0xd503207f, // wfi
    ]);
    pe.firmware = (call) => {
      assert.equal(call.conduit, 'HVC');
      assert.equal(call.functionId, 0x8400_0000);
      call.setResult(-1n);
    };
    assert.equal(untilEvent(pe).kind, 'wfi');
    assert.equal(pe.state.X(0), 0xffff_ffff_ffff_ffffn);
  });
});

describe('SMC', () => {
  const program = [
    0xd4000063, // smc #3
    0xd503207f, // wfi
  ];
  it('is a call to firmware, UNDEFINED without one and at EL0', () => {
    const pe = guest(program);
    let calls = 0;
    pe.firmware = () => {
      calls += 1;
    };
    assert.equal(untilEvent(pe).kind, 'wfi');
    assert.equal(calls, 1);
    assert.equal(hex(untilException(guest(program)).ESR), '0x2000000');
    const fromEL0 = guest(program, { EL: 0 });
    fromEL0.firmware = () => assert.fail('EL0 reached the firmware');
    assert.equal(hex(untilException(fromEL0).ESR), '0x2000000');
  });

  it('is trapped by HCR_EL2.TSC with itself as the return address', () => {
    const pe = guest(program, { startEL: 2, EL: 1 });
    pe.pokeRegister('HCR_EL2', 1n << 19n);
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0x5e000003');
    assert.equal(taken.preferredReturn, CODE);
  });
});

describe('BRK', () => {
  it('goes to EL1 with its immediate whatever the locks and masks', () => {
    const pe = guest([
      0xd42000e0, // brk #7
    ]);
    pe.pokeRegister('OSLAR_EL1', 1n);
    pe.state.DAIF = 0xf;
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0xf2000007');
    assert.equal(taken.preferredReturn, CODE);
    assert.equal(taken.vector, VECTORS + 0x200n);
    assert.equal(pe.peekRegister('OSLSR_EL1'), 0xan);
  });

  it('goes to EL2 with MDCR_EL2.TDE', () => {
    const pe = guest(
      [
        0xd4200000, // brk #0
      ],
      { startEL: 2, EL: 1 },
    );
    pe.pokeRegister('MDCR_EL2', 1n << 8n);
    assert.equal(untilException(pe).targetEL, 2);
  });
});

describe('UNDEFINED instructions', () => {
  it('raise EC 0 with the instruction as the return address', () => {
    const pe = guest([
      0x00000000, // udf #0
    ]);
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0x2000000');
    assert.equal(taken.preferredReturn, CODE);
  });

  it('are told once for each word when they are instructions of a later architecture', () => {
    const CFINV = 0xd500401f;
    const pe = guest([CFINV]);
    place(pe, VECTORS + 0x200n, [
      0xd5384020, // mrs x0, elr_el1
      0xd69f03e0, // eret
    ]);
    const event = untilEvent(pe);
    assert.equal(event.kind, 'unimplemented');
    assert.equal(event.what, 'instruction 0xd500401f');
    assert.equal(untilEvent(pe, 100).kind, 'budget');
  });

  it('include HLT with another immediate, HLT at EL0, DCPS and DRPS', () => {
    for (const words of [
      [
        0xd4400020, // hlt #1
      ],
      [
        0xd4a00001, // dcps1
      ],
      [
        0xd6bf03e0, // drps
      ],
    ]) {
      assert.equal(hex(untilException(guest(words)).ESR), '0x2000000');
    }
    const fromEL0 = guest(
      [
        0xd45e0000, // hlt #0xf000
      ],
      { EL: 0 },
    );
    assert.equal(hex(untilException(fromEL0).ESR), '0x2000000');
  });

  it('do not include HLT #0xF000: it is a semihosting call, completed by its caller', () => {
    const pe = guest([
      0xd45e0000, // hlt #0xf000
      0xaa0003e1, // mov x1, x0
      0xd503207f, // wfi
    ]);
    assert.deepEqual(untilEvent(pe), { kind: 'halt', pc: CODE });
    pe.state.setX(0, 5n);
    pe.completeInstruction();
    assert.equal(untilEvent(pe).kind, 'wfi');
    assert.equal(pe.state.X(1), 5n);
  });
});

describe('ERET', () => {
  it('drops from EL2 to EL1 and restores PSTATE', () => {
    const pe = guest(
      [
        0xd2807880, // mov x0, #0x3c4
        0xd51c4000, // msr spsr_el2, x0
        0x10000081, // adr x1, 1f
        0xd51c4021, // msr elr_el2, x1
        0xd51c4101, // msr sp_el1, x1
        0xd69f03e0, // eret
        0xd5384242, // 1: mrs x2, currentel
        0xd53b4223, // mrs x3, daif
        0xd5384204, // mrs x4, spsel
        0xd503207f, // wfi
      ],
      { startEL: 2 },
    );
    assert.equal(untilEvent(pe).kind, 'wfi');
    assert.equal(pe.state.X(2), 4n);
    assert.equal(pe.state.X(3), 0x3c0n);
    assert.equal(pe.state.X(4), 0n);
  });

  it('to an illegal state sets IL, and the next instruction takes an Illegal Execution state exception', () => {
    const pe = guest([
      0xd2800120, // mov x0, #0x9
      0xd5184000, // msr spsr_el1, x0
      0x10000081, // adr x1, 1f
      0xd5184021, // msr elr_el1, x1
      0xd69f03e0, // eret
      0xd503201f, // nop
      0xd503201f, // 1: nop
    ]);
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0x3a000000');
    assert.equal(taken.preferredReturn, CODE + 24n);
    assert.equal((pe.registers.raw('SPSR_EL1') >> 20n) & 1n, 1n);
    assert.equal(pe.state.IL, false);
  });

  it('is UNDEFINED at EL0', () => {
    const pe = guest(
      [
        0xd69f03e0, // eret
      ],
      { EL: 0 },
    );
    assert.equal(hex(untilException(pe).ESR), '0x2000000');
  });
});

describe('aborts', () => {
  it('report a fetch outside RAM as an external abort with its address', () => {
    const pe = guest([
      0xd2820000, // mov x0, #0x1000
      0xd61f0000, // br x0
    ]);
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0x86000010');
    assert.equal(taken.FAR, 0x1000n);
    assert.equal(taken.preferredReturn, 0x1000n);
  });

  it('report a load and a store where nothing answers', () => {
    const load = guest([
      0xd2820000, // mov x0, #0x1000
      0xf9400001, // ldr x1, [x0]
    ]);
    assert.equal(hex(untilException(load).ESR), '0x96000010');
    const store = guest(
      [
        0xd2820000, // mov x0, #0x1000
        0xf9000001, // str x1, [x0]
      ],
      { EL: 0 },
    );
    const taken = untilException(store);
    assert.equal(hex(taken.ESR), '0x92000050');
    assert.equal(taken.FAR, 0x1000n);
    assert.equal(taken.preferredReturn, CODE + 4n);
  });

  it('report an address beyond the physical range as an address size fault, level 0', () => {
    const pe = guest([
      0xd2800020, // mov x0, #1
      0xd3585c00, // lsl x0, x0, #40
      0x39400001, // ldrb w1, [x0]
    ]);
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0x96000000');
    assert.equal(taken.FAR, 1n << 40n);
  });

  it('fault unaligned accesses while the MMU is off, and allow them on request', () => {
    const program = [
      0xd2a80020, // mov x0, #0x40010000
      0xf8001000, // str x0, [x0, #1]
      0xd503207f, // wfi
    ];
    const taken = untilException(guest(program));
    assert.equal(hex(taken.ESR), '0x96000061');
    assert.equal(taken.FAR, DATA + 1n);
    const lenient = guest(program, { unalignedDeviceAccess: 'allow' });
    assert.equal(untilEvent(lenient).kind, 'wfi');
    assert.equal(read64(lenient, DATA), 0x4001_0000n << 8n);
  });

  it('fault DC ZVA to Device memory', () => {
    const program = [
      0xd2a80020, // mov x0, #0x40010000
      0xd50b7420, // dc zva, x0
      0xd503207f, // wfi
    ];
    assert.equal(hex(untilException(guest(program)).ESR), '0x96000061');
    assert.equal(untilEvent(guest(program, { unalignedDeviceAccess: 'allow' })).kind, 'wfi');
  });

  it('check the alignment of PC and SP', () => {
    const pc = guest([
      0x10000060, // adr x0, 1f
      0x91000800, // add x0, x0, #2
      0xd61f0000, // br x0
      0xd503201f, // 1: nop
    ]);
    const taken = untilException(pc);
    assert.equal(hex(taken.ESR), '0x8a000000');
    assert.equal(taken.FAR, CODE + 14n);
    const sp = guest([
      0xd10023ff, // sub sp, sp, #8
      0xf90003e0, // str x0, [sp]
    ]);
    assert.equal(hex(untilException(sp).ESR), '0x9a000000');
  });

  it('are translation faults where stage 1 is enabled and the tables are empty', () => {
    const pe = guest([
      0xd5381000, // mrs x0, sctlr_el1
      0xb2400000, // orr x0, x0, #1
      0xd5181000, // msr sctlr_el1, x0
      0xd5033fdf, // isb
    ]);
    pe.registers.write('TTBR0_EL1', DATA);
    pe.registers.write('TCR_EL1', 16n | (16n << 16n) | (2n << 32n));
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0x86000004');
    assert.equal(taken.FAR, CODE + 12n);
  });

  it('come from the bus only where no device is', () => {
    const bus = new SystemBus();
    let written = -1;
    bus.attach(0x900_0000n, 0x1000, {
      name: 'test device',
      read: () => 0x5a,
      write: (_offset, _size, value) => {
        written = value;
      },
      peek: () => 0,
      reset: () => undefined,
      saveState: () => undefined,
      restoreState: () => undefined,
    });
    const pe = guest(
      [
        0xd2a12000, // mov x0, #0x9000000
        0x39400001, // ldrb w1, [x0]
        0x52800ee2, // mov w2, #0x77
        0x39000002, // strb w2, [x0]
        0xd503207f, // wfi
      ],
      { bus },
    );
    assert.equal(untilEvent(pe).kind, 'wfi');
    assert.equal(pe.state.X(1), 0x5an);
    assert.equal(written, 0x77);
  });
});

describe('interrupts', () => {
  it('are taken between instructions when unmasked', () => {
    const pe = guest([
      0xd50342df, // msr daifset, #2
      0xd503201f, // nop
      0xd50342ff, // msr daifclr, #2
      0xd503201f, // nop
      0xd503207f, // wfi
    ]);
    pe.state.DAIF = 2;
    pe.pendingInterrupts.irq = true;
    const taken = untilException(pe);
    assert.equal(taken.kind, 'IRQ');
    assert.equal(taken.vector, VECTORS + 0x280n);
    assert.equal(taken.preferredReturn, CODE + 12n);
  });

  it('are taken when MSR DAIF unmasks them, and MRS DAIF reads the masks meanwhile', () => {
    const pe = guest([
      0xd53b4221, // mrs x1, daif
      0xd51b4222, // msr daif, x2
      0xd503201f, // nop
    ]);
    pe.state.DAIF = 0b1010;
    pe.state.setX(2, 0b1000n << 6n);
    pe.pendingInterrupts.irq = true;
    const taken = untilException(pe);
    assert.equal(taken.kind, 'IRQ');
    assert.equal(taken.preferredReturn, CODE + 8n);
    assert.equal(pe.state.X(1), 0b1010n << 6n);
    assert.equal((pe.registers.raw('SPSR_EL1') >> 6n) & 0xfn, 0b1000n);
  });

  it('for EL2 cannot be masked at EL1, and those for EL1 wait at EL2', () => {
    const routed = guest(
      [
        0xd503201f, // nop
      ],
      { startEL: 2, EL: 1 },
    );
    routed.pokeRegister('HCR_EL2', 1n << 4n);
    routed.state.DAIF = 0xf;
    routed.pendingInterrupts.irq = true;
    assert.equal(untilException(routed).targetEL, 2);
    const waiting = guest(
      [
        0xd503201f, // nop
        0xd503207f, // wfi
      ],
      { startEL: 2 },
    );
    waiting.pendingInterrupts.irq = true;
    waiting.exceptionHook = () => true;
    assert.equal(untilEvent(waiting, 2).kind, 'budget');
  });

  it('may be virtual: HCR_EL2.VI reaches EL1 with IMO', () => {
    const pe = guest(
      [
        0xd503201f, // nop
      ],
      { startEL: 2, EL: 1 },
    );
    pe.pokeRegister('HCR_EL2', (1n << 4n) | (1n << 7n));
    const taken = untilException(pe);
    assert.equal(taken.kind, 'IRQ');
    assert.equal(taken.targetEL, 1);
  });

  it('wake WFI even when masked', () => {
    const pe = guest([
      0xd50342df, // msr daifset, #2
      0xd503207f, // wfi
      0xd2800021, // mov x1, #1
      0xd45e0000, // hlt #0xf000
    ]);
    pe.state.DAIF = 2;
    pe.pendingInterrupts.irq = true;
    assert.equal(untilEvent(pe).kind, 'halt');
    assert.equal(pe.state.X(1), 1n);
  });
});

describe('WFI and WFE', () => {
  it('are trapped by SCTLR_EL1.nTWI and HCR_EL2.TWI', () => {
    const program = [
      0xd503207f, // wfi
    ];
    const toEL1 = guest(program, { EL: 0 });
    toEL1.pokeRegister('SCTLR_EL1', 0n);
    assert.equal(hex(untilException(toEL1).ESR), '0x7e00000');
    const toEL2 = guest(program, { startEL: 2, EL: 1 });
    toEL2.pokeRegister('HCR_EL2', 1n << 13n);
    assert.equal(untilException(toEL2).targetEL, 2);
  });

  it('let WFE pass after SEVL without a trap', () => {
    const pe = guest(
      [
        0xd50320bf, // sevl
        0xd503205f, // wfe
        0xd503205f, // wfe
      ],
      { startEL: 2, EL: 1 },
    );
    pe.pokeRegister('HCR_EL2', 1n << 14n);
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0x7e00001');
    assert.equal(taken.preferredReturn, CODE + 8n);
  });
});

describe('a snapshot', () => {
  it('continues exactly where it was taken', () => {
    const pe = guest(
      [
        0xd2800000, // mov x0, #0
        0x91000400, // 1: add x0, x0, #1
        0xd4000001, // svc #0
        0x17fffffe, // b 1b
      ],
      { EL: 0 },
    );
    place(pe, VECTORS + 0x400n, [
      0xd69f03e0, // eret
    ]);
    pe.run(101);
    const saved = pe.saveState();
    const { retired } = pe.state;
    pe.run(250);
    const expected = pe.state.saveBlock();
    pe.restoreState(saved);
    assert.equal(pe.state.retired, retired);
    pe.run(250);
    assert.deepEqual(pe.state.saveBlock(), expected);
  });
});

describe('exception return by EL2 software', () => {
  it('keeps the stack pointers apart', () => {
    const pe = guest([
      0xd4000002, // hvc #0
      0xd503207f, // wfi
    ]);
    pe.el2Software = {
      handle(el2) {
        assert.equal(el2.readRegister('SP_EL1'), DATA);
        el2.writeRegister('SP_EL1', DATA + 64n);
        eret(el2);
      },
    };
    assert.equal(untilEvent(pe).kind, 'wfi');
    assert.equal(pe.state.SP, DATA + 64n);
    assert.deepEqual(pe.counters.get('SP_EL1'), { reads: 1, writes: 1 });
  });
});
