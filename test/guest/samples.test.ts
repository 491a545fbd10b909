/** The samples on this machine print what they print on the architecture. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
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

describe('Samples', function () {
  this.timeout(30_000);
  for (const { name, el, how, status } of samples) {
    it(`${name} prints what it should and ends with status ${status}`, () => {
      const { run, output } = testMachine(`samples/${name}/${name}.elf`, { el });
      const stop = run();
      const path = new URL(`../../samples/${name}/expected-output.txt`, import.meta.url);
      assert.equal(output(), readFileSync(path, 'utf8'));
      assert.deepEqual(stop, { kind: 'exit', how, status });
    });
  }
});
