/**
 * node bench/topologies.mjs [--only=text]
 *
 * Runs four processes with a Sentinel or Cluster set-up under load and revocations, with each client package in turn. A master is
 * killed, frozen, failed over manually, or loses the slot of the revocation log. Exits with code 1 on a violation.
 */
import { parseArgs } from 'node:util';
import { startCluster, startSentinel } from './fleet/nemesis/topologies.mjs';
import {
  checkTraffic,
  createRandom,
  startAuthorizationServer,
  startInstance,
  startTraffic,
  TIMEOUT_MS,
  waitUntilShared,
} from './fleet/nemesis/traffic.mjs';
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
for (const plan of RUNS) {
  const name = `${plan.start === startCluster ? 'cluster' : 'sentinel'}, ${plan.kind}, ${plan.fault}`;
  if (!name.includes(values.only)) continue;
  const result = await run(plan);
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
    await Promise.all(instances.map((instance) => instance.send({ command: 'ready' })));
    if ((await waitUntilShared({ instances, server }, RECOVERY_LIMIT_MS)) === undefined) {
      return { requests: 0, violations: ['the instances never shared a response'] };
    }
    const traffic = startTraffic({ instances, server, random: createRandom(1) });
    await sleep(BEFORE_MS);
    const outage = { from: machineTime() - 50, to: Number.POSITIVE_INFINITY };
    const repair = await servers.faults[fault]();
    await Promise.race([servers.promoted(), sleep(PROMOTION_LIMIT_MS)]);
    const promotedMs = machineTime() - outage.from;
    const sharedMs = await waitUntilShared({ instances, server }, RECOVERY_LIMIT_MS);
    const thawedAt = machineTime();
    await repair?.();
    await sleep(AFTER_MS);
    const againMs = await waitUntilShared({ instances, server }, RECOVERY_LIMIT_MS);
    outage.to = machineTime();
    // A frozen master that thaws believes that it is the master until it hears of the new one.
    const splits = repair === undefined ? [] : [{ from: thawedAt - 500, to: thawedAt + 1000 }];
    const measured = checkTraffic(await traffic.stop(), [outage], splits);
    for (const [text, ms] of Object.entries({ 'after the promotion': sharedMs, 'at the end': againMs })) {
      if (ms === undefined)
        measured.violations.push(`the instances do not share responses ${text}, within ${RECOVERY_LIMIT_MS} ms`);
    }
    return { ...measured, promotedMs, sharedMs, againMs };
  } finally {
    for (const part of [...instances, server]) part.stop();
    await servers.stop();
  }
}
