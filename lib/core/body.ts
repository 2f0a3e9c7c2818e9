const MIN_BUFFER_BYTES = 4096;

/**
 * Whether a `Content-Encoding` says that the body is compressed or encoded in another way. `identity` and empty list members do not count,
 * and names of codings are case-insensitive (RFC 9110 sections 8.4.1 and 5.6.1).
 */
export function isCoded(contentEncoding: unknown): boolean {
  if (contentEncoding === undefined) return false;
  return String(contentEncoding)
    .split(',')
    .some((coding) => !/^[ \t]*(?:identity)?[ \t]*$/i.test(coding));
}

/**
 * Returns a buffer with the first `size` bytes of `content`, followed by the chunk. If `content` has room, the chunk is written to
 * `content` itself, otherwise to a larger copy. With `size` 0, the chunk itself is returned. Use this function instead of a list of chunks,
 * because even a chunk of one byte takes a hundred bytes of memory.
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
