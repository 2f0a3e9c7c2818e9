import type { ServerResponse } from 'node:http';
import { constants } from 'node:http2';
import { clearTimeout, setTimeout } from 'node:timers';
import { AuthError } from '../core/errors.js';
import { addChallenge } from '../middleware/challenge.js';
import { scopesOf } from '../middleware/guard.js';
import { usesDpop } from '../middleware/reject.js';
import { respond, responseFor } from '../middleware/respond.js';
import type { RequestSession } from '../middleware/session.js';

/**
 * Time in milliseconds in which the client must read the end of a response, and also the time in which `onEnd` of the app must end the
 * response. After this time, the connection is destroyed, or the response is ended.
 */
const LINGER_MS = 1000;

/** Methods of a response by which a handler could still change the response, because it does not know that the response has ended. */
const WRITERS = [
  'addTrailers',
  'appendHeader',
  'end',
  'flushHeaders',
  'removeHeader',
  'setHeader',
  'setHeaders',
  'write',
  'writeHead',
];

/** A response of HTTP/2. It has a stream, because it does not have its own connection. */
type Http2Response = ServerResponse & { readonly stream?: { close?(code: number): void } };

/**
 * Ends a response whose token has ended. An event stream ends with `lastEvent`. Any other response that has begun is cut off. A response
 * that has not begun is replaced by an error response. The function never throws.
 *
 * @param lastEvent the last event of an event stream; `undefined` for none
 */
export function endResponse(
  session: RequestSession,
  res: ServerResponse,
  lastEvent: string | undefined,
  error: unknown,
): void {
  if (res.writableFinished || res.destroyed) return;
  try {
    if (!res.writableEnded) {
      if (!res.headersSent) replaceResponse(session, res, error);
      else if (isEventStream(res, lastEvent)) res.end(lastEvent);
      else {
        destroy(res);
        return;
      }
    }
    limitTime(res, () => destroy(res));
  } catch {
    destroy(res);
  }
}

/** Adds a listener for the errors that later writes of the handler cause. Without a listener, these errors would end the process. */
export function ignoreErrors(res: ServerResponse): void {
  res.on('error', () => {});
}

/** Calls `onTimeout` after 1 second, unless the response was sent or closed before. Returns a function that prevents the call. */
export function limitTime(res: ServerResponse, onTimeout: () => void): () => void {
  const timer = setTimeout(onTimeout, LINGER_MS).unref();
  const stop = () => clearTimeout(timer);
  res.once('finish', stop);
  res.once('close', stop);
  return stop;
}

/**
 * Lets `getHeader()` return the headers that the handler later passes to `writeHead()`. Node keeps these headers only if `setHeader()` was
 * called before, so this function calls `setHeader()`.
 */
export function keepHeaders(res: ServerResponse): void {
  if (res.headersSent || res.getHeader('Content-Type') !== undefined) return;
  res.setHeader('Content-Type', 'text/plain');
  res.removeHeader('Content-Type');
}

function isEventStream(res: ServerResponse, lastEvent: string | undefined): boolean {
  const type = res.getHeader('Content-Type');
  return type === undefined ? lastEvent !== undefined : /^\s*text\/event-stream\s*(?:;|$)/i.test(String(type));
}

/**
 * Sends the response that a new request with this token would get. Everything that the handler writes afterwards is dropped: these writes
 * could only throw.
 */
function replaceResponse(session: RequestSession, res: ServerResponse, error: unknown): void {
  const { req, authenticator } = session;
  let thrown = error;
  if (error instanceof AuthError) {
    // Other responses end with the same error, and each has a challenge of its own.
    const copy = new AuthError(error.reason, error.scopes, error.authentication);
    addChallenge(copy, authenticator.policy, scopesOf(session), res, usesDpop(req));
    thrown = copy;
  }
  const { status, headers, body } = responseFor(thrown);
  res.removeHeader('Transfer-Encoding');
  respond(req, res, status, headers, body);
  for (const name of WRITERS) {
    Reflect.defineProperty(res, name, { value: () => res, writable: true, enumerable: false, configurable: true });
  }
}

function destroy(res: Http2Response): void {
  try {
    if (typeof res.stream?.close === 'function') res.stream.close(constants.NGHTTP2_CANCEL);
    else res.destroy();
  } catch {
    // There is no other way to close the connection.
  }
}
