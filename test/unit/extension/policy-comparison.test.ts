import assert from 'node:assert/strict';
import type { ComparePoliciesResponse } from '../../../debug-adapter/custom-requests.ts';
import {
  comparisonJson,
  comparisonPage,
  comparisonSvg,
  comparisonTable,
  PRINT_COLOURS,
} from '../../../extension/webviews/policy-comparison.ts';

const figures = (traps: number, bundle: number): object => ({
  entries: 10,
  exits: 9,
  traps,
  bundleReads: bundle,
  bundleWrites: bundle,
  MDCRWrites: 4,
  MDSCRReads: 20,
  MDSCRWrites: 20,
  IDReads: 0,
});

const response = {
  instructions: 5_000_000,
  endedByLimit: false,
  policies: [
    { policy: 'EAGER', description: 'all of them', figures: figures(0, 84_000) },
    { policy: 'OWNER', description: 'by owner', figures: figures(12, 840) },
    { policy: 'OTHER', description: 'no', refusal: 'The guest has <6> breakpoints & more.' },
  ],
} as ComparePoliciesResponse;

describe('a comparison of policies', () => {
  it('has a row for each policy, with the least of each column marked', () => {
    const table = comparisonTable(response, 'OWNER');
    assert.equal(table.match(/<tr>/g)?.length, 4);
    assert.match(table, /OWNER <span class="current">/);
    assert.match(table, /<td class="least">0<\/td><td>84,000<\/td>/);
    assert.match(table, /<td>12<\/td><td class="least">840<\/td>/);
  });

  it('says why a policy is left out, as text and not as markup', () => {
    assert.match(comparisonTable(response, 'OWNER'), /&lt;6&gt; breakpoints &amp; more/);
  });

  it('draws a labelled bar for each charted figure of each policy', () => {
    const svg = comparisonSvg(response, PRINT_COLOURS);
    assert.equal(svg.match(/<title>/g)?.length, 2 * 5);
    assert.match(svg, /<title>EAGER: 84,000 debug reads<\/title>/);
    assert.ok(!svg.includes('var('), 'a file knows no theme');
    const widths = [...svg.matchAll(/width="([\d.]+)" height="9"/g)].map(([, width]) =>
      Number(width),
    );
    assert.ok(widths.every((width) => width >= 0 && width <= 620));
  });

  it('goes into a file as it was answered', () => {
    assert.deepEqual(JSON.parse(comparisonJson('hello.elf', response)), {
      program: 'hello.elf',
      ...response,
    });
  });

  it('allows the page its own script and style, and nothing else', () => {
    const page = comparisonPage(response, {
      program: 'hello.elf',
      current: 'OWNER',
      cspSource: 'https://host',
      nonce: 'abc',
    });
    assert.match(page, /default-src 'none'/);
    assert.equal(page.match(/<script nonce="abc">/g)?.length, 1);
  });
});
