import assert from 'node:assert/strict';
import fc from 'fast-check';
import { GuestOutput } from '../../../debug-adapter/guest-output.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const cases = [
  ['text, newlines and tabs pass', 'a\tb\nc', 'a\tb\nc'],
  ['colours pass', '\x1b[1;31mred\x1b[0m', '\x1b[1;31mred\x1b[0m'],
  ['clearing the screen does not', 'a\x1b[2J\x1b[Hb', 'ab'],
  ['a window title does not', 'a\x1b]0;title\x07b\x1b]2;other\x1b\\c', 'abc'],
  ['device control strings do not', 'a\x1bPq#0\x1b\\b', 'ab'],
  ['a full reset does not', 'a\x1bcb', 'ab'],
  ['carriage returns and bells do not', 'a\r\nb\x07', 'a\nb'],
  ['UTF-8 passes', 'Grüße ✓', 'Grüße ✓'],
] as const;

describe('Guest output', () => {
  for (const [title, given, shown] of cases) {
    it(title, () => {
      assert.equal(new GuestOutput().feed(bytes(given)), shown);
    });
  }

  it('is the same however it is cut into chunks', () => {
    const text = cases.map(([, given]) => given).join('|');
    const whole = new GuestOutput().feed(bytes(text));
    const all = bytes(text);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: all.length }), { maxLength: 12 }), (cuts) => {
        const output = new GuestOutput();
        let shown = '';
        let from = 0;
        for (const to of [...cuts.sort((a, b) => a - b), all.length]) {
          shown += output.feed(all.subarray(from, to));
          from = to;
        }
        assert.equal(shown, whole);
      }),
    );
  });

  it('never lets through an escape other than of colours', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('\x1b', '[', ']', '2', 'J', 'm', ';', '\x07', 'P', '\\', 'x')),
        (parts) => {
          const shown = new GuestOutput().feed(bytes(parts.join('')));
          assert.doesNotMatch(shown.replace(/\x1b\[[0-9;]*m/g, ''), /\x1b/); // eslint-disable-line no-control-regex
        },
      ),
    );
  });
});
