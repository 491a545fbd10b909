/** Input that nobody writes: the server answers, in bounded time and memory. */
import assert from 'node:assert/strict';
import { seededRandom } from '../../support/random.ts';
import { openAt } from './cases.ts';
import type { Opened } from './cases.ts';

function askEverything({ service, uri }: Opened): void {
  const position = { line: 0, character: 3 };
  const whole = { start: { line: 0, character: 0 }, end: { line: 1000, character: 0 } };
  service.diagnostics(uri);
  service.hover(uri, position);
  service.completion(uri, position);
  service.signatureHelp(uri, position);
  service.definition(uri, position);
  service.references(uri, position, true);
  service.documentSymbols(uri);
  service.semanticTokens(uri);
  service.foldingRanges(uri);
  service.inlayHints(uri, whole);
  service.codeActions(uri, whole);
  service.format(uri);
  service.annotations();
}

describe('hostile input', () => {
  const cases: readonly [string, () => Opened][] = [
    [
      'random bytes',
      () => {
        const random = seededRandom(6);
        const bytes = Uint8Array.from({ length: 60_000 }, () => Math.floor(random() * 256));
        return openAt(Buffer.from(bytes).toString('latin1').replaceAll('|', ''));
      },
    ],
    [
      'constants that are made of themselves',
      () => openAt('#define A B\n#define B A\n.set x, y\n.set y, x\nmov x0, #A\nmov x0, #x\n'),
    ],
    [
      'constants that double with each line',
      () =>
        openAt(
          `${Array.from({ length: 60 }, (_, n) => `.set s${n + 1}, s${n}+s${n}`).join('\n')}\nmov x0, #s60\n`,
        ),
    ],
    [
      'macros that call themselves, and blocks without end',
      () =>
        openAt(
          `.macro m a\nm \\a\nm \\a\n.endm\nm 1\n${'.macro q\n'.repeat(500)}${'.if 1\n'.repeat(500)}${'.rept 1000000\n'.repeat(50)}`,
        ),
    ],
    [
      'files that include each other, and themselves',
      () =>
        openAt('#include "a.S"\n#include "main.S"\n', {
          'a.S': '#include "b.S"\n#include "a.S"\n',
          'b.S': '#include "a.S"\n#include "main.S"\n',
        }),
    ],
    ['a line of 100 MB', () => openAt(`mov x0, ${'x1, '.repeat(25_000_000)}\nret\n`)],
    ['a line of parentheses', () => openAt(`mov x0, #${'('.repeat(50_000)}1\n`)],
    ['a comment without end', () => openAt(`/* ${'a\n'.repeat(50_000)}`)],
    ['labels without end', () => openAt('a:'.repeat(20_000))],
  ];
  for (const [title, open] of cases) {
    it(`is answered: ${title}`, function () {
      this.timeout(30_000);
      const opened = open();
      askEverything(opened);
      // It still knows what it is told next.
      const end = { line: 1_000_000, character: 0 };
      opened.service.change(
        opened.uri,
        [{ range: { start: { line: 0, character: 0 }, end }, text: 'mvo x0, x1' }],
        2,
      );
      assert.deepEqual(
        opened.service.diagnostics(opened.uri).map(({ code }) => code),
        ['mnemonic-unknown'],
      );
    });
  }
});
