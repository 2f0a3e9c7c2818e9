import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Starts redis-server on loopback with a temporary folder and without persistence. `options` are options of its configuration file. */
export async function startRedisProcess(options) {
  const directory = mkdtempSync(join(tmpdir(), 'fleet-redis-'));
  const allOptions = { bind: '127.0.0.1', save: '', appendonly: 'no', dir: directory, ...options };
  const args = Object.entries(allOptions).flatMap(([name, value]) => [`--${name}`, ...String(value).split(' ')]);
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  child.on('error', () => {});
  await new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (output.includes('Ready to accept connections')) resolve();
    });
    child.once('exit', () => reject(new Error(`redis-server exited: ${output}`)));
    child.once('error', reject);
  });

  return controlProcess(child, directory);
}

/** Functions that kill, freeze and stop a process. `stop` also removes its folder. */
export function controlProcess(child, directory) {
  async function kill() {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  return {
    kill,
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    /** Works for a frozen process too. */
    async stop() {
      child.kill('SIGCONT');
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A free port of loopback, at most `max`. */
export async function freePort(max = 65_535) {
  for (;;) {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    await once(server, 'close');
    if (port <= max) return port;
  }
}
