import { AuthError, IntrospectionError } from '../core/errors.js';
import { endCodeOf } from '../monitoring/end-failure.js';

/** The WebSocket object on the server, as the package `ws` provides it. */
export interface ServerSocket {
  /** State of the socket. Only the value `3`, closed, is used. */
  readonly readyState: number;
  /** Starts to close the socket. */
  close(code: number, reason: string): void;
  /** Adds a listener for the event `close` or `error` of the socket. */
  addEventListener(type: 'close' | 'error', listener: () => void): void;
  /** Closes the connection at once, without a closing handshake. */
  terminate?(): void;
}

/** Close codes, from the registry of RFC 6455 section 11.7. */
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;
const INTERNAL_ERROR = 1011;
const TRY_AGAIN_LATER = 1013;

const CLOSED = 3;

/** The connection is terminated if the peer does not confirm the close within this many milliseconds. */
const CLOSE_TIMEOUT_MS = 1000;

interface Emitter {
  emit(name: unknown, ...values: readonly unknown[]): boolean;
}

export function isClosed({ readyState }: ServerSocket): boolean {
  return readyState === CLOSED;
}

/**
 * Closes a socket because of an error. No further message reaches the app. The close reason is the `error` code that a client would get in
 * the response to a request with this error. When the middleware was closed, it is `going_away`. The close reason contains no part of the
 * token. This function does not throw, because the caller must be able to close further sockets.
 */
export function closeSocket(socket: ServerSocket, error: unknown): void {
  const timer = setTimeout(() => terminate(socket), CLOSE_TIMEOUT_MS).unref();
  try {
    filterMessages(socket, () => false);
    socket.close(closeCodeFor(error), endCodeOf(error));
    // A frame that violates the protocol makes the socket emit `error`. Without a listener, that would end the process.
    socket.addEventListener('error', () => {});
    socket.addEventListener('close', () => clearTimeout(timer));
  } catch {
    terminate(socket);
  }
}

/**
 * Replaces the method `emit` of the socket. The new `emit` drops every `message` event while `acceptsMessages()` returns `false`, because a
 * peer can send until the connection is closed. So no listener gets such a message, whenever it was added. A socket that has no `emit`, or
 * that cannot be changed, stays as it is.
 */
export function filterMessages(socket: ServerSocket, acceptsMessages: () => boolean): void {
  const { emit } = socket as Partial<Emitter>;
  if (typeof emit !== 'function') return;
  const value = (name: unknown, ...values: readonly unknown[]) =>
    name === 'message' && !acceptsMessages() ? false : Reflect.apply(emit, socket, [name, ...values]);
  Reflect.defineProperty(socket, 'emit', { value, writable: true, enumerable: true, configurable: true });
}

function terminate(socket: ServerSocket): void {
  try {
    socket.terminate?.();
  } catch {
    // There is no other way to close the connection.
  }
}

function closeCodeFor(error: unknown): number {
  if (error instanceof AuthError) return POLICY_VIOLATION;
  if (!(error instanceof IntrospectionError)) return INTERNAL_ERROR;
  return error.code === 'closed' ? GOING_AWAY : TRY_AGAIN_LATER;
}
