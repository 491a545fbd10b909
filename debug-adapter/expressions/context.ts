import type { EvaluationContext, Location } from '../symbols/location.ts';
import type { EnumType, Type } from '../symbols/types.ts';

/** A variable in scope. Its location is asked for at each evaluation. */
export interface BoundVariable {
  readonly type: Type;
  locate(): Location;
}

/** A field of a system register. */
export interface RegisterField {
  readonly name: string;
  readonly lsb: number;
  /** Bits. */
  readonly width: number;
}

/** A register that expressions name `$x0`, or a fact about the machine that they name `@cpu`. */
export interface RegisterHandle {
  readonly name: string;
  readonly byteSize: 1 | 2 | 4 | 8 | 16;
  /** 'data' and 'code' are shown as pointers; 'vector' has the members b, h, s, d and q. */
  readonly kind: 'signed' | 'unsigned' | 'data' | 'code' | 'float' | 'vector';
  /** The register's bits, not negative; undefined when it is not known in this frame. */
  read(): bigint | undefined;
  /** Missing for a register that cannot be written. */
  readonly write?: (value: bigint) => void;
  readonly fields?: readonly RegisterField[];
}

/** What an expression is evaluated against: one frame of one stopped thread. */
export interface ExpressionContext {
  /** Registers and memory for locations; without a frame its registers are all unknown. */
  readonly frame: EvaluationContext;
  /** @param qualifier the file or function of `file.c::name` */
  findVariable(name: string, qualifier: string | undefined): BoundVariable | undefined;
  findFunction(name: string): { readonly type: Type; readonly address: bigint } | undefined;
  findEnumerator(name: string): { readonly value: bigint; readonly type: EnumType } | undefined;
  /** `struct task`, `uint32_t`. */
  findType(name: string): Type | undefined;
  /** The definition of a struct that was only declared. */
  completeType(type: Type): Type;
  /** @param name without `$`, in any case; with `@` for a fact about the machine */
  register(name: string): RegisterHandle | undefined;
  /** All bytes or undefined. */
  readMemory(address: bigint, length: number): Uint8Array | undefined;
  /** False when the memory cannot be written. */
  writeMemory(address: bigint, bytes: Uint8Array): boolean;
  /** Writes a DWARF register of the frame; false when it cannot be written. */
  writeRegister(register: number, value: bigint): boolean;
  /** `main+4` for an address that a symbol covers. */
  describeAddress(address: bigint): string | undefined;
}
