/** How a session waits while its guest does. The clock is the test's: nothing here depends on how fast anything is. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Host } from '../../debug-adapter/host.ts';
import * as a64 from '../support/a64.ts';
import { DapClient } from './support/client.ts';

/** The first one of a guest takes the event that the hypervisor's ERET was. */
const WFE = 0xd503205f;
/** hlt #0xf000 */
const SEMIHOSTING = 0xd45e0000;
const TICKS_PER_SECOND = 62_500_000n;
const SYS_WRITEC_FROM_X3 = [...a64.mov(1, 0x4100_0000n), a64.strb(3, 1), ...a64.mov(0, 3n)];

/** Stores of 32 bits, as those of 64 are none that a GIC takes. */
const storeWord = (address: bigint, value: bigint): number[] => [
  ...a64.mov(1, address),
  ...a64.mov(0, value),
  0xb9000020, // str w0, [x1]
];

/** Lets the virtual timer wake the processor. */
const INTERRUPTS = [
  ...storeWord(0x0800_0000n, 1n),
  ...storeWord(0x0801_0004n, 0xffn),
  ...storeWord(0x0801_0000n, 1n),
  ...storeWord(0x0800_0100n, 1n << 27n),
];

const POWER_OFF = [...a64.mov(0, 0x8400_0008n), a64.hvc(0)];

/** Sleeps by its timer, and turns itself off. */
const sleeper = (seconds: bigint): number[] => [
  ...INTERRUPTS,
  ...a64.set('CNTV_TVAL_EL0', seconds * TICKS_PER_SECOND),
  ...a64.set('CNTV_CTL_EL0', 1n),
  a64.wfi,
  ...POWER_OFF,
];

/** Sends back what it is sent, until a dot. */
const echo: readonly number[] = (() => {
  const body = [
    ...a64.mov(0, 7n),
    SEMIHOSTING,
    a64.addImmediate(3, 0, 0),
    ...SYS_WRITEC_FROM_X3,
    SEMIHOSTING,
    a64.subsImmediate(4, 3, 0x2e),
  ];
  return [...body, a64.bne(-4 * body.length), ...POWER_OFF];
})();

/** A clock that stands still but while something waits for it. */
class TestClock {
  milliseconds = 1000;
  /** How long was waited, one by one. */
  readonly waits: number[] = [];
  /** What waits now; with `manual` the test lets it end. */
  pending: (() => void) | undefined;
  readonly #manual: boolean;

  constructor(options: { readonly manual?: boolean } = {}) {
    this.#manual = options.manual ?? false;
  }

  async waiting(): Promise<void> {
    while (this.pending === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  get host(): Partial<Host> {
    return {
      now: () => this.milliseconds,
      after: (milliseconds, callback) => {
        this.waits.push(milliseconds);
        let cancelled = false;
        const end = (): void => {
          this.pending = undefined;
          if (cancelled) return;
          this.milliseconds += milliseconds;
          callback();
        };
        this.pending = end;
        if (!this.#manual) setImmediate(end);
        return () => {
          cancelled = true;
          this.pending = undefined;
        };
      },
    };
  }
}

describe('A guest that waits', () => {
  let folder: string;
  let client: DapClient;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'trapline-pacing-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  afterEach(async () => {
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  async function start(
    words: readonly number[],
    clock: TestClock,
    more: object = {},
  ): Promise<void> {
    client = new DapClient({ host: clock.host });
    const program = path.join(folder, 'guest.bin');
    writeFileSync(program, Buffer.from(Uint32Array.from(words).buffer));
    const stopOnEntry = false;
    await client.start({
      program,
      loadAddress: '0x40080000',
      stopOnEntry,
      pace: 'realtime',
      ...more,
    });
  }

  it('ten seconds takes ten seconds, in one wait', async () => {
    const clock = new TestClock();
    await start(sleeper(10n), clock);
    await client.event('exited');
    assert.equal(clock.waits.length, 1);
    assert.ok(Math.abs((clock.waits[0] ?? 0) - 10_000) < 1, String(clock.waits[0]));
  });

  it('takes no time with "pace": "none"', async () => {
    const clock = new TestClock();
    await start(sleeper(10n), clock, { pace: 'none' });
    await client.event('exited');
    assert.deepEqual(clock.waits, []);
  });

  for (const pace of ['realtime', 'none']) {
    it(`for the console with "pace": "${pace}" has no timer at all, and is woken by what is typed`, async () => {
      const clock = new TestClock();
      await start(echo, clock, { pace });
      let output = '';
      for (const text of ['a', 'bc', '.']) {
        await client.send('trapline/consoleInput', { text });
        while (!output.endsWith(text)) {
          const { output: more } = await client.event<{ category: string; output: string }>(
            'output',
            ({ category }) => category === 'stdout',
          );
          output += more;
        }
      }
      await client.event('exited');
      assert.equal(output, 'abc.');
      assert.deepEqual(clock.waits, []);
    });
  }

  it('is paused at once, and its time goes on where it was', async () => {
    const clock = new TestClock({ manual: true });
    await start(sleeper(10n), clock);
    await clock.waiting();
    clock.milliseconds += 4000;
    assert.equal((await client.resume('pause')).reason, 'pause');
    const seconds = Number(await client.evaluate('$CNTVCT_EL0')) / Number(TICKS_PER_SECOND);
    assert.ok(Math.abs(seconds - 4) < 0.001, String(seconds));
    // An hour at a breakpoint is none for the guest.
    clock.milliseconds += 3_600_000;
    await client.send('continue', { threadId: 1 });
    await clock.waiting();
    assert.ok(Math.abs((clock.waits[1] ?? 0) - 6000) < 1, String(clock.waits[1]));
    clock.pending?.();
    await client.event('exited');
  });

  it('for what cannot come is told so, by WFE as by WFI', async () => {
    const clock = new TestClock();
    await start([WFE, WFE, a64.nop], clock);
    const stop = await client.stopped();
    assert.equal(stop.reason, 'exception');
    assert.match(stop.description ?? '', /waits for an event that cannot come/);
    const info = await client.send<{ description: string }>('exceptionInfo', { threadId: 1 });
    assert.match(info.description, /executed WFE at 0x40080004, .*CNTKCTL_EL1\.EVNTEN/);
  });
});
