/** Comments that the debugger obeys, and those that look like it and would be passed over in silence. */
import assert from 'node:assert/strict';
import type { Annotation } from '../../../language-server/features/annotations.ts';
import { openAt, problems } from './cases.ts';

function annotationsOf(text: string): Annotation[] {
  return openAt(text).service.annotations();
}

const watched = (text: string): unknown[] =>
  annotationsOf(text).map((it) =>
    it.kind === 'watch' ? [it.symbol, it.accessType, it.length, it.condition] : it,
  );

describe('comments for the debugger', () => {
  it('watch the data of their line, of the label above, or of the label below', () => {
    const expected = [['counter', 'write', 8, undefined]];
    assert.deepEqual(watched('counter: .quad 0 // @watch'), expected);
    assert.deepEqual(watched('counter:\n .quad 0 // @watch'), expected);
    assert.deepEqual(watched('// @watch\ncounter:\n .quad 0'), expected);
    assert.deepEqual(watched('counter: .quad 0 /* changes often: @watch */'), expected);
    assert.deepEqual(watched('.comm counter, 8 // @watch w 8'), expected);
    assert.deepEqual(watched('SYM_DATA_START(counter) // @watch w 8\n .quad 0'), expected);
  });

  it('have an access, a length and a condition', () => {
    assert.deepEqual(watched('a: .word 1 // @watch rw if w0 == 4 && mdscr_el1 != 0'), [
      ['a', 'readWrite', 4, '$w0 == 4 && $mdscr_el1 != 0'],
    ]);
    assert.deepEqual(watched('a: .word 1 // @watch R 0x10'), [['a', 'read', 16, undefined]]);
  });

  const silent: readonly [string, string, string][] = [
    ['a misspelled word', 'a: .quad 0 // @wacth rw', '@wacth'],
    ['a word with too many letters', 'ret // @asssert x0 == 1', '@asssert'],
    ['what is no access, length or condition', 'a: .quad 0 // @watch write', '@watch'],
    ['a label in front of code', 'a: ret // @watch', '@watch'],
    ['a line without a label', '.data\n mov x0, x1 // @watch w 8', '@watch'],
    ['nothing below', 'ret\n// @watch', '@watch'],
    ['no bytes', 'a: .quad 0 // @watch w 0', '@watch'],
    ['an assertion without a condition', 'ret // @assert', '@assert'],
    ['a log without a message', 'ret // @log', '@log'],
  ];
  for (const [title, text, underlined] of silent) {
    it(`are a problem with ${title}`, () => {
      const row = text.split('\n').length - 1;
      assert.deepEqual(
        problems(text).filter((it) => it.startsWith('annotation')),
        [`annotation-invalid@${row}:${underlined}`],
      );
      assert.deepEqual(annotationsOf(text), []);
    });
  }

  it('are mended where one word is meant', () => {
    const { service, uri } = openAt('a: .quad 0 // @wacth rw');
    const range = { start: { line: 0, character: 15 }, end: { line: 0, character: 15 } };
    assert.deepEqual(
      service.codeActions(uri, range).map(({ title }) => title),
      ['Change to @watch'],
    );
  });

  it('leave other words and mail addresses alone', () => {
    const text =
      '/* @param x0 the value\n * @return nothing\n * by somebody@watch.example\n */\nret // see @note\n';
    assert.deepEqual(problems(text), []);
    assert.deepEqual(annotationsOf(text), []);
  });

  it('in what the preprocessor takes out are no problem', () => {
    assert.deepEqual(problems('#if 0\na: .quad 0 // @wacth\n#endif\n'), []);
  });
});
