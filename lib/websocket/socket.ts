import { AuthError, IntrospectionError } from '../errors.js';

/** A WebSocket of a server, as those of `ws` are. */
export interface ServerSocket {
  /** 3 once it is closed. */
  readonly readyState: number;
  /** Begins to close it. */
  close(code: number, reason: string): void;
  /** Tells when it is closed. */
  addEventListener(type: 'close', listener: () => void): void;
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

/** Closes a socket for what went wrong. The reason is the `error` that a response would tell: nothing of the token. */
export function closeSocket(socket: ServerSocket, error: unknown): void {
  silence(socket);
  const timer = setTimeout(() => socket.terminate?.(), CLOSE_TIMEOUT_MS).unref();
  try {
    socket.addEventListener('close', () => clearTimeout(timer));
    socket.close(...closingFor(error));
  } catch {
    socket.terminate?.();
  }
}

function closingFor(error: unknown): [code: number, reason: string] {
  if (error instanceof AuthError) return [POLICY_VIOLATION, error.code ?? 'invalid_token'];
  if (!(error instanceof IntrospectionError)) return [INTERNAL_ERROR, 'server_error'];
  return error.code === 'closed' ? [GOING_AWAY, 'going_away'] : [TRY_AGAIN_LATER, 'temporarily_unavailable'];
}

/** A peer that does not answer the close may send on until it is cut off: no listener, of now or later, is to hear that. */
function silence(socket: ServerSocket): void {
  const { emit } = socket as Partial<Emitter>;
  if (typeof emit !== 'function') return;
  Object.assign(socket, {
    emit: (name: unknown, ...more: readonly unknown[]) =>
      name === 'message' ? false : Reflect.apply(emit, socket, [name, ...more]),
  });
}
