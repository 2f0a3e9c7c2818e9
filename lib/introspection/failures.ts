import { IntrospectionError, type IntrospectionErrorCode } from '../core/errors.js';

/** Codes of failures that may mean that the endpoint is down. */
const OUTAGE_CODES: ReadonlySet<IntrospectionErrorCode> = new Set([
  'timeout',
  'unreachable',
  'server_error',
  'rate_limited',
]);

/** Codes of failures that only a running endpoint can cause. */
const ALIVE_CODES: ReadonlySet<IntrospectionErrorCode> = new Set(['bad_response', 'client_rejected']);

/** Values of `IntrospectionError.detail` for a connection that could not be opened, or that was lost before a response. */
const LOST_CONNECTION_DETAILS: ReadonlySet<string | undefined> = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

/**
 * Values of `IntrospectionError.detail` for a connection that could not be opened. Nothing was sent in these cases, so no token can have
 * caused the failure.
 */
const NO_CONNECTION_DETAILS: ReadonlySet<string | undefined> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
]);

export function hasCode(error: unknown, code: IntrospectionErrorCode): boolean {
  return error instanceof IntrospectionError && error.code === code;
}

/**
 * Whether the error may mean that the endpoint is down. This is false for some `IntrospectionError`s, because an endpoint that rejects the
 * client authentication or sends an invalid response is up.
 */
export function isOutage(error: unknown): boolean {
  return error instanceof IntrospectionError && OUTAGE_CODES.has(error.code);
}

export function provesEndpointIsUp(error: unknown): boolean {
  return error instanceof IntrospectionError && ALIVE_CODES.has(error.code);
}

/**
 * Whether the endpoint asked for a pause: with a 429, or with a 5xx and a `Retry-After` of more than one second. A `Retry-After` of one
 * second does not count after a 5xx, because `retryAfterSeconds` is 1 also if the header is missing.
 */
export function asksForPause(error: unknown): error is IntrospectionError {
  if (!(error instanceof IntrospectionError)) return false;
  return error.code === 'rate_limited' || (error.code === 'server_error' && error.retryAfterSeconds > 1);
}

/** Returns an object with the member `reason` of an event, or an empty object if the error is no `IntrospectionError`. */
export function reasonOf(error: unknown): { readonly reason?: IntrospectionErrorCode } {
  return error instanceof IntrospectionError ? { reason: error.code } : {};
}

/**
 * Whether no connection could be opened, or the connection was lost before a response. A retry is safe then, because introspection changes
 * nothing.
 */
export function isLostConnection(error: IntrospectionError): boolean {
  return error.code === 'unreachable' && LOST_CONNECTION_DETAILS.has(error.detail);
}

/** Whether no connection could be opened. Then the endpoint has not seen the token, so no token can have caused the failure. */
export function failedToConnect(error: unknown): boolean {
  return error instanceof IntrospectionError && error.code === 'unreachable' && NO_CONNECTION_DETAILS.has(error.detail);
}
