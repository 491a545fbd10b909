/** Repeats `look` until it gives something other than undefined or false; throws with `description` after the timeout. */
export async function waitUntil<T>(
  description: string,
  look: () => Promise<T | undefined | false>,
  timeoutMilliseconds = 20_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMilliseconds;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) {
      throw new Error(`Waited ${timeoutMilliseconds / 1000} s in vain: ${description}.`);
    }
    await sleep(60);
  }
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
