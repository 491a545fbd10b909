/**
 * Numbers for objects that the client refers to: frames and containers of variables. A number is never used twice in a
 * session, so a reference from before the guest ran is recognised as stale.
 */
export class Handles<T> {
  readonly #objects = new Map<number, T>();
  #next = 1;

  create(object: T): number {
    const handle = this.#next++;
    this.#objects.set(handle, object);
    return handle;
  }

  get(handle: number): T | undefined {
    return this.#objects.get(handle);
  }

  /** Forgets every object; their numbers stay used. */
  clear(): void {
    this.#objects.clear();
  }
}
