/** Clients of the soak. Each notes when its stream ended, and whether it ended properly. */
import { request } from 'node:http';
import { io } from 'socket.io-client';

/** Opens an event stream, and resolves when its first event has arrived. */
export async function openEventStream(port, token) {
  const client = { token, endedAt: Number.POSITIVE_INFINITY, isProper: true };
  await new Promise((resolve, reject) => {
    const req = request({
      ...{ port, host: '127.0.0.1', path: '/', agent: false },
      headers: { authorization: `Bearer ${token.token}` },
    });
    req.on('error', reject);
    req.on('response', (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
        resolve();
      });
      res.on('error', () => {});
      res.on('close', () => {
        client.endedAt = Date.now();
        client.isProper = res.statusCode === 401 || (res.complete && text.endsWith('event: token-ended\ndata:\n\n'));
        resolve();
      });
    });
    req.end();
  });
  return client;
}

/** Opens a socket of Socket.IO, and resolves when it is connected. */
export async function openSocket(port, token) {
  const client = { token, endedAt: Number.POSITIVE_INFINITY, isProper: true };
  const socket = io(`http://127.0.0.1:${port}`, {
    ...{ transports: ['websocket'], reconnection: false, forceNew: true },
    auth: { token: token.token },
  });
  let reason;
  socket.on('authentication_ended', ({ error }) => {
    reason = error;
  });
  socket.on('disconnect', () => {
    client.endedAt = Date.now();
    client.isProper = reason === 'invalid_token';
  });
  await new Promise((resolve, reject) => {
    socket.on('connect', resolve).on('connect_error', reject);
  });
  return client;
}
