/**
 * An active introspection response (RFC 7662 section 2.2) as the endpoint sent it, names unchanged.
 * Members that were `null` are absent; `scope` is always a string.
 */
export interface Auth {
  active: true;
  /** Granted scopes, separated by spaces; `''` when the endpoint named none. */
  scope: string;
  client_id?: string;
  username?: string;
  token_type?: string;
  /** Seconds since the epoch. */
  exp?: number;
  /** Seconds since the epoch. */
  iat?: number;
  /** Seconds since the epoch. */
  nbf?: number;
  sub?: string;
  aud?: string | readonly string[];
  iss?: string;
  jti?: string;
  [claim: string]: unknown;
}

/** The claims of a record: prepared once, nested values frozen, shared by every request that meets the record. */
export type Claims = Readonly<Auth>;

/** When the endpoint was asked, on both clocks, taken just before the question was sent. */
export interface Asked {
  /** Wall time, milliseconds since the epoch. */
  readonly at: number;
  /** Monotonic time in milliseconds: what ages are measured with, so that a clock step lengthens nothing. */
  readonly monotonic: number;
}

export interface ActiveRecord {
  readonly active: true;
  readonly claims: Claims;
  readonly scopes: readonly string[];
  readonly asked: Asked;
}

export interface InactiveRecord {
  readonly active: false;
  readonly asked: Asked;
}

/** What the endpoint said about one token, and when it was asked. A fact; never a decision. */
export type TokenRecord = ActiveRecord | InactiveRecord;

export interface Question {
  readonly token: string;
  /** Digest of the settings and the token: what caches and flights are keyed with. */
  readonly key: string;
}

/** How old an answer may be: asked for at `askedSince` or later, in monotonic milliseconds. */
export interface Freshness {
  readonly askedSince: number;
}

export const ANY_AGE: Freshness = Object.freeze({ askedSince: Number.NEGATIVE_INFINITY });

/** The type that runs through the middle: the introspection client is one, every cache layer takes one and returns one. */
export type Lookup = (question: Question, freshness: Freshness) => TokenRecord | Promise<TokenRecord>;

/** Wall time for `exp` and `nbf`, monotonic time for ages. Both in milliseconds. */
export interface Clock {
  now(): number;
  monotonic(): number;
}

/** One attempt at the endpoint, as a {@link ClientAuth} sees it before it is sent. */
export interface IntrospectionRequest {
  readonly endpoint: string;
  readonly headers: Record<string, string>;
  /** Body parameters, the token's among them; what is written to the token's own parameter is overwritten. */
  readonly parameters: Record<string, string>;
}

/**
 * How this resource server proves itself to the introspection endpoint.
 * The factories (`clientSecretBasic`, `clientSecretPost`, `bearerToken`, `noClientAuth`) make them; your own is welcome.
 */
export interface ClientAuth {
  /** Names the client, without any secret. It is part of every cache key: two clients may be told different things. */
  readonly identity: string;
  /** Adds credentials to the headers or parameters of one attempt; called again for a retry. */
  sign(request: IntrospectionRequest): void | Promise<void>;
  /** TLS material for the connection pool, as `tls.connect` takes it. */
  readonly connect?: Readonly<Record<string, unknown>> | undefined;
}

/** The part of Standard Schema that is used here; zod 4 schemas are such, and so are those of valibot and arktype. */
export interface ClaimsSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly unknown[] };
