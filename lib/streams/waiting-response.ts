import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * For each connection, callbacks for the responses that wait behind an earlier response (HTTP pipelining). All of them share one listener
 * of the connection.
 */
const waiting = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls `onClose` if the connection closes while the response still waits for an earlier response on the same connection. This is needed,
 * because Node emits no `close` on such a response.
 */
export function onWaitingClose({ socket }: IncomingMessage, res: ServerResponse, onClose: () => void): void {
  if (res.socket !== null || typeof socket?.once !== 'function') return;
  const known = waiting.get(socket);
  const callbacks = known ?? new Set<() => void>();
  callbacks.add(onClose);
  res.once('close', () => callbacks.delete(onClose));
  if (known !== undefined) return;
  waiting.set(socket, callbacks);
  socket.once('close', () => {
    for (const callback of callbacks) callback();
  });
}
