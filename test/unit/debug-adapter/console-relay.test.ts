import assert from 'node:assert/strict';
import { ConsoleRelay } from '../../../debug-adapter/console-relay.ts';

function relay(): { relay: ConsoleRelay; printed: string[]; sent: string[] } {
  const printed: string[] = [];
  const sent: string[] = [];
  return {
    printed,
    sent,
    relay: new ConsoleRelay({
      print: (text) => printed.push(text),
      sendToTerminal: (text) => sent.push(text),
    }),
  };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const CLEARED = bytes('a\x1b[2Jb\r\n');

describe('What a guest sends to its console', () => {
  it('is printed as plain text where there is no terminal, whatever is asked for', () => {
    for (const place of ['both', 'terminal', 'debugConsole'] as const) {
      const { relay: it_, printed, sent } = relay();
      it_.receive(CLEARED, place);
      it_.flush();
      assert.deepEqual([printed, sent], [['ab\n'], []], place);
    }
  });

  it('goes to a terminal as it is, and is printed beside it unless the terminal is to have it alone', () => {
    for (const [place, expected] of [
      ['both', ['ab\n']],
      ['terminal', []],
    ] as const) {
      const { relay: it_, printed, sent } = relay();
      it_.hasTerminal = true;
      it_.receive(CLEARED, place);
      it_.flush();
      assert.deepEqual([printed, sent], [expected, ['a\x1b[2Jb\r\n']], place);
    }
  });

  it('is sent once for many small pieces, with characters whole', () => {
    const { relay: it_, sent } = relay();
    it_.hasTerminal = true;
    for (const byte of bytes('Grüße')) it_.receive(Uint8Array.of(byte), 'terminal');
    it_.flush();
    it_.flush();
    assert.deepEqual(sent, ['Grüße']);
  });

  it('is printed again when the terminal has been closed', () => {
    const { relay: it_, printed, sent } = relay();
    it_.hasTerminal = true;
    it_.receive(bytes('to the terminal'), 'terminal');
    it_.hasTerminal = false;
    it_.receive(bytes('printed'), 'terminal');
    it_.flush();
    assert.deepEqual([printed, sent], [['printed'], ['to the terminal']]);
  });

  it('of a guest that starts again does not end what the last one had begun', () => {
    const { relay: it_, printed } = relay();
    it_.receive(bytes('\x1b]0;title'), 'both');
    it_.restart();
    it_.receive(bytes('shown'), 'both');
    assert.deepEqual(printed, ['shown']);
  });
});
