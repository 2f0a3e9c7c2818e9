import { secretError } from '../core/option-error.js';
import { REVOCABLE_CLAIMS, type RevocableClaim } from './shared/revocations.js';

/** The tokens to invalidate: one token, or all tokens with this `sub`, `sid`, `client_id` or `jti`. Set exactly one member. */
export interface Invalidation {
  /** The token itself. Every token with the same `jti` is invalidated too, because servers may accept one token in several spellings. */
  readonly token?: string | undefined;
  /** All tokens of this subject. */
  readonly sub?: string | undefined;
  /** All tokens of this session. */
  readonly sid?: string | undefined;
  /** All tokens of this client. */
  readonly client_id?: string | undefined;
  /** The token with this identifier. */
  readonly jti?: string | undefined;
}

/** @throws TypeError unless the target has exactly one known member with a string as its value; a claim must not be empty */
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
