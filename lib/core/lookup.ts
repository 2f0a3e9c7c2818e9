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
 * The credentials of one request.
 *
 * Objects that pass between our own files have no optional members. Every member is always written, so none is read from
 * `Object.prototype`.
 */
export interface Credentials extends TokenKey {
  /** The DPoP part of a request with the scheme DPoP, not verified yet. `undefined` for other schemes. */
  readonly dpop: DpopRequest | undefined;
  /** The keys that the sender has proven to hold. */
  readonly sender: SenderProof | undefined;
  /** `true` when a DPoP proof came with a token that does not use the scheme DPoP. Such a proof is not verified. */
  readonly hasUnusedProof: boolean;
}

/** The parts of a request that a DPoP proof is verified against. */
export interface DpopRequest {
  /** Whether there is a `DPoP` header, even an empty or malformed one. */
  readonly isPresent: boolean;
  /** The proof; `undefined` unless the request has exactly one. */
  readonly proof: string | undefined;
  readonly method: string | undefined;
  /** The URL that the client requested; `undefined` when it cannot be determined. */
  readonly url: string | undefined;
  /** Proofs that this request has used up, by replay memory. A second middleware accepts them again for the same request. */
  readonly accepted: Map<object, Set<string>>;
  /** Whether the client should get a new nonce. It is set when the proof is verified. */
  renewsNonce: boolean;
}

/** The keys that the sender has proven to hold. */
export interface SenderProof {
  /** Thumbprint of the key of the DPoP proof. */
  readonly jkt: string | undefined;
  /** Returns the thumbprint of the client certificate, if there is one. */
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
