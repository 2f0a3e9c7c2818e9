import { IntrospectionError, type IntrospectionErrorCode } from '../core/errors.js';

/** Failures that the endpoint itself may be responsible for. */
const OUTAGE_CODES: ReadonlySet<IntrospectionErrorCode> = new Set([
  'timeout',
  'unreachable',
  'server_error',
  'rate_limited',
]);

/** Failures that only an endpoint that is up can cause. */
const ALIVE_CODES: ReadonlySet<IntrospectionErrorCode> = new Set(['bad_response', 'client_rejected']);

/** No connection came about, or it died before a reply: another try may do, and asking twice about a token does no harm. */
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

/** The connection failed before anything was sent. No token can have caused it. */
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

/** Whether the endpoint may be down. It is up when it refuses us or answers nonsense. */
export function isOutage(error: unknown): boolean {
  return error instanceof IntrospectionError && OUTAGE_CODES.has(error.code);
}

export function provesEndpointIsUp(error: unknown): boolean {
  return error instanceof IntrospectionError && ALIVE_CODES.has(error.code);
}

/** Whether the endpoint asked us to slow down, or said when to come back. */
export function asksForPause(error: unknown): error is IntrospectionError {
  if (!(error instanceof IntrospectionError)) return false;
  return error.code === 'rate_limited' || (error.code === 'server_error' && error.retryAfterSeconds > 1);
}

/** The member `reason` of an event, where there is one. */
export function reasonOf(error: unknown): { readonly reason?: IntrospectionErrorCode } {
  return error instanceof IntrospectionError ? { reason: error.code } : {};
}

/** Whether no connection came about, or it was lost before a response. Asking again about a token does no harm. */
export function isLostConnection(error: IntrospectionError): boolean {
  return error.code === 'unreachable' && LOST_CONNECTION_DETAILS.has(error.detail);
}

/** Whether no connection came about, so that the endpoint never saw the token. */
export function failedToConnect(error: unknown): boolean {
  return error instanceof IntrospectionError && error.code === 'unreachable' && NO_CONNECTION_DETAILS.has(error.detail);
}
