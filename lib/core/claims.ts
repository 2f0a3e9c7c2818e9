/**
 * The members of an active introspection response (RFC 7662 section 2.2), with the names that the endpoint or `normalizeResponse` used. A
 * member that was `null` in the response is absent here. `scope` is always a string.
 */
export interface Auth {
  /** Always `true`. If the endpoint sends `false`, the request is rejected (`inactive`). Any other value is an outage (`bad_response`). */
  active: true;
  /** Granted scopes, separated by spaces; `''` when the response has no `scope`. */
  scope: string;
  /** The client that requested the token. */
  client_id?: string;
  /** A name for people to read. Do not use it to identify a user. */
  username?: string;
  /** Type of the token, such as `Bearer` or `DPoP`. */
  token_type?: string;
  /** When the token expires, in seconds since the epoch. */
  exp?: number;
  /** When the token was issued, in seconds since the epoch. */
  iat?: number;
  /** When the token becomes valid, in seconds since the epoch. */
  nbf?: number;
  /** The subject, usually the user who authorized the token. It identifies a user only together with `iss`. */
  sub?: string;
  /** The audience: the APIs that the token is intended for. */
  aud?: string | readonly string[];
  /** The authorization server that issued the token. */
  iss?: string;
  /** Identifier of the token. */
  jti?: string;
  [claim: string]: unknown;
}

/** The claims of one token record. Their nested values are frozen, because all requests that use this record share those values. */
export type Claims = Readonly<Auth>;

/** Returns `true` when the granted scopes cover the required scope. Any result except `true` counts as `false`, even a promise. */
export type ScopeMatcher = (granted: readonly string[], required: string) => boolean;

/**
 * Returns the roles of a token. `claims` are the members of the introspection response, as the endpoint sent them or `normalizeResponse`
 * returned them. If the result is not a list, the token has no role.
 */
export type RoleReader = (claims: Readonly<Auth>) => readonly string[];

/**
 * The part of [Standard Schema](https://standardschema.dev) that this package uses. Schemas of zod 4, valibot and arktype have this type.
 */
export interface ClaimsSchema<Output = unknown> {
  /** The member that Standard Schema defines. Through it, schemas of all libraries are used in the same way. */
  readonly '~standard': {
    /** Version of the Standard Schema specification. */
    readonly version: 1;
    /** Name of the schema library. */
    readonly vendor: string;
    /** Validates claims. It must be synchronous: if it returns a promise, the request fails with an outage (`claims_schema_failed`). */
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** Types for the compiler; never read at run time. */
    readonly types?:
      | {
          /** Type of the value before validation. */
          readonly input: unknown;
          /** Type of the value after validation. */
          readonly output: Output;
        }
      | undefined;
  };
}

/** Result of a schema: the validated value, or the problems that the schema found. */
export type SchemaResult<Output> =
  | {
      /** The validated claims. They replace claims of the introspection response that have the same names, except `active` and `scope`. */
      readonly value: Output;
      /** Always absent when the validation succeeds. */
      readonly issues?: undefined;
    }
  | {
      /** The problems that the schema found. This library never logs them, and never sends them to the client. */
      readonly issues: readonly unknown[];
    };
