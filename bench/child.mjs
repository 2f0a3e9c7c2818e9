import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Starts one of the scripts beside this file, sends it what it begins with, and waits for its first message. */
export async function startChild(script, { args = [], execArgv = [], task } = {}) {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
    execArgv,
    env: { ...process.env, NODE_ENV: 'production' },
  });
  if (task !== undefined) child.send(task);
  const waiting = new Map();
  let ids = 0;
  const exit = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  const died = new Promise((_resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`${script} ended (${signal ?? code})`)));
  });
  died.catch(() => {});
  const hello = await Promise.race([new Promise((resolve) => child.once('message', resolve)), died]);
  child.on('message', ({ id, ...answer }) => {
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  return {
    hello,
    /** Its exit code, or `null` when a signal ended it. */
    exit,
    /** Sends an order and waits for the answer to it. */
    async ask(order = {}) {
      const id = ++ids;
      const answered = new Promise((resolve) => waiting.set(id, resolve));
      child.send({ id, ...order });
      const answer = await Promise.race([answered, died]);
      if (answer.failure !== undefined) throw new Error(answer.failure);
      return answer;
    },
    signal(name) {
      child.kill(name);
    },
    stop() {
      child.kill('SIGKILL');
    },
  };
}
