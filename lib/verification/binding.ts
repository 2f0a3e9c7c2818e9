import { AuthError } from '../errors.js';
import type { ActiveRecord } from '../types.js';

const DPOP = /^dpop$/i;

/** A sender-constrained token (RFC 7800 `cnf`, RFC 9449 `DPoP`) proves nothing about who sent it unless the binding is checked. */
export function refuseBoundToken({ claims: { cnf, token_type: type } }: ActiveRecord): void {
  if (cnf !== undefined || (type !== undefined && DPOP.test(type))) throw new AuthError('sender_constrained');
}
