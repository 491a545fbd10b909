/** No instruction word belongs to two definitions, so that the order of the table means nothing. */
import assert from 'node:assert/strict';
import { allDefinitions } from '../../emulator/isa/definitions.ts';
import { extractFields, matches } from '../../emulator/isa/encoding.ts';
import type { Instruction } from '../../emulator/isa/instruction.ts';

/** Definitions that the Arm ARM carves out of another class; the decoder tries them first. */
const CARVED_OUT: Readonly<Record<string, string>> = {
  'System instructions (DC ZVA)': 'System instructions',
  'Hints, pointer authentication': 'Hints',
};

function allocates(definition: Instruction, word: number): boolean {
  if (!matches(definition.encoding, word)) return false;
  const fields = extractFields(definition.encoding, word);
  return definition.unallocated?.(fields) !== true && definition.variant(fields) !== undefined;
}

function isCarvedOut(a: Instruction, b: Instruction): boolean {
  return CARVED_OUT[a.title] === b.title || CARVED_OUT[b.title] === a.title;
}

/** A repeatable sequence of 32-bit numbers (xorshift32). */
function* words(count: number): Generator<number> {
  let state = 0x2545f491;
  for (let index = 0; index < count; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state >>> 0;
  }
}

describe('encodings', () => {
  it('have unique titles', () => {
    const titles = allDefinitions.map(({ title }) => title);
    assert.equal(new Set(titles).size, titles.length);
  });

  it('of two definitions with compatible diagrams share no allocated word', () => {
    const overlaps: string[] = [];
    allDefinitions.forEach((a, index) => {
      for (const b of allDefinitions.slice(index + 1)) {
        const common = a.encoding.mask & b.encoding.mask;
        if (((a.encoding.value ^ b.encoding.value) & common) !== 0 || isCarvedOut(a, b)) continue;
        const fixed = a.encoding.mask | b.encoding.mask;
        const value = a.encoding.value | b.encoding.value;
        for (const random of words(4000)) {
          const word = ((random & ~fixed) | value) >>> 0;
          if (!allocates(a, word) || !allocates(b, word)) continue;
          overlaps.push(`${a.title} and ${b.title}: 0x${word.toString(16)}`);
          break;
        }
      }
    });
    assert.deepEqual(overlaps, []);
  });

  it('claim a random word at most once', () => {
    for (const word of words(100_000)) {
      const claims = allDefinitions.filter((definition) => allocates(definition, word));
      const [first, second] = claims;
      if (!first || !second || (claims.length === 2 && isCarvedOut(first, second))) continue;
      assert.fail(`0x${word.toString(16)}: ${claims.map(({ title }) => title).join(', ')}`);
    }
  });
});
