import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Starts a script of this folder in a process, sends it `task` if given, and waits for its first message. */
export async function startChild(script, { args = [], execArgv = [], task } = {}) {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
    execArgv,
    env: { ...process.env, NODE_ENV: 'production' },
  });
  if (task !== undefined) child.send(task);
  const pending = new Map();
  let lastId = 0;
  const exit = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  const failed = new Promise((_resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`${script} exited (${signal ?? code})`)));
  });
  failed.catch(() => {});
  const firstMessage = await Promise.race([new Promise((resolve) => child.once('message', resolve)), failed]);
  child.on('message', ({ id, ...result }) => {
    pending.get(id)?.(result);
    pending.delete(id);
  });
  return {
    firstMessage,
    /** Exit code, or `null` if a signal ended the process. */
    exit,
    /** Sends a command and waits for its result. */
    async send(command = {}) {
      const id = ++lastId;
      const received = new Promise((resolve) => pending.set(id, resolve));
      child.send({ id, ...command });
      const result = await Promise.race([received, failed]);
      if (result.failure !== undefined) throw new Error(result.failure);
      return result;
    },
    signal(name) {
      child.kill(name);
    },
    stop() {
      child.kill('SIGKILL');
    },
  };
}
