import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';
import { isRefreshTokenType } from '../core/token-facts.js';

export interface TokenKindPolicy {
  readonly allowRefreshTokens: boolean;
}

/**
 * Rejects refresh tokens, because endpoints introspect them too (RFC 7662 section 2.1).
 * It cannot detect a refresh token when the response does not name its type.
 */
export function requireAccessToken({ claims }: ActiveRecord, { allowRefreshTokens }: TokenKindPolicy): void {
  if (allowRefreshTokens) return;
  if (isRefreshTokenType(claims.token_type) || isRefreshTokenType(claims.token_use))
    throw new AuthError('refresh_token');
}
