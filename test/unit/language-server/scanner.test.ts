/** The scanner loses nothing, and an edited document equals one that is read anew. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AssemblyDocument, splitLines } from '../../../language-server/document.ts';
import type { Line } from '../../../language-server/document.ts';
import { LineState, TOKEN_STRIDE, TokenKind, scanLine } from '../../../language-server/scanner.ts';

function pieces(text: string, state: number = LineState.normal): [number, string][] {
  const { tokens } = scanLine(text, state);
  const result: [number, string][] = [];
  for (let index = 0; index < tokens.length; index += TOKEN_STRIDE) {
    result.push([tokens[index] ?? -1, text.slice(tokens[index + 1], tokens[index + 2])]);
  }
  return result;
}

const words = (text: string): string[] =>
  pieces(text)
    .filter(([kind]) => kind !== TokenKind.whitespace)
    .map(([, word]) => word);

/** Text in which comments, continuations, quotes and line ends meet often. */
const source = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/*',
        '*/',
        '//',
        '#define A',
        '#',
        '\\',
        '\\\n',
        '\n',
        '\r\n',
        '\r',
        '"',
        "'",
        ';',
        ' ',
        '\t',
        'mov x0, #1',
        'label:',
        '1:',
        '\\@',
        '\\()',
        '.macro m a, b',
        '1e+3',
      ),
      fc.string({ unit: 'binary', maxLength: 6 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''));

describe('scanner', () => {
  it('takes # for an immediate inside a line and for a comment or directive at its start', () => {
    assert.deepEqual(words('  mov x0, #1'), ['mov', 'x0', ',', '#', '1']);
    assert.deepEqual(
      pieces('# remark').map(([kind]) => kind),
      [TokenKind.comment],
    );
    assert.deepEqual(words('#define X 1'), ['#', 'define', 'X', '1']);
  });

  it('keeps names with dots, local labels and arguments of macros whole', () => {
    assert.deepEqual(words('b.eq 1f'), ['b.eq', '1f']);
    assert.deepEqual(words('.L\\name\\()_x\\@:'), ['.L', '\\name', '\\()', '_x', '\\@', ':']);
    assert.deepEqual(words('fmov d0, #1.5e+3'), ['fmov', 'd0', ',', '#', '1.5e+3']);
  });

  it('reports an open block comment and a continued directive as the state of the next line', () => {
    assert.equal(scanLine('nop /* a', 0).state, LineState.comment);
    assert.equal(scanLine('#define A \\\n', 0).state, LineState.continuation);
    assert.equal(scanLine('b */ nop\n', LineState.comment).state, LineState.normal);
  });

  it('divides no more of a very long line than it promises', () => {
    const { tokens } = scanLine('x,'.repeat(1_000_000), 0);
    assert.ok(tokens.length < 100_000);
    assert.equal(tokens.at(-1), 2_000_000);
  });

  it('is lossless: the tokens of a line, joined, are the line', () => {
    fc.assert(
      fc.property(source, fc.integer({ min: 0, max: 3 }), (text, state) => {
        for (const line of splitLines(text)) {
          const scanned = pieces(line, state);
          assert.equal(scanned.map(([, word]) => word).join(''), line);
          assert.ok(scanned.every(([, word]) => word.length > 0));
        }
      }),
    );
  });
});

describe('AssemblyDocument', () => {
  const contents = ({ text, startState, endState, role, tokens, statements }: Line): object => ({
    text,
    startState,
    endState,
    role,
    tokens,
    statements,
  });

  const position = fc.record({ line: fc.nat(12), character: fc.nat(12) });

  it('gives after any edits what reading the resulting text anew gives', () => {
    fc.assert(
      fc.property(
        source,
        fc.array(fc.record({ start: position, end: position, text: source }), { maxLength: 5 }),
        (text, edits) => {
          const document = new AssemblyDocument('test:', text);
          for (const edit of edits) {
            document.apply({ range: { start: edit.start, end: edit.end }, text: edit.text });
            const fresh = new AssemblyDocument('test:', document.text);
            assert.deepEqual(document.lines.map(contents), fresh.lines.map(contents));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('replaces exactly the range of the change', () => {
    const document = new AssemblyDocument('test:', 'mov x0, x1\nret\nnop\n');
    document.apply({
      range: { start: { line: 0, character: 8 }, end: { line: 1, character: 3 } },
      text: 'x2\nisb',
    });
    assert.equal(document.text, 'mov x0, x2\nisb\nnop\n');
  });
});
