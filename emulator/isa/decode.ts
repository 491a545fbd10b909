/** From an instruction word to its definition. */
import { extractFields, matches } from './encoding.ts';
import type { Fields } from './encoding.ts';
import type { Instruction, Variant } from './instruction.ts';

export interface Decoded {
  readonly definition: Instruction;
  readonly fields: Fields;
  readonly variant: Variant;
}

export interface Decoder {
  /** Undefined where the word is UNDEFINED or not implemented on this processor. */
  decode(word: number): Decoded | undefined;
}

/** Bits 31:21, which tell nearly all encoding classes apart. */
const BUCKET_BITS = 11;
const bucketOf = (word: number): number => word >>> (32 - BUCKET_BITS);

/**
 * Buckets the definitions by the top bits; inside a bucket the more specific mask comes first, so
 * that an encoding that the Arm ARM carves out of another one wins.
 */
export function createDecoder(definitions: readonly Instruction[]): Decoder {
  const buckets: Instruction[][] = Array.from({ length: 2 ** BUCKET_BITS }, () => []);
  const specificity = (mask: number): number => {
    let count = 0;
    for (let rest = mask >>> 0; rest !== 0; rest &= rest - 1) count += 1;
    return count;
  };
  const ordered = [...definitions].sort(
    (a, b) => specificity(b.encoding.mask) - specificity(a.encoding.mask),
  );
  for (const definition of ordered) {
    const mask = bucketOf(definition.encoding.mask);
    const value = bucketOf(definition.encoding.value);
    for (let index = 0; index < buckets.length; index += 1) {
      if ((index & mask) === value) buckets[index]?.push(definition);
    }
  }
  return {
    decode(word) {
      for (const definition of buckets[bucketOf(word)] ?? []) {
        if (!matches(definition.encoding, word)) continue;
        const fields = extractFields(definition.encoding, word);
        if (definition.unallocated?.(fields)) continue;
        const variant = definition.variant(fields);
        if (variant !== undefined) return { definition, fields, variant };
      }
      return undefined;
    },
  };
}
