import { AuthError } from '../errors.js';
import type { ActiveRecord } from '../types.js';

export interface IssuerDemands {
  readonly issuer: string | undefined;
}

/** `iss` code point by code point (RFC 9068 section 4). Once an issuer is expected, an absent `iss` fails. */
export function requireIssuer({ claims }: ActiveRecord, { issuer }: IssuerDemands): void {
  if (issuer !== undefined && claims.iss !== issuer) throw new AuthError('issuer_mismatch');
}
