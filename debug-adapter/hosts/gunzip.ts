/** Gzip by the streams that Node and browsers share. Source: WHATWG, "Compression". */

/**
 * Undoes gzip (RFC 1952).
 * @throws Error for what is no gzip, damaged, or larger than `limit` bytes
 */
export async function gunzip(data: Uint8Array, limit: number): Promise<Uint8Array> {
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      controller.enqueue(new Uint8Array(data));
      controller.close();
    },
  });
  const parts: Uint8Array[] = [];
  let length = 0;
  const decompressed: ReadableStream<Uint8Array> = source.pipeThrough(
    new DecompressionStream('gzip'),
  );
  const reader = decompressed.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > limit) {
      await reader.cancel();
      throw new RangeError(`it has more than ${limit} bytes`);
    }
    parts.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
