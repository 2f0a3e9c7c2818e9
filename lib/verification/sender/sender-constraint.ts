import { AuthError } from '../../core/errors.js';
import type { ActiveRecord, SenderProof } from '../../core/lookup.js';
import { ownMembers } from '../../core/own-members.js';
import { isDpopType } from '../../core/token-facts.js';

export interface SenderConstraintPolicy {
  /** If `isRequired` is `true`, only tokens that are bound to the key of a DPoP proof are accepted. */
  readonly dpop?: { readonly isRequired?: boolean | undefined } | undefined;
}

/**
 * Requires a DPoP proof if the policy requires DPoP. It does not compare the key of the proof with the token:
 * {@link requireSenderConstraint} does that.
 *
 * @throws AuthError `sender_constrained`
 */
export function requireProof({ dpop }: SenderConstraintPolicy, sender: SenderProof | undefined): void {
  if (dpop?.isRequired && sender?.jkt === undefined) throw new AuthError('sender_constrained');
}

/**
 * Requires that the sender has proven the keys to which a sender-constrained token is bound (`cnf`, RFC 7800).
 *
 * - The request must prove every known confirmation method in `cnf`: `jkt` (RFC 9449 section 7) and `x5t#S256` (RFC 8705 section 3).
 * - Unknown members of `cnf` are ignored (RFC 7800 section 3.1), but a token with only unknown members is rejected.
 * - A token without `jkt` in `cnf` is rejected when it came with a DPoP proof, or when its `token_type` is DPoP.
 * - A token with `jkt` in `cnf` is rejected when it has another `token_type` than DPoP.
 *
 * @throws AuthError `sender_constrained`
 */
export function requireSenderConstraint(
  { claims: { cnf, token_type: type } }: ActiveRecord,
  sender: SenderProof | undefined,
): void {
  const saysDpop = isDpopType(type);
  if (cnf === undefined) {
    if (saysDpop || sender?.jkt !== undefined) throw new AuthError('sender_constrained');
    return;
  }
  // A `cnf` that is no object has none of these members, and is rejected like one with only unknown members.
  const { jkt, 'x5t#S256': x5t } = ownMembers(cnf as Record<string, unknown>);
  const isProven =
    (jkt !== undefined || x5t !== undefined) &&
    (jkt === undefined
      ? sender?.jkt === undefined && !saysDpop
      : jkt === sender?.jkt && (type === undefined || saysDpop)) &&
    (x5t === undefined || x5t === sender?.x5t?.());
  if (!isProven) throw new AuthError('sender_constrained');
}
