import { introspectionResponse, randomToken } from '../tokens.mjs';
import { startFleet } from './fleet.mjs';
import { machineTime, quantile, sleep } from './time.mjs';

const MINUTE = 60_000;
const OFFSETS = [0, 3, -3, 7, -7, 11, -11, 1].map((minutes) => minutes * MINUTE);

/** How long after invalidate() the last instance refuses, each in turn being the one that is told. */
export async function measureRevocations({ redis, endpoint, plan, report, areClocksApart = false }) {
  report(areClocksApart ? 'revocations, clocks minutes apart' : 'revocations');
  await redis.command('FLUSHALL');
  await endpoint.ask({ set: { delayMs: 0 }, take: true });
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
        if (status !== 200) wrong.push(`a good token got ${status} from ${instance}`);
      }
      const watched = fleet.instances.map((instance) => instance.ask({ order: 'watch', token }));
      await sleep(10 + Math.random() * 20);
      await endpoint.ask({ revoke: token });
      const teller = fleet.instances[index % size];
      const { startedAt } = await teller.ask({ order: 'invalidate', of: kind === 'token' ? { token } : { sub } });
      const refused = await Promise.all(watched);
      accepted.push(Math.max(0, ...refused.map(({ admittedAt }) => admittedAt - startedAt)));
      times[kind].push(Math.max(...refused.map(({ refusedAt }) => refusedAt)) - startedAt);
      for (const { instance, status } of await fleet.getAll(token)) {
        if (status !== 401) wrong.push(`a revoked token got ${status} from ${instance} later`);
      }
      const pingedAt = machineTime();
      await Promise.all(fleet.instances.map((instance) => instance.ask({ order: 'ping' })));
      control.push(machineTime() - pingedAt);
    }
    const { calls } = await endpoint.ask({ take: true });
    const of = (values) => ({
      count: values.length,
      p50: quantile(values, 0.5),
      p99: quantile(values, 0.99),
      max: Math.max(...values),
    });
    return {
      instances: size,
      offsetsMinutes: offsets.map((ms) => ms / MINUTE),
      token: of(times.token),
      sub: of(times.sub),
      all: of([...times.token, ...times.sub]),
      accepted: of(accepted),
      control: of(control),
      callsPerToken: calls.length / count,
      millis: { accepted, refused: [...times.token, ...times.sub] },
      wrong,
    };
  } finally {
    fleet.stop();
  }
}
