// One process of the model. It only does something when the explorer starts an event in it, and notes each event in its history.
import { hash } from 'node:crypto';
import { COMMAND_LIMIT_MS, createCaches, ENDPOINT_LIMIT_MS } from './library.mjs';
import { createMachine, runIn } from './machine.mjs';

const LIMIT_MS = { ask: ENDPOINT_LIMIT_MS, getOrLease: COMMAND_LIMIT_MS, append: COMMAND_LIMIT_MS };

/**
 * @param name such as `P1`
 * @param generation how often this process has crashed before
 * @param store `undefined` for a process without a store
 */
export function createProcess(library, { name, generation, time, store, isStaleAllowed }) {
  const machine = createMachine(`${name}.${generation}`, time);
  let messages = [];
  let sent = 0;
  /** Digest of all events of this process, with everything that it was told in them. Its state is a function of these events. */
  let history = '';
  let cursor = { start: '', read: 0, confirmedAt: -1 };

  const send = (message) =>
    messages.push({ ...message, id: sent++, sentAt: machine.clock.monotonic(), status: 'sent', reply: undefined });
  const connection = store?.connect(send);

  function askEndpoint({ token }) {
    const sentAt = { at: machine.clock.now(), monotonic: machine.clock.monotonic() };
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new library.IntrospectionError('timeout')), ENDPOINT_LIMIT_MS);
      send({
        kind: 'ask',
        args: [token, time()],
        resolve(reply) {
          clearTimeout(timer);
          if (reply === 'failure') reject(new library.IntrospectionError('connection_failed'));
          else resolve(library.toRecord({ ...reply }, sentAt));
        },
      });
    });
  }

  const run = async (event, callback) => {
    history = hash('sha1', `${history}|${event}|${time()}|${machine.suspendedMs()}`);
    await runIn(machine, callback);
  };

  /** Drops replies for which the process does not wait any longer. */
  function dropLateReplies() {
    const isLate = ({ kind, sentAt }) => machine.clock.monotonic() - sentAt >= (LIMIT_MS[kind] ?? 0);
    messages = messages.filter(
      (message) => !(isLate(message) && (message.status === 'replied' || message.kind === 'ask')),
    );
  }

  const self = {
    name,
    machine,
    caches: undefined,
    messages: () => messages,
    run,
    async start() {
      await run('start', () => {
        self.caches = createCaches(library, { connection, clock: machine.clock, askEndpoint, isStaleAllowed });
      });
    },
    /** Passes the reply of a message on to the process. */
    async deliver(message) {
      messages = messages.filter((other) => other !== message);
      await run(`${message.id} ${textOf(message.reply)}`, () => message.resolve(message.reply));
    },
    drop(message) {
      messages = messages.filter((other) => other !== message);
    },
    /** Whether reading the log would tell this process something: an entry, a loss, or that there is nothing new. */
    hasToRead() {
      if (store === undefined) return false;
      const { start, items } = store.log();
      return cursor.start !== start || cursor.read < items.length || cursor.confirmedAt < time();
    },
    /** Reads the next entry of the log, or from the beginning after a loss. Returns the entry and whether the end is reached. */
    async readLog() {
      const { start, items } = store.log();
      const isNew = cursor.start !== start;
      if (isNew) cursor = { start, read: 0, confirmedAt: -1 };
      const item = items[cursor.read];
      if (item !== undefined) cursor.read++;
      const isAtEnd = cursor.read === items.length;
      if (isAtEnd) cursor.confirmedAt = time();
      await run(`log ${isNew} ${item?.position} ${item?.entry} ${isAtEnd}`, () => {
        if (isNew) connection.reader.onStart(start);
        if (item !== undefined) connection.reader.onEntries([item]);
        if (isAtEnd) connection.reader.onCaughtUp(performance.now());
      });
      return { entry: item?.entry, isAtEnd };
    },
    async fireTimers() {
      if (machine.isSuspended()) return;
      for (let callback = machine.timers.takeDue(); callback; callback = machine.timers.takeDue()) {
        await run('timer', callback);
      }
      dropLateReplies();
    },
    content: () => [
      ...[history, machine.isSuspended(), machine.clock.monotonic(), cursor.start, cursor.read, cursor.confirmedAt],
      messages.map(({ id, status, reply }) => `${id} ${status} ${textOf(reply)}`),
    ],
  };
  return self;
}

function textOf(reply) {
  if (typeof reply !== 'object') return String(reply);
  const { value, ...others } = reply;
  return `${JSON.stringify(others)} ${value && Buffer.from(value).toString('base64')}`;
}
