import { introspectionResponse, randomToken } from '../tokens.mjs';
import { startFleet } from './fleet.mjs';
import { machineTime, quantile, sleep } from './time.mjs';

const MINUTE = 60_000;
const OFFSETS = [0, 3, -3, 7, -7, 11, -11, 1].map((minutes) => minutes * MINUTE);

/** Measures the time from invalidate() in one instance until the last instance rejects the token. The instances take turns. */
export async function measureRevocations({ redis, endpoint, plan, report, areClocksApart = false }) {
  report(areClocksApart ? 'revocations, clocks minutes apart' : 'revocations');
  await redis.command('FLUSHALL');
  await endpoint.send({ set: { delayMs: 0 }, take: true });
  const size = plan.sizes.at(-1);
  const offsets = areClocksApart ? OFFSETS.slice(0, size) : [];
  const fleet = await startFleet({ size, redis, endpoint, offsets });
  const times = { token: [], sub: [] };
  const accepted = [];
  const control = [];
  const wrong = [];
  try {
    const count = areClocksApart ? plan.apart : plan.revocations;
    for (let index = 0; index < count; index++) {
      const kind = index % 2 === 0 ? 'token' : 'sub';
      const token = randomToken(43);
      const { sub } = introspectionResponse(token);
      for (const { instance, status } of await fleet.getAll(token)) {
        if (status !== 200) wrong.push(`a valid token got ${status} from instance ${instance}`);
      }
      const watched = fleet.instances.map((instance) => instance.send({ command: 'watch', token }));
      await sleep(10 + Math.random() * 20);
      await endpoint.send({ revoke: token });
      const invalidator = fleet.instances[index % size];
      const { startedAt } = await invalidator.send({
        command: 'invalidate',
        criteria: kind === 'token' ? { token } : { sub },
      });
      const results = await Promise.all(watched);
      accepted.push(Math.max(0, ...results.map(({ acceptedAt }) => acceptedAt - startedAt)));
      times[kind].push(Math.max(...results.map(({ rejectedAt }) => rejectedAt)) - startedAt);
      for (const { instance, status } of await fleet.getAll(token)) {
        if (status !== 401) wrong.push(`a revoked token got ${status} from instance ${instance} later`);
      }
      const pingedAt = machineTime();
      await Promise.all(fleet.instances.map((instance) => instance.send({ command: 'ping' })));
      control.push(machineTime() - pingedAt);
    }
    const { calls } = await endpoint.send({ take: true });
    const summarize = (values) => ({
      count: values.length,
      p50: quantile(values, 0.5),
      p99: quantile(values, 0.99),
      max: Math.max(...values),
    });
    return {
      instances: size,
      offsetsMinutes: offsets.map((ms) => ms / MINUTE),
      token: summarize(times.token),
      sub: summarize(times.sub),
      all: summarize([...times.token, ...times.sub]),
      accepted: summarize(accepted),
      control: summarize(control),
      callsPerToken: calls.length / count,
      millis: { accepted, rejected: [...times.token, ...times.sub] },
      wrong,
    };
  } finally {
    fleet.stop();
  }
}
