import { AuthError } from '../../errors.js';
import { ownMembers } from '../../own-members.js';
import type { ActiveRecord, Proven } from '../../types.js';

const DPOP = /^dpop$/i;

/**
 * A sender-constrained token (RFC 7800 `cnf`) is good only in the hands of whom it is bound to: each way it is bound in must have
 * been proven with this very request (RFC 9449 section 7, RFC 8705 section 3). One that is bound in a way unknown here is refused,
 * and so is one that is not bound where a proof came with it.
 */
export function requireBinding({ claims: { cnf, token_type: type } }: ActiveRecord, proven: Proven | undefined): void {
  const saysDpop = type !== undefined && DPOP.test(type);
  if (cnf === undefined) {
    if (saysDpop || proven?.jkt !== undefined) throw new AuthError('sender_constrained');
    return;
  }
  if (typeof cnf !== 'object' || cnf === null) throw new AuthError('sender_constrained');
  const { jkt, 'x5t#S256': x5t, ...others } = ownMembers(cnf as Record<string, unknown>);
  const isProven =
    Object.keys(others).length === 0 &&
    (jkt !== undefined || x5t !== undefined) &&
    (jkt === undefined
      ? proven?.jkt === undefined && !saysDpop
      : jkt === proven?.jkt && (type === undefined || saysDpop)) &&
    (x5t === undefined || x5t === proven?.x5t?.());
  if (!isProven) throw new AuthError('sender_constrained');
}
