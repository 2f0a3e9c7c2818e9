/**
 * node bench/kill-poller.mjs [--kills=200]
 *
 * Kills a process that polls security events at random points: before an event arrives, while it is applied, and around its
 * acknowledgement. Another process has cached a response for each user. At the end it must reject every token whose user had an event, and
 * the transmitter must have no event left. Exits with code 1 otherwise.
 */
import { parseArgs } from 'node:util';
import { startChild } from './child.mjs';
import { startFleet } from './fleet/fleet.mjs';
import { startRedis } from './fleet/redis-server.mjs';
import { sleep } from './fleet/time.mjs';
import { createIssuer, startStream } from './fleet/transmitter.mjs';
import { introspectionResponse, randomToken } from './tokens.mjs';

const EVENTS_PER_KILL = 3;
const TTL_SECONDS = 86_400;
const SECRETS = ['a secret that only this benchmark uses'];

/** The poller is killed at a random time after the first event was sent to it. */
const KILL_WITHIN_MS = 300;

const { values } = parseArgs({ options: { kills: { type: 'string', default: '200' } } });
const kills = Number(values.kills);

const redis = await startRedis();
const endpoint = await startChild('fleet/endpoint.mjs');
endpoint.url = `http://127.0.0.1:${endpoint.firstMessage.port}`;
const { signals, sign } = await createIssuer();
const stream = await startStream({ sign });
const fleet = await startFleet({ size: 1, redis, endpoint, ttlSeconds: TTL_SECONDS });
const [observer] = fleet.instances;
const startPoller = () =>
  startChild('fleet/poller.mjs', {
    task: { endpoint: endpoint.url, redisPort: redis.port, secrets: SECRETS, signals, pollEndpoint: stream.url },
  });

try {
  const tokens = Array.from({ length: kills * EVENTS_PER_KILL }, () => randomToken(43));
  for (const token of tokens) await requireStatus(token, 200);
  let next = startPoller();
  let survived = 0;
  for (let kill = 0; kill < kills; kill++) {
    const poller = await next;
    await poller.send({ command: 'poll' });
    next = startPoller();
    const acknowledged = stream.acknowledged;
    const killed = new Promise((resolve) => {
      stream.onSent = () => {
        stream.onSent = () => {};
        setTimeout(() => {
          poller.stop();
          resolve();
        }, Math.random() * KILL_WITHIN_MS);
      };
    });
    for (const token of tokens.slice(kill * EVENTS_PER_KILL, (kill + 1) * EVENTS_PER_KILL)) {
      await endpoint.send({ revoke: token });
      await stream.add(introspectionResponse(token).sub);
    }
    await killed;
    await poller.exit;
    if (stream.acknowledged > acknowledged) survived++;
  }
  const last = await next;
  await last.send({ command: 'poll' });
  for (let waited = 0; stream.pending.size > 0 && waited < 200; waited++) await sleep(100);
  await sleep(500);
  const lost = [];
  for (const token of tokens) {
    const { status } = await observer.get(token);
    if (status !== 401) lost.push(status);
  }
  last.stop();
  const { requests, sent, acknowledged, errors, pending } = stream;
  const events = tokens.length;
  console.log(
    JSON.stringify({
      kills,
      events,
      sent,
      acknowledged,
      requests,
      killsAfterAnAcknowledgement: survived,
      lost,
      errors,
    }),
  );
  if (lost.length > 0 || pending.size > 0 || errors.length > 0 || acknowledged !== events) process.exitCode = 1;
} finally {
  fleet.stop();
  stream.stop();
  endpoint.stop();
  await redis.stop();
}

async function requireStatus(token, expected) {
  const { status } = await observer.get(token);
  if (status !== expected) throw new Error(`a valid token got ${status}`);
}
