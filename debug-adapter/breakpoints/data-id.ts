/** DAP dataId: what `dataBreakpointInfo` says can be watched, in a form that `setDataBreakpoints` hands back. */

export interface WatchedData {
  readonly address: bigint;
  /** Bytes. */
  readonly length: number;
  /** What the user calls it. */
  readonly label: string;
}

/** `0x40081000+4 sensor.limit` */
export function formatDataId({ address, length, label }: WatchedData): string {
  return `0x${address.toString(16)}+${length} ${label}`;
}

export function parseDataId(dataId: string): WatchedData | undefined {
  const match = /^(0x[0-9a-f]{1,16})\+([1-9]\d{0,8}) (.*)$/is.exec(dataId);
  if (match?.[1] === undefined || match[3] === undefined) return undefined;
  return { address: BigInt(match[1]), length: Number(match[2]), label: match[3] };
}
