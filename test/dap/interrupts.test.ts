/** The scope Interrupts, and the system registers of a GICv3. */
import assert from 'node:assert/strict';
import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DapClient } from './support/client.ts';
import { sampleProgram } from './support/samples.ts';

const guest = path.resolve(import.meta.dirname, '../guest/interrupts/interrupts.elf');

describe('The interrupt controller', () => {
  let client: DapClient;

  beforeEach(() => {
    client = new DapClient();
  });
  afterEach(async () => {
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  const values = (variables: readonly DebugProtocol.Variable[]): Map<string, string> =>
    new Map(variables.map(({ name, value }) => [name, value]));

  it('shows what is enabled, pending and active, by INTID and processor', async () => {
    await client.start({ program: guest, stopOnEntry: false }, async () => {
      await client.send('setFunctionBreakpoints', { breakpoints: [{ name: 'quiet_device' }] });
    });
    await client.stopped();
    const first = values(await client.unfold('Interrupts'));
    assert.equal(first.get('controller'), 'GICv2');
    assert.match(first.get('CPU0') ?? '', /^nothing is signalled; .* running priority 0x80$/);
    assert.equal(
      first.get('27 (CPU0)'),
      'pending, active, enabled - PPI, virtual timer; group 0, priority 0x80, level',
    );
    const second = values(await client.unfold('Interrupts'));
    assert.deepEqual(second, first, 'looking changes nothing');
  });

  it('is a GICv3 when asked for, with its system registers', async () => {
    await client.start({ program: sampleProgram('hello'), gic: 3 });
    await client.stopped();
    const interrupts = values(await client.unfold('Interrupts'));
    assert.equal(interrupts.get('controller'), 'GICv3');
    const registers = values(await client.unfold('System registers', 'Interrupt controller'));
    assert.ok(registers.has('ICC_PMR_EL1'));
    assert.ok(registers.has('ICH_LR0_EL2'));
    const fields = values(
      await client.unfold('System registers', 'Identification', 'ID_AA64PFR0_EL1'),
    );
    assert.match(fields.get('GIC') ?? '', /^(0x)?1/);
  });
});
