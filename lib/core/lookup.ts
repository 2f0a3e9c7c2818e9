import type { Claims } from './claims.js';
import type { Instant } from './clock.js';

/**
 * When the endpoint was asked about a token: the moment just before the introspection request was sent. `askedAt` and `askedMonotonic`
 * together are an {@link Instant}. They are two members, because a nested object in every record would take more memory.
 */
interface Dated {
  /** Wall time when the endpoint was asked, in milliseconds since the epoch. */
  readonly askedAt: number;
  /** Monotonic time when the endpoint was asked, in milliseconds. */
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
   * Whether the claims describe neither a refresh token nor a sender-constrained token. If so, `verify` skips the rule about refresh
   * tokens. For a request without a {@link SenderProof}, it then also skips the sender constraint.
   */
  readonly isPlain: boolean;
  /**
   * Whether the record is a stale response: it is older than a cached response may be, and is used only because the endpoint is down. The
   * value is `false` in every record that a cache keeps, and `true` only in a copy for one request.
   */
  readonly stale: boolean;
  readonly claims: Claims;
  readonly scopes: readonly string[];
}

export interface InactiveRecord extends Dated {
  readonly active: false;
  /**
   * The `jti` that an earlier, active record of this token had; `undefined` if there was no such record. With it, the cache finds other
   * spellings of the token, because a lenient server gives all of them the same `jti`.
   */
  readonly jti: string | undefined;
  /** `true` when the endpoint has said that it cannot introspect tokens of this kind (`unsupported_token_type`). */
  readonly unsupported?: true;
}

/**
 * The introspection response for one token, and when the endpoint was asked. A record holds facts, never the decision to accept or reject.
 */
export type TokenRecord = ActiveRecord | InactiveRecord;

/** A token, with the digest that identifies the token in caches. */
export interface TokenKey {
  readonly token: string;
  /** SHA-256 of the token in base64url. It is the key of the token in caches and in single flight. */
  readonly digest: string;
}

/**
 * The token that a request presents, and its DPoP proof or certificate. Every member is an own member, even if its value is `undefined`.
 * Otherwise, a read could return a value that another package has added to `Object.prototype`.
 */
export interface Credentials extends TokenKey {
  readonly scheme: 'Bearer' | 'DPoP';
  /** The DPoP proof, which is not verified yet, and the parts of the request that it must match. `undefined` if the scheme is Bearer. */
  readonly dpop: DpopRequest | undefined;
  /**
   * Whether the request has a `DPoP` header although its scheme is Bearer, and the policy accepts DPoP. Such a request is rejected, because
   * its proof would not be verified.
   */
  readonly hasUnusedProof: boolean;
  /** Reads the thumbprint of the client certificate. The member is `undefined` if the policy does not accept certificate-bound tokens. */
  readonly certificate: (() => string | undefined) | undefined;
}

/** The DPoP proof of a request, and the parts of the request that it must match. */
export interface DpopRequest {
  /**
   * The request object, which identifies the request. A proof may be used by one request only, but several middlewares of this request may
   * use it.
   */
  readonly request: object;
  /** Value of the `DPoP` header; `undefined` unless the request has exactly one such header. */
  readonly proof: string | undefined;
  readonly method: string | undefined;
  /** The URL that the client requested; `undefined` if it cannot be determined safely. */
  readonly url: string | undefined;
}

/** The keys that the sender of a request has proven to hold. */
export interface SenderProof {
  /** Thumbprint of the key of the DPoP proof; `undefined` if the request has no verified proof. */
  readonly jkt: string | undefined;
  /** Reads the thumbprint of the client certificate; `undefined` if the policy does not accept certificate-bound tokens. */
  readonly x5t: (() => string | undefined) | undefined;
}

/** Says how old a response may be, when the lookup must end, and how urgent it is. */
export interface LookupOptions {
  /** The endpoint must have been asked at this time or later, in monotonic milliseconds. */
  readonly notBefore: number;
  /**
   * The time when the request arrived, or when a lookup without a request was started. The deadline of the lookup counts from this time.
   */
  readonly now: Instant;
  /**
   * `true` for an early refresh, for a probe with a random token, and for a recheck of an open stream or WebSocket if its `recheckSeconds`
   * is at least `cache.ttlSeconds`. `false` for every other lookup, also for the lookup that follows if the endpoint fails in such a
   * recheck. A lookup with `true` may use a recent record from the shared cache, even if that record is older than `notBefore`. A request
   * for the same token may join such a lookup and wait for its response.
   */
  readonly background: boolean;
  /** Whether the token was active lately. If so, its lookup does not wait behind the lookups of unknown tokens. */
  readonly isKnown: boolean;
}

/** A value for `notBefore` in {@link LookupOptions}: every cached response is new enough until its lifetime ends. */
export const ANY_AGE = Number.NEGATIVE_INFINITY;

/**
 * Finds the record of a token. The introspection client provides a lookup, and each cache layer wraps a lookup in another lookup. On
 * failure, a lookup throws, or its promise rejects.
 */
export type Lookup = (tokenKey: TokenKey, options: LookupOptions) => TokenRecord | Promise<TokenRecord>;
