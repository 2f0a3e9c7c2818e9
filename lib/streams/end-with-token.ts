import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers';
import { missingAuthError, wiringError } from '../middleware/guard.js';
import { type RequestSession, sessionOf } from '../middleware/session.js';
import { callSafely, publishEnd, warnOfFailure } from '../monitoring/end-failure.js';
import { monitorToken } from '../monitoring/token-monitor.js';
import { endResponse, ignoreErrors, keepHeaders, limitTime } from './end-response.js';
import { parseStreamOptions, reasonOf, type StreamOptions } from './options.js';
import { onWaitingClose } from './waiting-response.js';

/** The responses for which `endResponseWithToken()` was called. */
const monitored = new WeakSet<object>();

/**
 * Ends a response when its token ends. Call it in a handler before you start to stream. The token ends
 *
 * - when it expires (`exp`)
 * - when it is invalidated, in this process or in one that shares `cache.store`
 * - when a recheck finds it inactive, or a check of the middleware or of a guard fails. The endpoint is asked again before the
 *   introspection response is older than `cache.ttlSeconds`, or 60 seconds without a cache
 * - when the endpoint cannot be asked, and a request would get 503, or the middleware is closed
 *
 * When the token ends, an event stream (`Content-Type: text/event-stream`) gets `lastEvent`, and is ended. Any other response is cut off:
 * its connection is destroyed, so that the client does not take a part of the response for the whole. A response that has not begun is
 * replaced by the response that a new request with this token would get, such as 401. If the client does not read the end of the stream
 * within 1 second, its connection is destroyed too. After `writeHead()`, Node does not tell the content type: then a response counts as an
 * event stream if `lastEvent` is set.
 *
 * Returns `false` if the token has already ended, or if the client has closed the connection. In both cases the handler must not stream,
 * because the response has ended. Otherwise returns `true`.
 *
 * Not checked: a token that the client presents in a later request. A response depends only on the token of its own request.
 *
 * @example
 * app.get('/events', authenticate, (req, res) => {
 *   if (!endWithToken(req, res, { lastEvent: 'event: token-expired\ndata:\n\n' })) return;
 *   res.writeHead(200, { 'Content-Type': 'text/event-stream' });
 *   const timer = setInterval(() => res.write('data: tick\n\n'), 1000);
 *   res.on('close', () => clearInterval(timer));
 * });
 *
 * @throws TypeError for a wrong option
 * @throws Error (status 500) if the middleware did not authenticate this request, if `res` is not the response to this request or has
 * ended, or if `endWithToken()` or `streamGuard()` was called for `res` before
 */
export function endWithToken(req: IncomingMessage, res: ServerResponse, options: StreamOptions = {}): boolean {
  const parsed = parseStreamOptions(options);
  const session = sessionOf(req);
  if (session === undefined) throw missingAuthError('endWithToken()', req);
  return endResponseWithToken(session, res, parsed, 'endWithToken');
}

/**
 * Ends a response when the token of the session ends. Returns `false` if the token has already ended, or if the client has closed the
 * connection.
 *
 * @param by name of the function that the app called, for errors and diagnostics
 * @throws Error (status 500) for a response that cannot be ended with its token
 */
export function endResponseWithToken(
  session: RequestSession,
  res: ServerResponse,
  { lastEvent, onEnd }: StreamOptions,
  by: string,
): boolean {
  const { req, token } = session;
  requireResponse(req, res, by);
  monitored.add(res);
  if (isClosed(res)) return false;
  keepHeaders(res);
  const end = once((error: unknown) => endResponse(session, res, lastEvent, error));
  const monitor = monitorToken(session, {
    onEnd(error) {
      ignoreErrors(res);
      publishEnd(error, by, token.credentials.digest);
      if (onEnd === undefined) {
        end(error);
        // The app has no other way to learn that its function threw.
        if (reasonOf(error) === 'internal_error') warnOfFailure('A function that checks the token of a response');
        return;
      }
      const stop = limitTime(res, () => end(error));
      void callSafely(`"onEnd" of ${by}()`, () => onEnd(reasonOf(error), error)).then(() => {
        // The app may have ended the source of the response. Its end needs a few turns to reach the response.
        setImmediate(() => {
          stop();
          end(error);
        });
      });
    },
  });
  res.once('close', () => monitor.stop());
  onWaitingClose(req, res, () => monitor.stop());
  return monitor.check();
}

function once<Value>(action: (value: Value) => void): (value: Value) => void {
  let isDone = false;
  return (value) => {
    if (isDone) return;
    isDone = true;
    action(value);
  };
}

function isClosed({ destroyed, closed }: ServerResponse): boolean {
  return destroyed === true || closed === true;
}

function requireResponse(req: IncomingMessage, res: ServerResponse, by: string): void {
  const isResponse = [res?.getHeader, res?.setHeader, res?.end, res?.once, res?.destroy].every(
    (member) => typeof member === 'function',
  );
  if (!isResponse || (res.req !== undefined && res.req !== req)) {
    throw wiringError(
      `${by}() needs the response to the request that was authenticated; pass req and res of the same request`,
    );
  }
  if (monitored.has(res)) {
    throw wiringError(
      `${by}() was called for a response that ends with its token already; call it once for each response`,
    );
  }
  if (res.writableEnded)
    throw wiringError(`${by}() was called after the response had ended; call it before you stream`);
}
