import type { Claims } from '../core/claims.js';
import { freezeNested } from '../core/freeze.js';

/** Claims that usually have the same value in many tokens. */
const COMMON_MEMBERS = ['scope', 'client_id', 'token_type', 'aud', 'iss'] as const;

const MAX_CACHED = 1000;
const MAX_CACHED_LENGTH = 1024;

const shareText = memoize((text) => text);

export const parseScopes = memoize((scope): readonly string[] =>
  Object.freeze(scope.split(' ').filter((name) => name !== '')),
);

/**
 * Changes a response into claims, and returns the same object: `scope` becomes a string, nested values are frozen, and strings that many
 * tokens share are stored once. Returns `undefined` if the values are nested too deeply, are too many, or are not plain data.
 */
export function prepareClaims(response: Record<string, unknown>): Claims | undefined {
  const { scope = '' } = response;
  const claims = Object.assign(response, {
    active: true as const,
    scope: Array.isArray(scope) ? scope.join(' ') : String(scope),
  });
  for (const name of COMMON_MEMBERS) {
    const value = claims[name];
    if (typeof value === 'string') claims[name] = shareText(value);
  }
  return freezeNested(claims) ? claims : undefined;
}

/**
 * Returns `compute` with a cache, which keeps the result for each text. Anyone can present tokens with new texts, so the cache is bounded:
 * texts of more than 1024 characters are not cached, and the cache is emptied when it holds 1000 texts.
 */
function memoize<Result>(compute: (text: string) => Result): (text: string) => Result {
  const cache = new Map<string, Result>();
  return (text) => {
    const known = cache.get(text);
    if (known !== undefined) return known;
    const result = compute(text);
    if (text.length > MAX_CACHED_LENGTH) return result;
    if (cache.size >= MAX_CACHED) cache.clear();
    cache.set(text, result);
    return result;
  };
}
