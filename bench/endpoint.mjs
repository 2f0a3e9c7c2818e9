/** An introspection endpoint that costs as little as can be, in a process of its own; it also serves the key set. */
import { createServer } from 'node:http';
import { BAD, introspectionResponse } from './tokens.mjs';

let counts = { calls: 0, good: 0, peakSockets: 0 };
let openSockets = 0;
let delayMs = 0;
let keys = [];

const server = createServer((req, res) => {
  if (req.method === 'GET') {
    send(res, { keys });
    return;
  }
  let body = '';
  req.setEncoding('latin1');
  req.on('data', (chunk) => {
    body += chunk;
  });
  req.on('end', () => {
    const token = new URLSearchParams(body).get('token') ?? BAD;
    const good = !token.startsWith(BAD);
    counts.calls++;
    if (good) counts.good++;
    const answer = good ? introspectionResponse(token) : { active: false };
    if (delayMs > 0) setTimeout(send, delayMs, res, answer);
    else send(res, answer);
  });
});

function send(res, answer) {
  const body = JSON.stringify(answer);
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  res.end(body);
}

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
