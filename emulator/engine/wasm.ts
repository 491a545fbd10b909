/**
 * WebAssembly binary encoding: expression trees and structured control to module bytes.
 * Source: WebAssembly Core Specification 2.0, "Binary Format".
 */
import { eqz, local, STATE_BASE } from '../isa/expression.ts';
import type { Expr, ValueType } from '../isa/expression.ts';
import type { Variable } from '../isa/instruction.ts';
import { ByteSink } from './byte-sink.ts';
import { OPCODES } from './wasm-opcodes.ts';

const VALUE_TYPE: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};
const CONST_OPCODE = { i32: 0x41, i64: 0x42 } as const;
const V128_CONST = [0xfd, 0x0c] as const;
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
const GLOBAL_GET = 0x23;

/** Index of the module's only global. */
const STATE_BASE_GLOBAL = 0;

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
  readonly #code = new ByteSink();
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

  #stateBase: Expr<'i32'> | undefined;

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

  /** From here on STATE_BASE is read from a local instead of the instance's global. */
  keepStateBase(): void {
    const kept = this.permanentLocal('i32');
    this.set(kept, STATE_BASE);
    this.#stateBase = kept.value;
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
    this.#code.byte(LOCAL_SET);
    this.#code.unsignedLeb(variable.value.immediate as number);
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
      this.#code.byte(ELSE);
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
    this.#code.byte(RETURN);
  }

  /** Evaluates for its effect (a call) and drops the result. */
  evaluate(value: Expr): void {
    this.push(value);
    this.#code.byte(DROP);
  }

  /** Calls a function without a result. */
  callProcedure(name: string, ...args: readonly Expr[]): void {
    for (const arg of args) this.push(arg);
    this.#code.byte(CALL);
    this.#code.unsignedLeb(this.#module.functionIndex(name));
  }

  /** A store by its operator name, such as `i64.store8`. */
  storeTo(op: string, address: Expr<'i32'>, offset: number, value: Expr): void {
    this.push(address);
    this.push(value);
    this.#code.append(opcode(op));
    this.#code.byte(0);
    this.#code.unsignedLeb(offset);
  }

  // -- raw structure, for the dispatch loop
  #open(construct: number): Label {
    this.#code.byte(construct);
    this.#code.byte(EMPTY_BLOCK);
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
    this.#code.byte(END);
    this.#depth -= 1;
  }
  branchTable(index: Expr<'i32'>, targets: readonly Label[], otherwise: Label): void {
    this.push(index);
    this.#code.byte(BR_TABLE);
    this.#code.unsignedLeb(targets.length);
    for (const target of targets) this.#code.unsignedLeb(this.#depth - target);
    this.#code.unsignedLeb(this.#depth - otherwise);
  }
  /** Ahead of a loop's label, behind the end of a block. */
  branch(target: Label): void {
    this.#branch(BR, target);
  }
  #branch(op: number, target: Label): void {
    this.#code.byte(op);
    this.#code.unsignedLeb(this.#depth - target);
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
    this.#code.byte(0x00);
  }

  /** Emits the code that leaves the expression's value on the stack. */
  push(e: Expr): void {
    const code = this.#code;
    switch (e.op) {
      case 'const':
        this.#pushConstant(e);
        return;
      case 'local':
        code.byte(LOCAL_GET);
        code.unsignedLeb(e.immediate as number);
        return;
      case 'stateBase':
        if (this.#stateBase === undefined) code.append([GLOBAL_GET, STATE_BASE_GLOBAL]);
        else this.push(this.#stateBase);
        return;
      case 'call':
        for (const arg of e.args) this.push(arg);
        code.byte(CALL);
        code.unsignedLeb(this.#module.functionIndex(e.immediate as string));
        return;
      case 'call_indirect':
        for (const arg of e.args) this.push(arg);
        code.byte(CALL_INDIRECT);
        code.unsignedLeb(e.immediate as number);
        code.byte(0);
        return;
      default:
        break;
    }
    for (const arg of e.args) this.push(arg);
    code.append(opcode(e.op));
    if (e.immediate === undefined) return;
    if (e.op.includes('load')) {
      code.byte(0);
      code.unsignedLeb(e.immediate as number);
    } else if (e.immediate instanceof Uint8Array) {
      code.append(e.immediate);
    } else {
      code.byte(e.immediate as number);
    }
  }

  #pushConstant(e: Expr): void {
    const code = this.#code;
    if (e.type === 'i32' || e.type === 'i64') {
      code.byte(CONST_OPCODE[e.type]);
      if (typeof e.immediate === 'number') code.signedLeb32(e.immediate);
      else code.signedLeb64(e.immediate as bigint);
    } else if (e.type === 'v128') {
      code.append(V128_CONST);
      code.append(e.immediate as Uint8Array);
    } else {
      throw new TypeError(`${e.type} constants are written as bits and reinterpreted`);
    }
  }

  /** Writes the complete function body as the code section holds it, its size first. */
  writeBody(out: ByteSink): void {
    const groups: { count: number; type: ValueType }[] = [];
    for (const type of this.#locals) {
      const last = groups.at(-1);
      if (last?.type === type) last.count += 1;
      else groups.push({ count: 1, type });
    }
    const locals = new ByteSink();
    locals.unsignedLeb(groups.length);
    for (const { count, type } of groups) {
      locals.unsignedLeb(count);
      locals.byte(VALUE_TYPE[type]);
    }
    out.unsignedLeb(locals.length + this.#code.length + 1);
    out.append(locals.bytes);
    out.append(this.#code.bytes);
    out.byte(END);
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

  /** Module bytes; memory is imported as `env.memory`, STATE_BASE as `env.stateBase`, functions as `env.<name>`. */
  build(exports: readonly string[]): Uint8Array<ArrayBuffer> {
    const importTypes = this.#imports.map(({ signature }) => this.typeIndex(signature));
    const functionTypes = this.#functions.map(({ signature }) => this.typeIndex(signature));
    const out = new ByteSink();
    out.append([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    const section = (id: number, write: (content: ByteSink) => void): void => {
      const content = new ByteSink();
      write(content);
      out.byte(id);
      out.unsignedLeb(content.length);
      out.append(content.bytes);
    };

    section(1, (types) => {
      types.unsignedLeb(this.#types.length);
      for (const { parameters, results } of this.#types) {
        types.byte(0x60);
        for (const list of [parameters, results]) {
          types.unsignedLeb(list.length);
          for (const type of list) types.byte(VALUE_TYPE[type]);
        }
      }
    });
    section(2, (imports) => {
      imports.unsignedLeb(this.#imports.length + 2);
      imports.name('env');
      imports.name('memory');
      imports.append([0x02, 0x00, 0x01]);
      imports.name('env');
      imports.name('stateBase');
      imports.append([0x03, VALUE_TYPE.i32, 0x00]);
      this.#imports.forEach(({ name }, index) => {
        imports.name('env');
        imports.name(name);
        imports.byte(0x00);
        imports.unsignedLeb(importTypes[index] ?? 0);
      });
    });
    section(3, (functions) => {
      functions.unsignedLeb(functionTypes.length);
      for (const type of functionTypes) functions.unsignedLeb(type);
    });
    section(4, (tables) => {
      // One table of funcref, of exactly the size that its elements need.
      tables.append([1, 0x70, 0x01]);
      tables.unsignedLeb(this.#table.length);
      tables.unsignedLeb(this.#table.length);
    });
    section(7, (exported) => {
      exported.unsignedLeb(exports.length);
      for (const name of exports) {
        exported.name(name);
        exported.byte(0x00);
        exported.unsignedLeb(this.functionIndex(name));
      }
    });
    section(9, (elements) => {
      // One active segment for table 0 at i32.const 0.
      elements.append([1, 0, CONST_OPCODE.i32, 0, END]);
      elements.unsignedLeb(this.#table.length);
      for (const name of this.#table) elements.unsignedLeb(this.functionIndex(name));
    });
    section(10, (code) => {
      code.unsignedLeb(this.#functions.length);
      for (const { name, builder } of this.#functions) {
        if (!builder) throw new TypeError(`function "${name}" was declared and never defined`);
        builder.writeBody(code);
      }
    });
    return out.bytes.slice();
  }
}
