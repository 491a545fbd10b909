/** A guest whose devices are emulated by the VMM: every access to one of them is an exit. */
import assert from 'node:assert/strict';
import { testMachine } from '../../../support/test-machine.ts';

const GUEST = 'samples/hello/hello.elf';

describe('A machine with stage 2', function () {
  this.timeout(60_000);

  it('prints what it prints without, by KVM_EXIT_MMIO', () => {
    const direct = testMachine(GUEST);
    const emulated = testMachine(GUEST, { stage2: true });
    const stop = direct.run();
    assert.deepEqual(emulated.run(), stop);
    assert.equal(emulated.output(), direct.output());
    const exits = ({ machine }: typeof direct): number =>
      machine.kvm?.log.exitsByClass.get(0x24) ?? 0;
    assert.equal(exits(direct), 0);
    // Each character takes at least a write of UARTDR.
    assert.ok(exits(emulated) >= emulated.output().length, `${exits(emulated)} exits`);
  });

  it('steps a load and a store of a device as any other instruction', () => {
    const { machine } = testMachine(GUEST, { stage2: true });
    const exits = (): number => machine.kvm?.log.exitsByClass.get(0x24) ?? 0;
    let emulated = 0;
    for (let n = 0; n < 3000 && emulated < 5; n += 1) {
      const before = { pc: machine.pe.state.PC, exits: exits() };
      const stop = machine.stepInstruction();
      assert.equal(stop.kind, 'step');
      if (exits() === before.exits) continue;
      emulated += 1;
      assert.equal(machine.pe.state.PC, before.pc + 4n);
    }
    assert.equal(emulated, 5);
  });
});
