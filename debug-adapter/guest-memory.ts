/** Guest memory as the debugger shows it: without the BRK instructions that `sw` breakpoints put there. */
import type { DebuggedMachine, MemoryBytes } from './machine.ts';

const INSTRUCTION_BYTES = 4;

export class GuestMemory {
  readonly #machine: DebuggedMachine;
  /** What stands below each patch, by address. */
  readonly #patches = new Map<bigint, Uint8Array>();

  constructor(machine: DebuggedMachine) {
    this.#machine = machine;
  }

  read(address: bigint, length: number): MemoryBytes {
    if (length <= 0) return { bytes: new Uint8Array(), complete: true };
    const result = this.#machine.readVirtual(BigInt.asUintN(64, address), length);
    if (this.#patches.size === 0) return result;
    const bytes = result.bytes.slice();
    for (const [patched, original] of this.#patches) overlay(bytes, address, patched, original);
    return { bytes, complete: result.complete };
  }

  /** All bytes or undefined. */
  readExactly(address: bigint, length: number): Uint8Array | undefined {
    const { bytes, complete } = this.read(address, length);
    return complete ? bytes : undefined;
  }

  /** An instruction word; undefined where nothing is mapped. */
  readInstruction(address: bigint): number | undefined {
    const bytes = this.readExactly(address, INSTRUCTION_BYTES);
    if (bytes === undefined) return undefined;
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }

  readUint64(address: bigint): bigint | undefined {
    const bytes = this.readExactly(address, 8);
    if (bytes === undefined) return undefined;
    return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  }

  /** Bytes written; a patch keeps its BRK and takes the new bytes as its original. */
  write(address: bigint, bytes: Uint8Array): number {
    const written = this.#machine.writeVirtual(BigInt.asUintN(64, address), bytes);
    for (const [patched, original] of this.#patches) {
      const distance = Number(patched - address);
      if (distance <= -INSTRUCTION_BYTES || distance >= written) continue;
      for (let i = 0; i < INSTRUCTION_BYTES; i++) {
        const byte = bytes[distance + i];
        if (byte !== undefined && distance + i < written) original[i] = byte;
      }
      this.#machine.writeVirtual(patched, BRK_BYTES);
    }
    return written;
  }

  isPatched(address: bigint): boolean {
    return this.#patches.has(address);
  }

  /** Puts a BRK there. @returns false where memory cannot be written */
  patch(address: bigint): boolean {
    if (this.#patches.has(address)) return true;
    const original = this.readExactly(address, INSTRUCTION_BYTES);
    if (original === undefined) return false;
    if (this.#machine.writeVirtual(address, BRK_BYTES) !== INSTRUCTION_BYTES) return false;
    this.#patches.set(address, original.slice());
    return true;
  }

  unpatch(address: bigint): void {
    const original = this.#patches.get(address);
    if (original === undefined) return;
    this.#machine.writeVirtual(address, original);
    this.#patches.delete(address);
  }

  /** Runs something with the original instruction in place. */
  withoutPatch<T>(address: bigint, action: () => T): T {
    const original = this.#patches.get(address);
    if (original === undefined) return action();
    this.#machine.writeVirtual(address, original);
    try {
      return action();
    } finally {
      if (this.#patches.has(address)) this.#machine.writeVirtual(address, BRK_BYTES);
    }
  }

  /** After a reset has loaded the image again. */
  patchAgain(): void {
    for (const address of this.#patches.keys()) this.#machine.writeVirtual(address, BRK_BYTES);
  }
}

/** BRK #0xf000, little-endian: an immediate that compilers do not use. */
const BRK_BYTES = Uint8Array.of(0x00, 0x00, 0x3e, 0xd4);

function overlay(bytes: Uint8Array, start: bigint, patched: bigint, original: Uint8Array): void {
  const distance = Number(patched - start);
  for (const [i, byte] of original.entries()) {
    const at = distance + i;
    if (at >= 0 && at < bytes.length) bytes[at] = byte;
  }
}
