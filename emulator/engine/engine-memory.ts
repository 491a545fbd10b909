/**
 * The one WebAssembly memory of a machine: a bank of state for each processor, the predecoded code and
 * the guest's RAM, which all processors share.
 */
import { createDecoder } from '../isa/decode.ts';
import type { Decoder } from '../isa/decode.ts';
import { implementedDefinitions } from '../isa/features.ts';
import type { Instruction } from '../isa/instruction.ts';
import { CodePages } from './code-pages.ts';
import type { SystemRegisterSlots } from './code-pages.ts';
import { generateInterpreter } from './interpreter.ts';
import type { InterpreterModule } from './interpreter.ts';
import * as L from './layout.ts';
import { Ram } from './ram.ts';
import type { RamRegion } from './ram.ts';
import type { RuntimeFunctionDefinition } from './runtime-function.ts';

export interface EngineMemoryOptions {
  readonly ram: readonly RamRegion[];
  /** Processors that will execute in it. Default 1. */
  readonly cpus?: number;
  readonly definitions: readonly Instruction[];
  readonly runtimeFunctions: readonly RuntimeFunctionDefinition[];
  /** Architectural features that are implemented, such as `FEAT_CRC32`. */
  readonly features: ReadonlySet<string>;
}

/** What an engine has to hear of, because another one may be the cause. */
export interface CodeObserver {
  /** Stores to the RAM page at this host address have to leave the fast path. */
  pageHasCode(hostPage: number, codePage: number): void;
  /** All predecoded pages are gone. */
  codeFlushed(): void;
  /** Records that carry a breakpoint of this engine. */
  breakpointRecords(): Iterable<number>;
}

let generated:
  | { key: string; interpreter: InterpreterModule; module: WebAssembly.Module; decoder: Decoder }
  | undefined;

/** The interpreter depends on the definitions alone; one is shared by every machine of a process. */
function sharedInterpreter({
  definitions,
  runtimeFunctions,
  features,
}: EngineMemoryOptions): NonNullable<typeof generated> {
  const implemented = implementedDefinitions(definitions, features);
  const key = `${definitions.length}/${[...features].sort().join()}`;
  if (generated?.key === key) return generated;
  const interpreter = generateInterpreter(implemented, runtimeFunctions, features.has('FEAT_BTI'));
  generated = {
    key,
    interpreter,
    module: new WebAssembly.Module(interpreter.bytes),
    decoder: createDecoder(implemented),
  };
  return generated;
}

export class EngineMemory {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
  readonly ram: Ram;
  readonly pages: CodePages;
  /** A byte for each page of RAM, in the order of host addresses: 1 where it holds code. */
  readonly codeMap: number;
  readonly cpus: number;
  readonly #observers: CodeObserver[] = [];
  #slots: SystemRegisterSlots | undefined;

  constructor(options: EngineMemoryOptions) {
    const { interpreter, module, decoder } = sharedInterpreter(options);
    this.module = module;
    this.cpus = options.cpus ?? 1;
    const capacity = CodePages.capacityFor(options.ram);
    const codeStart = this.cpus * L.BANK_BYTES;
    this.codeMap = codeStart + capacity * L.CODE_PAGE_BYTES;
    const ramPages = Ram.hostBytes(options.ram) / L.PAGE_BYTES;
    const ramStart = Math.ceil((this.codeMap + ramPages) / 0x10000) * 0x10000;
    const pages = Math.ceil((ramStart + Ram.hostBytes(options.ram)) / 0x10000);
    this.memory = new WebAssembly.Memory({ initial: pages });
    const { buffer } = this.memory;
    this.ram = new Ram(buffer, ramStart, options.ram);
    this.pages = new CodePages({
      memory: buffer,
      start: codeStart,
      capacity,
      ram: this.ram,
      map: { start: this.codeMap, firstPage: ramStart / L.PAGE_BYTES, pages: ramPages },
      decoder,
      interpreter,
      systemRegisterSlot: (packed, direction) => this.#slots?.(packed, direction),
      onHasCode: (hostPage, page) => {
        for (const observer of this.#observers) observer.pageHasCode(hostPage, page);
      },
      onFlush: () => {
        for (const observer of this.#observers) observer.codeFlushed();
      },
    });
  }

  /** Adds an engine. All have the same register file, so that they can share the predecoded code. */
  attach(observer: CodeObserver, slots: SystemRegisterSlots): void {
    this.#observers.push(observer);
    this.#slots ??= slots;
  }

  /** Takes the breakpoint of a record away, unless it is one of some engine. */
  unmark(record: number): void {
    for (const observer of this.#observers) {
      for (const marked of observer.breakpointRecords()) if (marked === record) return;
    }
    this.pages.unmark(record);
  }

  /** Drops all predecoded code: RAM was replaced as a whole. */
  flushCode(): void {
    this.pages.flush();
  }

  /** Writes RAM and drops what was predecoded from it. False where it is not all RAM. */
  writePhysical(pa: bigint, bytes: Uint8Array): boolean {
    if (!this.ram.write(pa, bytes)) return false;
    for (let done = 0; done < bytes.length;) {
      const host = this.ram.hostAddress(pa + BigInt(done));
      if (host === undefined) throw new TypeError('RAM that was written is not RAM');
      const inPage = Math.min(bytes.length - done, L.PAGE_BYTES - (host % L.PAGE_BYTES));
      this.pages.invalidate(host, inPage);
      done += inPage;
    }
    return true;
  }
}
