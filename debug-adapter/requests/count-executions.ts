import type { CountExecutionsArguments, CountExecutionsResponse } from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';

/** Request `trapline/countExecutions`; labels that the program has not are left out. */
export function countExecutions(
  { debugInfo, executionCounts }: Debuggee,
  { labels }: CountExecutionsArguments,
): CountExecutionsResponse {
  return {
    counts: labels.flatMap((label) => {
      const symbols = debugInfo.symbols.named(label);
      const [symbol] = symbols;
      if (symbol === undefined || symbols.length > 1 || symbol.kind === 'object') return [];
      return [{ label, count: executionCounts.countOf(symbol.value) }];
    }),
  };
}
