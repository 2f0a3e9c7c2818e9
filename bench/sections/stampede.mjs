import { targetsOf } from '../targets/index.mjs';
import { INVALID, randomToken } from '../tokens.mjs';
import { startServer } from './over-http.mjs';

const CONCURRENCY = 500;
/** Long enough that all requests arrive before the first response is sent. */
const RESPONSE_DELAY_MS = 250;

/** Counts the introspection requests and sockets for 500 concurrent requests with one new token. */
export async function measureStampede({ groups, tokens, endpoint, load, report }) {
  const results = [];
  await endpoint.send({ set: { delayMs: RESPONSE_DELAY_MS } });
  for (const target of targetsOf(groups).filter(({ introspects }) => introspects)) {
    report(`stampede: ${target.name}`);
    const server = await startServer({ host: 'express', targets: [target], tokens, endpoint });
    const url = server.firstMessage.urls[target.name];
    try {
      const good = await sendConcurrently(url, endpoint, load, { token: randomToken(43), expect: 200 });
      const bad = await sendConcurrently(url, endpoint, load, { token: INVALID + randomToken(42), expect: 401 });
      results.push({ target: target.name, requests: CONCURRENCY, good, bad });
    } finally {
      server.stop();
    }
  }
  await endpoint.send({ set: { delayMs: 0 } });
  return results;
}

async function sendConcurrently(url, endpoint, load, { token, expect }) {
  await endpoint.send({ set: { reset: true } });
  await load.send({
    command: 'run',
    url,
    tokens: [token],
    connections: CONCURRENCY,
    amount: CONCURRENCY,
    expect,
  });
  const { calls, peakSockets } = await endpoint.send();
  return { calls, peakSockets };
}
