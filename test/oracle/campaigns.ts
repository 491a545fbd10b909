/** Everything that the oracle can be asked for, by name: the generators, and the translation mode. */
import { AccessOracle } from './accesses/oracle.ts';
import { describeAccess, kindOfAccess } from './accesses/report.ts';
import { generatorNames } from './generators.ts';
import type { GeneratorName } from './generators.ts';
import type { ModelName } from './models.ts';
import { Oracle } from './oracle.ts';
import { describe, kindOf } from './report.ts';
import { shrink } from './shrink.ts';
import { TranslationOracle } from './translation/oracle.ts';
import { describeTranslation, kindOfTranslation } from './translation/report.ts';
import { shrinkTranslation } from './translation/shrink.ts';

export type CampaignName = GeneratorName | 'translation' | 'accesses';
export const campaignNames: readonly CampaignName[] = [
  ...generatorNames,
  'translation',
  'accesses',
];

export interface CampaignOptions {
  readonly cases: number;
  readonly seed: number;
  /** Of the processor; translation has one of its own. */
  readonly model: ModelName;
  /** Unexplained disagreements that are kept; the others are counted. Default 1. */
  readonly keep?: number;
}

export interface Found {
  /** One line that tells disagreements of one kind from those of others. */
  readonly kind: string;
  /** Makes it as small as it gets, and says what it is. */
  describe(): Promise<string>;
}

export interface CampaignResult {
  readonly cases: number;
  /** Cases whose instruction was executed, or whose access was made. */
  readonly executed: number;
  /** By reason. */
  readonly explained: ReadonlyMap<string, number>;
  readonly differences: number;
  readonly found: readonly Found[];
}

export class Campaigns {
  readonly #instructions = new Map<ModelName, Oracle>();
  readonly #accesses = new Map<ModelName, AccessOracle>();
  #translation: TranslationOracle | undefined;

  /** Runs random cases; the same options give the same cases. */
  async run(name: CampaignName, options: CampaignOptions): Promise<CampaignResult> {
    if (name === 'translation') {
      const oracle = (this.#translation ??= await TranslationOracle.start());
      const { kept, ...result } = await oracle.run(options);
      const found = kept.map((it) => ({
        kind: kindOfTranslation(it),
        describe: async () => describeTranslation(await shrinkTranslation(oracle, it)),
      }));
      return { ...result, found };
    }
    if (name === 'accesses') {
      const oracle = this.#accesses.get(options.model) ?? (await AccessOracle.start(options.model));
      this.#accesses.set(options.model, oracle);
      const { kept, ...result } = await oracle.run(options);
      const found = kept.map((it) => ({
        kind: kindOfAccess(it),
        describe: () => Promise.resolve(describeAccess(it)),
      }));
      return { ...result, found };
    }
    const oracle = this.#instructions.get(options.model) ?? (await Oracle.start(options.model));
    this.#instructions.set(options.model, oracle);
    const { kept, ...result } = await oracle.run({ ...options, generator: name });
    const found = kept.map((it) => ({
      kind: kindOf(it),
      describe: async () => describe(await shrink(oracle, it)),
    }));
    return { ...result, found };
  }

  /** Ends the QEMU processes. */
  close(): void {
    for (const oracle of this.#instructions.values()) oracle.close();
    for (const oracle of this.#accesses.values()) oracle.close();
    this.#translation?.close();
  }
}

/** How to see a campaign's differences again. */
export function repeatCommand(name: CampaignName, { cases, seed, model }: CampaignOptions): string {
  return `npm run oracle -- --generator ${name} --model ${model} --cases ${cases} --seed ${seed}`;
}
