/** The `error` that the client sees in the response (RFC 6750 section 3.1, RFC 9470 section 3, RFC 9449 sections 7.1 and 9). */
export type AuthErrorCode =
  | 'invalid_request'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'insufficient_user_authentication'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce';

/** Why a request was rejected, for the operator. Clients see only the `code` of the error, which is less exact. */
export type AuthErrorReason =
  | 'no_credentials'
  | 'malformed_credentials'
  | 'repeated_credentials'
  | 'token_too_long'
  | 'inactive'
  | 'unsupported_token_type'
  | 'invalid_jwt'
  | 'refresh_token'
  | 'expired'
  | 'not_yet_valid'
  | 'issuer_mismatch'
  | 'audience_mismatch'
  | 'claims_rejected'
  | 'sender_constrained'
  | 'no_authorization_server'
  | 'insufficient_scope'
  | 'claim_mismatch'
  | 'insufficient_role'
  | 'actor_mismatch'
  | 'no_user'
  | 'insufficient_user_authentication'
  | 'invalid_dpop_proof'
  | 'dpop_proof_replayed'
  | 'dpop_nonce_required';

/** Why the middleware could not find out whether a token is valid. */
export type IntrospectionErrorCode =
  | 'timeout'
  | 'unreachable'
  | 'server_error'
  | 'rate_limited'
  | 'bad_response'
  | 'client_rejected'
  | 'credentials_unavailable'
  | 'discovery_failed'
  | 'circuit_open'
  | 'overloaded'
  | 'replay_store_failed'
  | 'claims_schema_failed'
  | 'precheck_failed'
  | 'closed';

interface Rejection {
  readonly status: 400 | 401 | 403;
  readonly code: AuthErrorCode | undefined;
}

const INVALID_REQUEST: Rejection = { status: 400, code: 'invalid_request' };
const INVALID_TOKEN: Rejection = { status: 401, code: 'invalid_token' };
const INSUFFICIENT_SCOPE: Rejection = { status: 403, code: 'insufficient_scope' };
const INVALID_DPOP_PROOF: Rejection = { status: 401, code: 'invalid_dpop_proof' };
const USE_DPOP_NONCE: Rejection = { status: 401, code: 'use_dpop_nonce' };
const INSUFFICIENT_AUTHENTICATION: Rejection = { status: 401, code: 'insufficient_user_authentication' };

const REJECTIONS: Readonly<Record<AuthErrorReason, Rejection>> = {
  no_credentials: { status: 401, code: undefined },
  malformed_credentials: INVALID_REQUEST,
  repeated_credentials: INVALID_REQUEST,
  token_too_long: INVALID_REQUEST,
  inactive: INVALID_TOKEN,
  unsupported_token_type: INVALID_TOKEN,
  invalid_jwt: INVALID_TOKEN,
  refresh_token: INVALID_TOKEN,
  expired: INVALID_TOKEN,
  not_yet_valid: INVALID_TOKEN,
  issuer_mismatch: INVALID_TOKEN,
  audience_mismatch: INVALID_TOKEN,
  claims_rejected: INVALID_TOKEN,
  sender_constrained: INVALID_TOKEN,
  no_authorization_server: INVALID_TOKEN,
  insufficient_scope: INSUFFICIENT_SCOPE,
  claim_mismatch: INSUFFICIENT_SCOPE,
  insufficient_role: INSUFFICIENT_SCOPE,
  actor_mismatch: INSUFFICIENT_SCOPE,
  no_user: INSUFFICIENT_SCOPE,
  insufficient_user_authentication: INSUFFICIENT_AUTHENTICATION,
  invalid_dpop_proof: INVALID_DPOP_PROOF,
  dpop_proof_replayed: INVALID_DPOP_PROOF,
  dpop_nonce_required: USE_DPOP_NONCE,
};

/**
 * The `error_description` that clients see for each `error`. The texts are fixed for two reasons. A client must not learn whether a token
 * is unknown, expired or revoked. And no part of a request may appear in a response.
 */
const DESCRIPTIONS: Readonly<Record<AuthErrorCode, string>> = {
  invalid_request: 'The request must carry exactly one well-formed bearer token',
  invalid_token: 'The access token is not valid for this resource',
  insufficient_scope: 'The access token does not grant what this resource requires',
  invalid_dpop_proof: 'The request must carry exactly one valid DPoP proof of its own',
  use_dpop_nonce: 'The DPoP proof must hold a nonce of this resource',
  insufficient_user_authentication: 'This resource requires a stronger or more recent authentication of the user',
};

const OUTAGES: Readonly<Record<IntrospectionErrorCode, string>> = {
  timeout: 'no complete response within the deadline',
  unreachable: 'no connection, or it broke before the response was complete',
  server_error: 'the endpoint responded with a server error',
  rate_limited: 'the endpoint asked for fewer requests',
  bad_response: 'the endpoint sent something that is not an introspection response',
  client_rejected: "the endpoint rejected this API's own request; check the client authentication",
  credentials_unavailable: 'the client authentication could not provide its credentials',
  discovery_failed: 'the metadata or keys of the authorization server could not be used',
  circuit_open: 'the endpoint was not asked, because it just failed or asked for a pause',
  overloaded:
    'the endpoint was not asked in time, because too many introspection requests were waiting in this process',
  replay_store_failed: 'the replay store could not tell whether the DPoP proof was used before',
  claims_schema_failed: 'the "claims" schema threw, was asynchronous, or did not return plain data',
  precheck_failed: 'the "precheck" threw an error that is no AuthError, or did not end in time',
  closed: 'the middleware has been closed',
};

const DEFAULT_RETRY_AFTER_SECONDS = 1;

/** How, and how recently, the user must have authenticated (RFC 9470 section 3). */
export interface RequiredAuthentication {
  /** Accepted authentication contexts (`acr_values`). The token needs one of them. With an empty list, `acr` does not matter. */
  readonly acrValues: readonly string[];
  /** Maximum time since the user authenticated, in seconds (`max_age`); `undefined` for no limit. */
  readonly maxAgeSeconds: number | undefined;
}

/**
 * A rejection: the request is at fault, and the response is 400, 401 or 403.
 * The error never holds a token, nor any text of the authorization server.
 */
export class AuthError extends Error {
  /** Always `'AuthError'`. */
  override readonly name = 'AuthError';
  /** HTTP status of the response. */
  readonly status: 400 | 401 | 403;
  /** Same as `status`, because some error handlers read `statusCode`. */
  readonly statusCode: 400 | 401 | 403;
  /** The `error` that the client sees; `undefined` when the request had no credentials. */
  readonly code: AuthErrorCode | undefined;
  /** Why the request was rejected, for the operator. Do not send it to the client. */
  readonly reason: AuthErrorReason;
  /** The required scopes; empty unless `reason` is `insufficient_scope`. */
  readonly scopes: readonly string[];
  /** The required authentication; `undefined` unless `reason` is `insufficient_user_authentication`. */
  readonly authentication: RequiredAuthentication | undefined;
  /**
   * `WWW-Authenticate`, `Cache-Control` and, for some DPoP requests, `DPoP-Nonce`. The object is empty until a middleware or guard rejects
   * the request. Express's own error handler sends these headers.
   */
  headers: Record<string, string | string[]> = {};

  constructor(reason: AuthErrorReason, scopes: readonly string[] = [], authentication?: RequiredAuthentication) {
    const { status, code } = REJECTIONS[reason];
    super(code === undefined ? 'Authentication is required' : DESCRIPTIONS[code]);
    this.status = status;
    this.statusCode = status;
    this.code = code;
    this.reason = reason;
    this.scopes = scopes;
    this.authentication = authentication;
  }
}

/**
 * An outage: the authorization server or your configuration is at fault, and it is not known whether the token is valid.
 * The status is always 503.
 * The error never holds a token, a secret, the endpoint's URL or text that the endpoint sent.
 */
export class IntrospectionError extends Error {
  /** Always `'IntrospectionError'`. */
  override readonly name = 'IntrospectionError';
  /** HTTP status of the response. */
  readonly status = 503;
  /** Same as `status`, because some error handlers read `statusCode`. */
  readonly statusCode = 503;
  /** Why the middleware could not find out whether the token is valid. */
  readonly code: IntrospectionErrorCode;
  /** A detail that is safe to log, such as `HTTP 401` or `ECONNREFUSED`. */
  readonly detail: string | undefined;
  /**
   * Seconds until the client may retry, from 1 to 120. If this process sends no introspection requests for a while, because the endpoint
   * asked for a pause or failed too often, this number is the time left of that pause. In all other cases it is 1.
   */
  readonly retryAfterSeconds: number;
  /** The headers `Retry-After` and `Cache-Control` of the response. Express's own error handler sends them. */
  readonly headers: Record<string, string>;

  constructor(code: IntrospectionErrorCode, detail?: string, retryAfterSeconds = DEFAULT_RETRY_AFTER_SECONDS) {
    super(`Token introspection failed: ${OUTAGES[code]} (${detail === undefined ? code : `${code}, ${detail}`})`);
    this.code = code;
    this.detail = detail;
    this.retryAfterSeconds = retryAfterSeconds;
    this.headers = { 'Retry-After': String(retryAfterSeconds), 'Cache-Control': 'no-store' };
  }
}
