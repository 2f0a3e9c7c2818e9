import type { IncomingMessage } from 'node:http';
import { AuthError, IntrospectionError } from '../core/errors.js';
import { type ChallengeSettings, DPOP_NONCE } from './challenge.js';
import type { ResponseLike } from './response-like.js';

const INTERNAL_SERVER_ERROR = 500;
const NO_STORE = { 'Cache-Control': 'no-store' };

/**
 * Headers about the content of a response. They are removed before an error response is sent, because other code may have set them for
 * other content.
 */
const CONTENT_HEADERS = [
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-Range',
  'Content-Type',
  'ETag',
  'Last-Modified',
];

/** A response to a rejection, an outage or any other error. */
export interface ErrorResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: { readonly error?: string; readonly error_description?: string };
}

/**
 * Returns the response that a client gets for an error. The response to a request without credentials has no error code (RFC 6750 section
 * 3.1).
 */
export function responseFor(error: unknown): ErrorResponse {
  if (error instanceof AuthError) {
    const { status, headers, code, message } = error;
    return { status, headers, body: code === undefined ? {} : { error: code, error_description: message } };
  }
  if (error instanceof IntrospectionError) {
    return { status: error.status, headers: error.headers, body: { error: 'temporarily_unavailable' } };
  }
  return { status: INTERNAL_SERVER_ERROR, headers: NO_STORE, body: { error: 'server_error' } };
}

/**
 * Sets the header `DPoP-Nonce`, with the nonce for the next proof of the client (RFC 9449 section 8.2), and forbids caching of the
 * response. Does nothing if the policy uses no nonces, or if the headers were sent already.
 */
export function setNonce(res: ResponseLike, { dpop }: Pick<ChallengeSettings, 'dpop'>): void {
  const nonce = dpop?.nonces?.current();
  if (nonce === undefined || res.headersSent || !hasMembers(res)) return;
  res.setHeader(DPOP_NONCE, nonce);
  res.setHeader('Cache-Control', 'no-store');
}

/** Sends the response to a rejection, with a JSON body. Throws when {@link respond} throws. */
export function respondWithRejection(req: IncomingMessage, res: ResponseLike, error: AuthError): void {
  const { status, headers, body } = responseFor(error);
  respond(req, res, status, headers, body);
}

/**
 * Sends the response to an error for which there is no `next`: 503 for an outage, 500 for any other error, even for a rejection. If the
 * response cannot be sent, the connection is closed. The function never throws.
 */
export function respondWithError(req: IncomingMessage, res: Partial<ResponseLike> | undefined, error: unknown): void {
  try {
    if (!canRespond(res)) {
      destroy(res);
      return;
    }
    const { status, headers, body } = responseFor(error instanceof AuthError ? undefined : error);
    respond(req, res, status, headers, body);
  } catch {
    destroy(res);
  }
}

/**
 * Whether `respond()` may be called. `false` if `res` lacks a method that a response needs, or if other code has sent the headers but has
 * not ended the response. `true` for a response that has ended, because `respond()` does nothing with it.
 */
export function canRespond(res: Partial<ResponseLike> | undefined): res is ResponseLike {
  return hasMembers(res) && !isUnfinished(res);
}

/** True if `res` has all methods that are needed to send a response. Wrappers for other frameworks may pass an empty object. */
function hasMembers(res: Partial<ResponseLike> | undefined): res is ResponseLike {
  return [res?.getHeader, res?.setHeader, res?.end].every((member) => typeof member === 'function');
}

/** Whether other code has sent the headers, but has not ended the response. */
function isUnfinished({ headersSent, writableEnded }: Partial<ResponseLike>): boolean {
  return headersSent === true && writableEnded !== true;
}

function destroy(res: Partial<ResponseLike> | undefined): void {
  try {
    res?.destroy?.();
  } catch {
    // There is no other way to close the connection.
  }
}

/**
 * Sets `Cache-Control: private`, unless the response has a `Cache-Control` already or its headers were sent. Shared HTTP caches must not
 * store the response to a request whose token is outside `Authorization` (RFC 6750 section 2.3, RFC 9111 section 3.5).
 */
export function markPrivate(res: ResponseLike): void {
  if (res.headersSent || !hasMembers(res)) return;
  if (res.getHeader('Cache-Control') === undefined) res.setHeader('Cache-Control', 'private');
}

/**
 * Sends a response with a JSON body, or without a body. The response to HEAD has the length of the body, but no body (RFC 9110 section
 * 9.3.2). Does nothing if the response has ended.
 *
 * @throws Error if the headers were sent but the response has not ended. Without an error, the client would wait forever for the end
 * @throws any error that `res` throws. Before that, the old status is restored and the new headers are removed, so that other code can send
 * a response
 */
export function respond(
  { method }: IncomingMessage,
  res: ResponseLike,
  status: number,
  headers: Readonly<Record<string, string | string[]>>,
  body: object | undefined,
): void {
  if (res.writableEnded) return;
  if (res.headersSent) throw new Error('The headers of the response were sent already');
  const { statusCode } = res;
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  try {
    for (const name of CONTENT_HEADERS) res.removeHeader?.(name);
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
    res.statusCode = status;
    if (content !== undefined) {
      res.setHeader('Content-Type', 'application/json; charset=utf-8');
      res.setHeader('Content-Length', content.byteLength);
    }
    res.end(method === 'HEAD' ? undefined : content);
  } catch (error) {
    if (!res.headersSent) resetResponse(res, statusCode, Object.keys(headers));
    throw error;
  }
}

/** Restores the status of a response that could not be sent. Removes the headers with these names, and all headers about the content. */
function resetResponse(res: ResponseLike, statusCode: number, names: readonly string[]): void {
  res.statusCode = statusCode;
  for (const name of [...names, ...CONTENT_HEADERS]) res.removeHeader?.(name);
}
