import { randomUUID } from 'node:crypto';
import { loadavg } from 'node:os';
import { Pool } from '../packages.mjs';
import { introspectionResponse, randomToken } from '../tokens.mjs';
import { startFleet } from './fleet.mjs';
import { machineTime, quantile, sleep } from './time.mjs';
import { createIssuer, sessionsRevoked } from './transmitter.mjs';

/** Each kind of signal: where it is sent, its media type, its `typ` and claims, its body, and the status that says that all were told. */
const KINDS = {
  'logout token': {
    path: '/backchannel-logout',
    type: 'application/x-www-form-urlencoded',
    typ: 'logout+jwt',
    claims: (sub) => ({ sub, events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }),
    body: (jwt) => `logout_token=${jwt}`,
    status: 200,
  },
  'security event': {
    path: '/security-events',
    type: 'application/secevent+jwt',
    typ: 'secevent+jwt',
    claims: sessionsRevoked,
    body: (jwt) => jwt,
    status: 202,
  },
};

/**
 * Measures the time from the response to a signal in one instance until the last instance accepts no token of its user any more. The
 * instances take turns.
 */
export async function measureSignals({ redis, endpoint, plan, report }) {
  report('signals');
  const load = loadavg()[0].toFixed(1);
  await redis.command('FLUSHALL');
  await endpoint.send({ set: { delayMs: 0 }, take: true });
  const size = plan.sizes.at(-1);
  const { signals, sign } = await createIssuer();
  const fleet = await startFleet({ size, redis, endpoint, signals });
  const pools = fleet.instances.map(({ url }) => new Pool(url, { connections: 1 }));
  const times = Object.fromEntries(Object.keys(KINDS).map((name) => [name, []]));
  const handling = [];
  const wrong = [];

  async function send(pool, { path, type, typ, claims, body }, sub) {
    const jwt = await sign(typ, randomUUID(), claims(sub));
    const startedAt = machineTime();
    const response = await pool.request({ method: 'POST', path, headers: { 'content-type': type }, body: body(jwt) });
    await response.body.dump();
    handling.push(machineTime() - startedAt);
    return response.statusCode;
  }

  try {
    for (let index = 0; index < plan.signals; index++) {
      const names = Object.keys(KINDS);
      const name = names[index % names.length];
      const token = randomToken(43);
      const { sub } = introspectionResponse(token);
      for (const { instance, status } of await fleet.getAll(token)) {
        if (status !== 200) wrong.push(`a valid token got ${status} from instance ${instance}`);
      }
      const watched = fleet.instances.map((instance) => instance.send({ command: 'watch', token }));
      await sleep(5 + Math.random() * 10);
      await endpoint.send({ revoke: token });
      const receiver = index % size;
      const status = await send(pools[receiver], KINDS[name], sub);
      if (status !== KINDS[name].status) wrong.push(`a ${name} got ${status}`);
      const results = await Promise.all(watched);
      const { sentAt } = await fleet.instances[receiver].send({ command: 'readSent' });
      times[name].push(Math.max(0, ...results.map(({ acceptedAt }) => acceptedAt - sentAt)));
    }
    const summarize = (values) => ({
      count: values.length,
      p50: quantile(values, 0.5),
      p99: quantile(values, 0.99),
      max: Math.max(...values),
    });
    const accepted = Object.values(times).flat();
    return {
      instances: size,
      load,
      all: summarize(accepted),
      kinds: Object.fromEntries(Object.entries(times).map(([name, values]) => [name, summarize(values)])),
      handling: summarize(handling),
      millis: { accepted, handling },
      wrong,
    };
  } finally {
    for (const pool of pools) pool.destroy().catch(() => {});
    fleet.stop();
  }
}
