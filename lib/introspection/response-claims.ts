import type { Claims } from '../core/claims.js';
import { freezeNested } from '../core/freeze.js';

/** What many tokens have in common. */
const COMMON_MEMBERS = ['scope', 'client_id', 'token_type', 'aud', 'iss'] as const;

const MAX_KEPT = 1000;
const MAX_KEPT_LENGTH = 1024;

const shareText = makeOnce((text) => text);

export const parseScopes = makeOnce((scope): readonly string[] =>
  Object.freeze(scope.split(' ').filter((name) => name !== '')),
);

/**
 * Makes the claims out of a response, in place: `scope` becomes a string, what is nested is frozen, and strings that
 * come with one token after another are kept once. `undefined` when something is nested too deeply, or there is too much of it.
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

/** Remembers what was made of a string, within bounds: a response is the authorization server's, its size is anyone's. */
function makeOnce<Made>(make: (text: string) => Made): (text: string) => Made {
  const kept = new Map<string, Made>();
  return (text) => {
    const known = kept.get(text);
    if (known !== undefined) return known;
    const made = make(text);
    if (text.length > MAX_KEPT_LENGTH) return made;
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(text, made);
    return made;
  };
}
