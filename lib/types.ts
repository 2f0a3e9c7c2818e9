/**
 * An active introspection response (RFC 7662 section 2.2) as the endpoint sent it, names unchanged.
 * Members that were `null` are absent; `scope` is always a string.
 */
export interface Auth {
  /** Nothing else is let through. */
  active: true;
  /** Granted scopes, separated by spaces; `''` when the endpoint named none. */
  scope: string;
  /** The client that asked for the token. */
  client_id?: string;
  /** For people to read. It identifies nobody. */
  username?: string;
  /** Such as `Bearer` or `DPoP`. */
  token_type?: string;
  /** Seconds since the epoch. */
  exp?: number;
  /** Seconds since the epoch. */
  iat?: number;
  /** Seconds since the epoch. */
  nbf?: number;
  /** The subject: who authorized the token. It identifies a user together with `iss`. */
  sub?: string;
  /** Whom the token is for. */
  aud?: string | readonly string[];
  /** Who issued it. */
  iss?: string;
  /** Identifier of the token. */
  jti?: string;
  [claim: string]: unknown;
}

/** The claims of a record: prepared once, nested values frozen, shared by every request that meets the record. */
export type Claims = Readonly<Auth>;

/** A moment on both clocks. */
export interface Instant {
  /** Wall time, milliseconds since the epoch. */
  readonly at: number;
  /** Monotonic time in milliseconds: what ages are measured with, so that a clock step lengthens nothing. */
  readonly monotonic: number;
}

/** When the endpoint was asked: just before the question was sent. */
interface Dated {
  /** An {@link Instant}'s `at`; not nested, since there are as many records as tokens. */
  readonly askedAt: number;
  /** The same moment's `monotonic`. */
  readonly askedMonotonic: number;
  /** Where the log of revocations had been read to by then, where there is one: all up to there were made before. */
  readonly mark: string | undefined;
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

/**
 * A token to be looked up, and what came with it. Objects that pass between our own files have no optional members: each is
 * always written, so that none is read through `Object.prototype`.
 */
export interface Question {
  readonly token: string;
  /** Digest of the token: what caches and flights are keyed with. */
  readonly key: string;
  /** What came with a token under the scheme DPoP, still to be verified. */
  readonly dpop: DpopPresentation | undefined;
  /** What the request has proven of its sender. */
  readonly proven: Proven | undefined;
  /** Whether a DPoP proof came with a token that is not under the scheme DPoP, so that nobody checks it. */
  readonly hasUnusedProof: boolean;
}

/** A request with a DPoP proof, as far as the proof speaks of it. */
export interface DpopPresentation {
  /** Whether there is a `DPoP` header, of whatever content. */
  readonly isPresent: boolean;
  /** `undefined` where there is none, or not exactly one. */
  readonly proof: string | undefined;
  readonly method: string | undefined;
  /** The URL the client asked for; `undefined` where that cannot be told. */
  readonly url: string | undefined;
  /** By who remembers them, the proofs that were used up for this very request: a second middleware may look at them again. */
  readonly accepted: Map<object, Set<string>>;
  /** Whether the client should be given another nonce; known once the proof is verified. */
  renewsNonce: boolean;
}

/** Which keys the sender has proven to hold. */
export interface Proven {
  /** Thumbprint of the key of a DPoP proof. */
  readonly jkt: string | undefined;
  /** Thumbprint of the client certificate, if there is one. */
  readonly x5t: (() => string | undefined) | undefined;
}

/** How old an answer may be, seen from now. */
export interface Freshness {
  /** It was asked for then or later, in monotonic milliseconds. */
  readonly askedSince: number;
  /** Read once for all that happens in the same tick. */
  readonly now: Instant;
  /** Whether it is an early refresh, for which nobody waits. */
  readonly background: boolean;
  /** Whether the token was active lately: its lookup does not wait behind those of unknown tokens. */
  readonly isKnown: boolean;
}

/** What {@link Freshness} demands where nobody demands anything. */
export const ANY_AGE = Number.NEGATIVE_INFINITY;

/** The type that runs through the middle: the introspection client is one, every cache layer takes one and returns one. */
export type Lookup = (question: Question, freshness: Freshness) => TokenRecord | Promise<TokenRecord>;

/** Whether what is granted covers what is required. It must return `true` itself. */
export type ScopeMatcher = (granted: readonly string[], required: string) => boolean;

/** Wall time for `exp` and `nbf`, monotonic time for ages. Both in milliseconds. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since any moment; it is never set back. */
  monotonic(): number;
}

export function readClock(clock: Clock): Instant {
  return { at: clock.now(), monotonic: clock.monotonic() };
}

/** One attempt at the endpoint, as a {@link ClientAuth} sees it before it is sent. */
export interface IntrospectionRequest {
  /** URL of the endpoint. */
  readonly endpoint: string;
  /** The authorization server's issuer identifier, where it is known. */
  readonly issuer: string | undefined;
  /** Algorithms of client assertions that the endpoint takes, where its metadata say so. */
  readonly signingAlgorithms?: readonly string[] | undefined;
  /** Whether the endpoint has just answered 401: credentials that are kept somewhere should be renewed. */
  readonly refused: boolean;
  /** Headers, to be added to. */
  readonly headers: Record<string, string>;
  /** Body parameters, the token's among them; what is written to the token's own parameter is overwritten. */
  readonly parameters: Record<string, string>;
}

/** For example `cert`, `key` and `ca`. */
export type TlsMaterial = Readonly<Record<string, unknown>>;

/**
 * How this resource server proves itself to the introspection endpoint.
 * The factories (`clientSecretBasic`, `privateKeyJwt`, `tlsClientAuth` and their like) make them; your own is welcome.
 */
export interface ClientAuth {
  /** Names the client, without any secret: two clients may be told different things about one token. */
  readonly identity: string;
  /**
   * Adds credentials to the headers or parameters of one attempt; called again for a retry.
   * When the endpoint answers 401 it is called once more, and the question is put again if the credentials have changed.
   * What it throws is a 503 `credentials_unavailable`; an `IntrospectionError` is passed on as it is.
   */
  sign(request: IntrospectionRequest): void | Promise<void>;
  /** The client identifier: who signed replies are for ([RFC 9701](https://www.rfc-editor.org/rfc/rfc9701)). */
  readonly clientId?: string | undefined;
  /** The names under which metadata advertise this method, any of them; a warning tells when none is. Default: not compared. */
  readonly methods?: readonly string[] | undefined;
  /** Whether `sign` cannot do without the authorization server's issuer. Default `false`. */
  readonly needsIssuer?: boolean | undefined;
  /** TLS material as `tls.connect` takes it, or a function that returns it for each new connection. */
  readonly connect?: TlsMaterial | (() => TlsMaterial | Promise<TlsMaterial>) | undefined;
}

/** The part of Standard Schema that is used here; zod 4 schemas are such, and so are those of valibot and arktype. */
export interface ClaimsSchema<Output = unknown> {
  /** As [Standard Schema](https://standardschema.dev) has it. */
  readonly '~standard': {
    /** Of the specification. */
    readonly version: 1;
    /** Which library it is of. */
    readonly vendor: string;
    /** Judges claims. It must be synchronous. */
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** For the compiler alone. */
    readonly types?:
      | {
          /** What it takes. */
          readonly input: unknown;
          /** What it makes of it. */
          readonly output: Output;
        }
      | undefined;
  };
}

/** What a schema makes of claims: their value, or what is wrong with them. */
export type SchemaResult<Output> =
  | {
      /** What takes their place. */
      readonly value: Output;
      /** None. */
      readonly issues?: undefined;
    }
  | {
      /** What is wrong, one by one. Nothing of it is passed on. */
      readonly issues: readonly unknown[];
    };
