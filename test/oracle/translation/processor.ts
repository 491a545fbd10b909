/** Runs translation cases on a processing element of ours, with the harness's own image in its RAM. */
import { readFileSync } from 'node:fs';
import { ProcessingElement } from '../../../emulator/cpu/pe.ts';
import { v8_0 } from '../../../emulator/sysregs/processor-model.ts';
import { parseElf } from '../../../debug-adapter/symbols/elf.ts';
import { harnessFile } from '../qemu.ts';
import { hashSandbox } from '../sandbox.ts';
import * as L from './layout.ts';
import type { Tables } from './tables.ts';

/** Exceptions count too, so this is more than any case takes. */
const BUDGET = 40;
const EC_HVC = 0x16n;
const PAR_EL1_RES1 = 0x800n;
const SCTLR_EL2_OFF = 0x30c5_0830n;
const CONTROLS = L.INPUT_REGISTERS.slice(5);
const SYNDROMES = Object.entries(L.OUTPUT_REGISTERS).filter(([name]) => !name.startsWith('X'));
const ZEROED = SYNDROMES.map(([name]) => name).filter((name) => !/^(ELR|SPSR)_EL2$/.test(name));
const EL2_SYNDROMES = ['ESR_EL2', 'ELR_EL2', 'SPSR_EL2'] as const;

/** What the data is before each case. */
const BREAKPOINTS = new Uint8Array(
  Uint32Array.from({ length: L.DATA_BYTES / 4 }, (_, n) => 0xd420_0000 | (n << 5)).buffer,
);

export class TranslationProcessor {
  readonly #pe: ProcessingElement;
  readonly #image: Uint8Array;

  constructor() {
    this.#pe = new ProcessingElement({
      profile: v8_0,
      memory: [
        { base: BigInt(L.IMAGE), size: L.IMAGE_BYTES },
        { base: BigInt(L.DATA), size: L.DATA_BYTES },
        { base: BigInt(L.TABLES), size: L.TABLES_BYTES },
      ],
      bus: { read: () => undefined, write: () => false, peek: () => undefined },
      startEL: 2,
      semihosting: false,
    });
    this.#pe.exceptionHook = ({ targetEL }) => targetEL === 2;
    const { segments, bytes } = parseElf(
      new Uint8Array(readFileSync(harnessFile('translation'))),
      'translation.elf',
    );
    this.#image = new Uint8Array(L.IMAGE_BYTES);
    for (const { paddr, offset, fileSize } of segments) {
      this.#image.set(bytes.subarray(offset, offset + fileSize), Number(paddr) - L.IMAGE);
    }
  }

  /** Makes a batch's tables those of the cases that follow. */
  load(tables: Tables): void {
    const pe = this.#pe;
    pe.reset();
    this.#image.set(new Uint8Array(tables.imageTables.buffer), L.IMAGE_TABLES - L.IMAGE);
    this.#write(L.IMAGE, this.#image);
    this.#write(L.TABLES, new Uint8Array(tables.memory.buffer));
    pe.registers.write('VBAR_EL2', BigInt(L.EL2_VECTORS));
    pe.registers.write('CPTR_EL2', 0x33ffn);
    pe.registers.write('CPACR_EL1', 3n << 20n);
    this.#fillData();
  }

  #write(PA: number, bytes: Uint8Array): void {
    if (!this.#pe.engine.writePhysical(BigInt(PA), bytes)) throw new TypeError('no such RAM');
  }

  #fillData(): void {
    this.#write(L.DATA, BREAKPOINTS);
  }

  /** The output records of `count` input records. */
  run(inputs: Uint8Array, count: number): Uint8Array {
    const outputs = new Uint8Array(count * L.RECORD_BYTES);
    for (let n = 0; n < count; n += 1) {
      const at = n * L.RECORD_BYTES;
      this.#runCase(
        new BigUint64Array(inputs.buffer, inputs.byteOffset + at, L.RECORD_BYTES / 8),
        new BigUint64Array(outputs.buffer, at, L.RECORD_BYTES / 8),
      );
    }
    return outputs;
  }

  #runCase(input: BigUint64Array, output: BigUint64Array): void {
    const pe = this.#pe;
    const { state, registers } = pe;
    CONTROLS.forEach((name, n) => {
      registers.write(name, input[5 + n] ?? 0n);
    });
    for (const name of ZEROED) registers.write(name, name === 'PAR_EL1' ? PAR_EL1_RES1 : 0n);
    pe.invalidateTranslations();
    for (let n = 0; n < 3; n += 1) state.setX(n, input[n] ?? 0n);
    registers.write('ELR_EL2', input[3] ?? 0n);
    registers.write('SPSR_EL2', input[4] ?? 0n);
    pe.exceptionReturn();

    for (let event = pe.run(BUDGET); event.kind !== 'exceptionTaken'; event = pe.run(BUDGET)) {
      if (event.kind === 'unimplemented' && event.resumable) continue;
      throw new Error(`a translation case ended as ${event.kind} at 0x${state.PC.toString(16)}`);
    }

    for (let n = 0; n < 3; n += 1) output[n] = state.X(n);
    for (const [name, offset] of SYNDROMES) output[offset / 8] = registers.read(name);
    const ESR = registers.read('ESR_EL2');
    if (ESR >> 26n === EC_HVC) {
      output[L.VECTOR / 8] = ESR & 0xffffn;
      for (const name of EL2_SYNDROMES) output[L.OUTPUT_REGISTERS[name] / 8] = 0n;
    } else {
      output[L.VECTOR / 8] = 16n + ((state.PC - BigInt(L.EL2_VECTORS)) >> 7n);
    }
    registers.write('SCTLR_EL2', SCTLR_EL2_OFF);
    if (input[L.CHANGES_DATA / 8] === 1n) {
      const hash = new Uint32Array(output.buffer, output.byteOffset + L.HASH, 4);
      hashSandbox(this.#dataWords(), hash);
      this.#fillData();
    }
  }

  #dataWords(): Uint32Array {
    const bytes = this.#pe.engine.ram.view(BigInt(L.DATA), L.DATA_BYTES);
    if (bytes === undefined) throw new TypeError('no RAM for the data');
    return new Uint32Array(bytes.buffer, bytes.byteOffset, L.DATA_BYTES / 4);
  }
}
