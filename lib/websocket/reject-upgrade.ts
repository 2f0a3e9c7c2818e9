import { STATUS_CODES, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ErrorResponse, responseFor } from '../middleware/respond.js';

/** So long a client may take to read the answer and hang up. */
const LINGER_MS = 1000;

/**
 * Refuses an upgrade: answers 400, 401 or 403 with the challenge, 503 with `Retry-After`, or 500 for anything but an error of this
 * library, and closes the connection.
 *
 * @param socket of the server's `upgrade` event, to which nothing has been written yet
 * @param error what `authenticateRequest()` was rejected with
 */
export function rejectUpgrade(socket: Duplex, error: unknown): void {
  // Whoever hangs up early is no error of ours, and without a listener would end the process.
  socket.on('error', () => socket.destroy());
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(timer));
  // What has been sent ahead is read and dropped: a connection that is closed over it is reset, and the answer lost.
  socket.resume();
  socket.end(render(sendableResponseFor(error)));
}

/** An error that the app has changed may have headers that cannot be sent. */
function sendableResponseFor(error: unknown): ErrorResponse {
  const response = responseFor(error);
  return isSendable(response.headers) ? response : responseFor(undefined);
}

/** Errors pass through code of the app, and what ends a line would begin another. */
function isSendable(headers: ErrorResponse['headers']): boolean {
  try {
    for (const [name, value] of Object.entries(headers)) {
      validateHeaderName(name);
      for (const each of [value].flat()) validateHeaderValue(name, each);
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
  }).flatMap(([name, value]) => [value].flat().map((each) => `${name}: ${each}`));
  return Buffer.from([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', content].join('\r\n'), 'latin1');
}
