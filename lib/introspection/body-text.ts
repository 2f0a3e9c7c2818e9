import { IntrospectionError } from '../core/errors.js';

const MAX_BODY_BYTES = 256 * 1024;
const MIN_BUFFER_BYTES = 4096;

/**
 * Maximum number of chunks of a body. Each chunk costs as much time as a thousand bytes. No server needs more chunks for the largest body
 * that is accepted.
 */
const MAX_CHUNKS = 10_000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Collects the chunks of a body, up to 256 KiB. */
export class BodyText {
  #content: Uint8Array = new Uint8Array();
  #size = 0;
  #chunks = 0;

  /**
   * Adds the next chunk.
   *
   * @throws IntrospectionError `bad_response` if the body is larger than 256 KiB, or has too many chunks
   */
  add(chunk: Uint8Array): void {
    this.#chunks++;
    if (this.#chunks > MAX_CHUNKS) throw new IntrospectionError('bad_response', 'too many chunks');
    if (this.#size + chunk.byteLength > MAX_BODY_BYTES) throw new IntrospectionError('bad_response', 'too large');
    this.#content = appendBytes(this.#content, this.#size, chunk);
    this.#size += chunk.byteLength;
  }

  /**
   * Returns the text of all chunks.
   *
   * @throws IntrospectionError `bad_response` if the bytes are not UTF-8
   */
  decode(): string {
    try {
      return utf8.decode(this.#content.subarray(0, this.#size));
    } catch {
      throw new IntrospectionError('bad_response', 'not UTF-8');
    }
  }
}

/**
 * Requires a body that is not compressed. A compressed body is not read, because its decoded size has no limit.
 *
 * @throws IntrospectionError `bad_response` for a compressed body
 */
export function requireUncoded(contentEncoding: unknown): void {
  if (isCoded(contentEncoding)) throw new IntrospectionError('bad_response', 'content coding');
}

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
