// The way from one process to the store of model/store.mjs: commands and replies take time, fail or get lost.

const LATENCY_MS = 6;
/** The store holds back a read of the log for this long, while nothing is new. */
const BLOCK_MS = 1000;
/** A read of the log that got no reply is repeated after this time. */
const REREAD_MS = 2000;

/**
 * Connects one process to the store.
 *
 * @param readers functions that are called when the log has changed
 * @param fault reads the present fault of this connection: `ok`, `cut`, `error`, `slow`, `readonly` or `unread`
 * @param rules is told about each command and its end, and what the process has read from the log
 */
export function connectStore({ store, readers, machine, events, time, random, fault, note, rules, slowMs }) {
  const latency = () => 1 + Math.floor(random() * LATENCY_MS);

  function send({ kind, args, execute, resolve }) {
    const command = { kind, args, machine, sentAt: time(), isFailed: false };
    rules.commandStarted(command);
    const state = fault();
    const fails = state === 'error' || (state === 'readonly' && kind !== 'getOrLease');
    const travelMs = latency() + (state === 'slow' ? Math.floor(random() * slowMs) : 0);
    // A lost connection loses commands, or only the replies.
    if (state === 'cut' && random() < 0.5) return;
    events.add(time() + travelMs, undefined, () => {
      if (fails) {
        events.add(time() + latency(), machine, () => {
          note(`${machine.name}: ${kind} fails`);
          rules.commandFailed(command);
          resolve(Promise.reject(new Error('the store failed')));
        });
        return;
      }
      const reply = execute();
      if (kind === 'append') for (const look of [...readers]) look();
      note(`the store executes ${kind} of ${machine.name}${outcomeOf(kind, reply)}`);
      if (state === 'cut') return;
      events.add(time() + latency(), machine, () => {
        rules.commandReplied(command);
        resolve(reply);
      });
    });
  }

  const connection = store.connect(send);
  const cursor = { start: '', read: 0 };
  let isStopped = false;

  /** Reads the log once: the store replies when there is something new, or after a second. */
  function read() {
    const askedAt = machine.clock.monotonic();
    let isOver = false;
    const again = events.add(time() + REREAD_MS, machine, () => {
      isOver = true;
      readers.delete(look);
      read();
    });
    events.add(time() + latency(), undefined, () => {
      readers.add(look);
      look();
    });
    const waitEnd = events.add(time() + BLOCK_MS, undefined, () => look(true));

    function look(isWaitOver = false) {
      const { start, items } = store.log();
      const isNew = start !== cursor.start;
      const unread = items.slice(isNew ? 0 : cursor.read);
      if (isStopped || !(isNew || unread.length > 0 || isWaitOver)) return;
      readers.delete(look);
      waitEnd.isCancelled = true;
      if (isStopped || ['cut', 'error', 'unread'].includes(fault())) return;
      // A long log arrives in several replies.
      const entries = unread.slice(0, 1 + Math.floor(random() * 3));
      events.add(time() + latency(), machine, () => {
        if (isOver) return;
        again.isCancelled = true;
        if (!isStopped) deliver(isNew ? start : undefined, entries, entries.length === unread.length, askedAt);
      });
    }
  }

  function deliver(start, entries, isAtEnd, askedAt) {
    if (start !== undefined) {
      Object.assign(cursor, { start, read: 0 });
      connection.reader.onStart(start);
    }
    cursor.read += entries.length;
    if (entries.length > 0) connection.reader.onEntries(entries);
    if (isAtEnd) connection.reader.onCaughtUp(askedAt);
    rules.logRead(machine, { start, entries, isAtEnd, askedAt });
    if (start !== undefined || entries.length > 0) note(`${machine.name} reads the log: ${entries.length} entries`);
    read();
  }

  return {
    ...connection,
    setIfAbsent: async () => true,
    follow(reader) {
      connection.reader = reader;
      read();
      return async () => {
        isStopped = true;
      };
    },
  };
}

function outcomeOf(kind, reply) {
  if (kind !== 'getOrLease') return '';
  if (reply.value !== undefined) return ', which finds an entry';
  return reply.isLeased ? ', which takes the lease' : ', while another holds the lease';
}
