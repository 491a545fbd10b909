import assert from 'node:assert/strict';
import { policies } from '../../../emulator/kvm/policies/index.ts';
import { figuresOf, PolicyComparison } from '../../../emulator/policy-comparison.ts';
import type { PolicyResult } from '../../../emulator/policy-comparison.ts';
import { testMachine } from '../../support/test-machine.ts';

const SAMPLE = 'samples/self-hosted-debug/self-hosted-debug.elf';

function compare(
  run: ConstructorParameters<typeof PolicyComparison>[0],
  budget: number,
): readonly PolicyResult[] {
  const comparison = new PolicyComparison(run);
  let before = 0;
  while (comparison.advance(budget)) {
    assert.ok(comparison.progress >= before, 'progress goes forward');
    before = comparison.progress;
  }
  assert.equal(comparison.progress, 1);
  return comparison.results;
}

describe('Policy comparison', function () {
  this.timeout(60_000);

  it('has the figures that each policy has when it runs alone', () => {
    const { machine, run } = testMachine(SAMPLE);
    assert.equal(run().kind, 'exit');
    const results = compare(machine.recordedRun, 1_000_000);
    assert.deepEqual(
      results.map(({ policy }) => policy),
      policies.map(({ name }) => name),
    );
    for (const { policy, figures, instructions } of results) {
      const alone = testMachine(SAMPLE, { policy });
      alone.run();
      assert.ok(alone.machine.kvm !== undefined);
      assert.deepEqual(figures, figuresOf(alone.machine.kvm), policy);
      assert.equal(instructions, machine.retired, policy);
    }
  });

  it('gives the same figures however it is cut into slices', () => {
    const { machine, run } = testMachine(SAMPLE);
    run();
    const whole = compare(machine.recordedRun, 1_000_000);
    assert.deepEqual(compare(machine.recordedRun, 77_777), whole);
  });

  it('ends at the limit', () => {
    const { machine } = testMachine(SAMPLE);
    const results = compare({ ...machine.recordedRun, instructions: 500n }, 100);
    for (const { instructions, ended } of results) {
      assert.equal(instructions, 500n);
      assert.equal(ended, false);
    }
  });

  it('EAGER traps least, and only the lazy policies ask how many registers there are', () => {
    const { machine, run } = testMachine(SAMPLE);
    run();
    const results = new Map(compare(machine.recordedRun, 1_000_000).map((it) => [it.policy, it]));
    const of = (policy: string): NonNullable<PolicyResult['figures']> => {
      const figures = results.get(policy)?.figures;
      assert.ok(figures !== undefined, policy);
      return figures;
    };
    for (const { name } of policies) assert.ok(of(name).traps >= of('EAGER').traps, name);
    // 21 registers of the bundle at 6/4, out and in, at each way in and each way out.
    const { entries, exits, bundleReads, bundleWrites } = of('EAGER');
    assert.equal(bundleReads, 21 * (entries + exits));
    assert.equal(bundleWrites, 21 * (entries + exits));
    assert.equal(of('EAGER').IDReads, 0);
    assert.equal(of('OWNER').IDReads, 0);
    // One for each save and each load.
    const lazy = of('LAZY_DIRTY');
    assert.equal(lazy.IDReads, (lazy.bundleReads + lazy.bundleWrites) / 21);
  });

  it('refuses a guest that starts at EL2', () => {
    const { machine } = testMachine('samples/el2-hypervisor/el2-hypervisor.elf', { el: 2 });
    assert.throws(() => new PolicyComparison(machine.recordedRun), RangeError);
  });
});

describe('Recorded input', () => {
  it('is what was typed and when, until the machine is reset', () => {
    const { machine } = testMachine(SAMPLE);
    machine.run({ instructions: 100, pastStop: false });
    machine.console.input(Uint8Array.of(0x61));
    machine.run({ instructions: 100, pastStop: false });
    machine.console.input(Uint8Array.of(0x62, 0x63));
    assert.deepEqual(machine.inputs, [
      { kind: 'console', retired: 100n, bytes: Uint8Array.of(0x61) },
      { kind: 'console', retired: 200n, bytes: Uint8Array.of(0x62, 0x63) },
    ]);
    machine.reset();
    assert.deepEqual(machine.inputs, []);
  });

  it('of a future that is undone is forgotten', () => {
    const { machine } = testMachine(SAMPLE);
    machine.run({ instructions: 100, pastStop: false });
    const snapshot = machine.save();
    machine.run({ instructions: 100, pastStop: false });
    machine.console.input(Uint8Array.of(0x61));
    machine.restore(snapshot);
    assert.deepEqual(machine.inputs, []);
  });
});
