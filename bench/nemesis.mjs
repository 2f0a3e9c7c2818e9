/**
 * node bench/nemesis.mjs [--seeds=1-20] [--seconds=60] [--clients=redis,redis5,ioredis,ioredis5]
 *
 * Runs four processes with one Redis, and causes one fault after another, chosen by a seed. With every second seed the clocks of the
 * processes differ. Accepted responses contain the time of their introspection request, so ages are exact. Exits with code 1 on a violation.
 */
import { parseArgs } from 'node:util';
import { FAULTS } from './fleet/nemesis/faults.mjs';
import { startNemesisProxy } from './fleet/nemesis/proxy.mjs';
import {
  checkTraffic,
  createRandom,
  startAuthorizationServer,
  startInstance,
  startTraffic,
  TIMEOUT_MS,
  waitUntilShared,
} from './fleet/nemesis/traffic.mjs';
import { startRedis } from './fleet/redis-server.mjs';
import { machineTime, sleep } from './fleet/time.mjs';

const SIZE = 4;
const CLOCK_OFFSETS_MS = [0, -60_000, 45_000, 600_000];
const RECOVERY_LIMIT_MS = 15_000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1-20' },
    seconds: { type: 'string', default: '60' },
    clients: { type: 'string', default: 'redis,redis5,ioredis,ioredis5' },
  },
});
const [first, last = first] = values.seeds.split('-').map(Number);
const clients = values.clients.split(',');
let failures = 0;
let total = 0;
for (let seed = first; seed <= last; seed++) {
  const result = await run(seed);
  total += result.requests;
  if (result.violations.length > 0) failures++;
  console.log(JSON.stringify(result));
}
console.log(`${total} requests checked, ${failures} runs with violations`);
process.exit(failures > 0 ? 1 : 0);

async function run(seed) {
  const random = createRandom(seed);
  const hasClockOffsets = seed % 2 === 0;
  const redis = await startRedis();
  const server = await startAuthorizationServer();
  const proxies = await Promise.all(Array.from({ length: SIZE }, () => startNemesisProxy(redis.port)));
  const kinds = proxies.map((_, index) => clients[(seed + index) % clients.length]);
  const instances = await Promise.all(
    proxies.map(({ port }, index) =>
      startInstance({
        kind: kinds[index],
        topology: 'single',
        ports: [port],
        endpoint: server.url,
        timeoutMs: TIMEOUT_MS,
        offsetMs: hasClockOffsets ? CLOCK_OFFSETS_MS[index] : 0,
      }),
    ),
  );
  try {
    await Promise.all(instances.map((instance) => instance.send({ command: 'ready' })));
    const traffic = startTraffic({ instances, server, random });
    const outages = [];
    const faults = [];
    const names = Object.keys(FAULTS);
    const endAt = machineTime() + Number(values.seconds) * 1000;
    await sleep(1500);
    while (machineTime() < endAt) {
      const name = names[Math.floor(random() * names.length)];
      const index = Math.floor(random() * SIZE);
      const durationMs = 300 + random() ** 2 * 8000;
      faults.push(`${name} (${Math.round(durationMs)} ms)`);
      const outage = { from: machineTime() - 50, to: Number.POSITIVE_INFINITY };
      outages.push(outage);
      const repair = await FAULTS[name]({ redis, proxies, instances, server, index, outages });
      await sleep(durationMs);
      await repair();
      outage.to = machineTime();
      if (hasClockOffsets)
        await instances[index].send({ command: 'setClock', ms: Math.round((random() - 0.5) * 1_200_000) });
      await sleep(500 + random() * 5000);
    }
    const recoveredMs = await waitUntilShared({ instances, server }, RECOVERY_LIMIT_MS);
    const measured = checkTraffic(await traffic.stop(), outages);
    const { unhandled = 0 } = (await instances[0].send({ command: 'readState' })).counts;
    if (recoveredMs === undefined)
      measured.violations.push(`instances do not share responses again after ${RECOVERY_LIMIT_MS} ms`);
    if (unhandled > 0) measured.violations.push(`${unhandled} unhandled rejections`);
    return { seed, clocks: hasClockOffsets ? 'different' : 'equal', kinds, ...measured, recoveredMs, faults };
  } finally {
    for (const part of [...instances, ...proxies, server]) part.stop();
    await redis.stop();
  }
}
