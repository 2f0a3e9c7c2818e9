import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';

export interface TokenKindPolicy {
  readonly allowRefreshTokens: boolean;
}

/** Spellings seen, and the identifier of RFC 8693 section 3. */
const REFRESH_TOKEN = /^(?:urn:ietf:params:oauth:token-type:)?refresh(?:[_-]?token)?$/i;

/** Endpoints answer for refresh tokens too (RFC 7662 section 2.1). One that does not say which it is cannot be told apart here. */
export function requireAccessToken({ claims }: ActiveRecord, { allowRefreshTokens }: TokenKindPolicy): void {
  if (allowRefreshTokens) return;
  if (saysRefreshToken(claims.token_type) || saysRefreshToken(claims.token_use)) throw new AuthError('refresh_token');
}

function saysRefreshToken(kind: unknown): boolean {
  return Array.isArray(kind) ? kind.some(saysRefreshToken) : typeof kind === 'string' && REFRESH_TOKEN.test(kind);
}
