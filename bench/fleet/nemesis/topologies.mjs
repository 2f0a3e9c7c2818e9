import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { controlProcess, freePort, startRedisProcess } from '../redis-process.mjs';
import { sleep } from '../time.mjs';

const run = promisify(execFile);

const LOG_KEY = 'token-introspection:revocations';
/** Each node also uses the port that is 10,000 higher, for the cluster bus. */
const MAX_CLUSTER_PORT = 55_000;

/** Starts a master, a replica and three sentinels. */
export async function startSentinel() {
  const master = await startServer();
  const replica = await startServer({ replicaof: `127.0.0.1 ${master.port}` });
  const sentinels = await Promise.all([1, 2, 3].map(() => startSentinelProcess(master.port)));
  await sleep(3500);
  const sentinel = (...words) => cli(sentinels[0].port, ...words);
  const current = async () => Number((await sentinel('SENTINEL', 'get-master-addr-by-name', 'main')).split('\n')[1]);
  const before = await current();
  return {
    topology: 'sentinel',
    ports: sentinels.map(({ port }) => port),
    faults: {
      'master killed': async () => master.kill(),
      'master frozen': async () => {
        master.freeze();
        return () => master.thaw();
      },
      'manual failover': async () => void (await sentinel('SENTINEL', 'failover', 'main')),
    },
    /** Resolves when another server is the master. */
    async promoted() {
      while ((await current()) === before) await sleep(100);
    },
    async stop() {
      for (const server of [...sentinels, replica, master]) await server.stop();
    },
  };
}

/** Starts a cluster of three masters with one replica each. */
export async function startCluster() {
  const nodes = [];
  for (let index = 0; index < 6; index++) {
    const options = { 'cluster-enabled': 'yes', 'cluster-node-timeout': 2000, 'cluster-replica-validity-factor': 0 };
    nodes.push(await startServer({ ...options, 'cluster-config-file': `nodes-${index}.conf` }, MAX_CLUSTER_PORT));
  }
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  await run('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes']);
  const isReady = async ({ port }) => (await cli(port, 'CLUSTER', 'INFO')).includes('cluster_state:ok');
  const isReplica = async ({ port }) => /^slave[\s\S]*connected/.test(await cli(port, 'ROLE'));
  while (!((await count(nodes, isReady)) === 6 && (await count(nodes, isReplica)) === 3)) await sleep(200);
  const slot = Number(await cli(nodes[0].port, 'CLUSTER', 'KEYSLOT', LOG_KEY));
  const master = await masterOf(slot);
  const roles = await Promise.all(nodes.map(async ({ port }) => (await cli(port, 'ROLE')).split('\n')));
  const replica = nodes.find((_, index) => roles[index][0] === 'slave' && Number(roles[index][2]) === master.port);
  const masters = nodes.filter((_, index) => roles[index][0] === 'master');
  const other = masters.find((node) => node !== master);

  /** The master of a slot, according to the first node that responds. */
  async function masterOf(wantedSlot) {
    for (const { port } of nodes) {
      try {
        for (const line of (await cli(port, 'CLUSTER', 'NODES')).split('\n')) {
          const [, address, flags, , , , , , ...ranges] = line.split(' ');
          if (!flags.includes('master') || flags.includes('fail')) continue;
          const holds = ranges.some((range) => {
            const [from, to = from] = range.split('-').map(Number);
            return wantedSlot >= from && wantedSlot <= to;
          });
          if (holds) return nodes.find((node) => address.startsWith(`127.0.0.1:${node.port}@`));
        }
      } catch {
        // This node was killed or frozen.
      }
    }
    return undefined;
  }

  async function moveSlot() {
    const [from, to] = await Promise.all([master, other].map(({ port }) => cli(port, 'CLUSTER', 'MYID')));
    await cli(other.port, 'CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', from);
    await cli(master.port, 'CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', to);
    await sleep(300);
    for (;;) {
      const keys = (await cli(master.port, 'CLUSTER', 'GETKEYSINSLOT', String(slot), '100'))
        .split('\n')
        .filter(Boolean);
      if (keys.length === 0) break;
      await cli(master.port, 'MIGRATE', '127.0.0.1', String(other.port), '', '0', '5000', 'KEYS', ...keys);
    }
    await sleep(300);
    for (const { port } of [other, ...masters]) await cli(port, 'CLUSTER', 'SETSLOT', String(slot), 'NODE', to);
  }

  return {
    topology: 'cluster',
    ports: nodes.map(({ port }) => port),
    faults: {
      'master of the log killed': async () => master.kill(),
      'master of the log frozen': async () => {
        master.freeze();
        return () => master.thaw();
      },
      'manual failover of the log': async () => void (await cli(replica.port, 'CLUSTER', 'FAILOVER')),
      'the log moved to another master': moveSlot,
    },
    async promoted() {
      while (((await masterOf(slot)) ?? master) === master) await sleep(100);
    },
    async stop() {
      for (const node of nodes) await node.stop();
    },
  };
}

/** Starts a Redis on a free port of at most `maxPort`. */
async function startServer(options = {}, maxPort = undefined) {
  const port = await freePort(maxPort);
  return { port, ...(await startRedisProcess({ port, 'repl-diskless-sync-delay': 0, ...options })) };
}

async function startSentinelProcess(master) {
  const directory = mkdtempSync(join(tmpdir(), 'fleet-sentinel-'));
  const port = await freePort();
  const file = join(directory, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${directory}`,
    `sentinel monitor main 127.0.0.1 ${master} 2`,
    'sentinel down-after-milliseconds main 1500',
    'sentinel failover-timeout main 5000',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
  return { port, ...controlProcess(child, directory) };
}

/** Runs redis-cli in another process, because this one takes measurements. */
async function cli(port, ...words) {
  const { stdout } = await run('redis-cli', ['-p', String(port), ...words], { encoding: 'utf8', timeout: 2000 });
  return stdout.trim();
}

async function count(list, isCounted) {
  const results = await Promise.all(list.map(isCounted));
  return results.filter(Boolean).length;
}
