import { AuthError, type RequiredAuthentication } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';

/**
 * `acr` and `auth_time` of the introspection response (RFC 9470 section 6.2), the latter judged now: a remembered answer ages.
 * What the response does not say is not met.
 */
export function requireAuthenticationContext(
  { claims }: ActiveRecord,
  demands: RequiredAuthentication,
  now: number,
): void {
  const { acrValues, maxAgeSeconds } = demands;
  const { acr, auth_time: authTime } = claims;
  const isMet = acrValues.length === 0 || (typeof acr === 'string' && acrValues.includes(acr));
  const isRecent =
    maxAgeSeconds === undefined || (typeof authTime === 'number' && now - authTime * 1000 <= maxAgeSeconds * 1000);
  if (!isMet || !isRecent) throw new AuthError('insufficient_user_authentication', [], demands);
}
