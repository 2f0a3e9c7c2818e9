import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { AuthError } from '../core/errors.js';
import { optionError } from '../core/option-error.js';
import { publishAccepted } from '../diagnostics/decisions.js';
import { whenSettled } from '../middleware/settle.js';
import type { TokenIntrospection } from '../middleware/types.js';
import { type KeepOptions, keepAuthenticated, requireOptions, requireSession } from './keep-authenticated.js';
import { publishSocketFailure, tellApp } from './publish-failure.js';
import { rejectUpgrade } from './reject-upgrade.js';
import type { ServerSocket } from './socket.js';

/** A server of WebSockets that upgrades what it is given, as `new WebSocketServer({ noServer: true })` of `ws` does. */
export interface UpgradingServer<Socket extends ServerSocket> {
  /** Turns a request into a socket. */
  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer, done: (socket: Socket) => void): void;
  /** Announces it. */
  emit(event: 'connection', socket: Socket, req: IncomingMessage): unknown;
}

/** Listens to the `upgrade` event of an HTTP server. */
export type UpgradeListener = (req: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * Authenticates each upgrade as the middleware would a request. What passes is upgraded, kept by {@link keepAuthenticated} and
 * announced as the server's `connection`; what does not is answered as the middleware would, and the connection closed. A socket whose
 * token ends in between is closed, and not announced.
 *
 * @example
 * const wss = new WebSocketServer({ noServer: true });
 * server.on('upgrade', webSocketUpgrade(authenticate, wss));
 * wss.on('connection', (socket) => {
 *   socket.on('message', () => socket.send(`hello ${getSocketAuth(socket).sub}`));
 * });
 *
 * Not checked: `Origin`. A browser sends no `Authorization` of its own accord, but it does send cookies, if `getToken` reads one.
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
    throw optionError(
      'server',
      server,
      'write a server of WebSockets, such as new WebSocketServer({ noServer: true })',
    );
  }
  requireOptions(options);

  return function upgradeListener(req, socket, head) {
    const onError = () => socket.destroy();
    socket.on('error', onError);
    let auth: object = {};
    whenSettled(
      // An `authenticateRequest` of the app's own may throw at once.
      (async () => authenticate.authenticateRequest(req))(),
      (judged) => {
        const { credentials, record } = requireSession(judged).token;
        auth = judged;
        publishAccepted('accepted', 'webSocketUpgrade', credentials.digest, record);
      },
      () => {
        if (socket.destroyed) return;
        socket.off('error', onError);
        server.handleUpgrade(req, socket, head, (upgraded) => {
          if (isKept(upgraded, auth, options)) server.emit('connection', upgraded, req);
        });
      },
      (error) => {
        rejectUpgrade(socket, error);
        publishSocketFailure(error, 'webSocketUpgrade', undefined);
        if (!(error instanceof AuthError)) tellApp(options.onError, error);
      },
    );
  };
}

/** A socket of another library may lack what is needed to keep it. It is closed then. */
function isKept(socket: ServerSocket, auth: object, options: KeepOptions): boolean {
  try {
    return keepAuthenticated(socket, auth, options);
  } catch (error) {
    tellApp(options.onError, error);
    return false;
  }
}
