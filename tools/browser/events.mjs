// Stands for Node's module "events" in a browser bundle: the part that @vscode/debugadapter uses.
export class EventEmitter {
  #listeners = new Map();

  on(name, listener) {
    const listeners = this.#listeners.get(name) ?? [];
    this.#listeners.set(name, [...listeners, listener]);
    return this;
  }

  addListener(name, listener) {
    return this.on(name, listener);
  }

  once(name, listener) {
    const wrapped = (...values) => {
      this.removeListener(name, wrapped);
      listener(...values);
    };
    return this.on(name, wrapped);
  }

  removeListener(name, listener) {
    const listeners = this.#listeners.get(name) ?? [];
    this.#listeners.set(
      name,
      listeners.filter((it) => it !== listener),
    );
    return this;
  }

  off(name, listener) {
    return this.removeListener(name, listener);
  }

  removeAllListeners(name) {
    this.#listeners.delete(name);
    return this;
  }

  emit(name, ...values) {
    const listeners = this.#listeners.get(name) ?? [];
    for (const listener of listeners) listener.apply(this, values);
    return listeners.length > 0;
  }
}
