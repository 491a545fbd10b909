/**
 * Operands of extended asm in C: a variable of 32 bits or fewer that the template names as an X register.
 * GCC manual, "Extended Asm"; the modifier `w` chooses the W register.
 */

export interface NarrowOperand {
  readonly row: number;
  readonly start: number;
  readonly end: number;
  readonly variable: string;
}

const statement =
  /\b(?:asm|__asm__|__asm)\b(?:\s|volatile|__volatile__|__volatile|goto|inline|__inline__)*\(/g;

const narrowType =
  '(?:unsigned\\s+int|signed\\s+int|unsigned\\s+short|unsigned\\s+char|int|unsigned|short|char|bool|_Bool|(?:__)?[us](?:8|16|32)|u?int(?:8|16|32)_t)';

/** Characters of one statement that are looked at. */
const MAXIMUM_STATEMENT = 10_000;

/** Divides what stands in the parentheses at colons outside strings and inner parentheses. */
function sectionsOf(
  text: string,
  from: number,
): { readonly start: number; readonly text: string }[] {
  const sections: { start: number; text: string }[] = [];
  let depth = 0;
  let start = from;
  const limit = Math.min(text.length, from + MAXIMUM_STATEMENT);
  for (let at = from; at < limit; at += 1) {
    const mark = text[at];
    if (mark === '"') {
      for (at += 1; at < limit && text[at] !== '"'; at += 1) if (text[at] === '\\') at += 1;
    } else if (mark === '(' || mark === '[') depth += 1;
    else if (mark === ']') depth -= 1;
    else if (mark === ')') {
      if (depth === 0) {
        sections.push({ start, text: text.slice(start, at) });
        return sections;
      }
      depth -= 1;
    } else if (mark === ':' && depth === 0) {
      sections.push({ start, text: text.slice(start, at) });
      start = at + 1;
    }
  }
  return [];
}

/** `[name] "=r" (variable)`, in order. */
function operandsOf(section: string): { readonly name?: string; readonly variable: string }[] {
  return [...section.matchAll(/(?:\[(\w+)\]\s*)?"([^"]*)"\s*\(((?:[^()]|\([^()]*\))*)\)/g)].map(
    ([, name, , expression = '']) => ({
      variable: /^\s*\w+\s*$/.test(expression) ? expression.trim() : '',
      ...(name !== undefined && { name }),
    }),
  );
}

/** Whether the last declaration of the name before the place has a type of at most 32 bits. */
function isNarrow(before: string, variable: string): boolean {
  if (variable === '') return false;
  const declaration = new RegExp(
    `(\\b\\w+[\\s*]+)?\\b(${narrowType}|\\w+)\\s+(\\*\\s*)?${variable}\\b\\s*(?=[;,)=\\[:])`,
    'g',
  );
  const last = [...before.matchAll(declaration)]
    .filter(([, , type = '']) => !/^(?:return|goto|case|else|sizeof)$/.test(type))
    .at(-1);
  if (!last || last[3] !== undefined) return false;
  const words = `${last[1] ?? ''}${last[2] ?? ''}`;
  return new RegExp(`^${narrowType}$`).test(last[2] ?? '') && !/\blong\b/.test(words);
}

export function narrowOperands(text: string): NarrowOperand[] {
  const found: NarrowOperand[] = [];
  for (const match of text.matchAll(statement)) {
    const from = match.index + match[0].length;
    const [template, outputs, inputs] = sectionsOf(text, from);
    if (!template || !outputs) continue;
    const operands = [...operandsOf(outputs.text), ...operandsOf(inputs?.text ?? '')];
    const before = text.slice(Math.max(0, from - MAXIMUM_STATEMENT), from);
    for (const use of template.text.matchAll(/%(?:(\d+)|\[(\w+)\])/g)) {
      if (template.text[use.index - 1] === '%') continue;
      const operand =
        use[1] === undefined
          ? operands.find(({ name }) => name === use[2])
          : operands[Number(use[1])];
      if (!operand || !isNarrow(before, operand.variable)) continue;
      const offset = template.start + use.index;
      const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
      found.push({
        row: text.slice(0, offset).split('\n').length - 1,
        start: offset - lineStart,
        end: offset - lineStart + use[0].length,
        variable: operand.variable,
      });
    }
  }
  return found;
}
