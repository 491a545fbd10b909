/** @see DebuggedMachine */
export interface VcpuSelection {
  readonly currentVcpu: number;
  selectVcpu(vcpu: number): void;
}

/**
 * Numbers for objects that the client refers to: frames and containers of variables. A number is never used twice in a
 * session, so a reference from before the guest ran is recognised as stale. An object belongs to the vCPU that was the
 * current one when its number was made, and using it makes that vCPU the current one again.
 */
export class Handles<T> {
  readonly #objects = new Map<number, { readonly object: T; readonly vcpu: number }>();
  readonly #vcpus: VcpuSelection;
  #next = 1;

  constructor(vcpus: VcpuSelection) {
    this.#vcpus = vcpus;
  }

  create(object: T): number {
    const handle = this.#next++;
    this.#objects.set(handle, { object, vcpu: this.#vcpus.currentVcpu });
    return handle;
  }

  get(handle: number): T | undefined {
    const entry = this.#objects.get(handle);
    if (entry !== undefined) this.#vcpus.selectVcpu(entry.vcpu);
    return entry?.object;
  }

  /** Forgets every object; their numbers stay used. */
  clear(): void {
    this.#objects.clear();
  }
}
