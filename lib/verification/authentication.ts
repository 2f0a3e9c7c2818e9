import { AuthError, type RequiredAuthentication } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';

/**
 * Requires `acr` and `auth_time` of the introspection response (RFC 9470 section 6.2). A missing claim is rejected.
 * `auth_time` is compared with the current time, because a cached response ages.
 */
export function requireAuthenticationContext(
  { claims }: ActiveRecord,
  required: RequiredAuthentication,
  now: number,
): void {
  const { acrValues, maxAgeSeconds } = required;
  const { acr, auth_time: authTime } = claims;
  const isMet = acrValues.length === 0 || (typeof acr === 'string' && acrValues.includes(acr));
  const isRecent =
    maxAgeSeconds === undefined || (typeof authTime === 'number' && now - authTime * 1000 <= maxAgeSeconds * 1000);
  if (!isMet || !isRecent) throw new AuthError('insufficient_user_authentication', [], required);
}
