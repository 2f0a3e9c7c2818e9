import { IntrospectionError, type IntrospectionErrorCode } from '../core/errors.js';

/** Failures that may mean that the endpoint is down. */
const OUTAGE_CODES: ReadonlySet<IntrospectionErrorCode> = new Set([
  'timeout',
  'unreachable',
  'server_error',
  'rate_limited',
]);

/** Failures that only a running endpoint can cause. */
const ALIVE_CODES: ReadonlySet<IntrospectionErrorCode> = new Set(['bad_response', 'client_rejected']);

/** Connection failures before a response. */
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

/** Connection failures before anything was sent. No token can cause them. */
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

/** Whether the endpoint may be down. An endpoint that rejects our credentials or sends an invalid response is up. */
export function isOutage(error: unknown): boolean {
  return error instanceof IntrospectionError && OUTAGE_CODES.has(error.code);
}

export function provesEndpointIsUp(error: unknown): boolean {
  return error instanceof IntrospectionError && ALIVE_CODES.has(error.code);
}

/** Whether the endpoint asked us to slow down, or said when to try again. */
export function asksForPause(error: unknown): error is IntrospectionError {
  if (!(error instanceof IntrospectionError)) return false;
  return error.code === 'rate_limited' || (error.code === 'server_error' && error.retryAfterSeconds > 1);
}

/** Member `reason` of an event, absent for an error that has no code of ours. */
export function reasonOf(error: unknown): { readonly reason?: IntrospectionErrorCode } {
  return error instanceof IntrospectionError ? { reason: error.code } : {};
}

/** Whether the connection failed, or was lost before a response. A retry is safe, because introspection changes nothing. */
export function isLostConnection(error: IntrospectionError): boolean {
  return error.code === 'unreachable' && LOST_CONNECTION_DETAILS.has(error.detail);
}

/** Whether the connection failed before the endpoint could see the token. */
export function failedToConnect(error: unknown): boolean {
  return error instanceof IntrospectionError && error.code === 'unreachable' && NO_CONNECTION_DETAILS.has(error.detail);
}
