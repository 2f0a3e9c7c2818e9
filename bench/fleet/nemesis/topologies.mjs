import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sleep } from '../time.mjs';

const run = promisify(execFile);

const LOG_KEY = 'token-introspection:revocations';
const HIGHEST_CLUSTER_PORT = 55_000;

/** One master, one replica, three sentinels. */
export async function startSentinel() {
  const master = await startServer();
  const replica = await startServer({ replicaof: `127.0.0.1 ${master.port}` });
  const sentinels = await Promise.all([1, 2, 3].map(() => startSentinelProcess(master.port)));
  await sleep(3500);
  const ask = (...words) => cli(sentinels[0].port, ...words);
  const current = async () => Number((await ask('SENTINEL', 'get-master-addr-by-name', 'main')).split('\n')[1]);
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
      'manual failover': async () => void (await ask('SENTINEL', 'failover', 'main')),
    },
    /** Ends once another is the master. */
    async promoted() {
      while ((await current()) === before) await sleep(100);
    },
    async stop() {
      for (const server of [...sentinels, replica, master]) await server.stop();
    },
  };
}

/** Three masters with a replica each. */
export async function startCluster() {
  const nodes = [];
  for (let each = 0; each < 6; each++) {
    const options = { 'cluster-enabled': 'yes', 'cluster-node-timeout': 2000, 'cluster-replica-validity-factor': 0 };
    nodes.push(await startServer({ ...options, 'cluster-config-file': `nodes-${each}.conf` }, HIGHEST_CLUSTER_PORT));
  }
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  await run('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes']);
  const isReady = async ({ port }) => (await cli(port, 'CLUSTER', 'INFO')).includes('cluster_state:ok');
  const isReplica = async ({ port }) => /^slave[\s\S]*connected/.test(await cli(port, 'ROLE'));
  while (!((await count(nodes, isReady)) === 6 && (await count(nodes, isReplica)) === 3)) await sleep(200);
  const slot = Number(await cli(nodes[0].port, 'CLUSTER', 'KEYSLOT', LOG_KEY));
  const master = await nodeOf(slot);
  const roles = await Promise.all(nodes.map(async ({ port }) => (await cli(port, 'ROLE')).split('\n')));
  const replica = nodes.find((_, index) => roles[index][0] === 'slave' && Number(roles[index][2]) === master.port);
  const masters = nodes.filter((_, index) => roles[index][0] === 'master');
  const other = masters.find((node) => node !== master);

  /** The master of a slot, as the first node that answers sees it. */
  async function nodeOf(wanted) {
    for (const { port } of nodes) {
      try {
        for (const line of (await cli(port, 'CLUSTER', 'NODES')).split('\n')) {
          const [, address, flags, , , , , , ...ranges] = line.split(' ');
          if (!flags.includes('master') || flags.includes('fail')) continue;
          const holds = ranges.some((range) => {
            const [from, to = from] = range.split('-').map(Number);
            return wanted >= from && wanted <= to;
          });
          if (holds) return nodes.find((node) => address.startsWith(`127.0.0.1:${node.port}@`));
        }
      } catch {
        // It is the one that was killed or frozen.
      }
    }
    return undefined;
  }

  async function migrate() {
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
      'the log moved to another master': migrate,
    },
    async promoted() {
      while (((await nodeOf(slot)) ?? master) === master) await sleep(100);
    },
    async stop() {
      for (const node of nodes) await node.stop();
    },
  };
}

/** @param highest the bus of a cluster uses a port that is 10000 higher */
async function startServer(options = {}, highest = 65_535) {
  const directory = mkdtempSync(join(tmpdir(), 'fleet-redis-'));
  const port = await freePort(highest);
  const all = {
    port,
    bind: '127.0.0.1',
    save: '',
    appendonly: 'no',
    dir: directory,
    'repl-diskless-sync-delay': 0,
    ...options,
  };
  const words = Object.entries(all).flatMap(([name, value]) => [`--${name}`, ...String(value).split(' ')]);
  const child = spawn('redis-server', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (output.includes('Ready to accept connections')) resolve();
    });
    child.once('exit', () => reject(new Error(`redis-server ended: ${output}`)));
  });
  return processOf(child, port, directory);
}

async function startSentinelProcess(master) {
  const directory = mkdtempSync(join(tmpdir(), 'fleet-sentinel-'));
  const port = await freePort(65_535);
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
  return processOf(spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' }), port, directory);
}

function processOf(child, port, directory) {
  async function kill() {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  return {
    port,
    kill,
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    async stop() {
      child.kill('SIGCONT');
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Not in this thread, which measures. */
async function cli(port, ...words) {
  const { stdout } = await run('redis-cli', ['-p', String(port), ...words], { encoding: 'utf8', timeout: 2000 });
  return stdout.trim();
}

async function count(list, isCounted) {
  const results = await Promise.all(list.map(isCounted));
  return results.filter(Boolean).length;
}

async function freePort(highest) {
  for (;;) {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    await once(server, 'close');
    if (port <= highest) return port;
  }
}
