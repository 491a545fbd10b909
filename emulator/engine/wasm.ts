/**
 * WebAssembly binary encoding: expression trees and structured control to module bytes.
 * Source: WebAssembly Core Specification 2.0, "Binary Format".
 */
import { eqz, local } from '../isa/expression.ts';
import type { Expr, ValueType } from '../isa/expression.ts';
import type { Variable } from '../isa/instruction.ts';
import { OPCODES } from './wasm-opcodes.ts';

const VALUE_TYPE: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};
const CONST_OPCODE = { i32: 0x41, i64: 0x42 } as const;
const EMPTY_BLOCK = 0x40;

const BLOCK = 0x02;
const LOOP = 0x03;
const IF = 0x04;
const ELSE = 0x05;
const END = 0x0b;
const BR = 0x0c;
const BR_IF = 0x0d;
const BR_TABLE = 0x0e;
const RETURN = 0x0f;
const CALL = 0x10;
const CALL_INDIRECT = 0x11;
const DROP = 0x1a;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;

export function unsignedLeb(out: number[], value: number): void {
  let rest = value >>> 0;
  do {
    const byte = rest & 0x7f;
    rest >>>= 7;
    out.push(rest === 0 ? byte : byte | 0x80);
  } while (rest !== 0);
}

export function signedLeb(out: number[], value: bigint): void {
  if (value >= -0x4000_0000n && value < 0x4000_0000n) {
    let rest = Number(value);
    for (;;) {
      const byte = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0)) {
        out.push(byte);
        return;
      }
      out.push(byte | 0x80);
    }
  }
  let rest = value;
  for (;;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    if ((rest === 0n && (byte & 0x40) === 0) || (rest === -1n && (byte & 0x40) !== 0)) {
      out.push(byte);
      return;
    }
    out.push(byte | 0x80);
  }
}

export interface Signature {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** What a function body may refer to in its module. */
export interface ModuleIndices {
  /** Index of a function by its name. */
  readonly functionIndex: (name: string) => number;
  readonly typeIndex: (signature: Signature) => number;
}

/** A block or loop that code inside it can branch to. */
export type Label = number & { readonly brand: 'label' };

/** One function's code. Locals are pooled: `releaseLocals` makes them reusable from there on. */
export class FunctionBuilder {
  readonly signature: Signature;
  readonly code: number[] = [];
  readonly #module: ModuleIndices;
  /** Blocks, loops and ifs that are open. */
  #depth = 0;
  readonly #locals: ValueType[] = [];
  readonly #pools: Record<ValueType, { used: number; indices: number[] }> = {
    i32: { used: 0, indices: [] },
    i64: { used: 0, indices: [] },
    f32: { used: 0, indices: [] },
    f64: { used: 0, indices: [] },
    v128: { used: 0, indices: [] },
  };

  constructor(signature: Signature, module: ModuleIndices) {
    this.signature = signature;
    this.#module = module;
  }

  parameter<T extends ValueType>(index: number, type: T): Expr<T> {
    return local(type, index);
  }

  /** A local that `releaseLocals` never hands out again. */
  permanentLocal<T extends ValueType>(type: T): Variable<T> {
    const index = this.signature.parameters.length + this.#locals.length;
    this.#locals.push(type);
    return { type, value: local(type, index) };
  }

  #pooledLocal<T extends ValueType>(type: T): Variable<T> {
    const pool = this.#pools[type];
    const reused = pool.indices[pool.used];
    pool.used += 1;
    if (reused !== undefined) return { type, value: local(type, reused) };
    const fresh = this.permanentLocal(type);
    pool.indices.push(fresh.value.immediate as number);
    return fresh;
  }

  releaseLocals(): void {
    for (const pool of Object.values(this.#pools)) pool.used = 0;
  }

  variable<T extends ValueType>(initial: Expr<T>): Variable<T> {
    const variable = this.#pooledLocal(initial.type);
    this.set(variable, initial);
    return variable;
  }

  let<T extends ValueType>(value: Expr<T>): Expr<T> {
    return value.op === 'const' ? value : this.variable(value).value;
  }

  set<T extends ValueType>(variable: Variable<T>, value: Expr<T>): void {
    this.push(value);
    this.code.push(LOCAL_SET);
    unsignedLeb(this.code, variable.value.immediate as number);
  }

  if(condition: Expr<'i32'>, then: () => void, otherwise?: () => void): void {
    if (condition.op === 'const') {
      if (condition.immediate !== 0) then();
      else otherwise?.();
      return;
    }
    this.push(condition);
    this.#open(IF);
    then();
    if (otherwise) {
      this.code.push(ELSE);
      otherwise();
    }
    this.end();
  }

  while(condition: () => Expr<'i32'>, body: () => void): void {
    const done = this.beginBlock();
    const again = this.beginLoop();
    this.push(eqz(condition()));
    this.#branch(BR_IF, done);
    body();
    this.branch(again);
    this.end();
    this.end();
  }

  return(...values: readonly Expr[]): void {
    for (const value of values) this.push(value);
    this.code.push(RETURN);
  }

  /** Evaluates for its effect (a call) and drops the result. */
  evaluate(value: Expr): void {
    this.push(value);
    this.code.push(DROP);
  }

  /** Calls a function without a result. */
  callProcedure(name: string, ...args: readonly Expr[]): void {
    for (const arg of args) this.push(arg);
    this.code.push(CALL);
    unsignedLeb(this.code, this.#module.functionIndex(name));
  }

  /** A store by its operator name, such as `i64.store8`. */
  storeTo(op: string, address: Expr<'i32'>, offset: number, value: Expr): void {
    this.push(address);
    this.push(value);
    this.code.push(...opcode(op), 0);
    unsignedLeb(this.code, offset);
  }

  // -- raw structure, for the dispatch loop
  #open(construct: number): Label {
    this.code.push(construct, EMPTY_BLOCK);
    this.#depth += 1;
    return this.#depth as Label;
  }
  beginLoop(): Label {
    return this.#open(LOOP);
  }
  beginBlock(): Label {
    return this.#open(BLOCK);
  }
  end(): void {
    this.code.push(END);
    this.#depth -= 1;
  }
  branchTable(index: Expr<'i32'>, targets: readonly Label[], otherwise: Label): void {
    this.push(index);
    this.code.push(BR_TABLE);
    unsignedLeb(this.code, targets.length);
    for (const target of targets) unsignedLeb(this.code, this.#depth - target);
    unsignedLeb(this.code, this.#depth - otherwise);
  }
  /** Ahead of a loop's label, behind the end of a block. */
  branch(target: Label): void {
    this.#branch(BR, target);
  }
  #branch(op: number, target: Label): void {
    this.code.push(op);
    unsignedLeb(this.code, this.#depth - target);
  }
  /** Calls the function at `index` of the module's table; its result is left in the expression. */
  callTable<T extends ValueType>(
    signature: Signature & { readonly results: readonly [T] },
    index: Expr<'i32'>,
    ...args: readonly Expr[]
  ): Expr<T> {
    const type = this.#module.typeIndex(signature);
    return {
      type: signature.results[0],
      op: 'call_indirect',
      args: [...args, index],
      immediate: type,
    };
  }
  unreachable(): void {
    this.code.push(0x00);
  }

  /** Emits the code that leaves the expression's value on the stack. */
  push(e: Expr): void {
    const { code } = this;
    switch (e.op) {
      case 'const':
        this.#pushConstant(e);
        return;
      case 'local':
        code.push(LOCAL_GET);
        unsignedLeb(code, e.immediate as number);
        return;
      case 'call':
        for (const arg of e.args) this.push(arg);
        code.push(CALL);
        unsignedLeb(code, this.#module.functionIndex(e.immediate as string));
        return;
      case 'call_indirect':
        for (const arg of e.args) this.push(arg);
        code.push(CALL_INDIRECT);
        unsignedLeb(code, e.immediate as number);
        code.push(0);
        return;
      default:
        break;
    }
    for (const arg of e.args) this.push(arg);
    code.push(...opcode(e.op));
    if (e.immediate === undefined) return;
    if (e.op.includes('load')) {
      code.push(0);
      unsignedLeb(code, e.immediate as number);
    } else if (e.immediate instanceof Uint8Array) {
      code.push(...e.immediate);
    } else {
      code.push(e.immediate as number);
    }
  }

  #pushConstant(e: Expr): void {
    const { code } = this;
    if (e.type === 'i32' || e.type === 'i64') {
      code.push(CONST_OPCODE[e.type]);
      signedLeb(code, BigInt(e.immediate as number | bigint));
    } else if (e.type === 'v128') {
      code.push(0xfd, 0x0c, ...(e.immediate as Uint8Array));
    } else {
      throw new TypeError(`${e.type} constants are written as bits and reinterpreted`);
    }
  }

  /** The complete function body as the code section holds it. */
  body(): number[] {
    const groups: { count: number; type: ValueType }[] = [];
    for (const type of this.#locals) {
      const last = groups.at(-1);
      if (last?.type === type) last.count += 1;
      else groups.push({ count: 1, type });
    }
    const out: number[] = [];
    unsignedLeb(out, groups.length);
    for (const { count, type } of groups) {
      unsignedLeb(out, count);
      out.push(VALUE_TYPE[type]);
    }
    for (const byte of this.code) out.push(byte);
    out.push(END);
    return out;
  }
}

function opcode(op: string): readonly number[] {
  const bytes = OPCODES[op];
  if (!bytes) throw new TypeError(`unknown WebAssembly operator "${op}"`);
  return bytes;
}

/** A module whose functions call each other by name. */
export class ModuleBuilder {
  readonly #types: Signature[] = [];
  readonly #typeIndex = new Map<string, number>();
  readonly #imports: { name: string; signature: Signature }[] = [];
  readonly #functions: { name: string; signature: Signature; builder?: FunctionBuilder }[] = [];
  readonly #indices = new Map<string, number>();
  readonly #table: string[] = [];

  readonly functionIndex = (name: string): number => {
    const index = this.#indices.get(name);
    if (index === undefined) throw new TypeError(`no function named "${name}" in this module`);
    return index;
  };

  importFunction(name: string, signature: Signature): void {
    if (this.#functions.length > 0) throw new TypeError('imports come before functions');
    this.#indices.set(name, this.#imports.length);
    this.#imports.push({ name, signature });
  }

  /** Reserves the name, so that others can call it before its body exists. */
  declareFunction(name: string, signature: Signature): void {
    if (this.#indices.has(name)) throw new TypeError(`function "${name}" is declared twice`);
    this.#indices.set(name, this.#imports.length + this.#functions.length);
    this.#functions.push({ name, signature });
  }

  /** The builder for the body of a declared function. */
  defineFunction(name: string): FunctionBuilder {
    const entry = this.#functions[this.functionIndex(name) - this.#imports.length];
    if (!entry) throw new TypeError(`"${name}" is imported and has no body here`);
    entry.builder = new FunctionBuilder(entry.signature, this);
    return entry.builder;
  }

  /** Puts functions into the module's table, in this order from index 0. */
  defineTable(names: readonly string[]): void {
    this.#table.push(...names);
  }

  readonly typeIndex = (signature: Signature): number => {
    const key = `${signature.parameters.join()}>${signature.results.join()}`;
    const known = this.#typeIndex.get(key);
    if (known !== undefined) return known;
    const index = this.#types.length;
    this.#types.push(signature);
    this.#typeIndex.set(key, index);
    return index;
  };

  /** Module bytes; memory is imported as `env.memory`, functions as `env.<name>`. */
  build(exports: readonly string[]): Uint8Array<ArrayBuffer> {
    const importTypes = this.#imports.map(({ signature }) => this.typeIndex(signature));
    const functionTypes = this.#functions.map(({ signature }) => this.typeIndex(signature));
    const chunks: Uint8Array[] = [Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0)];
    const section = (id: number, content: Uint8Array | readonly number[]): void => {
      const header: number[] = [id];
      unsignedLeb(header, content.length);
      chunks.push(Uint8Array.from(header), Uint8Array.from(content));
    };
    const name = (out: number[], text: string): void => {
      unsignedLeb(out, text.length);
      for (const char of text) out.push(char.charCodeAt(0));
    };

    const types: number[] = [];
    unsignedLeb(types, this.#types.length);
    for (const { parameters, results } of this.#types) {
      types.push(0x60);
      for (const list of [parameters, results]) {
        unsignedLeb(types, list.length);
        for (const type of list) types.push(VALUE_TYPE[type]);
      }
    }
    section(1, types);

    const imports: number[] = [];
    unsignedLeb(imports, this.#imports.length + 1);
    name(imports, 'env');
    name(imports, 'memory');
    imports.push(0x02, 0x00, 0x01);
    this.#imports.forEach((entry, index) => {
      name(imports, 'env');
      name(imports, entry.name);
      imports.push(0x00);
      unsignedLeb(imports, importTypes[index] ?? 0);
    });
    section(2, imports);

    const functions: number[] = [];
    unsignedLeb(functions, functionTypes.length);
    for (const type of functionTypes) unsignedLeb(functions, type);
    section(3, functions);

    // One table of funcref, of exactly the size that its elements need.
    const table = [1, 0x70, 0x01];
    unsignedLeb(table, this.#table.length);
    unsignedLeb(table, this.#table.length);
    section(4, table);

    const exported: number[] = [];
    unsignedLeb(exported, exports.length);
    for (const text of exports) {
      name(exported, text);
      exported.push(0x00);
      unsignedLeb(exported, this.functionIndex(text));
    }
    section(7, exported);

    // One active segment for table 0 at i32.const 0.
    const elements = [1, 0, CONST_OPCODE.i32, 0, END];
    unsignedLeb(elements, this.#table.length);
    for (const text of this.#table) unsignedLeb(elements, this.functionIndex(text));
    section(9, elements);

    const bodies = this.#functions.map(({ name: text, builder }) => {
      if (!builder) throw new TypeError(`function "${text}" was declared and never defined`);
      return builder.body();
    });
    const count: number[] = [];
    unsignedLeb(count, bodies.length);
    let length = count.length;
    const sizes = bodies.map((body) => {
      const size: number[] = [];
      unsignedLeb(size, body.length);
      length += size.length + body.length;
      return size;
    });
    const code = new Uint8Array(length);
    code.set(count, 0);
    let at = count.length;
    bodies.forEach((body, index) => {
      const size = sizes[index] ?? [];
      code.set(size, at);
      at += size.length;
      code.set(body, at);
      at += body.length;
    });
    section(10, code);

    const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const bytes = new Uint8Array(total);
    let offset = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    return bytes;
  }
}
