import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';

export interface AudiencePolicy {
  /** Any of these must be named; `false` when the authorization server names no audience. */
  readonly audience: readonly string[] | false;
}

/** `aud`, a string or a list, compared exactly (RFC 9068 section 4). Once an audience is expected, an absent `aud` fails. */
export function requireAudience({ claims }: ActiveRecord, { audience }: AudiencePolicy): void {
  if (audience === false) return;
  const { aud } = claims;
  if (typeof aud === 'string' ? audience.includes(aud) : aud?.some((name) => audience.includes(name))) return;
  throw new AuthError('audience_mismatch');
}
