import type { IncomingMessage } from 'node:http';

/** A socket on the server, as Socket.IO 4 provides it. */
export interface IoSocket {
  /** The handshake of this socket. */
  readonly handshake: {
    /** The object that the client passed as `auth` in `io(url, { auth })`. */
    readonly auth: Readonly<Record<string, unknown>>;
  };
  /** The request that opened the connection. All sockets of one connection share it. */
  readonly request: IncomingMessage;
}

/** Middleware for the events that a client sends over one socket. */
type EventMiddleware = (event: unknown[], next: (error?: Error) => void) => void;

/** The members of {@link IoSocket} that this library uses, without the event types of the app. */
export interface AnyIoSocket extends IoSocket {
  readonly connected: boolean;
  readonly rooms: ReadonlySet<string>;
  readonly nsp: {
    readonly server?: { readonly _opts?: { readonly connectionStateRecovery?: unknown } };
    prependListener(event: 'connect', listener: (socket: AnyIoSocket) => void): unknown;
  };
  use(middleware: EventMiddleware): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
  leave(room: string): unknown;
  emit(event: string, ...values: readonly unknown[]): boolean;
  disconnect(closesConnection?: boolean): unknown;
}
