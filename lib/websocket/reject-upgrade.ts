import { STATUS_CODES, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ErrorResponse, responseFor } from '../middleware/respond.js';

/**
 * Time from the response until the connection is destroyed, in milliseconds. In this time, the client can read the response and close the
 * connection.
 */
const LINGER_MS = 1000;

/**
 * Sends an HTTP response to an upgrade that failed, and closes the connection within 1 second. A rejection gets 400, 401 or 403 with the
 * challenge, an outage gets 503 with `Retry-After`, and any other error gets 500. If the connection is closed already, nothing is sent.
 *
 * @param socket the socket of the server's `upgrade` event; nothing may have been written to this socket
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
  // Reads and drops the data that the client has sent already. Closing with unread data would reset the connection and lose the response.
  socket.resume();
  socket.end(render(sendableResponseFor(error)));
}

/**
 * Returns the response for an error. The app may have changed the `headers` of the error: if they cannot be sent, the response is a 500
 * without them.
 */
function sendableResponseFor(error: unknown): ErrorResponse {
  const response = responseFor(error);
  return isSendable(response.headers) ? response : responseFor(undefined);
}

/** Whether all headers have valid names and values. A line break in a value, for example, would start another header. */
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
