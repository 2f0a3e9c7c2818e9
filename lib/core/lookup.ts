import type { Claims } from './claims.js';
import type { Instant } from './clock.js';

/**
 * When the endpoint was asked: the moment just before the introspection request was sent.
 * The two times are an {@link Instant}. They are not nested, because there are as many records as tokens.
 */
interface Dated {
  /** Wall time, in milliseconds since the epoch. */
  readonly askedAt: number;
  /** Monotonic time, in milliseconds. */
  readonly askedMonotonic: number;
  /** Position in the revocation log at that moment; only later revocations apply. `undefined` without a revocation log. */
  readonly logPosition: string | undefined;
}

export interface ActiveRecord extends Dated {
  readonly active: true;
  /** Neither a refresh token nor sender-constrained, so the checks for those are skipped. */
  readonly isPlain: boolean;
  /** Whether this is a stale response: expired, but used because the endpoint failed. Stored records always have `false`. */
  readonly stale: boolean;
  readonly claims: Claims;
  readonly scopes: readonly string[];
}

export interface InactiveRecord extends Dated {
  readonly active: false;
  /** Identifier of the token, when an earlier, active record named it. Other spellings of the token have the same `jti`. */
  readonly jti: string | undefined;
  /** `true` when the endpoint cannot introspect tokens of this kind (`unsupported_token_type`). */
  readonly unsupported?: true;
}

/** The introspection response for one token, and when the endpoint was asked. It holds facts, never decisions. */
export type TokenRecord = ActiveRecord | InactiveRecord;

/** A token with the digest that identifies it. */
export interface TokenKey {
  readonly token: string;
  /** SHA-256 of the token in base64url: the key in caches and in single flight. */
  readonly digest: string;
}

/**
 * The token that a request presents, and what came with it. Objects that pass between our own files have no optional members: each is
 * always written, so that none is read through `Object.prototype`.
 */
export interface Credentials extends TokenKey {
  readonly scheme: 'Bearer' | 'DPoP';
  /** The DPoP part of a request under the scheme DPoP, not verified yet; `undefined` under Bearer. */
  readonly dpop: DpopRequest | undefined;
  /** A DPoP proof came with a token under Bearer, so nobody verifies it. */
  readonly hasUnusedProof: boolean;
  /** Reads the thumbprint of the client certificate. `undefined` if the policy does not accept certificate-bound tokens. */
  readonly certificate: (() => string | undefined) | undefined;
}

/** The DPoP proof of a request, and the parts of the request that it must match. */
export interface DpopRequest {
  /** The request itself. A proof that it has used may be presented again by the same request, to another middleware. */
  readonly request: object;
  /** `undefined` unless there is exactly one `DPoP` header. */
  readonly proof: string | undefined;
  readonly method: string | undefined;
  /** The URL that the client requested; `undefined` if it is not known. */
  readonly url: string | undefined;
}

/** The keys that the sender of a request has proven to hold. */
export interface SenderProof {
  /** Thumbprint of the key of the DPoP proof. */
  readonly jkt: string | undefined;
  /** Reads the thumbprint of the client certificate. */
  readonly x5t: (() => string | undefined) | undefined;
}

/** How old a response may be, and how its lookup is scheduled. */
export interface LookupOptions {
  /** The endpoint must have been asked at this time or later, in monotonic milliseconds. */
  readonly notBefore: number;
  /** The current time, read once for everything that happens in the same tick. */
  readonly now: Instant;
  /** Whether this is an early refresh. No request waits for it. */
  readonly background: boolean;
  /** Whether the token was active lately. Its lookup does not wait behind those of unknown tokens. */
  readonly isKnown: boolean;
}

/** The `notBefore` of {@link LookupOptions} that accepts a response of any age. */
export const ANY_AGE = Number.NEGATIVE_INFINITY;

/** Finds the record of a token. The introspection client is a lookup; every cache layer takes one and returns one. */
export type Lookup = (tokenKey: TokenKey, options: LookupOptions) => TokenRecord | Promise<TokenRecord>;
