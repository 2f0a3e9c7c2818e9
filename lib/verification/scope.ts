import type { ScopeMatcher } from '../core/claims.js';
import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';

export interface ScopePolicy {
  readonly scopes: readonly string[];
  /** `undefined`: compared exactly (RFC 6749 section 3.3). */
  readonly satisfiesScope: ScopeMatcher | undefined;
}

/** All of `scopes`. */
export function requireScopes(record: ActiveRecord, demands: ScopePolicy): void {
  const { scopes } = demands;
  for (const scope of scopes) {
    if (!isGranted(record, scope, demands)) throw new AuthError('insufficient_scope', scopes);
  }
}

/** At least one of `scopes`. */
export function requireSomeScope(record: ActiveRecord, demands: ScopePolicy): void {
  const { scopes } = demands;
  if (!scopes.some((scope) => isGranted(record, scope, demands))) throw new AuthError('insufficient_scope', scopes);
}

/** Only `true` itself will do: a promise is no verdict. */
function isGranted({ scopes }: ActiveRecord, required: string, { satisfiesScope }: ScopePolicy): boolean {
  if (satisfiesScope === undefined) return scopes.includes(required);
  const verdict: unknown = satisfiesScope(scopes, required);
  if (verdict instanceof Promise) verdict.catch(() => {});
  return verdict === true;
}
