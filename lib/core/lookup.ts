import type { Claims } from './claims.js';
import type { Instant } from './clock.js';

/** When the endpoint was asked: just before the question was sent. */
interface Dated {
  /** An {@link Instant}'s `at`; not nested, since there are as many records as tokens. */
  readonly askedAt: number;
  /** The same moment's `monotonic`. */
  readonly askedMonotonic: number;
  /** Where the log of revocations had been read to by then, where there is one: all up to there were made before. */
  readonly logPosition: string | undefined;
}

export interface ActiveRecord extends Dated {
  readonly active: true;
  /** Whether it is served past its life because the endpoint failed; `false` on every record that is kept. */
  readonly stale: boolean;
  readonly claims: Claims;
  readonly scopes: readonly string[];
}

export interface InactiveRecord extends Dated {
  readonly active: false;
  /** Identifier of the token, if a record from when it was active told it: other spellings of the token have the same. */
  readonly jti: string | undefined;
  /** The endpoint cannot introspect tokens of this kind (`unsupported_token_type`). */
  readonly unsupported?: true;
}

/** What the endpoint said about one token, and when it was asked. A fact; never a decision. */
export type TokenRecord = ActiveRecord | InactiveRecord;

/** What a lookup needs of a token. */
export interface TokenKey {
  readonly token: string;
  /** SHA-256 of the token. Caches and lookups under way are keyed with it. */
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

/** The parts of a request that a DPoP proof must match. */
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

/** How old an answer may be, seen from now. */
export interface LookupOptions {
  /** It was asked for then or later, in monotonic milliseconds. */
  readonly notBefore: number;
  /** Read once for all that happens in the same tick. */
  readonly now: Instant;
  /** Whether it is an early refresh, for which nobody waits. */
  readonly background: boolean;
  /** Whether the token was active lately: its lookup does not wait behind those of unknown tokens. */
  readonly isKnown: boolean;
}

/** What {@link LookupOptions} demands where nobody demands anything. */
export const ANY_AGE = Number.NEGATIVE_INFINITY;

/** The type that runs through the middle: the introspection client is one, every cache layer takes one and returns one. */
export type Lookup = (tokenKey: TokenKey, options: LookupOptions) => TokenRecord | Promise<TokenRecord>;
