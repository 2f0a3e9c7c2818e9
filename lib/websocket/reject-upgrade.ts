import { STATUS_CODES, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ErrorResponse, responseFor } from '../middleware/respond.js';

/** The client has this long to read the response and close the connection. */
const LINGER_MS = 1000;

/**
 * Rejects an upgrade and closes the connection. The response is 400, 401 or 403 with the challenge, 503 with `Retry-After`, or 500 for
 * an error that is not of this library.
 *
 * @param socket of the server's `upgrade` event; nothing may have been written to it
 * @param error the error that `authenticateRequest()` rejected with
 */
export function rejectUpgrade(socket: Duplex, error: unknown): void {
  // A client may close the connection early. Without a listener, the `error` event would end the process.
  socket.on('error', () => socket.destroy());
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(timer));
  // Data that the client has sent already is read and dropped. With unread data, closing resets the connection and loses the response.
  socket.resume();
  socket.end(render(sendableResponseFor(error)));
}

/** The app may have changed the error, so that its headers cannot be sent. */
function sendableResponseFor(error: unknown): ErrorResponse {
  const response = responseFor(error);
  return isSendable(response.headers) ? response : responseFor(undefined);
}

/** A line break in a header would start another header. */
function isSendable(headers: ErrorResponse['headers']): boolean {
  try {
    for (const [name, values] of Object.entries(headers)) {
      validateHeaderName(name);
      for (const value of [values].flat()) validateHeaderValue(name, value);
    }
    return true;
  } catch {
    return false;
  }
}

function render({ status, headers, body }: ErrorResponse): Buffer {
  const content = JSON.stringify(body);
  const lines = Object.entries({
    ...headers,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(content)),
    Connection: 'close',
  }).flatMap(([name, values]) => [values].flat().map((value) => `${name}: ${value}`));
  return Buffer.from([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', content].join('\r\n'), 'latin1');
}
