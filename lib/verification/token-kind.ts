import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';
import { isRefreshTokenType } from '../core/token-facts.js';

export interface TokenKindPolicy {
  readonly allowRefreshTokens: boolean;
}

/**
 * Rejects refresh tokens unless the policy allows them, because endpoints introspect refresh tokens too (RFC 7662 section 2.1). Only
 * `token_type` or `token_use` in the response shows that a token is a refresh token. A token without these claims is accepted.
 *
 * @throws AuthError `refresh_token`
 */
export function requireAccessToken({ claims }: ActiveRecord, { allowRefreshTokens }: TokenKindPolicy): void {
  if (allowRefreshTokens) return;
  if (isRefreshTokenType(claims.token_type) || isRefreshTokenType(claims.token_use))
    throw new AuthError('refresh_token');
}
