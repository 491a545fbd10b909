/** Translation tables as a walk reads them: from RAM, or from what the bus has at their address. */
import type { Engine } from '../engine/engine.ts';
import type { TableReader } from '../mmu/descriptor.ts';
import type { Bus } from './memory-access.ts';

export class TableMemory implements TableReader {
  low = 0;
  high = 0;
  readonly #engine: Engine;
  readonly #read: (PA: bigint) => bigint | undefined;
  readonly update: ((PA: number, low: number) => void) | undefined;

  /** With `peek` a device is read without side effects, for the debugger. */
  constructor(engine: Engine, bus: Bus, how: 'read' | 'peek') {
    this.#engine = engine;
    this.#read = (PA) => bus[how](PA, 8);
    if (how === 'peek') return;
    this.update = (PA, low) => {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, low, true);
      if (!engine.writePhysical(BigInt(PA), bytes)) bus.write(BigInt(PA), 4, BigInt(low));
    };
  }

  read(PA: number): boolean {
    const { ram } = this.#engine;
    const host = ram.hostOffset(PA);
    if (host !== undefined) {
      this.low = ram.word(host);
      this.high = ram.word(host + 4);
      return true;
    }
    const descriptor = this.#read(BigInt(PA));
    if (descriptor === undefined) return false;
    this.low = Number(descriptor & 0xffff_ffffn);
    this.high = Number(descriptor >> 32n);
    return true;
  }
}
