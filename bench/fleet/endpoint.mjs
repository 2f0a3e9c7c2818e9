/** The authorization server, in its own process. It records introspection requests and revocations. */
import { createServer } from 'node:http';
import { readToken, sendJson } from '../endpoint-http.mjs';
import { INVALID, introspectionResponse } from '../tokens.mjs';
import { machineTime } from './time.mjs';

let delayMs = 0;
let calls = [];
const revoked = new Set();

const server = createServer((req, res) => {
  readToken(req, (token) => {
    calls.push([req.url, token, machineTime()]);
    // The response is decided now and sent later, so it may be outdated when it arrives, as with a slow server.
    const response = responseFor(token);
    if (delayMs > 0) setTimeout(sendJson, delayMs, res, response);
    else sendJson(res, response);
  });
});

function responseFor(token) {
  if (token.startsWith(INVALID)) return { active: false };
  const response = introspectionResponse(token);
  return revoked.has(token) || revoked.has(response.sub) ? { active: false } : response;
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
