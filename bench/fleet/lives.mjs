import { randomToken } from '../tokens.mjs';
import { startFleet } from './fleet.mjs';
import { machineTime, sleep } from './time.mjs';

const TTL_SECONDS = 8;
const TOKENS = 20;
const MARGIN_MS = 250;

/** Whoever asks is ahead of all others, who are behind by less than a life: they use its answers. */
const OFFSETS = [0, -1, -2, -3].map((seconds) => seconds * 1000);

/** Whether an answer ends in time where clocks are apart and nobody is told of the revocation. */
export async function measureLives({ redis, endpoint, report }) {
  report('lives, clocks seconds apart');
  await redis.command('FLUSHALL');
  await endpoint.ask({ set: { delayMs: 0 }, take: true });
  const fleet = await startFleet({
    size: OFFSETS.length,
    redis,
    endpoint,
    offsets: OFFSETS,
    ttlSeconds: TTL_SECONDS,
  });
  const tokens = Array.from({ length: TOKENS }, () => randomToken(43));
  const found = new Map();
  const getAll = async (expected, what) => {
    for (const token of tokens) {
      for (const { instance, status } of await fleet.getAll(token)) {
        if (status === expected) continue;
        const wrong = `${what} got ${status} from one that is ${-OFFSETS[instance] / 1000} s behind`;
        found.set(wrong, (found.get(wrong) ?? 0) + 1);
      }
    }
  };
  try {
    for (const token of tokens) await fleet.instances[0].get(token);
    const askedAt = machineTime();
    await sleep((TTL_SECONDS * 1000) / 2);
    await getAll(200, 'a good token');
    const { calls } = await endpoint.ask({ take: true });
    for (const token of tokens) await endpoint.ask({ revoke: token });
    await sleep(askedAt + TTL_SECONDS * 1000 + MARGIN_MS - machineTime());
    await getAll(401, 'a token whose answer had ended');
    return {
      ttlSeconds: TTL_SECONDS,
      offsetsMs: OFFSETS,
      tokens: TOKENS,
      callsPerToken: calls.length / TOKENS,
      wrong: [...found].map(([what, count]) => `${count} × ${what}`),
    };
  } finally {
    fleet.stop();
  }
}
