/** The schemes for the host's profiling and tracing, in the order of their history. */
import { HOST_DATA, HOST_DATA_DISABLE } from './host-data-flags.ts';
import type { TraceScheme } from './host-trace.ts';
import { SAVE_FLAGS, SAVE_MASK, SAVE_TRFCR_POSTED } from './save-flags.ts';

export const traceSchemes: readonly TraceScheme[] = [
  SAVE_FLAGS,
  SAVE_TRFCR_POSTED,
  SAVE_MASK,
  HOST_DATA,
  HOST_DATA_DISABLE,
];

export const defaultTraceScheme = HOST_DATA;

/** @throws RangeError for a scheme that does not exist */
export function requireTraceScheme(name: string): TraceScheme {
  const scheme = traceSchemes.find((candidate) => candidate.name === name);
  if (scheme !== undefined) return scheme;
  const known = traceSchemes.map((candidate) => candidate.name).join(', ');
  throw new RangeError(`There is no trace scheme '${name}'; there are ${known}.`);
}
