import assert from 'node:assert/strict';
import { BreakpointCondition } from '../../../../debug-adapter/breakpoints/condition.ts';
import { formatDataId, parseDataId } from '../../../../debug-adapter/breakpoints/data-id.ts';
import { parseHitCondition } from '../../../../debug-adapter/breakpoints/hit-condition.ts';
import { parseLogMessage } from '../../../../debug-adapter/breakpoints/log-message.ts';

function nothingIsPrinted(text: string): void {
  throw new assert.AssertionError({ message: `printed: ${text}` });
}

describe('Hit conditions', () => {
  const cases = [
    ['3', [3]],
    ['==3', [3]],
    ['= 3', [3]],
    ['>=4', [4, 5, 6]],
    ['> 4', [5, 6]],
    ['<3', [1, 2]],
    ['<= 3', [1, 2, 3]],
    ['%2', [2, 4, 6]],
    ['0x2', [2]],
  ] as const;
  for (const [text, expected] of cases) {
    it(`${text} stops at ${expected.join(', ')} of six hits`, () => {
      const condition = parseHitCondition(text);
      assert.ok(condition);
      assert.deepEqual([1, 2, 3, 4, 5, 6].filter(condition), expected);
    });
  }
  for (const text of ['', 'x', '%0', '1.5', '!=3', '-1']) {
    it(`"${text}" is none`, () => {
      assert.equal(parseHitCondition(text), undefined);
    });
  }
});

describe('Log messages', () => {
  it('have expressions in braces, which may nest, and doubled braces for themselves', () => {
    assert.deepEqual(parseLogMessage('a {b[0]} {{c}} { {1}, 2 }'), [
      { kind: 'text', text: 'a ' },
      { kind: 'expression', expression: 'b[0]' },
      { kind: 'text', text: ' {c} ' },
      { kind: 'expression', expression: '{1}, 2' },
    ]);
  });
  for (const text of ['{', 'a }', '{}', '{ {a }']) {
    it(`"${text}" has a brace without a partner or nothing inside`, () => {
      assert.equal(parseLogMessage(text), undefined);
    });
  }
});

describe('A breakpoint condition', () => {
  const compiler = (holds: () => boolean) => ({
    condition: () => holds,
    text: (expression: string) => () => `<${expression}>`,
  });

  it('counts only hits at which the condition holds', () => {
    let n = 0;
    const condition = new BreakpointCondition(
      { condition: 'n is even', hitCondition: '2' },
      compiler(() => n % 2 === 0),
      nothingIsPrinted,
    );
    const stops: number[] = [];
    for (n = 1; n <= 8; n++) if (condition.hit()) stops.push(n);
    assert.deepEqual(stops, [4]);
    assert.equal(condition.hits, 4);
  });

  it('prints instead of stopping when there is a log message', () => {
    const printed: string[] = [];
    const condition = new BreakpointCondition(
      { logMessage: 'x = {x}' },
      compiler(() => true),
      (text) => printed.push(text),
    );
    assert.equal(condition.hit(), false);
    assert.deepEqual(printed, ['x = <x>']);
  });

  it('stops and says so when the condition has no value', () => {
    const condition = new BreakpointCondition(
      { condition: 'x' },
      compiler(() => {
        throw new Error('x is optimized out');
      }),
      nothingIsPrinted,
    );
    assert.equal(condition.hit(), true);
    assert.equal(condition.failure, 'x is optimized out');
  });

  it('is refused with the forms that exist', () => {
    assert.throws(
      () =>
        new BreakpointCondition(
          { hitCondition: 'often' },
          compiler(() => true),
          nothingIsPrinted,
        ),
      /"often" is no hit count; write 3 or ==3/,
    );
  });
});

describe('Data ids', () => {
  it('survive the way through the client', () => {
    const data = { address: 0x4008_2048n, length: 4, label: 'sensor.limit + "1"' };
    assert.deepEqual(parseDataId(formatDataId(data)), data);
  });
  for (const text of ['', '0x+4 a', '0x10+0 a', 'main+4 x', '0x10']) {
    it(`"${text}" is none`, () => {
      assert.equal(parseDataId(text), undefined);
    });
  }
});
