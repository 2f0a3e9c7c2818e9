import type { ScopeMatcher } from '../core/claims.js';
import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';

export interface ScopePolicy {
  readonly scopes: readonly string[];
  /** Compares granted scopes with a required scope. With `undefined`, scopes must be equal (RFC 6749 section 3.3). */
  readonly satisfiesScope: ScopeMatcher | undefined;
}

/** Requires all of `scopes`. @throws AuthError `insufficient_scope` */
export function requireScopes(record: ActiveRecord, policy: ScopePolicy): void {
  const { scopes } = policy;
  for (const scope of scopes) {
    if (!isGranted(record, scope, policy)) throw new AuthError('insufficient_scope', scopes);
  }
}

/** Requires at least one of `scopes`. @throws AuthError `insufficient_scope` */
export function requireSomeScope(record: ActiveRecord, policy: ScopePolicy): void {
  const { scopes } = policy;
  if (!scopes.some((scope) => isGranted(record, scope, policy))) throw new AuthError('insufficient_scope', scopes);
}

/** Only the value `true` grants a scope. A promise does not. */
function isGranted({ scopes }: ActiveRecord, required: string, { satisfiesScope }: ScopePolicy): boolean {
  if (satisfiesScope === undefined) return scopes.includes(required);
  const verdict: unknown = satisfiesScope(scopes, required);
  if (verdict instanceof Promise) verdict.catch(() => {});
  return verdict === true;
}
