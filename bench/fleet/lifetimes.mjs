import { randomToken } from '../tokens.mjs';
import { startFleet } from './fleet.mjs';
import { machineTime, sleep } from './time.mjs';

const TTL_SECONDS = 8;
const TOKENS = 20;
const MARGIN_MS = 250;

/** The first instance sends the introspection requests. The clocks of the others are behind by less than the lifetime, so they use its responses. */
const OFFSETS = [0, -1, -2, -3].map((seconds) => seconds * 1000);

/** Checks that a shared response expires in time when clocks differ and no revocation is announced. */
export async function measureLifetimes({ redis, endpoint, report }) {
  report('lifetimes, clocks seconds apart');
  await redis.command('FLUSHALL');
  await endpoint.send({ set: { delayMs: 0 }, take: true });
  const fleet = await startFleet({
    size: OFFSETS.length,
    redis,
    endpoint,
    offsets: OFFSETS,
    ttlSeconds: TTL_SECONDS,
  });
  const tokens = Array.from({ length: TOKENS }, () => randomToken(43));
  const violations = new Map();
  const getAll = async (expected, what) => {
    for (const token of tokens) {
      for (const { instance, status } of await fleet.getAll(token)) {
        if (status === expected) continue;
        const violation = `${what} got ${status} from an instance whose clock is ${-OFFSETS[instance] / 1000} s behind`;
        violations.set(violation, (violations.get(violation) ?? 0) + 1);
      }
    }
  };
  try {
    for (const token of tokens) await fleet.instances[0].get(token);
    const askedAt = machineTime();
    await sleep((TTL_SECONDS * 1000) / 2);
    await getAll(200, 'a valid token');
    const { calls } = await endpoint.send({ take: true });
    for (const token of tokens) await endpoint.send({ revoke: token });
    await sleep(askedAt + TTL_SECONDS * 1000 + MARGIN_MS - machineTime());
    await getAll(401, 'a token whose response had expired');
    return {
      ttlSeconds: TTL_SECONDS,
      offsetsMs: OFFSETS,
      tokens: TOKENS,
      callsPerToken: calls.length / TOKENS,
      wrong: [...violations].map(([what, count]) => `${count} × ${what}`),
    };
  } finally {
    fleet.stop();
  }
}
