/** The samples on this machine print what they print on the architecture. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fpPolicies } from '../../emulator/kvm/fpsimd/index.ts';
import { CONSOLE_SESSION } from '../support/console-session.ts';
import { testMachine } from '../support/test-machine.ts';

const samples = [
  { name: 'hello', el: 1, how: 'semihosting', status: 0 },
  { name: 'watchpoint', el: 1, how: 'semihosting', status: 1 },
  { name: 'self-hosted-debug', el: 1, how: 'semihosting', status: 0 },
  { name: 'el2-hypervisor', el: 2, how: 'PSCI SYSTEM_OFF', status: 0 },
  { name: 'lazy-switching', el: 1, how: 'semihosting', status: 0 },
  { name: 'shared-breakpoints', el: 1, how: 'semihosting', status: 0 },
  { name: 'migration', el: 1, how: 'semihosting', status: 0 },
] as const;

/** What launch.json of fp-lazy asks of the host. */
const hostActivity = [
  { do: 'softirqNeon', tick: 2, every: 2 },
  { do: 'fpTask', tick: 3, every: 3 },
] as const;

function expectedOutput(name: string): string {
  return readFileSync(
    new URL(`../../samples/${name}/expected-output.txt`, import.meta.url),
    'utf8',
  );
}

describe('Samples', function () {
  this.timeout(30_000);
  for (const { name, el, how, status } of samples) {
    it(`${name} prints what it should and ends with status ${status}`, () => {
      const { run, output } = testMachine(`samples/${name}/${name}.elf`, { el });
      const stop = run();
      assert.equal(output(), expectedOutput(name));
      assert.deepEqual(stop, { kind: 'exit', how, status });
    });
  }

  for (const { name: fpPolicy } of fpPolicies) {
    it(`fp-lazy loses no register under ${fpPolicy} beside a busy host`, () => {
      const { machine, run, output } = testMachine('samples/fp-lazy/fp-lazy.elf', {
        fpPolicy,
        hostActivity,
      });
      const stop = run();
      assert.equal(output(), expectedOutput('fp-lazy'));
      assert.deepEqual(stop, { kind: 'exit', how: 'semihosting', status: 0 });
      const { counters } = machine.kvm?.fp ?? {};
      assert.equal(counters?.corruptions, 0);
      assert.ok(counters.softirqs >= 3 && counters.taskSwitches >= 4);
    });
  }

  it('smp loses no count under its lock', () => {
    const { run, output } = testMachine('samples/smp/smp.elf', { cpus: 2 });
    const stop = run();
    assert.equal(output(), expectedOutput('smp'));
    assert.deepEqual(stop, { kind: 'exit', how: 'semihosting', status: 0 });
  });

  it('console answers what is typed, and sleeps by its timer', () => {
    const { machine, run, output } = testMachine('samples/console/console.elf');
    machine.console.input(new TextEncoder().encode(CONSOLE_SESSION));
    const stop = run(2_000_000_000);
    assert.equal(output(), expectedOutput('console'));
    assert.deepEqual(stop, { kind: 'exit', how: 'semihosting', status: 3 });
    assert.ok(machine.virtualNanoseconds >= 1_000_000_000n);
  });

  it('spe-profile finds where its instructions are', () => {
    const { run, output } = testMachine('samples/spe-profile/spe-profile.elf', {
      hostProfile: '6-2-4-SPE-TRBE',
      spe: { irq: 21 },
    });
    const stop = run();
    assert.deepEqual(stop, { kind: 'exit', how: 'semihosting', status: 0 });
    assert.equal(output(), expectedOutput('spe-profile'));
  });

  it('spe-profile says so where there is no SPE', () => {
    const { run, output } = testMachine('samples/spe-profile/spe-profile.elf');
    const stop = run();
    assert.deepEqual(stop, { kind: 'exit', how: 'semihosting', status: 1 });
    assert.equal(output(), 'This processor has no SPE, or the hypervisor hides it\n');
  });
});
