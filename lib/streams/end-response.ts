import type { ServerResponse } from 'node:http';
import { constants } from 'node:http2';
import { clearTimeout, setTimeout } from 'node:timers';
import { AuthError } from '../core/errors.js';
import { addChallenge } from '../middleware/challenge.js';
import { scopesOf } from '../middleware/guard.js';
import { usesDpop } from '../middleware/reject.js';
import { respond, responseFor } from '../middleware/respond.js';
import type { RequestSession } from '../middleware/session.js';

/** Time for a client to read the end of a response, and for `onEnd` of the app to end it. After it, the connection is destroyed. */
const LINGER_MS = 1000;

/** Methods by which a handler that does not know of the end may still change its response. */
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

/** The response of HTTP/2, which has a stream instead of a connection of its own. */
type Http2Response = ServerResponse & { readonly stream?: { close?(code: number): void } };

/**
 * Ends a response whose token has ended. An event stream ends with its last event, any other response is cut off, and a response that has
 * not begun is replaced. Never throws.
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

/** Listens for the errors that later writes of the handler cause. Without a listener, they would end the process. */
export function ignoreErrors(res: ServerResponse): void {
  res.on('error', () => {});
}

/** Calls `onTimeout` after 1 second, unless the response was sent before. Returns a function that prevents the call. */
export function limitTime(res: ServerResponse, onTimeout: () => void): () => void {
  const timer = setTimeout(onTimeout, LINGER_MS).unref();
  const stop = () => clearTimeout(timer);
  res.once('finish', stop);
  res.once('close', stop);
  return stop;
}

/** Node only keeps the headers of `writeHead()`, so that `getHeader()` returns them, if `setHeader()` was called before. */
export function keepHeaders(res: ServerResponse): void {
  if (res.headersSent || res.getHeader('Content-Type') !== undefined) return;
  res.setHeader('Content-Type', 'text/plain');
  res.removeHeader('Content-Type');
}

function isEventStream(res: ServerResponse, lastEvent: string | undefined): boolean {
  const type = res.getHeader('Content-Type');
  return type === undefined ? lastEvent !== undefined : /^\s*text\/event-stream\s*(?:;|$)/i.test(String(type));
}

/** Sends the response to a request with this token. Whatever the handler writes afterwards is dropped, because it could only throw. */
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
