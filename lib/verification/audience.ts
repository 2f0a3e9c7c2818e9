import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';

export interface AudiencePolicy {
  /** `aud` must name at least one of these; `false` when the authorization server sends no `aud`. */
  readonly audience: readonly string[] | false;
}

/** Requires that `aud`, a string or a list, names an expected audience exactly (RFC 9068 section 4). A missing `aud` is rejected. */
export function requireAudience({ claims }: ActiveRecord, { audience }: AudiencePolicy): void {
  if (audience === false) return;
  const { aud } = claims;
  if (typeof aud === 'string' ? audience.includes(aud) : aud?.some((name) => audience.includes(name))) return;
  throw new AuthError('audience_mismatch');
}
