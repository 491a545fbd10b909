/** The differential oracle: the same random cases on QEMU and on our processing element. */
import { Batch } from './batch.ts';
import type { Case } from './batch.ts';
import { compareRecords } from './compare.ts';
import { explanationOf } from './explained-differences.ts';
import type { Disagreement } from './explained-differences.ts';
import { generators } from './generators.ts';
import type { GeneratorName } from './generators.ts';
import * as L from './layout.ts';
import { models } from './models.ts';
import type { ModelName } from './models.ts';
import { TestedProcessor } from './processor.ts';
import { QemuHarness } from './qemu.ts';
import { RandomBits } from './random-bits.ts';
import { randomState } from './random-state.ts';

export interface OracleOptions {
  readonly generator: GeneratorName;
  readonly cases: number;
  readonly seed: number;
  /** Unexplained disagreements that are kept; the others are counted. Default 1. */
  readonly keep?: number;
}

export interface KeptDisagreement extends Disagreement {
  /** The batch it was found in, with which it can be run again. */
  readonly batch: Batch;
}

export interface OracleResult {
  readonly cases: number;
  /** Cases whose first instruction executed instead of being UNDEFINED or refused. */
  readonly executed: number;
  /** By reason. */
  readonly explained: ReadonlyMap<string, number>;
  readonly differences: number;
  readonly kept: readonly KeptDisagreement[];
}

/** Distinguishes the random streams of the generators under one seed. */
const STREAMS: Readonly<Record<GeneratorName, number>> = {
  mutated: 1,
  llvm: 2,
  system: 3,
  sequence: 4,
  float: 6,
  encodings: 7,
  'pointer-authentication': 8,
  'branch-target': 9,
};

export class Oracle {
  readonly #qemu: QemuHarness;
  readonly #processor: TestedProcessor;
  readonly #model: ModelName;

  private constructor(qemu: QemuHarness, model: ModelName) {
    this.#qemu = qemu;
    this.#model = model;
    this.#processor = new TestedProcessor(models[model].model);
  }
  static async start(model: ModelName): Promise<Oracle> {
    const { cpu } = models[model];
    return new Oracle(await QemuHarness.start({ harness: 'harness', cpu, EL: 1 }), model);
  }
  close(): void {
    this.#qemu.close();
  }

  /** Runs random cases; the same options give the same cases. */
  async run({ generator, cases, seed, keep = 1 }: OracleOptions): Promise<OracleResult> {
    const { model } = models[this.#model];
    const generate = generators[generator](model);
    const bits = new RandomBits(seed, STREAMS[generator]);
    const explained = new Map<string, number>();
    const kept: KeptDisagreement[] = [];
    let differences = 0;
    let executed = 0;
    for (let done = 0; done < cases; done += L.BATCH_CASES) {
      const count = Math.min(L.BATCH_CASES, cases - done);
      const batch = new Batch();
      for (let index = 0; index < count; index += 1) {
        const { EL, words, prepare } = generate(bits);
        batch.setWords(index, EL, words);
        randomState(bits, batch.input(index), model);
        prepare?.(batch.input(index));
      }
      const { disagreements, executed: some } = await this.#runBatch(batch, 0, count);
      executed += some;
      for (const disagreement of disagreements) {
        const reason = explanationOf(disagreement)?.reason;
        if (reason !== undefined) {
          explained.set(reason, (explained.get(reason) ?? 0) + 1);
          continue;
        }
        differences += 1;
        if (kept.length < keep) kept.push({ ...disagreement, batch });
      }
    }
    return { cases, executed, explained, differences, kept };
  }

  /** One case of a batch again, with the batch's code around it. */
  async runOne(batch: Batch, index: number): Promise<Disagreement | undefined> {
    const { disagreements } = await this.#runBatch(batch, index, 1);
    return disagreements[0];
  }

  /** The sandboxes as the last case that was run left them. */
  sandboxes(): { readonly qemu: Uint8Array; readonly ours: Uint8Array } {
    return {
      qemu: this.#qemu.read(L.SANDBOX, L.SANDBOX_BYTES),
      ours: this.#processor.sandbox(),
    };
  }

  async #runBatch(
    batch: Batch,
    first: number,
    count: number,
  ): Promise<{ disagreements: Disagreement[]; executed: number }> {
    const inputs = batch.inputs.subarray(first * L.RECORD_BYTES, (first + count) * L.RECORD_BYTES);
    this.#qemu.write(L.STAGED_CODE, new Uint8Array(batch.code.buffer));
    this.#qemu.write(L.INPUTS, inputs);
    const finished = this.#qemu.run(count);
    const ours = this.#processor.run(batch, first, count);
    await finished();
    const theirs = this.#qemu.read(L.OUTPUTS, count * L.RECORD_BYTES);
    const disagreements: Disagreement[] = [];
    let executed = 0;
    const record = (bytes: Uint8Array, n: number): BigUint64Array =>
      new BigUint64Array(bytes.buffer, n * L.RECORD_BYTES, L.RECORD_BYTES / 8);
    for (let n = 0; n < count; n += 1) {
      const found = batch.cases[first + n];
      if (found === undefined) throw new RangeError(`the batch has no case ${first + n}`);
      const [qemu, own] = [record(theirs, n), record(ours, n)];
      if (hasExecuted(found, qemu)) executed += 1;
      if (sameRecords(qemu, own)) continue;
      const compared = compareRecords(qemu, own);
      if (compared.length === 0) continue;
      const input = record(batch.inputs, first + n);
      disagreements.push({
        model: this.#model,
        case: found,
        input,
        qemu,
        ours: own,
        differences: compared,
      });
    }
    return { disagreements, executed };
  }
}

/** The first instruction left its slot's first address, or was an exception of its own. */
function hasExecuted({ index }: Case, record: BigUint64Array): boolean {
  const isUndefined = (record[L.ESR / 8] ?? 0n) >> 26n === 0n;
  return !isUndefined || record[L.ELR / 8] !== BigInt(L.CODE + index * L.SLOT_BYTES);
}

/** Bytes that nobody writes are zero in ours and stale in none: the harness leaves them alone. */
function sameRecords(a: BigUint64Array, b: BigUint64Array): boolean {
  for (let n = 0; n < a.length; n += 1) if (a[n] !== b[n]) return false;
  return true;
}
