import type { ActiveRecord, InactiveRecord, TokenKey } from '../../lib/core/lookup.js';
import { isPlainToken } from '../../lib/core/token-facts.js';

const ASKED = { askedAt: 1_800_000_000_000, askedMonotonic: 1000 };

/** The key of a lookup, for a bearer token. */
export function bearerCredentials(token = 'token', digest = 'key'): TokenKey {
  return { token, digest };
}

/** A record of an active token, as a cache holds it. */
export function activeRecord(claims: Record<string, unknown> = {}, asked = ASKED): ActiveRecord {
  const scope = typeof claims.scope === 'string' ? claims.scope : '';
  const allClaims = { ...claims, active: true as const, scope };
  const isPlain = isPlainToken(allClaims);
  const scopes = scope.split(' ');
  return { active: true, isPlain, stale: false, claims: allClaims, scopes, logPosition: undefined, ...asked };
}

export function inactiveRecord(asked = ASKED): InactiveRecord {
  return { active: false, jti: undefined, logPosition: undefined, ...asked };
}

/** Begins every lookup, as an open introspector does. */
export const beginMiss = <T>(lookUp: () => T): T => lookUp();
