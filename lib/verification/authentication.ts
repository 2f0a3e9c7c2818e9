import { AuthError, type RequiredAuthentication } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';

/**
 * Requires an accepted `acr` if `required` lists `acrValues`, and a recent `auth_time` if it has a `maxAgeSeconds` (RFC 9470 section 6.2).
 * A token that lacks a required claim is rejected. `auth_time` is compared with `now`, not with the time of the response, because a cached
 * response ages.
 *
 * @throws AuthError `insufficient_user_authentication`
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
