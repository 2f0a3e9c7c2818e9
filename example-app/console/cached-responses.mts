import { INACTIVE_TTL_SECONDS, TTL_SECONDS } from '../settings.mjs';
import type { CapturedCall } from './http-capture.mjs';

/** Whether and how long the API caches an introspection response, and why. */
export interface CachedResponse {
  readonly kind: 'active' | 'inactive' | 'none';
  /** Time of the introspection request, in milliseconds since the epoch. */
  readonly askedAt?: number;
  /** Time at which the cached response expires, in milliseconds since the epoch. */
  readonly until?: number;
  readonly explanation: string;
}

export interface CachedResponses {
  add(call: CapturedCall): void;
  find(tokenDigest: string): CachedResponse | undefined;
  clear(): void;
}

const MAX_RESPONSES = 5000;

/**
 * The latest response about each token, by the token's digest, with the lifetime that follows from the middleware's settings.
 *
 * It is computed from the captured HTTP messages, because the middleware's cache cannot be read from outside. Whether a cached
 * response was used is known from the middleware's diagnostics channels.
 */
export function createCachedResponses(): CachedResponses {
  const responses = new Map<string, CachedResponse>();
  return {
    add(call) {
      const cached = cachedResponseOf(call);
      if (cached === undefined) return;
      responses.delete(call.tokenDigest);
      responses.set(call.tokenDigest, cached);
      for (const oldest of responses.keys()) {
        if (responses.size <= MAX_RESPONSES) break;
        responses.delete(oldest);
      }
    },
    find: (tokenDigest) => responses.get(tokenDigest),
    clear: () => responses.clear(),
  };
}

/** `undefined` for a call without an introspection response. Such a call replaces no earlier response. */
function cachedResponseOf({ response, startedAt: askedAt }: CapturedCall): CachedResponse | undefined {
  const claims = response === undefined ? undefined : parse(response.body);
  if (claims === undefined) return undefined;
  if (response?.status === 200 && claims.active === true) {
    const msUntilExp = typeof claims.exp === 'number' ? claims.exp * 1000 - askedAt : Number.POSITIVE_INFINITY;
    const lifetimeMs = Math.min(msUntilExp, TTL_SECONDS * 1000);
    const exp = Number.isFinite(msUntilExp) ? `exp, in ${Math.max(0, Math.round(msUntilExp / 1000))} s` : 'exp (none)';
    const limit = msUntilExp < TTL_SECONDS * 1000 ? 'exp' : 'cache.ttlSeconds';
    const explanation = `Cached until exp or for cache.ttlSeconds, whichever is shorter (${exp}; cache.ttlSeconds, ${TTL_SECONDS} s). Here it is ${limit}.`;
    return { kind: 'active', askedAt, until: askedAt + Math.max(0, lifetimeMs), explanation };
  }
  if (claims.active !== false && claims.error !== 'unsupported_token_type') return undefined;
  const explanation = `Inactive responses are cached for cache.inactiveTtlSeconds (${INACTIVE_TTL_SECONDS} s), apart from active ones.`;
  return { kind: 'inactive', askedAt, until: askedAt + INACTIVE_TTL_SECONDS * 1000, explanation };
}

function parse(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return Object(JSON.parse(body));
  } catch {
    return undefined;
  }
}
