/** Debug registers through the hypervisor: slots, modes, policies and the log of switches. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type {
  AccessCountsResponse,
  ComparePoliciesResponse,
  DebugResourcesResponse,
  StateBody,
  WatchpointRow,
  WorldSwitchResponse,
} from '../../debug-adapter/custom-requests.ts';
import { DapClient } from './support/client.ts';
import { expectedOutput, markerLine, samplePath, sampleProgram } from './support/samples.ts';

const main = samplePath('hello', 'main.c');

describe('A guest under the hypervisor', () => {
  let client: DapClient;

  beforeEach(() => {
    client = new DapClient();
  });
  afterEach(async () => {
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  async function breakAt(
    breakpoints: readonly object[],
    path = main,
  ): Promise<DebugProtocol.Breakpoint[]> {
    const body = await client.send<DebugProtocol.SetBreakpointsResponse['body']>('setBreakpoints', {
      source: { path },
      breakpoints,
    });
    return body.breakpoints;
  }

  it('a breakpoint in hw mode takes a slot and stops the guest, also with a condition', async () => {
    let set: DebugProtocol.Breakpoint[] = [];
    await client.start({ program: sampleProgram('hello'), stopOnEntry: false }, async () => {
      set = await breakAt([
        { line: markerLine(main, '#LOOP'), mode: 'hw', condition: 'i == 3' },
        { line: markerLine(main, '#BP6'), mode: 'hw' },
      ]);
    });
    assert.equal(set[0]?.message, 'Hardware breakpoint in slot 0 (DBGBVR0_EL1).');
    const stop = await client.stopped();
    assert.deepEqual(stop.hitBreakpointIds, [set[0].id]);
    assert.equal(await client.evaluate('i'), '3');
    const { slots } = await client.send<DebugResourcesResponse>('trapline/debugResources');
    const taken = slots.filter(({ owner }) => owner === 'debugger');
    assert.deepEqual(
      taken.map(({ kind, slot }) => `${kind} ${slot}`),
      ['breakpoint 0', 'breakpoint 1'],
    );
    const second = await client.resume('continue');
    assert.deepEqual(second.hitBreakpointIds, [set[1]?.id]);
    await client.send('continue', { threadId: 1 });
    await client.event('exited');
    assert.equal(client.output, expectedOutput('hello'));
  });

  it('the seventh hw breakpoint of six slots is refused when it is set, with the slot table', async () => {
    await client.start({ program: sampleProgram('hello') });
    await client.stopped();
    const first = markerLine(main, '#BP1');
    const lines = ['#BP1', '#BP2', '#BP5', '#BP6', '#LOOP'].map((it) => markerLine(main, it));
    const set = await breakAt(
      [...lines, first + 6, first + 7].map((line) => ({ line, mode: 'hw' })),
    );
    assert.deepEqual(
      set.map(({ verified }) => verified),
      [true, true, true, true, true, true, false],
    );
    const refused = set.at(-1);
    assert.equal(refused?.reason, 'failed');
    assert.match(refused.message ?? '', /Slots: 0: debugger main.*; 5: debugger main.*Remove one/);
    // One goes, and there is room again.
    const again = await breakAt(
      [...lines.slice(1), first + 6, first + 7].map((line) => ({ line, mode: 'hw' })),
    );
    assert.ok(again.every(({ verified }) => verified));
  });

  it('a breakpoint in sw mode stops the guest, and the debugger shows what the BRK hides', async () => {
    let set: DebugProtocol.Breakpoint[] = [];
    await client.start({ program: sampleProgram('hello'), stopOnEntry: false }, async () => {
      set = await breakAt([{ line: markerLine(main, '#LOOP'), mode: 'sw', hitCondition: '>=4' }]);
    });
    assert.equal(set[0]?.verified, true, set[0]?.message);
    await client.stopped();
    assert.equal(await client.evaluate('i'), '3');
    const { instructions } = await client.send<DebugProtocol.DisassembleResponse['body'] & object>(
      'disassemble',
      { memoryReference: set[0].instructionReference, instructionCount: 1 },
    );
    assert.doesNotMatch(instructions[0]?.instruction ?? '', /brk/);
    await client.resume('continue');
    assert.equal(await client.evaluate('i'), '4');
    await client.send('continue', { threadId: 1 });
    await client.event('exited');
    assert.equal(client.output, expectedOutput('hello'));
  });

  it('a watchpoint takes a DBGWVR/DBGWCR pair, and the machine watches when none is left', async () => {
    await client.start({ program: sampleProgram('watchpoint'), hostProfile: '2-1-2' });
    await client.stopped();
    const watch = (expression: string): Promise<WatchpointRow> =>
      client.send('trapline/setWatchpoint', { expression, accessType: 'write' });
    const rows = [await watch('sensor.limit'), await watch('next'), await watch('total')];
    assert.deepEqual(
      rows.map(({ mechanism }) => mechanism),
      ['hw', 'hw', 'vm'],
    );
    assert.match(rows[2]?.message ?? '', /Watched by the machine.*No hardware slot/);
    const debuggerView = await client.unfold('Debug registers', 'Debugger');
    const DBGWVR0_EL1 = debuggerView.find(({ name }) => name === 'DBGWVR0_EL1');
    assert.ok(BigInt(DBGWVR0_EL1?.value.split(' ')[0] ?? 0) <= BigInt(rows[0]?.address ?? 0));
    const physical = await client.unfold('Debug registers', 'Physical', 'DBGWCR0_EL1');
    assert.ok(physical.some(({ name }) => name === 'BAS'));

    const stop = await client.resume('continue');
    assert.equal(stop.description, 'sensor.limit is about to be written by this instruction');
    assert.equal((await client.topFrame()).name, 'sensor_calibrate');
    await client.resume('next');
    assert.equal(await client.evaluate('sensor.limit'), '750');
  });

  it('each word of flags unfolds to its bits by name, MDCR_EL2 among them', async () => {
    await client.start({
      program: sampleProgram('self-hosted-debug'),
      policy: 'IFLAGS',
      hostProfile: '6-2-4-FGT-SPE-TRBE-nVHE',
      traceScheme: 'SAVE_MASK',
    });
    await client.stopped();
    const bits = async (word: string): Promise<readonly string[]> =>
      (await client.unfold('Hypervisor', word)).map(({ name, value }) => `${name}: ${value}`);
    const MDCR_EL2 = await bits('MDCR_EL2');
    assert.ok(MDCR_EL2.some((it) => /^TDA: [01] \(bit 9\)$/.test(it)));
    assert.ok(MDCR_EL2.some((it) => /^TDE: [01] \(bit 8\)$/.test(it)));
    const iflags = await bits('iflags');
    // One word of KVM: the policy has some of its bits, the trace scheme others.
    assert.ok(
      iflags.some((it) => /^DEBUG_DIRTY: [01] \(bit 4\)$/.test(it)),
      iflags.join(),
    );
    assert.ok(iflags.some((it) => /^DEBUG_STATE_SAVE_SPE: [01] \(bit 5\)$/.test(it)));
    const scope = await client.unfold('Hypervisor');
    assert.equal(scope.filter(({ name }) => name === 'iflags').length, 1);
    assert.ok((await bits('HDFGRTR_EL2')).includes('DBGBCRn_EL1: 0 (bit 0)'));
    const traps = await client.unfold('Hypervisor', 'registers');
    assert.ok(traps.some(({ value }) => /^\d+ traps, \d+ reads, \d+ writes$/.test(value)));
  });

  it('without KVM_SET_GUEST_DEBUG hw is refused with that reason and auto means vm', async () => {
    let set: DebugProtocol.Breakpoint[] = [];
    await client.start({ program: sampleProgram('hello'), policy: 'EAGER' }, async () => {
      set = await breakAt([
        { line: markerLine(main, '#BP1'), mode: 'hw' },
        { line: markerLine(main, '#BP6') },
      ]);
    });
    assert.equal(set[0]?.verified, false);
    assert.match(set[0].message ?? '', /EAGER/);
    assert.equal(set[1]?.verified, true);
    await client.stopped();
    const row = await client.send<WatchpointRow>('trapline/setWatchpoint', {
      expression: 'greetings',
      accessType: 'write',
    });
    assert.equal(row.mechanism, 'vm');
  });

  it('a change of policy arms the breakpoints anew and tells the client', async () => {
    let set: DebugProtocol.Breakpoint[] = [];
    await client.start({ program: sampleProgram('hello') }, async () => {
      set = await breakAt([{ line: markerLine(main, '#BP1'), mode: 'hw' }]);
    });
    await client.stopped();
    assert.equal(set[0]?.verified, true);
    const changed = client.event<DebugProtocol.BreakpointEvent['body']>('breakpoint');
    const state = await client.send<StateBody>('trapline/switchPolicy', { policy: 'LAZY_DIRTY' });
    assert.equal(state.policy, 'LAZY_DIRTY');
    const { reason, breakpoint } = await changed;
    assert.equal(reason, 'changed');
    assert.equal(breakpoint.id, set[0].id);
    assert.equal(breakpoint.verified, false);
    await assert.rejects(
      client.send('trapline/switchPolicy', { policy: 'NONE' }),
      /no debug policy "NONE"/,
    );
  });

  it('the log lists the guest’s own accesses with their source lines, and what followed', async () => {
    await client.start({ program: sampleProgram('self-hosted-debug'), stopOnEntry: false });
    await client.event('exited');
    assert.equal(client.output, expectedOutput('self-hosted-debug'));
    const rows = [];
    for (let since = 0; ;) {
      const part = await client.send<WorldSwitchResponse>('trapline/worldSwitch', {
        since,
        limit: 100,
      });
      rows.push(...part.events);
      since = part.nextSeq;
      if (part.events.length === 0) break;
    }
    assert.deepEqual(
      rows.map(({ seq }) => seq),
      rows.map((_, i) => i),
    );
    const trap = rows.findIndex(
      ({ kind, register }) => kind === 'trapDbg' && register === 'MDSCR_EL1',
    );
    assert.ok(trap > 0);
    const row = rows[trap];
    assert.equal(row?.direction, 'write');
    assert.match(row.path ?? '', /self-hosted-debug/);
    assert.ok((row.line ?? 0) > 0);
    assert.ok(rows.slice(trap).some(({ kind }) => kind === 'bundleLoad'));
    const { totals } = await client.send<WorldSwitchResponse>('trapline/worldSwitch', { limit: 0 });
    const MDSCR_EL1 = totals.find(({ register }) => register === 'MDSCR_EL1');
    const traps = rows.filter((it) => it.kind === 'trapDbg' && it.register === 'MDSCR_EL1').length;
    assert.equal(MDSCR_EL1?.traps, traps);
  });

  it('each MRS and MSR of a debug register is counted by what became of it', async () => {
    await client.start({ program: sampleProgram('self-hosted-debug'), stopOnEntry: false });
    await client.event('exited');
    const { places } = await client.send<AccessCountsResponse>('trapline/accessCounts', undefined);
    const sum = (register: string, how: 'trapped' | 'straight'): number =>
      places.filter((it) => it.register === register).reduce((total, it) => total + it[how], 0);
    const { totals } = await client.send<WorldSwitchResponse>('trapline/worldSwitch', { limit: 0 });
    for (const { register, traps } of totals) {
      if (/^(DBG|MDSCR|OS)/.test(register)) assert.equal(sum(register, 'trapped'), traps, register);
    }
    // Under OWNER the first access of a load traps, and those behind it go straight through.
    assert.ok(sum('MDSCR_EL1', 'straight') > sum('MDSCR_EL1', 'trapped'));
    // The locks trap whoever owns the registers.
    assert.equal(sum('OSLAR_EL1', 'straight'), 0);
    assert.ok(places.every(({ path, line }) => path !== undefined && line !== undefined));
  });

  it('compares the policies on the same guest, and leaves the guest where it is', async () => {
    await client.start({ program: sampleProgram('self-hosted-debug'), stopOnEntry: false });
    await client.event('exited');
    const { policies, instructions, endedByLimit } = await client.send<ComparePoliciesResponse>(
      'trapline/comparePolicies',
    );
    const { policies: known } = await client.send<StateBody>('trapline/state');
    assert.deepEqual(
      policies.map(({ policy }) => policy),
      known.map(({ name }) => name),
    );
    assert.ok(instructions > 1000);
    assert.equal(endedByLimit, false);
    for (const { policy, figures } of policies) assert.ok((figures?.entries ?? 0) > 0, policy);
  });

  it('a comparison can be cancelled by its request', async () => {
    await client.start({ program: sampleProgram('hello') });
    await client.stopped();
    const answer = client.request('trapline/comparePolicies', { instructions: 2_000_000_000 });
    await client.send('cancel', { requestId: client.lastSeq });
    const { success, message } = await answer;
    assert.equal(success, false);
    assert.equal(message, 'cancelled');
    assert.equal((await client.resume('next')).reason, 'step');
  });

  it('a guest migrates, and its breakpoints are set again on the other host', async () => {
    await client.start({ program: sampleProgram('hello'), stopOnEntry: false }, async () => {
      await breakAt([
        { line: markerLine(main, '#LOOP'), mode: 'hw' },
        { line: markerLine(main, '#BP6'), mode: 'sw' },
      ]);
    });
    await client.stopped();
    const watchpoint = await client.send<WatchpointRow>('trapline/setWatchpoint', {
      address: '0x40000000',
      length: 8,
      accessType: 'read',
      mode: 'hw',
    });
    const before = await client.evaluate('i');
    await client.send('trapline/migrate', { hostProfile: '16-2-16-FGT' });
    const stop = await client.stopped();
    assert.equal(stop.description, 'Migrated to 16-2-16-FGT');
    assert.equal(await client.evaluate('i'), before);
    const { slots, watchpoints } =
      await client.send<DebugResourcesResponse>('trapline/debugResources');
    assert.equal(slots.filter(({ kind }) => kind === 'breakpoint').length, 16);
    assert.equal(slots.filter(({ owner }) => owner === 'debugger').length, 2);
    assert.deepEqual(
      watchpoints.map(({ id, mechanism }) => [id, mechanism]),
      [[watchpoint.id, 'hw']],
    );
    const loop = await client.resume('continue');
    assert.equal(loop.reason, 'breakpoint');
    assert.equal(Number(await client.evaluate('i')), Number(before) + 1);
    await breakAt([{ line: markerLine(main, '#BP6'), mode: 'sw' }]);
    await client.resume('continue');
    await client.send('continue', { threadId: 1 });
    await client.event('exited');
    assert.equal(client.output, expectedOutput('hello'));
  });

  it('a host that has less than the guest was promised refuses it, and the guest goes on', async () => {
    await client.start({ program: sampleProgram('hello') });
    await client.stopped();
    await assert.rejects(
      client.send('trapline/migrate', { hostProfile: '4-2-4' }),
      /cannot go to 4-2-4: ID_AA64DFR0_EL1.BRPs is 0x5; the host has 0x3/,
    );
    await assert.rejects(
      client.send('trapline/migrate', { hostProfile: '7-7-7' }),
      /no host profile "7-7-7"/,
    );
    assert.equal((await client.resume('next')).reason, 'step');
  });

  it('a guest that was promised less from the start can go where there is less', async () => {
    await client.start({
      program: sampleProgram('hello'),
      idRegisters: { ID_AA64DFR0_EL1: { BRPs: 3 } },
    });
    await client.stopped();
    await client.send('trapline/migrate', { hostProfile: '4-2-4' });
    await client.stopped();
    await client.send('continue', { threadId: 1 });
    await client.event('exited');
    assert.equal(client.output, expectedOutput('hello'));
  });

  it('more than the processor has cannot be promised', async () => {
    await assert.rejects(
      client.start({
        program: sampleProgram('hello'),
        idRegisters: { ID_AA64DFR0_EL1: { BRPs: 9 } },
      }),
      /BRPs is 0x9; the host has 0x5/,
    );
  });

  it('the Hypervisor scope names policy and owner', async () => {
    await client.start({ program: sampleProgram('hello') });
    await client.stopped();
    const variables = await client.unfold('Hypervisor');
    assert.equal(variables.find(({ name }) => name === 'policy')?.value, 'REMAP_SHARED');
    assert.equal(variables.find(({ name }) => name === 'owner')?.value, 'FREE');
  });

  it('a guest at EL2 has no hypervisor above it, and says so', async () => {
    await client.start({ program: sampleProgram('el2-hypervisor'), el: 2 }, async () => {
      const path = samplePath('el2-hypervisor', 'main.c');
      const [refused] = await breakAt([{ line: 1, mode: 'hw' }], path);
      assert.match(refused?.message ?? '', /runs at EL2 and owns the debug registers itself/);
    });
    await client.stopped();
    const [variable] = await client.unfold('Hypervisor');
    assert.match(variable?.value ?? '', /its own hypervisor/);
    await client.send('continue', { threadId: 1 });
    await client.event('exited');
    assert.equal(client.output, expectedOutput('el2-hypervisor'));
  });
});

describe('A guest that debugs itself', () => {
  it('can be stepped, unwound across its own exceptions, and stepped out of its handler', async () => {
    const client = new DapClient();
    await client.start(
      { program: sampleProgram('self-hosted-debug'), stopOnEntry: false },
      async () => {
        await client.send('setExceptionBreakpoints', { filters: ['debug-breakpoint'] });
      },
    );
    const stop = await client.stopped();
    assert.equal(stop.reason, 'exception');
    const names = (await client.stack()).map(({ name }) => name);
    assert.deepEqual(names.slice(0, 3), [
      'exception_vectors',
      'exception EL1←EL1 Breakpoint',
      'landmark',
    ]);
    assert.equal(names.at(-1), '_start');

    const breakpoints = [{ name: 'handle_exception' }];
    await client.send('setFunctionBreakpoints', { breakpoints });
    await client.resume('continue');
    const inHandler = (await client.stack()).map(({ name }) => name);
    assert.equal(inHandler[0], 'handle_exception');
    assert.ok(inHandler.includes('exception EL1←EL1 Breakpoint'), inHandler.join(' '));
    assert.ok(inHandler.includes('landmark'));
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });
});
