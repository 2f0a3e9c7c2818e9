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

/** Whether what is granted covers what is required. It must return `true` itself. */
export type ScopeMatcher = (granted: readonly string[], required: string) => boolean;

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
