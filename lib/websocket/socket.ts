import { AuthError, IntrospectionError } from '../core/errors.js';

/** A WebSocket of a server, as those of `ws` are. */
export interface ServerSocket {
  /** 3 once it is closed. */
  readonly readyState: number;
  /** Begins to close it. */
  close(code: number, reason: string): void;
  /** Tells when it is closed, and when it fails. */
  addEventListener(type: 'close' | 'error', listener: () => void): void;
  /** Cuts the connection off. */
  terminate?(): void;
}

/** RFC 6455 section 11.7 and its registry. */
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;
const INTERNAL_ERROR = 1011;
const TRY_AGAIN_LATER = 1013;

const CLOSED = 3;

/** So long a peer may take to answer the close. */
const CLOSE_TIMEOUT_MS = 1000;

interface Emitter {
  emit(name: unknown, ...more: readonly unknown[]): boolean;
}

export function isClosed({ readyState }: ServerSocket): boolean {
  return readyState === CLOSED;
}

/**
 * Closes a socket for what went wrong. The reason is the `error` that a response would tell: nothing of the token. It does not throw:
 * others are to be closed, too.
 */
export function closeSocket(socket: ServerSocket, error: unknown): void {
  const timer = setTimeout(() => cutOff(socket), CLOSE_TIMEOUT_MS).unref();
  try {
    hearWhile(socket, () => false);
    socket.close(...closingFor(error));
    // A frame that breaks the protocol makes it emit `error`. Without a listener, that would end the process.
    socket.addEventListener('error', () => {});
    socket.addEventListener('close', () => clearTimeout(timer));
  } catch {
    cutOff(socket);
  }
}

/**
 * Lets messages through only as long as that is so, to listeners of now or later: a peer may send on until it is cut off. A socket
 * that is no emitter, or cannot be changed, stays as it is.
 */
export function hearWhile(socket: ServerSocket, isHeard: () => boolean): void {
  const { emit } = socket as Partial<Emitter>;
  if (typeof emit !== 'function') return;
  const value = (name: unknown, ...more: readonly unknown[]) =>
    name === 'message' && !isHeard() ? false : Reflect.apply(emit, socket, [name, ...more]);
  Reflect.defineProperty(socket, 'emit', { value, writable: true, enumerable: true, configurable: true });
}

function cutOff(socket: ServerSocket): void {
  try {
    socket.terminate?.();
  } catch {
    // Its library's matter: there is no other way to close it.
  }
}

function closingFor(error: unknown): [code: number, reason: string] {
  if (error instanceof AuthError) return [POLICY_VIOLATION, error.code ?? 'invalid_token'];
  if (!(error instanceof IntrospectionError)) return [INTERNAL_ERROR, 'server_error'];
  return error.code === 'closed' ? [GOING_AWAY, 'going_away'] : [TRY_AGAIN_LATER, 'temporarily_unavailable'];
}
