import type { Auth } from '../core/claims.js';
import { AuthError } from '../core/errors.js';
import { checkOptions } from '../core/option-check.js';
import { optionError } from '../core/option-error.js';
import { wiringError } from '../middleware/guard.js';
import { hasStarted } from '../middleware/middleware-registry.js';
import { addRecognizer, isFromAnotherCopy, OTHER_COPY_REMEDY } from '../middleware/package-copies.js';
import { createSession, type Session, sessionBehind } from '../middleware/session.js';
import type { AuthOf, SelectingMiddleware, TokenIntrospection } from '../middleware/types.js';
import { callSafely, isClosing, publishEnd } from '../monitoring/end-failure.js';
import { requireSameUser } from '../monitoring/same-user.js';
import { monitorToken, type TokenMonitor } from '../monitoring/token-monitor.js';
import { closeSocket, filterMessages, isClosed, type ServerSocket } from './socket.js';

/** Options of `keepAuthenticated()` and `webSocketUpgrade()`. */
export interface KeepOptions {
  /**
   * Maximum age of the introspection response behind a socket, 1 to 86400 seconds since its introspection request. The endpoint is asked
   * again before the response reaches this age. So if a token is revoked only at the authorization server, its socket is closed at most
   * this time later. During an outage it may take longer: then the socket may use a stale response, if requests may. Default:
   * `cache.ttlSeconds`, as for requests; 60 without a cache.
   */
  readonly recheckSeconds?: number | undefined;
  /**
   * Called with every error that ends a socket or an upgrade and is not a rejection: an outage, or an error that a function of the app
   * threw. It is not called for open sockets when the middleware is closed. If `onError` itself throws, its error is dropped with a process
   * warning. Otherwise that error would end the process, because timers call `onError`.
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** The name by which process warnings call the `onError` of the app. */
export const ON_ERROR = '"onError" of a WebSocket';

const MIN_SECONDS = 1;
const MAX_SECONDS = 86_400;

interface AuthenticatedSocket {
  /**
   * The claims of the latest introspection response. They are kept when the socket is closed, because a listener may still work on a
   * message that it has received.
   */
  auth: Auth;
  session: Session;
  monitor: TokenMonitor | undefined;
  /**
   * `true` when the monitor of the token has ended, or `keepAuthenticated()` has thrown. From then on no message reaches the app, even if
   * `keepAuthenticated()` is called with another token.
   */
  hasEnded: boolean;
  /** The options of the latest call of `keepAuthenticated()`. */
  options: KeepOptions;
}

const sockets = new WeakMap<object, AuthenticatedSocket>();
addRecognizer((value) => sockets.has(value));

/**
 * Keeps a socket open only as long as a request with the same token would be accepted. It closes the socket
 *
 * - with 1008 at `exp`, at once when the token is invalidated in this process or in one that shares `cache.store`, and when a newer
 *   introspection response fails a check; the close reason is the error code of the response, such as `invalid_token`
 * - with 1013 when the endpoint cannot be asked, and the latest introspection response is too old to be used
 * - with 1001 when the middleware is closed
 * - with 1011 when a function of the app throws, such as a clock, and when `keepAuthenticated()` itself throws
 *
 * After the socket was closed in this way, no message that arrives reaches a `message` listener. If you call `keepAuthenticated()` again
 * for an open socket, with claims of another token, only the other token counts from then on.
 *
 * Returns `false` if the token has expired or was invalidated since it was authenticated, or if the socket is closed. Do not emit
 * `connection` for such a socket.
 *
 * Not checked: whether the token of a later call belongs to the same user, and guards that are mounted behind the middleware, unless `auth`
 * is a `req.auth` that passed them.
 *
 * @param auth the object that `authenticateRequest()` or `introspect()` of a middleware resolved to, or a `req.auth` that it set
 * @throws TypeError for a wrong option, Error (status 500) for claims that no middleware created; the socket is closed with 1011 first
 */
export function keepAuthenticated(socket: ServerSocket, auth: object, options: KeepOptions = {}): boolean {
  try {
    requireOptions(options);
    return monitorSocket(socket, requireSession(auth), options);
  } catch (error) {
    endSocket(sockets.get(socket));
    closeSocket(socket, error);
    throw error;
  }
}

/**
 * Returns the claims of a socket's token, from the latest introspection response. If you also pass the middleware that authenticated the
 * socket, the claims have the type of its `claims` schema. The middleware may come from `tokenIntrospection()` or from `selectServer()`.
 *
 * A listener can call `getSocketAuth()` at any time, also after an `await`. If the token has expired, the call closes the socket. After the
 * socket was closed, it sends nothing more, but `getSocketAuth()` still returns the last claims.
 *
 * @throws Error (status 500) for a socket that was not passed to `keepAuthenticated()`, or that another middleware than `authenticate`
 * authenticated. This is a mistake in the app, which no client can cause
 */
export function getSocketAuth(socket: ServerSocket): Auth;
export function getSocketAuth<Claims>(socket: ServerSocket, authenticate: TokenIntrospection<Claims>): AuthOf<Claims>;
export function getSocketAuth<ServerAuth>(
  socket: ServerSocket,
  authenticate: SelectingMiddleware<ServerAuth>,
): ServerAuth;
export function getSocketAuth(socket: ServerSocket, authenticate?: object): Auth {
  const authenticated = sockets.get(socket);
  if (authenticated === undefined) {
    if (isFromAnotherCopy(socket)) throw wiringError(`getSocketAuth() cannot use this socket: ${OTHER_COPY_REMEDY}`);
    throw wiringError('getSocketAuth() was called for a socket that was not passed to keepAuthenticated()');
  }
  authenticated.monitor?.check();
  if (authenticate !== undefined && !hasStarted(authenticate, authenticated.session)) {
    throw wiringError('getSocketAuth() was called with another middleware than the one that authenticated this socket');
  }
  return authenticated.auth;
}

/**
 * Replaces the token of an open socket by a new one that the client has sent over it. The new token must pass the policy of `authenticate`,
 * and belong to the same user: `sub` must be equal, and `iss` if both tokens have one. If the new token is accepted, only this token counts
 * from then on, with the options of the latest call of `keepAuthenticated()` or `webSocketUpgrade()` for this socket. After an error, the
 * old token still counts.
 *
 * Not checked: how often a client sends a token. Each new one may cause an introspection request.
 *
 * @returns the claims of the new token
 * @throws AuthError for a rejected token, `claim_mismatch` for a token of another user or without `sub`, `inactive` if the socket has been
 * closed, and `sender_constrained` for a token that is bound to a key or certificate
 * @throws IntrospectionError if the endpoint cannot be asked
 * @throws Error (status 500) for a socket that was not passed to `keepAuthenticated()`
 */
export async function reauthenticate<SocketAuth extends object>(
  socket: ServerSocket,
  authenticate: { introspect(token: string): Promise<SocketAuth> },
  token: string,
): Promise<SocketAuth> {
  const authenticated = sockets.get(socket);
  if (authenticated === undefined) {
    throw wiringError('reauthenticate() was called for a socket that was not passed to keepAuthenticated()');
  }
  const auth = await authenticate.introspect(token);
  const session = requireSession(auth);
  requireSameUser(authenticated.session.token.record.claims, session.token.record.claims);
  if (!monitorSocket(socket, session, authenticated.options)) throw new AuthError('inactive');
  return auth;
}

/**
 * Returns the session of the claims.
 *
 * @throws Error (status 500) for claims that no middleware created
 */
export function requireSession(auth: unknown): Session {
  const session = sessionBehind(auth);
  if (session !== undefined) return session;
  if (isFromAnotherCopy(auth)) throw wiringError(`A socket cannot use these claims: ${OTHER_COPY_REMEDY}`);
  throw wiringError(
    'A socket cannot use claims that no middleware created; pass the very object that authenticateRequest(req) resolved to',
  );
}

/**
 * Checks the options of `keepAuthenticated()`.
 *
 * @throws TypeError for an unknown or invalid option
 */
export function requireOptions(options: KeepOptions): void {
  checkOptions(options, ['recheckSeconds', 'onError']);
  const { recheckSeconds, onError } = options;
  if (recheckSeconds !== undefined && !isSeconds(recheckSeconds)) {
    throw optionError('recheckSeconds', recheckSeconds, `write a number of seconds from 1 to ${MAX_SECONDS}`);
  }
  if (onError !== undefined && typeof onError !== 'function') {
    throw optionError('onError', onError, 'write a function');
  }
}

function isSeconds(value: unknown): boolean {
  return typeof value === 'number' && value >= MIN_SECONDS && value <= MAX_SECONDS;
}

function monitorSocket(socket: ServerSocket, session: Session, options: KeepOptions): boolean {
  const { recheckSeconds, onError } = options;
  const authenticated = sockets.get(socket) ?? addSocket(socket, session, options);
  if (authenticated.hasEnded || isClosed(socket)) return false;
  authenticated.monitor?.stop();
  authenticated.session = session;
  authenticated.options = options;
  authenticated.auth = session.claims;
  const { token, req, arrivedAt, checks } = session;
  authenticated.monitor = monitorToken(session, {
    recheckSeconds,
    onRenewed(renewed) {
      authenticated.auth = createSession(session, req, arrivedAt, renewed, checks).claims;
    },
    onEnd(error) {
      endSocket(authenticated);
      closeSocket(socket, error);
      publishEnd(error, 'keepAuthenticated', token.credentials.digest);
      if (!(error instanceof AuthError) && !isClosing(error)) void callSafely(ON_ERROR, () => onError?.(error));
    },
  });
  return authenticated.monitor.check();
}

function endSocket(authenticated: AuthenticatedSocket | undefined): void {
  if (authenticated === undefined) return;
  authenticated.hasEnded = true;
  authenticated.monitor?.stop();
}

/**
 * Adds the listeners of this library to a socket. Runs only once for each socket, even if `keepAuthenticated()` is called again for the
 * socket.
 */
function addSocket(socket: ServerSocket, session: Session, options: KeepOptions): AuthenticatedSocket {
  const authenticated: AuthenticatedSocket = {
    ...{ auth: session.claims, session, monitor: undefined, hasEnded: false, options },
  };
  sockets.set(socket, authenticated);
  socket.addEventListener('close', () => authenticated.monitor?.stop());
  filterMessages(socket, () => !authenticated.hasEnded && authenticated.monitor?.check() !== false);
  return authenticated;
}
