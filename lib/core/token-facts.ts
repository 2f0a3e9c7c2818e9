import type { Claims } from './claims.js';

/** Values of `token_type` or `token_use` that mean a refresh token: those that servers use, and the identifier of RFC 8693 section 3. */
const REFRESH_TOKEN = /^(?:urn:ietf:params:oauth:token-type:)?refresh(?:[_-]?token)?$/i;

const DPOP = /^dpop$/i;

/** Whether a value of `token_type` or `token_use` means a refresh token. A list means a refresh token if one of its items does. */
export function isRefreshTokenType(type: unknown): boolean {
  return Array.isArray(type) ? type.some(isRefreshTokenType) : typeof type === 'string' && REFRESH_TOKEN.test(type);
}

export function isDpopType(type: string | undefined): boolean {
  return type !== undefined && DPOP.test(type);
}

/** Whether claims describe neither a refresh token nor a sender-constrained token. */
export function isPlainToken({ token_type: type, token_use: use, cnf }: Claims): boolean {
  return cnf === undefined && !isDpopType(type) && !isRefreshTokenType(type) && !isRefreshTokenType(use);
}
