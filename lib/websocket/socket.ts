import { AuthError, IntrospectionError } from '../core/errors.js';
import { responseFor } from '../middleware/respond.js';

/** A server's end of a WebSocket, as the package `ws` provides it. */
export interface ServerSocket {
  /** `3` once the socket is closed. */
  readonly readyState: number;
  /** Starts to close the socket. */
  close(code: number, reason: string): void;
  /** Adds a listener for when the socket is closed, or when it fails. */
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

/** The connection is terminated if the peer does not confirm the close within this time. */
const CLOSE_TIMEOUT_MS = 1000;

interface Emitter {
  emit(name: unknown, ...values: readonly unknown[]): boolean;
}

export function isClosed({ readyState }: ServerSocket): boolean {
  return readyState === CLOSED;
}

/**
 * Closes a socket because of an error. No further message reaches the app. The close reason is the `error` in the response to a request
 * that fails with this error, or `going_away` when the middleware is closed. It holds nothing of the token. This function does not throw,
 * because other sockets must be closed too.
 */
export function closeSocket(socket: ServerSocket, error: unknown): void {
  const timer = setTimeout(() => terminate(socket), CLOSE_TIMEOUT_MS).unref();
  try {
    filterMessages(socket, () => false);
    socket.close(closeCodeFor(error), closeReasonFor(error));
    // A frame that violates the protocol makes the socket emit `error`. Without a listener, that would end the process.
    socket.addEventListener('error', () => {});
    socket.addEventListener('close', () => clearTimeout(timer));
  } catch {
    terminate(socket);
  }
}

/**
 * Replaces `emit` of the socket. The new one drops every `message` event for which `acceptsMessages()` returns `false`, because a peer can
 * send until the connection is closed. So listeners that are added later get no such message either. A socket that is no emitter, or that
 * cannot be changed, stays as it is.
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

function closeReasonFor(error: unknown): string {
  if (error instanceof IntrospectionError && error.code === 'closed') return 'going_away';
  return responseFor(error).body.error ?? 'invalid_token';
}
