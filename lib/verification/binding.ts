import { AuthError } from '../errors.js';
import type { ActiveRecord } from '../types.js';

/** A sender-constrained token (RFC 7800 `cnf`) proves nothing about who sent it unless the binding is checked. */
export function refuseBoundToken({ claims }: ActiveRecord): void {
  if (claims.cnf !== undefined) throw new AuthError('sender_constrained');
}
