/** npm run test:float -- [--cases N] [--seed S] [--only NAME] */
import { parseArgs } from 'node:util';
import { FloatComparison } from './compare.ts';
import { operations } from './operations.ts';

const USAGE = `usage: npm run test:float -- [options]
  --cases N    operand lists of each operation and mode with two operands (6000); with one a quarter of it
  --seed S     an integer; another one each time when it is not given
  --only NAME  operations whose name begins so, such as "fadd" or "fcvtzs x d"`;

function integer(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || value >= 2 ** 32) {
    throw new RangeError(`--${name} "${text}" is not an integer from 0 to 4294967295`);
  }
  return value;
}

function main(): number {
  const { values } = parseArgs({
    options: {
      cases: { type: 'string', default: '6000' },
      seed: { type: 'string' },
      only: { type: 'string', default: '' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const cases = integer('cases', values.cases);
  const seed = integer('seed', values.seed ?? String(Math.floor(Math.random() * 2 ** 32)));
  console.log(`seed ${seed}`);
  const float = new FloatComparison();
  let total = 0;
  let differences = 0;
  for (const operation of operations) {
    if (!operation.name.startsWith(values.only)) continue;
    const share = operation.operands.length === 1 ? Math.ceil(cases / 4) : cases;
    const result = float.compare(operation, share, seed);
    total += result.cases;
    differences += result.differences;
    if (result.first === undefined) continue;
    console.log(
      `${operation.name}: ${result.differences} of ${result.cases} differ\n  ${result.first}`,
    );
  }
  console.log(`${total} cases, ${differences} differences`);
  return differences === 0 ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof RangeError)) throw error;
  console.error(`${error.message}\n${USAGE}`);
  process.exitCode = 2;
}
