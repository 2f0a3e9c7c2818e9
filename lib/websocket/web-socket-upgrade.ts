import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { AuthError } from '../core/errors.js';
import { optionError } from '../core/option-error.js';
import { publishAccepted } from '../diagnostics/decisions.js';
import type { TokenIntrospection } from '../middleware/types.js';
import { whenSettled } from '../middleware/when-settled.js';
import { callSafely, publishEnd } from '../monitoring/end-failure.js';
import { type KeepOptions, keepAuthenticated, ON_ERROR, requireOptions, requireSession } from './keep-authenticated.js';
import { rejectUpgrade } from './reject-upgrade.js';
import type { ServerSocket } from './socket.js';

/**
 * A WebSocket server that upgrades only the requests that your code passes to it, such as `new WebSocketServer({ noServer: true })` of
 * `ws`.
 */
export interface UpgradingServer<Socket extends ServerSocket> {
  /** Completes the handshake that turns a request into a WebSocket, and passes the WebSocket to `done`. */
  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer, done: (socket: Socket) => void): void;
  /** Emits the event `connection` for a new WebSocket, so that listeners of the app get it. */
  emit(event: 'connection', socket: Socket, req: IncomingMessage): unknown;
}

/** A listener for the `upgrade` event of an HTTP server. */
export type UpgradeListener = (req: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * Creates a listener that authenticates each upgrade by the policy of `authenticate`. If the request passes, it is upgraded,
 * {@link keepAuthenticated} watches its token, and the server emits `connection`. If the request fails, `rejectUpgrade()` sends the
 * response and closes the connection; `onReject` is not called. If the token expires or is invalidated during the upgrade, the socket is
 * closed, and no `connection` is emitted.
 *
 * Not checked: `Origin`. Browsers add no `Authorization` to an upgrade by themselves, but they add cookies. So check `Origin` in your app
 * if `getToken` reads a cookie.
 *
 * @example
 * const wss = new WebSocketServer({ noServer: true });
 * server.on('upgrade', webSocketUpgrade(authenticate, wss));
 * wss.on('connection', (socket) => {
 *   socket.on('message', () => socket.send(`hello ${getSocketAuth(socket).sub}`));
 * });
 *
 * @throws TypeError for a wrong argument
 */
export function webSocketUpgrade<Socket extends ServerSocket>(
  authenticate: Pick<TokenIntrospection, 'authenticateRequest'>,
  server: UpgradingServer<Socket>,
  options: KeepOptions = {},
): UpgradeListener {
  if (typeof authenticate?.authenticateRequest !== 'function') {
    throw optionError('authenticate', authenticate, 'write webSocketUpgrade(authenticate, wss)');
  }
  if (typeof server?.handleUpgrade !== 'function') {
    throw optionError('server', server, 'write a WebSocket server, such as new WebSocketServer({ noServer: true })');
  }
  requireOptions(options);

  return function upgradeListener(req, socket, head) {
    const onError = () => socket.destroy();
    socket.on('error', onError);
    let auth: object = {};
    whenSettled(
      // `authenticateRequest` may be a function of the app, which may throw before it returns a promise.
      (async () => authenticate.authenticateRequest(req))(),
      (authenticated) => {
        const { credentials, record } = requireSession(authenticated).token;
        auth = authenticated;
        publishAccepted('accepted', 'webSocketUpgrade', credentials.digest, record);
      },
      () => {
        if (socket.destroyed) return;
        socket.off('error', onError);
        server.handleUpgrade(req, socket, head, (upgraded) => {
          if (tryKeepAuthenticated(upgraded, auth, options)) server.emit('connection', upgraded, req);
        });
      },
      (error) => {
        rejectUpgrade(socket, error);
        publishEnd(error, 'webSocketUpgrade', undefined);
        if (!(error instanceof AuthError)) void callSafely(ON_ERROR, () => options.onError?.(error));
      },
    );
  };
}

/**
 * Calls `keepAuthenticated()` and returns its result. If it throws, it has closed the socket before. Then its error goes to `onError`, and
 * the result is `false`.
 */
function tryKeepAuthenticated(socket: ServerSocket, auth: object, options: KeepOptions): boolean {
  try {
    return keepAuthenticated(socket, auth, options);
  } catch (error) {
    void callSafely(ON_ERROR, () => options.onError?.(error));
    return false;
  }
}
