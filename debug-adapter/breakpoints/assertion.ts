/** An expression that must hold at a place, and what its two sides are where it does not. */
import type { ConditionCompiler } from './condition.ts';

const comparison = /^(?:==|!=|<=|>=|<(?!<)|>(?!>))/;

/** Divides `a < b` at its comparison outside parentheses; one side where there is none, or several. */
function sidesOf(text: string): readonly string[] {
  let depth = 0;
  const found: { readonly at: number; readonly length: number }[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const mark = text[at] ?? '';
    if ('([{'.includes(mark)) depth += 1;
    else if (')]}'.includes(mark)) depth -= 1;
    else if (text.startsWith('<<', at) || text.startsWith('>>', at) || text.startsWith('->', at))
      at += 1;
    else if (text.startsWith('&&', at) || text.startsWith('||', at)) return [text];
    else if (depth === 0) {
      const match = comparison.exec(text.slice(at, at + 2));
      if (match) {
        found.push({ at, length: match[0].length });
        at += match[0].length - 1;
      }
    }
  }
  const [only] = found;
  return found.length === 1 && only
    ? [text.slice(0, only.at).trim(), text.slice(only.at + only.length).trim()]
    : [text];
}

export class Assertion {
  readonly text: string;
  readonly #sides: readonly { readonly text: string; readonly value: () => string }[];

  /** @throws UserError that says what is wrong with the text */
  constructor(text: string, compiler: ConditionCompiler) {
    this.text = text;
    this.#sides = sidesOf(text).map((side) => ({ text: side, value: compiler.text(side) }));
  }

  /** `x1 < 0x100 does not hold: x1 is 0x200, 0x100 is 256` */
  describe(): string {
    const sides = this.#sides.map(({ text, value }) => {
      try {
        return `${text} is ${value()}`;
      } catch (error) {
        return `${text} has no value (${error instanceof Error ? error.message : String(error)})`;
      }
    });
    return `${this.text} does not hold: ${sides.join(', ')}`;
  }
}
