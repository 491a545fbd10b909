/** DAP logMessage: text with expressions in braces. */

export type LogPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'expression'; readonly expression: string };

/** `{{` and `}}` stand for braces; braces inside an expression nest. @returns undefined where a brace has no partner */
export function parseLogMessage(message: string): LogPart[] | undefined {
  const parts: LogPart[] = [];
  let text = '';
  let at = 0;
  while (at < message.length) {
    const character = message.charAt(at);
    if ((character === '{' || character === '}') && message.charAt(at + 1) === character) {
      text += character;
      at += 2;
    } else if (character === '{') {
      const end = endOfExpression(message, at);
      if (end === undefined) return undefined;
      if (text !== '') parts.push({ kind: 'text', text });
      text = '';
      const expression = message.slice(at + 1, end).trim();
      if (expression === '') return undefined;
      parts.push({ kind: 'expression', expression });
      at = end + 1;
    } else if (character === '}') {
      return undefined;
    } else {
      text += character;
      at += 1;
    }
  }
  if (text !== '') parts.push({ kind: 'text', text });
  return parts;
}

function endOfExpression(message: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < message.length; at++) {
    const character = message.charAt(at);
    if (character === '{') depth += 1;
    if (character === '}' && --depth === 0) return at;
  }
  return undefined;
}
