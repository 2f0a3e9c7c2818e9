import { checkOptions } from '../core/option-check.js';
import { optionError } from '../core/option-error.js';
import { ownMember } from '../core/own-members.js';
import { createWarning } from '../diagnostics/misconfiguration.js';
import { wiringError } from '../middleware/guard.js';
import { publishFailure } from '../middleware/reject.js';
import { responseFor } from '../middleware/respond.js';
import { type Session, sessionBehind } from '../middleware/session.js';
import type { TokenIntrospection } from '../middleware/types.js';
import { whenSettled } from '../middleware/when-settled.js';
import { addSocket, authenticationOf, BY, disconnectAll, monitorSocket, reportError } from './authenticated-socket.js';
import type { AnyIoSocket, IoSocket } from './io-socket.js';
import { REAUTHENTICATE, reauthenticate, requireText } from './reauthenticate.js';

/** Options of `socketAuthentication()`. */
export interface SocketAuthenticationOptions {
  /**
   * Is called with an error that keeps a socket from connecting, ends it or prevents a change of its token, unless the error is a
   * rejection. So the error is an outage, or an error that a function of the app threw. It is not called for the end of a socket because
   * the app has closed the middleware. If `onError` itself throws, its error is dropped with a process warning.
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Middleware for `io.use()` and `io.of('/name').use()` of Socket.IO 4. */
export type SocketMiddleware = (socket: IoSocket, next: (error?: Error) => void) => void;

const RECOVERY_REMEDY =
  'Leave out "connectionStateRecovery" of the Socket.IO server: it restores rooms and sends missed events before any middleware runs.';

const recoveryWarning = createWarning('CONNECTION_STATE_RECOVERY');

/** Namespaces whose new sockets are monitored when they connect. */
const namespaces = new WeakSet<object>();

/**
 * Creates middleware that authenticates each socket of a namespace, and disconnects it when its token ends. The token is the `auth.token`
 * that the client sends (`io(url, { auth: { token } })`). If the client sends no `auth.token`, the request that opened the connection is
 * authenticated: by its `Authorization` header, or by the option `getToken` of the middleware.
 *
 * A client whose token is not accepted gets `connect_error`. Its `message` and `data.error` are the error code that the response to a
 * request would have, such as `invalid_token`. Without credentials there is no such code: the `message` is `unauthorized`, and there is no
 * `data.error`.
 *
 * When the token expires, is invalidated or fails a recheck, the socket leaves its rooms, gets the event `authentication_ended` with
 * `{ error }`, and is disconnected. From then on, no event of the client reaches the app, and nothing that the app emits is sent.
 *
 * A client may present a new token of the same user: `socket.emit('reauthenticate', { token }, (result) => …)`. The result is `{}`, or
 * `{ error }`; after an error, the old token still counts.
 *
 * All sockets are rejected (`server_error`) if the Socket.IO server has the option `connectionStateRecovery`, also with `skipMiddlewares:
 * false`. With this option, Socket.IO restores the rooms of a socket and sends the events that it missed before any middleware runs. So a
 * client would get them although its token was revoked, or although its new token belongs to another user.
 *
 * Not checked: `Origin`. Listeners of `socket.onAny()` get each event before this middleware. So they also get the token in `reauthenticate`,
 * and events that arrive just after the token has expired.
 *
 * @example
 * io.use(socketAuthentication(authenticate));
 * io.on('connection', (socket) => socket.emit('hello', getSocketAuth(socket).sub));
 *
 * @throws TypeError for a wrong argument
 */
export function socketAuthentication(
  authenticate: Pick<TokenIntrospection, 'authenticateRequest' | 'introspect'>,
  options: SocketAuthenticationOptions = {},
): SocketMiddleware {
  if (typeof authenticate?.introspect !== 'function' || typeof authenticate.authenticateRequest !== 'function') {
    throw optionError('authenticate', authenticate, 'write socketAuthentication(authenticate)');
  }
  checkOptions(options, ['onError']);
  const { onError } = options;
  if (onError !== undefined && typeof onError !== 'function') throw optionError('onError', onError, 'write a function');

  return function socketMiddleware(given, next) {
    const socket = given as AnyIoSocket;
    whenSettled(
      authenticateSocket(socket, authenticate),
      (session) => {
        const authenticated = addSocket(socket, session, onError);
        socket.use(([event, ...values], pass) => {
          if (authenticated.hasEnded || authenticated.monitor?.check() === false) return;
          if (event === REAUTHENTICATE) void reauthenticate(socket, authenticated, authenticate, values);
          else pass();
        });
        watchNamespace(socket);
      },
      () => next(),
      (error) => {
        publishFailure(error, BY, undefined, { error });
        reportError(onError, error);
        next(connectError(error));
      },
    );
  };
}

async function authenticateSocket(
  socket: AnyIoSocket,
  authenticate: Pick<TokenIntrospection, 'authenticateRequest' | 'introspect'>,
): Promise<Session> {
  requireNoRecovery(socket);
  const token = hideToken(socket.handshake.auth);
  const auth =
    token === undefined
      ? await authenticate.authenticateRequest(socket.request)
      : await authenticate.introspect(requireText(token));
  const session = sessionBehind(auth);
  if (session === undefined) throw new Error('The middleware returned claims without a session');
  return session;
}

/**
 * Requires that Socket.IO restores no sockets. Without this check, the rooms and events of one token could reach a client with another
 * token.
 *
 * @throws Error (status 500), after a process warning
 */
function requireNoRecovery({ nsp: { server } }: AnyIoSocket): void {
  if (!server?._opts?.connectionStateRecovery) return;
  recoveryWarning(RECOVERY_REMEDY);
  throw wiringError(RECOVERY_REMEDY);
}

/**
 * Returns the token that the client has sent, and makes its property not enumerable. So JSON, logs and copies of the handshake do not
 * contain the token. `io.fetchSockets()` of another process gets such a copy, and the adapter sends it over the network.
 */
function hideToken(auth: IoSocket['handshake']['auth']): unknown {
  const token = ownMember(auth, 'token');
  if (token === undefined) return undefined;
  Reflect.defineProperty(auth, 'token', { value: token, writable: true, enumerable: false, configurable: true });
  return token;
}

/** Begins to monitor the sockets of a namespace when they connect, before the listeners of the app learn of them. */
function watchNamespace({ nsp }: AnyIoSocket): void {
  if (namespaces.has(nsp)) return;
  namespaces.add(nsp);
  nsp.prependListener('connect', (socket) => {
    const authenticated = authenticationOf(socket);
    if (authenticated === undefined) {
      // Sockets that Socket.IO restores may skip middlewares.
      disconnectAll(socket);
      return;
    }
    socket.once('disconnect', () => authenticated.monitor?.stop());
    monitorSocket(socket, authenticated, authenticated.session);
  });
}

/**
 * Creates the error that the client gets as `connect_error`. It contains only what the response to a request with this error would contain.
 */
function connectError(error: unknown): Error {
  const { body } = responseFor(error);
  return Object.assign(new Error(body.error ?? 'unauthorized'), { data: body });
}
