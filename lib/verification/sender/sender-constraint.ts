import { AuthError } from '../../core/errors.js';
import type { ActiveRecord, SenderProof } from '../../core/lookup.js';
import { ownMembers } from '../../core/own-members.js';

const DPOP = /^dpop$/i;

/** What is demanded of the sender. */
export interface SenderConstraintPolicy {
  /** Given with `isRequired`, only tokens that are bound to the key of a DPoP proof pass. */
  readonly dpop?: { readonly isRequired?: boolean | undefined } | undefined;
}

/**
 * Requires a DPoP proof where the options demand one; its key is compared by {@link requireSenderConstraint}.
 *
 * @throws AuthError `sender_constrained`
 */
export function requireProof({ dpop }: SenderConstraintPolicy, proven: SenderProof | undefined): void {
  if (dpop?.isRequired && proven?.jkt === undefined) throw new AuthError('sender_constrained');
}

/**
 * A sender-constrained token (RFC 7800 `cnf`) is good only for the sender it is bound to: the request must prove each known way of
 * binding (RFC 9449 section 7, RFC 8705 section 3). Unknown members beside those are ignored (RFC 7800 section 3.1), but a token
 * with only unknown ones is refused. So is a token that is not bound and came with a proof.
 *
 * @throws AuthError `sender_constrained`
 */
export function requireSenderConstraint(
  { claims: { cnf, token_type: type } }: ActiveRecord,
  proven: SenderProof | undefined,
): void {
  const saysDpop = type !== undefined && DPOP.test(type);
  if (cnf === undefined) {
    if (saysDpop || proven?.jkt !== undefined) throw new AuthError('sender_constrained');
    return;
  }
  if (typeof cnf !== 'object' || cnf === null) throw new AuthError('sender_constrained');
  const { jkt, 'x5t#S256': x5t } = ownMembers(cnf as Record<string, unknown>);
  const isProven =
    (jkt !== undefined || x5t !== undefined) &&
    (jkt === undefined
      ? proven?.jkt === undefined && !saysDpop
      : jkt === proven?.jkt && (type === undefined || saysDpop)) &&
    (x5t === undefined || x5t === proven?.x5t?.());
  if (!isProven) throw new AuthError('sender_constrained');
}
