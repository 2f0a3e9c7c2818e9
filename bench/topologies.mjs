/**
 * node bench/topologies.mjs [--only=text]
 *
 * Four processes over a Sentinel or a Cluster, each client package in turn, under load and revocations, while a master is killed,
 * frozen, failed over by hand, or loses the slot of the log. Ends with code 1 when a promise was broken.
 */
import { parseArgs } from 'node:util';
import {
  createRandom,
  judge,
  startAuthorizationServer,
  startInstance,
  startTraffic,
  TIMEOUT_MS,
  untilShared,
} from './fleet/nemesis/rig.mjs';
import { startCluster, startSentinel } from './fleet/nemesis/topologies.mjs';
import { machineTime, sleep } from './fleet/time.mjs';

const SIZE = 4;
const BEFORE_MS = 4000;
const AFTER_MS = 6000;
const PROMOTION_LIMIT_MS = 30_000;
const RECOVERY_LIMIT_MS = 20_000;

const RUNS = [
  ...['redis', 'ioredis', 'ioredis5'].flatMap((kind) =>
    ['master killed', 'master frozen', 'manual failover'].map((fault) => ({ start: startSentinel, kind, fault })),
  ),
  ...['redis', 'redis5', 'ioredis', 'ioredis5'].flatMap((kind) =>
    [
      'master of the log killed',
      'master of the log frozen',
      'manual failover of the log',
      'the log moved to another master',
    ].map((fault) => ({ start: startCluster, kind, fault })),
  ),
];

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });
let failures = 0;
for (const each of RUNS) {
  const name = `${each.start === startCluster ? 'cluster' : 'sentinel'}, ${each.kind}, ${each.fault}`;
  if (!name.includes(values.only)) continue;
  const result = await run(each);
  if (result.violations.length > 0) failures++;
  console.log(JSON.stringify({ name, ...result }));
}
console.log(`${failures} runs with violations`);
process.exit(failures > 0 ? 1 : 0);

async function run({ start, kind, fault }) {
  const servers = await start();
  const server = await startAuthorizationServer();
  const task = { kind, topology: servers.topology, ports: servers.ports, endpoint: server.url, timeoutMs: TIMEOUT_MS };
  const instances = await Promise.all(Array.from({ length: SIZE }, () => startInstance({ ...task, offsetMs: 0 })));
  try {
    await Promise.all(instances.map((instance) => instance.ask({ order: 'ready' })));
    if ((await untilShared({ instances, server }, RECOVERY_LIMIT_MS)) === undefined) {
      return { requests: 0, violations: ['they never shared at all'] };
    }
    const traffic = startTraffic({ instances, server, random: createRandom(1) });
    await sleep(BEFORE_MS);
    const trouble = { from: machineTime() - 50, to: Number.POSITIVE_INFINITY };
    const mend = await servers.faults[fault]();
    await Promise.race([servers.promoted(), sleep(PROMOTION_LIMIT_MS)]);
    const promotedMs = machineTime() - trouble.from;
    const sharedMs = await untilShared({ instances, server }, RECOVERY_LIMIT_MS);
    const thawedAt = machineTime();
    await mend?.();
    await sleep(AFTER_MS);
    const againMs = await untilShared({ instances, server }, RECOVERY_LIMIT_MS);
    trouble.to = machineTime();
    // A frozen master that thaws takes itself for the master until it hears of the other.
    const splits = mend === undefined ? [] : [{ from: thawedAt - 500, to: thawedAt + 1000 }];
    const measured = judge(await traffic.stop(), [trouble], splits);
    for (const [text, ms] of Object.entries({ 'after the promotion': sharedMs, 'at the end': againMs })) {
      if (ms === undefined) measured.violations.push(`not all share ${text}, within ${RECOVERY_LIMIT_MS} ms`);
    }
    return { ...measured, promotedMs, sharedMs, againMs };
  } finally {
    for (const each of [...instances, server]) each.stop();
    await servers.stop();
  }
}
