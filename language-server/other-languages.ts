/** Files that carry the extension of assembly and are something else. */
import type { AssemblyDocument } from './document.ts';

/** Lines that are looked at. */
const HEAD = 400;

const a32Directive = /^\s*\.(?:syntax|arm|thumb|thumb_func|fpu|code\s+(?:16|32))\b/i;
const a32Statement =
  /^\s*(?:[\w.$]+:\s*)?[a-z]{1,7}\s+(?:r(?:[0-9]|1[0-5])|pc|sp|lr|cpsr\w*)\s*,\s*(?:r(?:[0-9]|1[0-5])|\[r|lr|cpsr|spsr|=\w)|^\s*(?:push|pop)\s*\{/i;
const a64Statement = /^\s*(?:[\w.$]+:\s*)?[a-z]\w*\s+[xw](?:[0-9]|[12]\d|30|zr)\b/i;

/** `a32` where the statements name registers that only A32 and T32 have. */
export function otherLanguage({
  uri,
  lines,
}: AssemblyDocument): 'a32' | 'linker script' | undefined {
  if (/\.lds\.s$/i.test(uri)) return 'linker script';
  let a32 = 0;
  for (let row = 0; row < Math.min(lines.length, HEAD); row += 1) {
    const text = lines[row]?.text ?? '';
    if (text.startsWith('SECTIONS')) return 'linker script';
    if (a64Statement.test(text)) return undefined;
    if (a32Directive.test(text)) return 'a32';
    if (a32Statement.test(text)) a32 += 1;
  }
  return a32 >= 3 ? 'a32' : undefined;
}
