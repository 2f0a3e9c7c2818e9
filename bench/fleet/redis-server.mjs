import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';

/** A Redis of the rig's own: a free port of loopback, nothing on disk. It can be killed, stopped and started again, empty. */
export async function startRedis() {
  const directory = mkdtempSync(join(tmpdir(), 'fleet-redis-'));
  const port = await freePort();
  let server = await run();
  const admin = createClient({ url: `redis://127.0.0.1:${port}` });
  admin.on('error', () => {});
  await admin.connect();

  async function run() {
    const options = { port, bind: '127.0.0.1', save: '', appendonly: 'no', dir: directory };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    child.on('error', () => {});
    await new Promise((resolve, reject) => {
      let output = '';
      child.stdout.on('data', (chunk) => {
        output += chunk;
        if (output.includes('Ready to accept connections')) resolve();
      });
      child.once('exit', () => reject(new Error(`redis-server ended: ${output}`)));
      child.once('error', reject);
    });
    return child;
  }

  async function kill() {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  }

  return {
    port,
    kill,
    async restart() {
      await kill();
      server = await run();
    },
    freeze: () => server.kill('SIGSTOP'),
    thaw: () => server.kill('SIGCONT'),
    /** A command, as words. */
    command: (...words) => admin.sendCommand(words.map(String)),
    /** `INFO`, or a section of it, by name. */
    async info(section) {
      const text = await admin.info(section);
      return Object.fromEntries(
        text
          .split('\r\n')
          .filter((line) => line.includes(':'))
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
      );
    },
    async stop() {
      admin.destroy();
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export function redisVersion() {
  const text = execFileSync('redis-server', ['--version'], { encoding: 'utf8' });
  return /v=(\S+)/.exec(text)?.[1] ?? text.trim();
}

async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
