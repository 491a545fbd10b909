/** The translation mode of the oracle: the same tables, controls and accesses on QEMU and on our processor. */
import * as shared from '../layout.ts';
import { QemuHarness } from '../qemu.ts';
import { RandomBits } from '../random-bits.ts';
import { randomCase } from './cases.ts';
import type { TranslationCase } from './cases.ts';
import { compareTranslations } from './compare.ts';
import type { Difference } from '../compare.ts';
import { translationExplanationOf } from '../explained-differences.ts';
import * as L from './layout.ts';
import { TranslationProcessor } from './processor.ts';
import { Tables } from './tables.ts';

export interface TranslationDisagreement {
  readonly case: TranslationCase;
  readonly tables: Tables;
  readonly qemu: BigUint64Array;
  readonly ours: BigUint64Array;
  readonly differences: readonly Difference[];
}

export interface TranslationOptions {
  readonly cases: number;
  readonly seed: number;
  /** Unexplained disagreements that are kept; the others are counted. Default 1. */
  readonly keep?: number;
}

export interface TranslationResult {
  readonly cases: number;
  /** Cases whose access was made, or whose AT instruction found an address. */
  readonly executed: number;
  /** By reason. */
  readonly explained: ReadonlyMap<string, number>;
  readonly differences: number;
  readonly kept: readonly TranslationDisagreement[];
}

/** 40-bit physical addresses and all granules, as the processor of ours has. */
const QEMU_CPU = 'cortex-a76';
const STREAM = 5;

export class TranslationOracle {
  readonly #qemu: QemuHarness;
  readonly #processor = new TranslationProcessor();

  private constructor(qemu: QemuHarness) {
    this.#qemu = qemu;
  }
  static async start(): Promise<TranslationOracle> {
    const qemu = await QemuHarness.start({ harness: 'translation', cpu: QEMU_CPU, EL: 2 });
    return new TranslationOracle(qemu);
  }
  close(): void {
    this.#qemu.close();
  }

  /** Runs random cases; the same options give the same cases. */
  async run({ cases, seed, keep = 1 }: TranslationOptions): Promise<TranslationResult> {
    const bits = new RandomBits(seed, STREAM);
    const explained = new Map<string, number>();
    const kept: TranslationDisagreement[] = [];
    let differences = 0;
    let executed = 0;
    for (let done = 0; done < cases; done += L.BATCH_CASES) {
      const count = Math.min(L.BATCH_CASES, cases - done);
      const tables = new Tables(bits);
      this.#load(tables);
      const batch = Array.from({ length: count }, () => randomCase(bits, tables));
      const result = await this.#runBatch(batch, tables);
      executed += result.executed;
      for (const disagreement of result.disagreements) {
        const reason = translationExplanationOf(disagreement)?.reason;
        if (reason !== undefined) {
          explained.set(reason, (explained.get(reason) ?? 0) + 1);
          continue;
        }
        differences += 1;
        if (kept.length < keep) kept.push(disagreement);
      }
    }
    return { cases, executed, explained, differences, kept };
  }

  /** One case again, or a variation of it. */
  async runOne(it: TranslationCase, tables: Tables): Promise<TranslationDisagreement | undefined> {
    this.#load(tables);
    const { disagreements } = await this.#runBatch([it], tables);
    return disagreements[0];
  }

  #load(tables: Tables): void {
    this.#qemu.write(L.TABLES, new Uint8Array(tables.memory.buffer));
    this.#qemu.write(L.IMAGE_TABLES, new Uint8Array(tables.imageTables.buffer));
    this.#processor.load(tables);
  }

  async #runBatch(
    batch: readonly TranslationCase[],
    tables: Tables,
  ): Promise<{ disagreements: TranslationDisagreement[]; executed: number }> {
    const count = batch.length;
    const inputs = new BigUint64Array((count * L.RECORD_BYTES) / 8);
    batch.forEach(({ registers, access }, index) => {
      const first = (index * L.RECORD_BYTES) / 8;
      L.INPUT_REGISTERS.forEach((name, n) => {
        inputs[first + n] = registers[name];
      });
      inputs[first + L.CHANGES_DATA / 8] = access?.kind === 'write' ? 1n : 0n;
    });
    const bytes = new Uint8Array(inputs.buffer);
    this.#qemu.write(shared.INPUTS, bytes);
    const finished = this.#qemu.run(count);
    const ours = this.#processor.run(bytes, count);
    await finished();
    const theirs = this.#qemu.read(shared.OUTPUTS, count * L.RECORD_BYTES);
    const disagreements: TranslationDisagreement[] = [];
    let executed = 0;
    const record = (from: Uint8Array, n: number): BigUint64Array =>
      new BigUint64Array(from.buffer, n * L.RECORD_BYTES, L.RECORD_BYTES / 8);
    batch.forEach((it, n) => {
      const [qemu, own] = [record(theirs, n), record(ours, n)];
      if (hasExecuted(qemu)) executed += 1;
      const differences = compareTranslations(qemu, own);
      if (differences.length > 0) {
        disagreements.push({ case: it, tables, qemu, ours: own, differences });
      }
    });
    return { disagreements, executed };
  }
}

const EC_BRK = 0x3cn;

/** The case ended at a BRK, and not with a failed AT before it. */
function hasExecuted(record: BigUint64Array): boolean {
  const at = (offset: number): bigint => record[offset / 8] ?? 0n;
  const { ESR_EL1, ESR_EL2, PAR_EL1 } = L.OUTPUT_REGISTERS;
  const ESR = at(L.VECTOR) < 16n ? at(ESR_EL1) : at(ESR_EL2);
  return ESR >> 26n === EC_BRK && (at(PAR_EL1) & 1n) === 0n;
}
