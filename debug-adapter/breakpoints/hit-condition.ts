/** DAP hitCondition: which of the hits count. */

export type HitCondition = (hits: number) => boolean;

/** What a hit condition may look like, for messages. */
export const HIT_CONDITION_FORMS =
  '3 or ==3 (the third hit), >=3, >3, <3, <=3, or %3 (every third hit)';

/** @returns undefined where the text is none of the forms */
export function parseHitCondition(text: string): HitCondition | undefined {
  const match = /^\s*(==?|>=|<=|>|<|%)?\s*(\d+|0x[0-9a-f]+)\s*$/i.exec(text);
  if (match === null) return undefined;
  const count = Number(match[2]);
  if (!Number.isSafeInteger(count)) return undefined;
  switch (match[1]) {
    case undefined:
    case '=':
    case '==':
      return (hits) => hits === count;
    case '>=':
      return (hits) => hits >= count;
    case '<=':
      return (hits) => hits <= count;
    case '>':
      return (hits) => hits > count;
    case '<':
      return (hits) => hits < count;
    case '%':
      return count === 0 ? undefined : (hits) => hits % count === 0;
    default:
      return undefined;
  }
}
