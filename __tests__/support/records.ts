import type { ActiveRecord, InactiveRecord } from '../../lib/types.js';

const ASKED = { askedAt: 1_800_000_000_000, askedMonotonic: 1000 };

/** What the cache holds about an active token. */
export function activeRecord(claims: Record<string, unknown> = {}, asked = ASKED): ActiveRecord {
  const scope = typeof claims.scope === 'string' ? claims.scope : '';
  return { active: true, claims: { ...claims, active: true, scope }, scopes: scope.split(' '), ...asked };
}

export function inactiveRecord(asked = ASKED): InactiveRecord {
  return { active: false, ...asked };
}
