import type { Auth } from '../core/claims.js';
import { AuthError } from '../core/errors.js';
import { publishAccepted } from '../diagnostics/decisions.js';
import { addRecognizer } from '../middleware/package-copies.js';
import { createSession, type Session } from '../middleware/session.js';
import { callSafely, endCodeOf, isClosing, publishEnd } from '../monitoring/end-failure.js';
import { monitorToken, type TokenMonitor } from '../monitoring/token-monitor.js';
import type { AnyIoSocket } from './io-socket.js';

/** The name by which diagnostics call all functions of this entry. */
export const BY = 'socketAuthentication';

/** The event that tells a client why its socket is disconnected. */
const END_EVENT = 'authentication_ended';

export type OnError = ((error: unknown) => void) | undefined;

/** The authentication of one socket. */
export interface AuthenticatedSocket {
  /** The claims of the latest introspection response that has passed all checks. They are kept after the token has ended. */
  auth: Auth;
  session: Session;
  /** Monitor of the token; `undefined` until the socket is connected. */
  monitor: TokenMonitor | undefined;
  /** Whether the token has ended. From then on, no event of the client reaches the app, and no event of the app is sent to the client. */
  hasEnded: boolean;
  /** Whether a new token of the client is being verified. */
  isRenewing: boolean;
  readonly onError: OnError;
}

const sockets = new WeakMap<object, AuthenticatedSocket>();
addRecognizer((value) => sockets.has(value));

export function authenticationOf(socket: object): AuthenticatedSocket | undefined {
  return sockets.get(socket);
}

export function addSocket(socket: AnyIoSocket, session: Session, onError: OnError): AuthenticatedSocket {
  const authenticated: AuthenticatedSocket = {
    ...{ auth: session.claims, session, monitor: undefined, hasEnded: false, isRenewing: false, onError },
  };
  sockets.set(socket, authenticated);
  publishSession(session);
  return authenticated;
}

/** Monitors the token of the session from now on. If the socket had another token before, that token is no longer monitored. */
export function monitorSocket(socket: AnyIoSocket, authenticated: AuthenticatedSocket, session: Session): void {
  const { token, req, arrivedAt, checks } = session;
  authenticated.monitor?.stop();
  authenticated.session = session;
  authenticated.auth = session.claims;
  authenticated.monitor = monitorToken(session, {
    onRenewed(renewed) {
      authenticated.auth = createSession(session, req, arrivedAt, renewed, checks).claims;
    },
    onEnd(error) {
      endSocket(socket, authenticated, error);
      publishEnd(error, BY, token.credentials.digest);
      if (!isClosing(error)) reportError(authenticated.onError, error);
    },
  });
}

/** Publishes that a token was accepted. */
export function publishSession({ token: { credentials, record } }: Session): void {
  publishAccepted('accepted', BY, credentials.digest, record);
}

/** Calls `onError` of the app, unless the error is a rejection. */
export function reportError(onError: OnError, error: unknown): void {
  if (!(error instanceof AuthError)) void callSafely(`"onError" of ${BY}()`, () => onError?.(error));
}

/**
 * Tells the client why its token has ended, and disconnects its socket. The socket leaves its rooms first, so that no message to a room
 * reaches it any more. Other sockets of the connection stay open. Never throws.
 */
function endSocket(socket: AnyIoSocket, authenticated: AuthenticatedSocket, error: unknown): void {
  authenticated.hasEnded = true;
  try {
    for (const room of [...socket.rooms]) socket.leave(room);
    socket.emit(END_EVENT, { error: endCodeOf(error) });
    // The connection may stay open for other sockets, and Socket.IO would still send what the app emits.
    Reflect.defineProperty(socket, 'emit', {
      value: () => true,
      writable: true,
      enumerable: false,
      configurable: true,
    });
    socket.disconnect();
  } catch {
    disconnectAll(socket);
  }
}

/** Closes the connection of a socket, and so also all other sockets of that connection. Never throws. */
export function disconnectAll(socket: AnyIoSocket): void {
  try {
    socket.disconnect(true);
  } catch {
    // There is no other way to close the connection.
  }
}
