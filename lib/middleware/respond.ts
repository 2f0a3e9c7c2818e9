import type { IncomingMessage } from 'node:http';
import { AuthError, IntrospectionError } from '../core/errors.js';
import type { ChallengeSettings } from './challenge.js';
import type { ResponseLike } from './response-like.js';

const DPOP_NONCE = 'DPoP-Nonce';
const INTERNAL_SERVER_ERROR = 500;
const NO_STORE = { 'Cache-Control': 'no-store' };

/** Headers that describe content which is not sent now. */
const CONTENT_HEADERS = [
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-Range',
  'Content-Type',
  'ETag',
  'Last-Modified',
];

/** The body of a response that a rejection, an outage or any other error gets. */
export interface ErrorResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: { readonly error?: string; readonly error_description?: string };
}

/** The response that a client gets for an error. A request without credentials gets no error code (RFC 6750 section 3.1). */
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

/** Gives the client the nonce for its next proof (RFC 9449 section 8.2), in a response that nobody keeps. */
export function setNonce(res: ResponseLike, { dpop }: Pick<ChallengeSettings, 'dpop'>): void {
  const nonce = dpop?.nonces?.current();
  if (nonce === undefined || res.headersSent || !hasMembers(res)) return;
  res.setHeader(DPOP_NONCE, nonce);
  res.setHeader('Cache-Control', 'no-store');
}

/** Answers a rejection with JSON. */
export function respondWithRejection(req: IncomingMessage, res: ResponseLike, error: AuthError): void {
  const { status, headers, body } = responseFor(error);
  respond(req, res, status, headers, body);
}

/** Answers an error that nobody else takes. It never throws: if the response fails too, the connection is closed. */
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
 * Whether a rejection can be written to it, or has been answered already. Wrappers for other frameworks pass an empty object as the
 * response.
 */
export function canRespond(res: Partial<ResponseLike> | undefined): res is ResponseLike {
  return hasMembers(res) && !isUnfinished(res);
}

/** Whether it has what is needed to write a rejection. */
function hasMembers(res: Partial<ResponseLike> | undefined): res is ResponseLike {
  return [res?.getHeader, res?.setHeader, res?.end].every((member) => typeof member === 'function');
}

/** Whether somebody else has sent its headers, but not its end. */
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

/** A reply to credentials outside `Authorization` is not for shared caches (RFC 6750 section 2.3, RFC 9111 section 3.5). */
export function markPrivate(res: ResponseLike): void {
  if (res.headersSent || !hasMembers(res)) return;
  if (res.getHeader('Cache-Control') === undefined) res.setHeader('Cache-Control', 'private');
}

/**
 * Answers with JSON, or with nothing, instead of what was to be sent. HEAD is told the length and given no body (RFC 9110 section
 * 9.3.2). A response that has ended is left alone.
 *
 * @throws Error for a response whose headers were sent, because the client would wait for its end for ever
 * @throws what the response throws; an answer by somebody else then starts without our status and headers
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
    if (!res.headersSent) removeHeaders(res, statusCode, Object.keys(headers));
    throw error;
  }
}

/** Takes an answer back that could not be sent. */
function removeHeaders(res: ResponseLike, statusCode: number, names: readonly string[]): void {
  res.statusCode = statusCode;
  for (const name of [...names, ...CONTENT_HEADERS]) res.removeHeader?.(name);
}
