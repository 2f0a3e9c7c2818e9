import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';

export interface AudiencePolicy {
  /** The `aud` of a token must contain at least one of these audiences. With `false`, `aud` is not checked. */
  readonly audience: readonly string[] | false;
}

/**
 * Requires that `aud`, a string or a list, contains an audience of the policy, compared exactly (RFC 9068 section 4). A token without `aud`
 * is rejected. If the policy has `audience: false`, every token passes.
 *
 * @throws AuthError `audience_mismatch`
 */
export function requireAudience({ claims }: ActiveRecord, { audience }: AudiencePolicy): void {
  if (audience === false) return;
  const { aud } = claims;
  if (typeof aud === 'string' ? audience.includes(aud) : aud?.some((name) => audience.includes(name))) return;
  throw new AuthError('audience_mismatch');
}
