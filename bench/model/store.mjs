// A store in memory. A command of a process does nothing until the explorer lets the store execute it, and then lets the reply arrive.

/** Positions sort in the order of the log, also across a loss. */
const position = (number) => String(number).padStart(4, '0');

/** @param time reads the milliseconds since the model started; it is the store's own time too */
export function createStore(time) {
  const entries = new Map();
  const leases = new Map();
  let count = 0;
  /** The log and its first position. After a loss, both are new. */
  let log = { start: position(0), items: [] };

  const execute = {
    getOrLease(key, { leaseId, leaseMs, except }) {
      const entry = entries.get(key);
      const isSame = entry !== undefined && except !== undefined && Buffer.compare(entry.value, except) === 0;
      if (entry !== undefined && entry.expiresAt > time() && !isSame)
        return { now: time(), value: entry.value, isLeased: false };
      const isLeased = leaseMs > 0 && !(leases.get(key)?.expiresAt > time());
      if (isLeased) leases.set(key, { leaseId, expiresAt: time() + leaseMs });
      return { now: time(), isLeased };
    },
    keepAndRelease(key, leaseId, entry) {
      if (leases.get(key)?.leaseId === leaseId) leases.delete(key);
      if (entry !== undefined && entry.expiresAt > time()) entries.set(key, entry);
    },
    append(entry) {
      count++;
      log.items.push({ position: position(count), entry });
      return position(count);
    },
  };

  return {
    /**
     * Creates the store as one process sees it.
     *
     * @param send receives each command. Its `execute` changes the store, and its `resolve` passes the reply on to the process
     */
    connect(send) {
      const command =
        (name) =>
        (...args) =>
          new Promise((resolve) => send({ kind: name, args, execute: () => execute[name](...args), resolve }));
      const connection = {
        getOrLease: command('getOrLease'),
        keepAndRelease: command('keepAndRelease'),
        append: command('append'),
        follow(reader) {
          connection.reader = reader;
          return async () => {};
        },
      };
      return connection;
    },
    log: () => log,
    /** Loses the log and keeps the entries, as when Redis evicts the log. This is worse than a loss of everything. */
    loseLog() {
      count++;
      log = { start: position(count), items: [] };
    },
    /** The whole content, as text. */
    content() {
      const text = (map, write) => [...map].map(([key, item]) => `${key}=${write(item)}`).sort();
      return [
        text(entries, ({ value, expiresAt }) => `${Buffer.from(value).toString('base64')}@${expiresAt}`),
        text(leases, ({ leaseId, expiresAt }) => `${leaseId}@${expiresAt}`),
        log.start,
        log.items.map(({ entry }) => entry),
      ];
    },
  };
}
