/** Requests that no sane client sends: each is answered, and none upsets the session. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { KNOWN_REQUESTS } from '../../debug-adapter/request-shapes.ts';
import { DapClient } from './support/client.ts';
import { samplePath, sampleProgram } from './support/samples.ts';

/** Those that end the session, or let the guest run on. */
const LEFT_OUT = new Set(['disconnect', 'terminate', 'restart', 'continue', 'pause', 'goto']);
const STEPS = new Set(['next', 'stepIn', 'stepOut']);
const commands = KNOWN_REQUESTS.filter((it) => !LEFT_OUT.has(it) && !STEPS.has(it));

const small = fc.oneof(fc.integer({ min: -2, max: 40 }), fc.maxSafeInteger(), fc.double());
const text = fc.oneof(
  fc.string(),
  fc.constantFrom(
    'main',
    '0x40080000',
    '0xffffffffffffffff',
    '$x0',
    '$MDSCR_EL1.MDE',
    'greetings',
    '*(int*)0',
    'auto',
    'hw',
  ),
  fc.constantFrom(
    'write',
    'read',
    'svc',
    'station',
    'sizeof(',
    '/(/',
    '*0x40080000',
    samplePath('hello', 'main.c'),
  ),
);
const scalar = fc.oneof(small, text, fc.boolean(), fc.constant(null));
/** Mostly what a request wants, sometimes anything. */
function mostly<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<unknown> {
  return fc.oneof({ arbitrary, weight: 9 }, { arbitrary: scalar, weight: 1 });
}
const index = mostly(fc.integer({ min: 0, max: 60 }));
const signed = mostly(fc.oneof(fc.integer({ min: -50, max: 5000 }), fc.maxSafeInteger()));
const plain = fc.record(
  {
    ...{ threadId: mostly(fc.constant(1)), frameId: mostly(fc.integer({ min: 1, max: 3 })) },
    ...{ variablesReference: index, name: mostly(text), value: mostly(text) },
    ...{
      expression: mostly(text),
      context: mostly(fc.constantFrom('watch', 'repl', 'hover', 'clipboard')),
    },
    ...{
      memoryReference: mostly(
        fc.constantFrom('0x40080000', '0x40084ffe', '0x0', '0xfffffffffffffffc'),
      ),
    },
    ...{ offset: signed, count: index, instructionOffset: signed, instructionCount: index },
    ...{ line: index, endLine: signed, column: signed, text: mostly(text), start: index },
    ...{
      startFrame: index,
      levels: index,
      sourceReference: index,
      data: mostly(fc.base64String()),
    },
    ...{ policy: mostly(fc.constantFrom('EAGER', 'LAZY_DIRTY', 'IFLAGS', 'OWNER')), id: index },
    ...{ accessType: mostly(fc.constantFrom('read', 'write', 'readWrite')), address: mostly(text) },
    ...{ length: index, bytes: index, asAddress: mostly(fc.boolean()), since: index, limit: index },
    ...{
      mode: mostly(fc.constantFrom('auto', 'hw', 'vm')),
      condition: mostly(text),
      hitCondition: mostly(text),
    },
    ...{ filter: mostly(fc.constantFrom('named', 'indexed')), requestId: index },
  },
  { requiredKeys: [] },
);
/** All of them at once: every request finds what it requires. */
const full = plain.chain((some) => fc.constant({ threadId: 1, frameId: 1, count: 16, ...some }));
const breakpoint = fc.record(
  {
    line: small,
    name: text,
    instructionReference: text,
    dataId: fc.oneof(text, fc.constantFrom('0x40081000+4 x', '0x0+8 y', '0xffffffffffffffff+8 z')),
    condition: text,
    hitCondition: text,
    logMessage: text,
    mode: fc.constantFrom('auto', 'hw', 'vm', 'sw', 'x'),
    accessType: fc.constantFrom('read', 'write', 'readWrite'),
  },
  { requiredKeys: [] },
);
const given = fc.oneof(
  plain,
  full,
  fc
    .tuple(
      plain,
      fc.record({ path: text, sourceReference: small }, { requiredKeys: [] }),
      fc.array(breakpoint, { maxLength: 3 }),
    )
    .map(([rest, source, breakpoints]) => ({ ...rest, source, breakpoints, filters: ['svc'] })),
  fc.jsonValue(),
);

describe('Random requests', () => {
  it('are all answered, with an error of the user where they make no sense', async () => {
    const client = new DapClient();
    await client.start({ program: sampleProgram('hello') });
    await client.stopped();
    const { id } = await client.topFrame();
    await client.scopes(id);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...commands), given, async (command, args) => {
        const { success, message } = await client.request(command, args);
        assert.ok(success || (message ?? '') !== '');
        // Emptied, so that shrinking is not misled by what came before.
        assert.deepEqual(client.logged.splice(0), [], `${command} ${JSON.stringify(args)}`);
      }),
      { numRuns: 3000 },
    );
    await client.send('setInstructionBreakpoints', { breakpoints: [] });
    assert.equal((await client.request('threads')).success, true);
    await client.disconnect();
  }).timeout(180_000);
});
