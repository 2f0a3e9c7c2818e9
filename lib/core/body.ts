const MIN_BUFFER_BYTES = 4096;

/**
 * Whether the body is compressed or encoded in another way. Names of codings are case-insensitive, and empty list members do not count
 * (RFC 9110 sections 8.4.1 and 5.6.1).
 */
export function isCoded(contentEncoding: unknown): boolean {
  if (contentEncoding === undefined) return false;
  return String(contentEncoding)
    .split(',')
    .some((coding) => !/^[ \t]*(?:identity)?[ \t]*$/i.test(coding));
}

/**
 * Returns a buffer with the first `size` bytes of `content` and then the chunk. It writes to `content` if there is room, otherwise to a
 * larger copy. A body of one chunk is not copied. The chunks of a longer body are not kept, because a chunk of one byte takes a hundred
 * bytes of memory.
 */
export function appendBytes(content: Uint8Array, size: number, chunk: Uint8Array): Uint8Array {
  if (size === 0) return chunk;
  const needed = size + chunk.byteLength;
  let grown = content;
  if (needed > content.byteLength) {
    grown = new Uint8Array(Math.max(MIN_BUFFER_BYTES, 2 * needed));
    grown.set(content.subarray(0, size));
  }
  grown.set(chunk, size);
  return grown;
}
