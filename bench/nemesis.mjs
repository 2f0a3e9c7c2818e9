/**
 * node bench/nemesis.mjs [--seeds=1-20] [--seconds=60] [--clients=redis,redis5,ioredis,ioredis5]
 *
 * Four processes over one Redis, and one fault after another, chosen by a seed. Every second seed sets the clocks of the processes
 * apart. Every accepted response tells when the endpoint was asked, so ages are exact. Ends with code 1 when a promise was broken.
 */
import { parseArgs } from 'node:util';
import { FAULTS } from './fleet/nemesis/faults.mjs';
import { startNemesisProxy } from './fleet/nemesis/proxy.mjs';
import {
  createRandom,
  judge,
  startAuthorizationServer,
  startInstance,
  startTraffic,
  TIMEOUT_MS,
  untilShared,
} from './fleet/nemesis/rig.mjs';
import { startRedis } from './fleet/redis-server.mjs';
import { machineTime, sleep } from './fleet/time.mjs';

const SIZE = 4;
const CLOCKS_APART_MS = [0, -60_000, 45_000, 600_000];
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
console.log(`${total} requests judged, ${failures} runs with violations`);
process.exit(failures > 0 ? 1 : 0);

async function run(seed) {
  const random = createRandom(seed);
  const isApart = seed % 2 === 0;
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
        offsetMs: isApart ? CLOCKS_APART_MS[index] : 0,
      }),
    ),
  );
  try {
    await Promise.all(instances.map((instance) => instance.ask({ order: 'ready' })));
    const traffic = startTraffic({ instances, server, random });
    const troubles = [];
    const faults = [];
    const names = Object.keys(FAULTS);
    const endAt = machineTime() + Number(values.seconds) * 1000;
    await sleep(1500);
    while (machineTime() < endAt) {
      const name = names[Math.floor(random() * names.length)];
      const index = Math.floor(random() * SIZE);
      const forMs = 300 + random() ** 2 * 8000;
      faults.push(`${name} (${Math.round(forMs)} ms)`);
      const trouble = { from: machineTime() - 50, to: Number.POSITIVE_INFINITY };
      troubles.push(trouble);
      const mend = await FAULTS[name]({ redis, proxies, instances, server, index, troubles });
      await sleep(forMs);
      await mend();
      trouble.to = machineTime();
      if (isApart) await instances[index].ask({ order: 'setClock', ms: Math.round((random() - 0.5) * 1_200_000) });
      await sleep(500 + random() * 5000);
    }
    const recoveredMs = await untilShared({ instances, server }, RECOVERY_LIMIT_MS);
    const measured = judge(await traffic.stop(), troubles);
    const { unhandled = 0 } = (await instances[0].ask({ order: 'look' })).counts;
    if (recoveredMs === undefined) measured.violations.push(`not all share again after ${RECOVERY_LIMIT_MS} ms`);
    if (unhandled > 0) measured.violations.push(`${unhandled} unhandled rejections`);
    return { seed, clocks: isApart ? 'apart' : 'equal', kinds, ...measured, recoveredMs, faults };
  } finally {
    for (const each of [...instances, ...proxies, server]) each.stop();
    await redis.stop();
  }
}
