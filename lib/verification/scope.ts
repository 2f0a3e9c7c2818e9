import { AuthError } from '../errors.js';
import type { ActiveRecord } from '../types.js';

export interface ScopeDemands {
  readonly scopes: readonly string[];
}

/** All of `scopes`, compared exactly (RFC 6749 section 3.3). */
export function requireScopes(record: ActiveRecord, { scopes }: ScopeDemands): void {
  for (const scope of scopes) {
    if (!record.scopes.includes(scope)) throw new AuthError('insufficient_scope', scopes);
  }
}

/** At least one of `scopes`. */
export function requireSomeScope(record: ActiveRecord, { scopes }: ScopeDemands): void {
  if (!scopes.some((scope) => record.scopes.includes(scope))) throw new AuthError('insufficient_scope', scopes);
}
