import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';

export interface TokenKindPolicy {
  readonly allowRefreshTokens: boolean;
}

/** Values that servers use for refresh tokens, and the identifier of RFC 8693 section 3. */
const REFRESH_TOKEN = /^(?:urn:ietf:params:oauth:token-type:)?refresh(?:[_-]?token)?$/i;

/**
 * Rejects refresh tokens, because endpoints introspect them too (RFC 7662 section 2.1).
 * It cannot detect a refresh token when the response does not name its type.
 */
export function requireAccessToken({ claims }: ActiveRecord, { allowRefreshTokens }: TokenKindPolicy): void {
  if (allowRefreshTokens) return;
  if (saysRefreshToken(claims.token_type) || saysRefreshToken(claims.token_use)) throw new AuthError('refresh_token');
}

function saysRefreshToken(kind: unknown): boolean {
  return Array.isArray(kind) ? kind.some(saysRefreshToken) : typeof kind === 'string' && REFRESH_TOKEN.test(kind);
}
