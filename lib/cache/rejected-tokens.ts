import { AuthError } from '../core/errors.js';
import type { Lookup } from '../core/lookup.js';
import { copyRejection, memoryLimitOf } from '../core/precheck.js';

export interface RejectedTokensSettings {
  readonly monotonic: () => number;
  /** How long a rejection is remembered, in milliseconds. */
  readonly ttlMs: number;
  /** Maximum number of active responses in memory. A tenth as many rejections are remembered, as many as inactive responses. */
  readonly maxEntries: number;
}

const SHARE = 1 / 10;

interface Rejection {
  readonly error: AuthError;
  /** Monotonic time in milliseconds. */
  readonly until: number;
}

/**
 * Wraps a lookup: remembers the tokens that a precheck has rejected, so that the same token is not checked again at once. The memory is
 * separate from the records, so rejected tokens evict no response. When it is full, it forgets the oldest rejection.
 */
export function rememberRejections(
  inner: Lookup,
  { monotonic, ttlMs, maxEntries }: RejectedTokensSettings,
): (...args: Parameters<Lookup>) => Promise<Awaited<ReturnType<Lookup>>> {
  /** Rejections by token digest. The oldest comes first. */
  const rejections = new Map<string, Rejection>();

  function find(digest: string): AuthError | undefined {
    const rejection = rejections.get(digest);
    if (rejection === undefined || monotonic() < rejection.until) return rejection?.error;
    rejections.delete(digest);
    return undefined;
  }

  function add(digest: string, error: AuthError): void {
    const lifeMs = Math.min(ttlMs, memoryLimitOf(error));
    if (!(lifeMs > 0)) return;
    rejections.delete(digest);
    rejections.set(digest, { error, until: monotonic() + lifeMs });
    const [oldest] = rejections.keys();
    if (rejections.size > maxEntries * SHARE && oldest !== undefined) rejections.delete(oldest);
  }

  return async (tokenKey, options) => {
    const known = find(tokenKey.digest);
    if (known !== undefined) throw copyRejection(known);
    try {
      return await inner(tokenKey, options);
    } catch (error) {
      if (error instanceof AuthError) add(tokenKey.digest, error);
      throw error;
    }
  };
}
