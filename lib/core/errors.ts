/** RFC 6750 section 3.1, RFC 9470 section 3 and RFC 9449 sections 7.1 and 9; absent when the request carried no credentials at all. */
export type AuthErrorCode =
  | 'invalid_request'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'insufficient_user_authentication'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce';

/** Why a request was refused, for the operator. Clients see only the `code`. */
export type AuthErrorReason =
  | 'no_credentials'
  | 'malformed_credentials'
  | 'repeated_credentials'
  | 'token_too_long'
  | 'inactive'
  | 'unsupported_token_type'
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
  | 'insufficient_user_authentication'
  | 'invalid_dpop_proof'
  | 'dpop_proof_replayed'
  | 'dpop_nonce_required';

/** Why no judgement could be made. */
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
  insufficient_user_authentication: INSUFFICIENT_AUTHENTICATION,
  invalid_dpop_proof: INVALID_DPOP_PROOF,
  dpop_proof_replayed: INVALID_DPOP_PROOF,
  dpop_nonce_required: USE_DPOP_NONCE,
};

/** Fixed texts: unknown, expired and revoked tokens must read alike, and nothing of a request may be echoed. */
const DESCRIPTIONS: Readonly<Record<AuthErrorCode, string>> = {
  invalid_request: 'The request must carry exactly one well-formed bearer token',
  invalid_token: 'The access token is not valid for this resource',
  insufficient_scope: 'The access token does not grant what this resource requires',
  invalid_dpop_proof: 'The request must carry exactly one valid DPoP proof of its own',
  use_dpop_nonce: 'The DPoP proof must hold a nonce of this resource',
  insufficient_user_authentication: 'This resource requires a stronger or more recent authentication of the user',
};

const OUTAGES: Readonly<Record<IntrospectionErrorCode, string>> = {
  timeout: 'no complete answer within the deadline',
  unreachable: 'no connection, or it broke before the answer was complete',
  server_error: 'answered with a server error',
  rate_limited: 'asked us to slow down',
  bad_response: 'answered with something that is not an introspection response',
  client_rejected: "refused this resource server's own request: check the client authentication",
  credentials_unavailable: 'the client authentication could not provide its credentials',
  discovery_failed: 'what the authorization server publishes about itself could not be used',
  circuit_open: 'not asked, because it failed just now or asked for a pause',
  overloaded: 'not asked in time, because too many introspection requests were waiting in this process',
  replay_store_failed: 'whether the DPoP proof was used before could not be told',
  claims_schema_failed: 'the "claims" schema threw, was asynchronous, or made something other than plain data',
  closed: 'the middleware has been closed',
};

const DEFAULT_RETRY_AFTER_SECONDS = 1;

/** RFC 9470 section 3. */
export interface RequiredAuthentication {
  /** Ways to authenticate of which one will do (`acr_values`); empty where any will. */
  readonly acrValues: readonly string[];
  /** How long ago the user may have authenticated (`max_age`); `undefined` where that does not matter. */
  readonly maxAgeSeconds: number | undefined;
}

/**
 * A rejection: the request's own fault, an answer of 400, 401 or 403.
 * It never holds a token, nor anything the authorization server said.
 */
export class AuthError extends Error {
  /** Always `'AuthError'`. */
  override readonly name = 'AuthError';
  /** Status of the answer. */
  readonly status: 400 | 401 | 403;
  /** The same, under the other name that error handlers look for. */
  readonly statusCode: 400 | 401 | 403;
  /** What the client is told as `error`; `undefined` where it presented no credentials. */
  readonly code: AuthErrorCode | undefined;
  /** Why, for the operator; the client is not told. */
  readonly reason: AuthErrorReason;
  /** The scopes that were asked for and not all granted; empty unless `reason` is `insufficient_scope`. */
  readonly scopes: readonly string[];
  /** What authentication was asked for; `undefined` unless `reason` is `insufficient_user_authentication`. */
  readonly authentication: RequiredAuthentication | undefined;
  /** The challenge and `Cache-Control`, as Express's own error handling sends them. */
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
 * An outage: the authorization server or our own configuration is at fault, the token was never judged. Always 503.
 * It never holds a token, a secret, the endpoint's URL or its text.
 */
export class IntrospectionError extends Error {
  /** Always `'IntrospectionError'`. */
  override readonly name = 'IntrospectionError';
  /** Status of the answer. */
  readonly status = 503;
  /** The same, under the other name that error handlers look for. */
  readonly statusCode = 503;
  /** Why no judgement could be made. */
  readonly code: IntrospectionErrorCode;
  /** What is safe to tell an operator, such as `HTTP 401` or `ECONNREFUSED`. */
  readonly detail: string | undefined;
  /** Seconds, 1 to 120: what the endpoint asked for, else 1. */
  readonly retryAfterSeconds: number;
  /** `Retry-After` and `Cache-Control`, as Express's own error handling sends them. */
  readonly headers: Record<string, string>;

  constructor(code: IntrospectionErrorCode, detail?: string, retryAfterSeconds = DEFAULT_RETRY_AFTER_SECONDS) {
    super(`Token introspection failed: ${OUTAGES[code]} (${detail === undefined ? code : `${code}, ${detail}`})`);
    this.code = code;
    this.detail = detail;
    this.retryAfterSeconds = retryAfterSeconds;
    this.headers = { 'Retry-After': String(retryAfterSeconds), 'Cache-Control': 'no-store' };
  }
}
