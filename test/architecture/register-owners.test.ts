/** A register with effects has exactly one owner, and an owner only owns what has effects. */
import assert from 'node:assert/strict';
import { ProcessingElement } from '../../emulator/cpu/pe.ts';
import { SystemBus } from '../../emulator/devices/bus.ts';
import { connectGicRegisters } from '../../emulator/machine/gic-registers.ts';
import { GicV3 } from '../../emulator/devices/gic/v3/gic-v3.ts';
import { v8_0 } from '../../emulator/sysregs/processor-model.ts';

describe('system registers', () => {
  const pe = new ProcessingElement({
    profile: {
      ...v8_0,
      name: 'everything',
      debugVersion: 9,
      FEAT_FGT: true,
      FEAT_SPE: true,
      FEAT_TRF: true,
      FEAT_TRBE: true,
      FEAT_GICv3: true,
    },
    memory: [{ base: 0x4000_0000n, size: 0x10_0000 }],
    bus: new SystemBus(),
    startEL: 1,
  });
  const line = { set: () => undefined };
  const gic = new GicV3({
    outputs: [{ irq: line, fiq: line, virq: line, vfiq: line }],
    memory: { read: () => undefined, write: () => false },
    maintenancePPI: 9,
    events: { guestError: () => undefined },
  });
  connectGicRegisters(pe, gic.systemRegisters(0));
  const entries = [...pe.registers.entries];

  it('with effects all have an owner', () => {
    const unowned = entries
      .filter((it) => it.register.kind === 'effects' && it.effects === undefined)
      .map((it) => it.name);
    assert.deepEqual(unowned, []);
  });

  it('that only keep a value have no owner', () => {
    const owned = entries
      .filter(
        (it) =>
          it.register.kind === 'storage' && it.effects !== undefined && it.effects.direct !== true,
      )
      .map((it) => it.name);
    assert.deepEqual(owned, []);
  });
});
