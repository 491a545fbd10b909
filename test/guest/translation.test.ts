/** Translation with every granule, seen by guests at EL1 and EL2. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { testMachine } from '../support/test-machine.ts';

const ELF = 'test/guest/translation/translation.elf';
const expected = readFileSync(new URL('translation/expected-output.txt', import.meta.url), 'utf8');

describe('Stage 2, seen by a guest at EL2', function () {
  this.timeout(60_000);

  it('has the faults, syndromes and results of the Arm ARM with each granule', () => {
    const path = new URL('stage2/expected-output.txt', import.meta.url);
    const { run, output } = testMachine('test/guest/stage2/stage2.elf', { el: 2 });
    const stop = run(50_000_000);
    assert.equal(output(), readFileSync(path, 'utf8'));
    assert.deepEqual(stop, { kind: 'exit', how: 'semihosting', status: 0 });
  });
});

describe('Translation, seen by a guest', function () {
  this.timeout(60_000);

  it('has the faults, permissions and results of the Arm ARM with each granule', () => {
    const { run, output } = testMachine(ELF);
    const stop = run(50_000_000);
    assert.equal(output(), expected);
    assert.deepEqual(stop, { kind: 'exit', how: 'semihosting', status: 0 });
  });

  it('is the same however the run is sliced', () => {
    const { machine, output } = testMachine(ELF);
    for (;;) {
      const stop = machine.run({ instructions: 9973, pastStop: false });
      if (stop.kind === 'slice') continue;
      assert.equal(stop.kind, 'exit');
      break;
    }
    assert.equal(output(), expected);
  });
});
