/** Scalar floating-point instructions, fast paths included, against the Arm ARM's pseudocode on unbounded integers. */
import assert from 'node:assert/strict';
import { FloatComparison } from '../../../../float/compare.ts';
import { operations } from '../../../../float/operations.ts';

// `npm run test:float` runs many more, with other seeds.
const CASES = 12;
const SEED = 1;

describe('Scalar floating point', () => {
  const float = new FloatComparison();

  for (const width of ['s', 'd', 'h'] as const) {
    it(`agrees with the reference in every mode where it has a register of kind ${width}`, () => {
      const some = operations.filter(({ name }) => name.split(' ').includes(width));
      assert.ok(some.length > 0);
      for (const operation of some) {
        const { differences, first } = float.compare(operation, CASES, SEED);
        assert.equal(differences, 0, first);
      }
    });
  }
});
