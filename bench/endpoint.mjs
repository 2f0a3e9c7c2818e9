/** An introspection endpoint that uses as little CPU time as possible, in its own process. It also serves the key set. */
import { createServer } from 'node:http';
import { readToken, sendJson } from './endpoint-http.mjs';
import { INVALID, introspectionResponse } from './tokens.mjs';

let counts = { calls: 0, good: 0, peakSockets: 0 };
let openSockets = 0;
let delayMs = 0;
let keys = [];

const server = createServer((req, res) => {
  if (req.method === 'GET') {
    sendJson(res, { keys });
    return;
  }
  readToken(req, (token) => {
    const isValid = !token.startsWith(INVALID);
    counts.calls++;
    if (isValid) counts.good++;
    const response = isValid ? introspectionResponse(token) : { active: false };
    if (delayMs > 0) setTimeout(sendJson, delayMs, res, response);
    else sendJson(res, response);
  });
});

server.on('connection', (socket) => {
  openSockets++;
  counts.peakSockets = Math.max(counts.peakSockets, openSockets);
  socket.on('close', () => openSockets--);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));

process.on('message', ({ id, set }) => {
  if (set?.keys !== undefined) keys = set.keys;
  if (set?.delayMs !== undefined) delayMs = set.delayMs;
  const before = counts;
  if (set?.reset) counts = { calls: 0, good: 0, peakSockets: openSockets };
  process.send({ id, ...before });
});
process.on('disconnect', () => process.exit());
