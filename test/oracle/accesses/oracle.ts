/** The access mode of the oracle: which accesses are allowed, and which exception the others are. */
import { accessExplanationOf } from '../explained-differences.ts';
import * as shared from '../layout.ts';
import { models } from '../models.ts';
import type { ModelName } from '../models.ts';
import { QemuHarness } from '../qemu.ts';
import { RandomBits } from '../random-bits.ts';
import { AccessCases } from './cases.ts';
import type { AccessCase } from './cases.ts';
import { compareAccesses, exceptionClassOf } from './compare.ts';
import type { AccessDisagreement } from './compare.ts';
import * as L from './layout.ts';
import { AccessProcessor } from './processor.ts';

export interface AccessOptions {
  readonly cases: number;
  readonly seed: number;
  /** Unexplained disagreements that are kept; the others are counted. Default 1. */
  readonly keep?: number;
}

export interface AccessResult {
  readonly cases: number;
  /** Cases whose instruction was executed. */
  readonly executed: number;
  /** By reason. */
  readonly explained: ReadonlyMap<string, number>;
  readonly differences: number;
  readonly kept: readonly AccessDisagreement[];
}

const STREAM = 8;
const EC_BRK = 0x3c;
const DAIF = 0x3c0n;

export class AccessOracle {
  readonly #qemu: QemuHarness;
  readonly #model: ModelName;
  readonly #processor: AccessProcessor;
  readonly #cases: AccessCases;

  private constructor(qemu: QemuHarness, model: ModelName) {
    this.#qemu = qemu;
    this.#model = model;
    this.#processor = new AccessProcessor(models[model].model);
    this.#cases = new AccessCases(models[model].model);
  }
  static async start(model: ModelName): Promise<AccessOracle> {
    const { cpu } = models[model];
    return new AccessOracle(await QemuHarness.start({ harness: 'accesses', cpu, EL: 2 }), model);
  }
  close(): void {
    this.#qemu.close();
  }

  /** Runs random cases; the same options give the same cases. */
  async run({ cases, seed, keep = 1 }: AccessOptions): Promise<AccessResult> {
    const bits = new RandomBits(seed, STREAM);
    const explained = new Map<string, number>();
    const kept: AccessDisagreement[] = [];
    let differences = 0;
    let executed = 0;
    for (let done = 0; done < cases; done += L.BATCH_CASES) {
      const count = Math.min(L.BATCH_CASES, cases - done);
      const batch = Array.from({ length: count }, () => this.#cases.random(bits));
      const result = await this.runBatch(batch);
      executed += result.executed;
      for (const disagreement of result.disagreements) {
        const reason = accessExplanationOf(disagreement)?.reason;
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

  async runBatch(
    batch: readonly AccessCase[],
  ): Promise<{ disagreements: AccessDisagreement[]; executed: number }> {
    const inputs = new BigUint64Array((batch.length * L.INPUT_BYTES) / 8);
    batch.forEach(({ EL, SPSel, word, X0, controls }, n) => {
      const first = (n * L.INPUT_BYTES) / 8;
      inputs[first + L.WORD / 8] = BigInt(word);
      inputs[first + L.X0 / 8] = X0;
      inputs[first + L.PC / 8] = BigInt(shared.CODE + n * L.CODE_BYTES);
      inputs[first + L.SPSR / 8] = DAIF | BigInt((EL << 2) | SPSel);
      L.CONTROLS.forEach((name, index) => {
        inputs[first + L.FIRST_CONTROL / 8 + index] = controls[name];
      });
    });
    this.#qemu.write(shared.INPUTS, new Uint8Array(inputs.buffer));
    const finished = this.#qemu.run(batch.length);
    const ours = this.#processor.run(inputs, batch.length);
    await finished();
    const bytes = this.#qemu.read(shared.OUTPUTS, batch.length * L.OUTPUT_BYTES);
    const theirs = new BigUint64Array(bytes.buffer);
    const disagreements: AccessDisagreement[] = [];
    let executed = 0;
    batch.forEach((it, n) => {
      const record = (from: BigUint64Array): BigUint64Array =>
        from.slice((n * L.OUTPUT_BYTES) / 8, ((n + 1) * L.OUTPUT_BYTES) / 8);
      const [qemu, own] = [record(theirs), record(ours)];
      if (exceptionClassOf(own) === EC_BRK) executed += 1;
      const differences = compareAccesses(it, this.#cases.registers, qemu, own);
      if (differences.length > 0) {
        disagreements.push({ model: this.#model, case: it, qemu, ours: own, differences });
      }
    });
    return { disagreements, executed };
  }
}
