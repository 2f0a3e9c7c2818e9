import type { ScopeMatcher } from '../core/claims.js';
import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';

export interface ScopePolicy {
  readonly scopes: readonly string[];
  /**
   * Tells whether granted scopes cover a required scope. With `undefined`, the required scope itself must be granted (RFC 6749 section
   * 3.3).
   */
  readonly satisfiesScope: ScopeMatcher | undefined;
}

/**
 * Requires that the token grants all scopes of the policy.
 *
 * @throws AuthError `insufficient_scope`
 */
export function requireScopes(record: ActiveRecord, policy: ScopePolicy): void {
  const { scopes } = policy;
  for (const scope of scopes) {
    if (!isGranted(record, scope, policy)) throw new AuthError('insufficient_scope', scopes);
  }
}

/**
 * Requires that the token grants at least one of the scopes of the policy.
 *
 * @throws AuthError `insufficient_scope`
 */
export function requireSomeScope(record: ActiveRecord, policy: ScopePolicy): void {
  const { scopes } = policy;
  if (!scopes.some((scope) => isGranted(record, scope, policy))) throw new AuthError('insufficient_scope', scopes);
}

/**
 * Whether the token grants the required scope. If the policy has a `satisfiesScope`, only its result `true` counts, so a promise grants
 * nothing.
 */
function isGranted({ scopes }: ActiveRecord, required: string, { satisfiesScope }: ScopePolicy): boolean {
  if (satisfiesScope === undefined) return scopes.includes(required);
  const verdict: unknown = satisfiesScope(scopes, required);
  if (verdict instanceof Promise) verdict.catch(() => {});
  return verdict === true;
}
