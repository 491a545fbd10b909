/**
 * The acceptance cases of the debug architecture: a guest that checks them itself, at EL1 and EL0,
 * under every policy. Where a case is about migration, the machine is saved in the middle and
 * restored into a fresh one.
 */
import assert from 'node:assert/strict';
import { testMachine } from '../support/test-machine.ts';
import type { TestMachine } from '../support/test-machine.ts';

const ELF = 'test/guest/acceptance/debug-exceptions.elf';
/** Data is Device memory while the MMU is off, and these need an unaligned access or DC ZVA to Normal memory. */
const NEED_NORMAL_MEMORY = ['E32-unaligned', 'E37'];
const POLICIES = ['EAGER', 'LAZY_DIRTY', 'OWNER'];

/** One line a case: its name and PASS, FAIL or SKIP with the rest of the line. */
function results(output: string): Map<string, string> {
  return new Map(
    [...output.matchAll(/^(E\S+) ((?:PASS|FAIL|SKIP).*)$/gm)].map(([, name = '', text = '']) => [
      name,
      text,
    ]),
  );
}

function migrate(from: TestMachine, policy: string): TestMachine {
  const to = testMachine(ELF, { policy });
  to.machine.restore(from.machine.save());
  return to;
}

describe('Debug acceptance guest', function () {
  this.timeout(60_000);
  for (const policy of POLICIES) {
    it(`passes every case under ${policy}, migrated where the case asks for it`, () => {
      let current = testMachine(ELF, { policy });
      const migratePoint = current.symbol('migrate_point');
      const migrations = current.symbol('migrations');
      let printed = '';
      let count = 0;
      current.machine.addBreakpoint(migratePoint);
      let stop = current.run();
      while (stop.kind === 'breakpoint') {
        const next = migrate(current, policy);
        count += 1;
        printed += current.output();
        next.machine.writeVirtual(migrations, Uint8Array.of(count));
        next.machine.addBreakpoint(migratePoint);
        current = next;
        stop = current.run();
      }
      const all = results(printed + current.output());
      const bad = [...all].filter(([name, text]) => {
        return text !== 'PASS' && !(NEED_NORMAL_MEMORY.includes(name) && text.startsWith('SKIP'));
      });
      assert.deepEqual(bad, []);
      assert.ok(all.size >= 45, `only ${all.size} cases reported`);
      assert.equal(count, 3, 'E2, E4 and E6 migrate');
      assert.deepEqual(stop, { kind: 'exit', how: 'semihosting', status: 0 });
    });
  }
});
