import { secretError } from '../core/option-error.js';
import { REVOCABLE_CLAIMS, type RevocableClaim } from './shared/revocations.js';

/** Says which tokens to invalidate: one token, or all tokens with a certain `sub`, `sid`, `client_id` or `jti`. Set exactly one member. */
export interface Invalidation {
  /**
   * The token to invalidate. Every cached token with the same `jti` is invalidated too, because a server may accept the same token in
   * several spellings, for example with padding.
   */
  readonly token?: string | undefined;
  /** Invalidates all tokens of this subject (`sub`), which is usually a user. */
  readonly sub?: string | undefined;
  /** Invalidates all tokens of this session (`sid`) at the authorization server. */
  readonly sid?: string | undefined;
  /** Invalidates all tokens of this client. */
  readonly client_id?: string | undefined;
  /** Invalidates the token with this identifier (`jti`). */
  readonly jti?: string | undefined;
}

/**
 * Returns the name and the value of the only member.
 *
 * @throws TypeError unless the target has exactly one member, with a known name and a string as its value. Only the value of `token` may be
 * empty
 */
export function parseInvalidation(target: Invalidation): {
  readonly name: 'token' | RevocableClaim;
  readonly value: string;
} {
  const [named, another] = Object.entries(target ?? {}).filter(([, value]) => value !== undefined);
  const [name, value] = named ?? ['token'];
  if (typeof value === 'string' && (value !== '' || name === 'token') && another === undefined && isRevocable(name)) {
    return { name, value };
  }
  throw secretError(name, value, 'write invalidate({ token }), or one of { sub }, { sid }, { client_id } and { jti }');
}

function isRevocable(name: string): name is 'token' | RevocableClaim {
  return name === 'token' || (REVOCABLE_CLAIMS as readonly string[]).includes(name);
}
