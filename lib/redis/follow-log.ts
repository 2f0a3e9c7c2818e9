import { randomBytes } from 'node:crypto';
import type { LogReader } from '../cache/shared/store.js';
import { withTimeout } from '../core/timeout.js';
import type { Connection, RedisDriver } from './driver.js';
import { parseLogReply, positionOf } from './replies.js';
import { READ_LOG } from './scripts.js';

const BEGINNING = '-';
const BLOCK_MS = 1000;
const MAX_ENTRIES_PER_READ = 1000;

/** Longest time that a read may take in addition to its wait of `BLOCK_MS`, in milliseconds. Redis does not end a wait exactly in time. */
const READ_TIMEOUT_MS = 1000;

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2000;

/** If a read finds no new entry and takes less than this many milliseconds, Redis did not wait. Then a pause of this length follows. */
const MIN_READ_INTERVAL_MS = 50;

/**
 * Passes all entries of a log to the reader, then waits for further entries and passes them too, until the returned function is called. The
 * promise of that function resolves when the reader will not be called any more.
 *
 * This also works if the client package does not report lost connections. Each read returns the name of the log, and once more the last
 * entry of the read before. If the name has changed, or that entry is missing although it is still needed, entries may have been lost. Then
 * the log is read from its beginning again. When a read fails or takes too long, the connection is replaced.
 */
export function followLog(driver: RedisDriver, key: string, reader: LogReader): () => Promise<void> {
  let isStopped = false;
  let wake: () => void = () => {};
  let connection: Connection | undefined;
  let name: string | undefined;
  let lastId = BEGINNING;
  /**
   * The entry `lastId` must exist until this Redis time, in milliseconds. After that time, it may have been removed, and its absence does
   * not mean that the log was lost.
   */
  let lastNeededUntil = Number.POSITIVE_INFINITY;
  let isCaughtUp = false;

  /**
   * Settles like `work`, or resolves to `undefined` when `wake()` is called. Stopping calls `wake()`. `Promise.race` is not used, because
   * it would retain memory while one of its promises is pending.
   */
  function unlessStopped<T>(work: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      wake = () => resolve(undefined);
      work.then(resolve, reject);
    });
  }

  /**
   * Reads the next entries. If all entries have been read before, Redis first waits for a new entry. A command that waits and a command
   * that reads are sent together over one connection, and Redis handles the second command when the wait has ended. The reply to the first
   * command is not used.
   */
  async function read(): Promise<unknown> {
    connection ??= driver.connect();
    const waiting = isCaughtUp ? connection.wait(key, lastId, BLOCK_MS) : undefined;
    const args = [randomBytes(12).toString('base64url'), lastId, String(MAX_ENTRIES_PER_READ + 1)];
    const [reply] = await Promise.all([connection.run(READ_LOG, [key], args), waiting]);
    return reply;
  }

  async function readNext(): Promise<void> {
    const askedAt = performance.now();
    const limitMs = (isCaughtUp ? BLOCK_MS : 0) + READ_TIMEOUT_MS;
    const reply = await unlessStopped(withTimeout(read, limitMs));
    if (isStopped) return;
    const batch = parseLogReply(reply);
    const [first] = batch.entries;
    const hasLast = lastId === BEGINNING || first?.id === lastId;
    const isGap = name !== undefined && (batch.name !== name || !(hasLast || batch.now > lastNeededUntil));
    if (isGap || name === undefined) reader.onStart(positionOf(batch.start));
    name = batch.name;
    if (isGap) {
      isCaughtUp = false;
      lastId = BEGINNING;
      return;
    }
    const entries = lastId !== BEGINNING && hasLast ? batch.entries.slice(1) : batch.entries;
    const newest = entries.at(-1);
    if (newest !== undefined) {
      lastId = newest.id;
      lastNeededUntil = newest.neededUntil;
      const ours = entries.filter(({ text }) => text !== '');
      if (ours.length > 0) reader.onEntries(ours.map(({ id, text }) => ({ position: positionOf(id), entry: text })));
    }
    isCaughtUp = entries.length < MAX_ENTRIES_PER_READ;
    if (isCaughtUp) reader.onCaughtUp(askedAt);
    const elapsedMs = performance.now() - askedAt;
    if (newest === undefined && elapsedMs < MIN_READ_INTERVAL_MS) await unlessStopped(pause(MIN_READ_INTERVAL_MS));
  }

  async function follow(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!isStopped) {
      try {
        await readNext();
        retryMs = FIRST_RETRY_MS;
      } catch {
        connection?.close();
        connection = undefined;
        isCaughtUp = false;
        if (!isStopped) await unlessStopped(pause(retryMs * (0.8 + Math.random() * 0.4)));
        retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
      }
    }
  }

  const following = follow();
  return async () => {
    isStopped = true;
    wake();
    connection?.close();
    await following;
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
