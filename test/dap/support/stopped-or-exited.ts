import type { DapClient } from './client.ts';

/** How many events of each client have been looked at. */
const seen = new WeakMap<DapClient, number>();
const PATIENCE = 10_000;

/** What comes next after a request that lets the guest run, when it may end. Not to be mixed with `stopped()`. */
export async function stoppedOrExited(client: DapClient): Promise<'stopped' | 'exited'> {
  const { events } = client;
  const deadline = performance.now() + PATIENCE;
  for (let i = seen.get(client) ?? 0; ; i++) {
    while (i >= events.length) {
      if (performance.now() > deadline) throw new Error('The guest neither stopped nor exited');
      await new Promise((resolve) => setImmediate(resolve));
    }
    const name = events[i]?.event;
    if (name !== 'stopped' && name !== 'exited') continue;
    seen.set(client, i + 1);
    return name;
  }
}
