import type { ActiveRecord, Credentials, InactiveRecord } from '../../lib/core/lookup.js';

const ASKED = { askedAt: 1_800_000_000_000, askedMonotonic: 1000 };

/** A bearer token to be looked up. */
export function bearerCredentials(token = 'token', key = 'key'): Credentials {
  return { token, digest: key, dpop: undefined, sender: undefined, hasUnusedProof: false };
}

/** What the cache holds about an active token. */
export function activeRecord(claims: Record<string, unknown> = {}, asked = ASKED): ActiveRecord {
  const scope = typeof claims.scope === 'string' ? claims.scope : '';
  const prepared = { ...claims, active: true as const, scope };
  return { active: true, stale: false, claims: prepared, scopes: scope.split(' '), logPosition: undefined, ...asked };
}

export function inactiveRecord(asked = ASKED): InactiveRecord {
  return { active: false, jti: undefined, logPosition: undefined, ...asked };
}
