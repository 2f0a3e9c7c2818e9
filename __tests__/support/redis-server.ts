import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Stops answering, without closing a connection. */
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
  /** Starts it on its port, with nothing in it. */
  start(): Promise<void>;
  /** Sends one command of its own. */
  command(...words: string[]): Promise<unknown>;
}

const BINARY = process.env.REDIS_SERVER ?? 'redis-server';

const isInstalled = spawnSync(BINARY, ['--version']).status === 0;

const servers = new Set<ChildProcess>();

afterAll(() => {
  for (const server of servers) server.kill('SIGKILL');
});

/** Tests that take a Redis: skipped with a line that says so where there is none, but for CI, where that is a failure. */
export const describeWithRedis: (title: string, tests: () => void) => void =
  isInstalled || process.env.CI === 'true'
    ? describe
    : (title, tests) => {
        process.stderr.write(`SKIPPED, since ${BINARY} is not installed: ${title}\n`);
        describe.skip(title, tests);
      };

/** A Redis that keeps nothing, on a free port of loopback; gone after the test file. */
export async function startRedis(...more: string[]): Promise<RedisServer> {
  if (!isInstalled) throw new Error(`${BINARY} is not installed; install Redis, or name it in REDIS_SERVER`);
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let running: ChildProcess | undefined;

  async function start(): Promise<void> {
    const directory = mkdtempSync(join(tmpdir(), 'redis-'));
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...more];
    const server = spawn(BINARY, [...options, '--dir', directory], { stdio: 'ignore' });
    running = server;
    servers.add(server);
    server.once('exit', () => {
      servers.delete(server);
      rmSync(directory, { recursive: true, force: true });
    });
    while ((await command('PING').catch(() => undefined)) !== 'PONG') {
      if (server.exitCode !== null) throw new Error(`${BINARY} ended with ${server.exitCode}`);
    }
  }

  async function command(...words: string[]): Promise<unknown> {
    const client = createClient({ url, socket: { reconnectStrategy: false } });
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.sendCommand(words);
    } finally {
      client.destroy();
    }
  }

  const server: RedisServer = {
    url,
    port,
    freeze: () => void running?.kill('SIGSTOP'),
    thaw: () => void running?.kill('SIGCONT'),
    async kill() {
      const exit = new Promise((resolve) => running?.once('exit', resolve));
      running?.kill('SIGKILL');
      await exit;
    },
    start,
    command,
  };
  await start();
  return server;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
