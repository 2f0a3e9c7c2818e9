import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Stops replying, without closing a connection. */
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
  /** Starts it again on the same port, with no data. */
  start(): Promise<void>;
  /** Sends one command over a new connection. */
  command(...args: string[]): Promise<unknown>;
}

const BINARY = process.env.REDIS_SERVER ?? 'redis-server';

const isInstalled = spawnSync(BINARY, ['--version']).status === 0;

const servers = new Set<ChildProcess>();

afterAll(() => {
  for (const server of servers) server.kill('SIGKILL');
});

/** Describes tests that need a Redis. Without one they are skipped with a message, except in CI, where they fail. */
export const describeWithRedis: (title: string, tests: () => void) => void =
  isInstalled || process.env.CI === 'true'
    ? describe
    : (title, tests) => {
        process.stderr.write(`SKIPPED, because ${BINARY} is not installed: ${title}\n`);
        describe.skip(title, tests);
      };

/** Starts a Redis without persistence on a free loopback port. It is killed after the test file. */
export async function startRedis(...extraOptions: string[]): Promise<RedisServer> {
  if (!isInstalled) throw new Error(`${BINARY} is not installed; install Redis, or name it in REDIS_SERVER`);
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let running: ChildProcess | undefined;

  async function start(): Promise<void> {
    const directory = mkdtempSync(join(tmpdir(), 'redis-'));
    const options = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      ...extraOptions,
    ];
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

  async function command(...args: string[]): Promise<unknown> {
    const client = createClient({ url, socket: { reconnectStrategy: false } });
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.sendCommand(args);
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
