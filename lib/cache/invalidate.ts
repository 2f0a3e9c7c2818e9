import type { TokenKey, TokenRecord } from '../core/lookup.js';
import type { InvalidationEvents } from './invalidation-events.js';
import type { CachedLookup } from './memory-cache.js';
import type { SharedCache } from './shared/create-shared-cache.js';
import type { RevocableClaim } from './shared/revocations.js';

/** The parts of an introspector that an invalidation must reach: the caches that hold records, and the events that report invalidations. */
export interface InvalidatedCaches {
  readonly cached: CachedLookup;
  readonly events: InvalidationEvents;
  /** The cache in the store; `undefined` without a store. */
  readonly shared: Pick<SharedCache, 'revocations' | 'peek'> | undefined;
}

/**
 * Invalidates records. In this process the invalidation applies at once. With a store, each promise resolves when the invalidation is in
 * the store too.
 */
export interface Invalidator {
  /** Invalidates a token, and every token whose record has the same `jti`. */
  token(token: TokenKey): Promise<void>;
  /** Invalidates every token whose claim `name` has this value. */
  claim(name: RevocableClaim, value: string): Promise<void>;
}

export function createInvalidator({ cached, events, shared }: InvalidatedCaches): Invalidator {
  function claimHere(name: RevocableClaim, value: string): void {
    cached.forgetClaim(name, value);
    events.forgetClaim(name, value);
  }

  async function claim(name: RevocableClaim, value: string): Promise<void> {
    claimHere(name, value);
    await shared?.revocations.revoke(name, value);
  }

  async function invalidateJtiOf(response: Promise<TokenRecord | undefined>): Promise<void> {
    const jti = jtiOf(await response);
    if (jti !== undefined) await claim('jti', jti);
  }

  async function token(key: TokenKey): Promise<void> {
    const jti = jtiOf(cached.peek(key.digest));
    const lookups = cached.forget(key.digest);
    events.forget(key.digest);
    if (jti !== undefined) claimHere('jti', jti);
    // The response of a pending lookup tells the `jti` of the token.
    for (const response of lookups) invalidateJtiOf(response).catch(() => {});
    if (shared === undefined) return;
    await Promise.all([
      shared.revocations.revoke('token', key.digest),
      jti === undefined ? invalidateJtiOf(shared.peek(key)) : shared.revocations.revoke('jti', jti),
    ]);
  }

  return { token, claim };
}

function jtiOf(record: TokenRecord | undefined): string | undefined {
  return record?.active ? record.claims.jti : record?.jti;
}
