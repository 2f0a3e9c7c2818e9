import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';

export interface IssuerPolicy {
  readonly issuer: string | undefined;
}

/** `iss` code point by code point (RFC 9068 section 4). Once an issuer is expected, an absent `iss` fails. */
export function requireIssuer({ claims }: ActiveRecord, { issuer }: IssuerPolicy): void {
  if (issuer !== undefined && claims.iss !== issuer) throw new AuthError('issuer_mismatch');
}
