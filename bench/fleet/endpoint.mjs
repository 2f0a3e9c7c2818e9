/** The authorization server, in a process of its own: it counts questions, and knows what has been revoked. */
import { createServer } from 'node:http';
import { BAD, introspectionResponse } from '../tokens.mjs';
import { machineTime } from './time.mjs';

let delayMs = 0;
let calls = [];
const revoked = new Set();

const server = createServer((req, res) => {
  let body = '';
  req.setEncoding('latin1');
  req.on('data', (chunk) => {
    body += chunk;
  });
  req.on('end', () => {
    const token = new URLSearchParams(body).get('token') ?? BAD;
    calls.push([req.url, token, machineTime()]);
    // Judged as it arrives, told later: what a slow server says may be out of date.
    const text = JSON.stringify(answerTo(token));
    if (delayMs > 0) setTimeout(send, delayMs, res, text);
    else send(res, text);
  });
});

function answerTo(token) {
  if (token.startsWith(BAD)) return { active: false };
  const response = introspectionResponse(token);
  return revoked.has(token) || revoked.has(response.sub) ? { active: false } : response;
}

function send(res, text) {
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  res.end(text);
}

process.on('message', ({ id, set, revoke, take }) => {
  if (set?.delayMs !== undefined) delayMs = set.delayMs;
  if (revoke !== undefined) revoked.add(revoke);
  process.send({ id, at: machineTime(), ...(take && { calls }) });
  if (take) calls = [];
});
process.on('disconnect', () => process.exit());
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
