import { execFileSync } from 'node:child_process';
import { createClient } from 'redis';
import { freePort, startRedisProcess } from './redis-process.mjs';

/** Starts a Redis for the benchmark. It can be killed, frozen, and restarted empty on the same port. */
export async function startRedis() {
  const port = await freePort();
  let server = await startRedisProcess({ port });
  const admin = createClient({ url: `redis://127.0.0.1:${port}` });
  admin.on('error', () => {});
  await admin.connect();

  return {
    port,
    kill: () => server.kill(),
    /** Kills the server if it runs, and starts an empty one. */
    async restart() {
      await server.stop();
      server = await startRedisProcess({ port });
    },
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    /** Sends a command, given as words. */
    command: (...words) => admin.sendCommand(words.map(String)),
    /** The values of `INFO` or of one of its sections, by name. */
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
      await server.stop();
    },
  };
}

export function redisVersion() {
  const text = execFileSync('redis-server', ['--version'], { encoding: 'utf8' });
  return /v=(\S+)/.exec(text)?.[1] ?? text.trim();
}
