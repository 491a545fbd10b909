/**
 * The part of the WebAssembly JavaScript interface that the engine uses. `emulator/` is checked without DOM and Node
 * types, so that nothing else of a host resolves there. Source: W3C, "WebAssembly JavaScript Interface", 2.0.
 */
declare namespace WebAssembly {
  type ImportValue = ((...values: never[]) => unknown) | Memory | Table | Global;
  type Imports = Readonly<Record<string, Readonly<Record<string, ImportValue>>>>;
  type Exports = Readonly<Record<string, unknown>>;

  /** True when the bytes are a module that this host accepts, its extensions included. */
  function validate(bytes: Uint8Array): boolean;

  /** Compiled code. The constructor compiles at once and throws CompileError. */
  class Module {
    constructor(bytes: Uint8Array);
    readonly [Symbol.toStringTag]: string;
  }

  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }

  interface MemoryDescriptor {
    /** Pages of 64 KiB. */
    readonly initial: number;
    /** Pages of 64 KiB. */
    readonly maximum?: number;
    /** A shared memory needs `maximum` and is never detached by `grow`. */
    readonly shared?: boolean;
  }

  class Memory {
    constructor(descriptor: MemoryDescriptor);
    /** Replaced by `grow`: views of the old buffer are then detached. */
    readonly buffer: ArrayBuffer;
    /** Adds pages of 64 KiB; returns the size before, in pages. Throws RangeError when refused. */
    grow(pages: number): number;
  }

  interface TableDescriptor {
    readonly element: 'anyfunc' | 'externref';
    readonly initial: number;
    readonly maximum?: number;
  }

  class Table {
    constructor(descriptor: TableDescriptor);
    readonly length: number;
    get(index: number): unknown;
    set(index: number, value: unknown): void;
    /** Adds empty elements; returns the length before. */
    grow(elements: number): number;
  }

  interface GlobalDescriptor {
    readonly value: 'i32' | 'i64' | 'f32' | 'f64';
    readonly mutable?: boolean;
  }

  class Global {
    constructor(descriptor: GlobalDescriptor, value: number | bigint);
    value: number | bigint;
  }

  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}
}
