/** The board's interrupts reach a guest at EL1, the same way under every policy and however the run is sliced. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { policies } from '../../emulator/kvm/policies/index.ts';
import { testMachine } from '../support/test-machine.ts';

const ELF = 'test/guest/interrupts/interrupts.elf';
const expected = readFileSync(new URL('interrupts/expected-output.txt', import.meta.url), 'utf8');
const EXIT = { kind: 'exit', how: 'semihosting', status: 0 };

describe('Interrupts of the board', function () {
  this.timeout(60_000);

  for (const { name: policy } of policies) {
    it(`reach EL1 under ${policy}`, () => {
      const { machine, run, output } = testMachine(ELF, { policy });
      const errors: string[] = [];
      machine.onGuestError = (device, message) => errors.push(`${device}: ${message}`);
      const stop = run(2_000_000_000);
      assert.equal(output(), expected);
      assert.deepEqual(stop, EXIT);
      assert.deepEqual(errors, []);
    });
  }

  /** Instructions retired at the end, in slices of `instructions`. */
  function retiredIn(instructions: number): bigint {
    const { machine, output } = testMachine(ELF);
    for (;;) {
      const stop = machine.run({ instructions, pastStop: false });
      if (stop.kind === 'slice' || stop.kind === 'idle') continue;
      assert.deepEqual(stop, EXIT);
      assert.equal(output(), expected);
      return machine.retired;
    }
  }

  it('come at the same instruction however long the slices are', () => {
    const retired = retiredIn(1_000_000);
    assert.equal(retiredIn(7919), retired);
    assert.equal(retiredIn(101), retired);
  });

  it('come at the same instruction when the guest is stepped', () => {
    const stepped = testMachine(ELF);
    const interrupts: bigint[] = [];
    for (let n = 0; n < 60_000; n += 1) {
      const stop = stepped.machine.stepInstruction();
      if (stop.kind === 'step' && stop.exception) interrupts.push(stop.exception.retired);
    }
    const ran = testMachine(ELF);
    const taken: bigint[] = [];
    ran.machine.onException = ({ retired }) => {
      taken.push(retired);
      return false;
    };
    const end = stepped.machine.retired;
    while (ran.machine.retired < end) {
      const instructions = Number(end - ran.machine.retired);
      const stop = ran.machine.run({ instructions, pastStop: false });
      assert.ok(stop.kind === 'slice' || stop.kind === 'idle');
    }
    assert.ok(interrupts.length >= 3, 'it has been interrupted');
    assert.deepEqual(interrupts, taken);
    assert.equal(ran.machine.retired, end);
    assert.equal(ran.machine.readRegister(0, 'PC'), stepped.machine.readRegister(0, 'PC'));
    assert.equal(ran.machine.readRegister(0, 'SP'), stepped.machine.readRegister(0, 'SP'));
  });

  it('go on from a snapshot as they were', () => {
    const { machine, run, output } = testMachine(ELF);
    machine.run({ instructions: 60_000, pastStop: false });
    const snapshot = machine.save();
    const before = output().length;
    run(2_000_000_000);
    const retired = machine.retired;
    const first = output().slice(before);
    machine.restore(snapshot);
    const again = output().length;
    assert.deepEqual(run(2_000_000_000), EXIT);
    assert.equal(machine.retired, retired);
    assert.equal(output().slice(again), first);
    assert.match(first, /DONE\n$/);
  });
});
