/** npm run oracle -- --cases N --seed S [--generator G] [--model M] [--kinds] */
import { parseArgs } from 'node:util';
import { Campaigns, campaignNames } from './campaigns.ts';
import type { CampaignName, Found } from './campaigns.ts';
import { modelNames } from './models.ts';
import type { ModelName } from './models.ts';
import { explanations, translationExplanations } from './explained-differences.ts';

const DEFAULT_MODEL: ModelName = 'cortex-a72';

const USAGE = `usage: npm run oracle -- [options]
  --cases N        cases of each generator (100000)
  --seed S         0 to 4294967295; another one each time when it is not given
  --generator G    ${campaignNames.join(', ')}; all of them when it is not given
  --model M        ${modelNames.join(', ')}; ${DEFAULT_MODEL} when it is not given
  --kinds          count the unexplained differences by kind and show one of each`;

const KINDS_LIMIT = 10_000;

function integer(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || value >= 2 ** 32) {
    throw new RangeError(`--${name} "${text}" is not an integer from 0 to 4294967295`);
  }
  return value;
}

function isCampaign(name: string): name is CampaignName {
  return campaignNames.some((it) => it === name);
}

function isModel(name: string): name is ModelName {
  return modelNames.some((it) => it === name);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      cases: { type: 'string', default: '100000' },
      seed: { type: 'string' },
      generator: { type: 'string' },
      model: { type: 'string', default: DEFAULT_MODEL },
      kinds: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const cases = integer('cases', values.cases);
  const seed = integer('seed', values.seed ?? String(Math.floor(Math.random() * 2 ** 32)));
  const { generator } = values;
  if (generator !== undefined && !isCampaign(generator)) {
    throw new RangeError(`--generator "${generator}" is none of ${campaignNames.join(', ')}`);
  }
  const { model } = values;
  if (!isModel(model)) {
    throw new RangeError(`--model "${model}" is none of ${modelNames.join(', ')}`);
  }
  console.log(`seed ${seed}`);
  const campaigns = new Campaigns();
  let differences = 0;
  try {
    for (const name of generator === undefined ? campaignNames : [generator]) {
      const start = performance.now();
      const keep = values.kinds ? KINDS_LIMIT : 1;
      const result = await campaigns.run(name, { cases, seed, model, keep });
      const seconds = (performance.now() - start) / 1000;
      const explained = [...result.explained.values()].reduce((sum, count) => sum + count, 0);
      console.log(
        `${name}: ${result.cases} cases, ${result.executed} executed, ${explained} explained, ` +
          `${result.differences} differences; ${seconds.toFixed(1)} s`,
      );
      for (const { reason } of [...explanations, ...translationExplanations]) {
        const count = result.explained.get(reason);
        if (count !== undefined) console.log(`  ${count} explained: ${reason}`);
      }
      differences += result.differences;
      if (values.kinds) {
        const kinds = new Map<string, Found[]>();
        for (const it of result.found) kinds.set(it.kind, [...(kinds.get(it.kind) ?? []), it]);
        for (const [kind, found] of [...kinds].sort((a, b) => b[1].length - a[1].length)) {
          console.log(`  ${found.length} ${kind}`);
          const example = await found[0]?.describe();
          if (example !== undefined) console.log(example);
        }
        continue;
      }
      const first = await result.found[0]?.describe();
      if (first !== undefined) console.log(first);
    }
  } finally {
    campaigns.close();
  }
  return differences === 0 ? 0 : 1;
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    console.error(error instanceof RangeError ? `${error.message}\n${USAGE}` : error);
    process.exitCode = 2;
  },
);
