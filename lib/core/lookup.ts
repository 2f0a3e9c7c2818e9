import type { Claims } from './claims.js';
import type { Instant } from './clock.js';

/**
 * When the endpoint was asked: the moment just before the introspection request was sent.
 * The two times together are an {@link Instant}. They are two members of the record, because an object of their own in every record
 * would take more memory.
 */
interface Dated {
  /** Wall time, in milliseconds since the epoch. */
  readonly askedAt: number;
  /** Monotonic time, in milliseconds. */
  readonly askedMonotonic: number;
  /**
   * Position up to which this process had read the revocation log when the endpoint was asked. Only entries after this position apply to
   * the record. `undefined` without a revocation log.
   */
  readonly logPosition: string | undefined;
}

export interface ActiveRecord extends Dated {
  readonly active: true;
  /**
   * Whether the claims describe neither a refresh token nor a sender-constrained token. Then `verify` skips the rule about refresh tokens.
   * Without a {@link SenderProof}, it also skips the sender constraint.
   */
  readonly isPlain: boolean;
  /**
   * Whether this is a stale response: it is older than a cached response may be, and is used only because the endpoint is down. Records in
   * a cache always have `false`.
   */
  readonly stale: boolean;
  readonly claims: Claims;
  readonly scopes: readonly string[];
}

export interface InactiveRecord extends Dated {
  readonly active: false;
  /** The `jti` in an earlier, active record of the token, if there was one. All spellings of one token have the same `jti`. */
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
 * The token that a request presents, and its DPoP proof or certificate. All members are always written, even as `undefined`. So nobody
 * reads a member that another package has added to `Object.prototype`.
 */
export interface Credentials extends TokenKey {
  readonly scheme: 'Bearer' | 'DPoP';
  /** The DPoP proof, not verified yet, and what it must match. `undefined` if the scheme is Bearer. */
  readonly dpop: DpopRequest | undefined;
  /**
   * Whether the policy accepts DPoP, and the request has a `DPoP` header although its scheme is Bearer. Such a request is rejected, because
   * nobody verifies its proof.
   */
  readonly hasUnusedProof: boolean;
  /** Reads the thumbprint of the client certificate. There is no function if the policy does not accept certificate-bound tokens. */
  readonly certificate: (() => string | undefined) | undefined;
}

/** The DPoP proof of a request, and the parts of the request that it must match. */
export interface DpopRequest {
  /** The request object. The same request may use its proof again, for another middleware. */
  readonly request: object;
  /** `undefined` unless there is exactly one `DPoP` header. */
  readonly proof: string | undefined;
  readonly method: string | undefined;
  /** The URL that the client requested; `undefined` if it cannot be determined safely. */
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
  /** The time when the request arrived or the lookup was started. The deadline of the lookup counts from this time. */
  readonly now: Instant;
  /**
   * `true` for an early refresh, a probe with a random token, and some rechecks of open connections. Such a lookup may use a recent record
   * from the shared cache, even if that is older than `notBefore`. A request may join the lookup and wait for its response.
   */
  readonly background: boolean;
  /** Whether the token was active lately. Then its lookup does not wait behind the lookups of unknown tokens. */
  readonly isKnown: boolean;
}

/** A value for `notBefore` in {@link LookupOptions}: every cached response is new enough until its lifetime ends. */
export const ANY_AGE = Number.NEGATIVE_INFINITY;

/**
 * Finds the record of a token. The introspection client provides a lookup, and each cache layer wraps a lookup in another lookup. On
 * failure, a lookup throws, or its promise rejects.
 */
export type Lookup = (tokenKey: TokenKey, options: LookupOptions) => TokenRecord | Promise<TokenRecord>;
