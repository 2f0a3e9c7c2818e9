import type { ActiveRecord, InactiveRecord, TokenKey } from '../../lib/core/lookup.js';

const ASKED = { askedAt: 1_800_000_000_000, askedMonotonic: 1000 };

/** A bearer token to be looked up. */
export function questionOf(token = 'token', key = 'key'): TokenKey {
  return { token, digest: key };
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
