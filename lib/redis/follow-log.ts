import { randomBytes } from 'node:crypto';
import type { LogReader } from '../cache/shared/store.js';
import { withTimeout } from '../core/timeout.js';
import type { Connection, RedisDriver } from './driver.js';
import { parseLogReply, positionOf } from './replies.js';
import { READ_LOG } from './scripts.js';

const START = '-';
const BLOCK_MS = 1000;
const MAX_ENTRIES_A_READ = 1000;

/** How late a reply may be besides. Redis is not exact about the end of a wait. */
const SLACK_MS = 1000;

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2000;

/** A reading that brought nothing and did not wait is not repeated sooner. */
const SHORTEST_ROUND_MS = 50;

/**
 * Reads a log from its beginning, then waits for what is added, for ever.
 *
 * The client package is not trusted to tell what happened to a connection. Each reading also tells the name of the log and the entry
 * that was read last: if either is not there any more, entries may have been lost. Whenever a reading fails or does not end in time,
 * the connection is replaced.
 */
export function followLog(driver: RedisDriver, key: string, reader: LogReader, timeoutMs: number): () => Promise<void> {
  let isStopped = false;
  let wake: () => void = () => {};
  let connection: Connection | undefined;
  let name: string | undefined;
  let last = START;
  /** Until then the last entry must be there, in Redis time. */
  let lastNeededUntil = Number.POSITIVE_INFINITY;
  let isCaughtUp = false;

  /** The result of `work`, or `undefined` once stopped. `Promise.race` would keep hold of a promise that lasts. */
  function unlessStopped<T>(work: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      wake = () => resolve(undefined);
      work.then(resolve, reject);
    });
  }

  /** The wait only rings a bell. The reading is sent right behind it, so that its reply comes at the same time. */
  async function read(): Promise<unknown> {
    connection ??= driver.connect();
    const waiting = isCaughtUp ? connection.wait(key, last, BLOCK_MS) : undefined;
    const words = [randomBytes(12).toString('base64url'), last, String(MAX_ENTRIES_A_READ + 1)];
    const [reply] = await Promise.all([connection.run(READ_LOG, [key], words), waiting]);
    return reply;
  }

  async function round(): Promise<void> {
    const askedAt = performance.now();
    const limitMs = (isCaughtUp ? BLOCK_MS : 0) + Math.max(SLACK_MS, timeoutMs);
    const reply = await unlessStopped(withTimeout(read, limitMs));
    if (isStopped) return;
    const batch = parseLogReply(reply);
    const [first] = batch.entries;
    const isLastThere = last === START || first?.id === last;
    const isGap = name !== undefined && (batch.name !== name || !(isLastThere || batch.now > lastNeededUntil));
    if (isGap || name === undefined) reader.onStart(positionOf(batch.start));
    name = batch.name;
    if (isGap) {
      isCaughtUp = false;
      last = START;
      return;
    }
    const entries = last !== START && isLastThere ? batch.entries.slice(1) : batch.entries;
    const newest = entries.at(-1);
    if (newest !== undefined) {
      last = newest.id;
      lastNeededUntil = newest.neededUntil;
      const ours = entries.filter(({ text }) => text !== '');
      if (ours.length > 0) reader.onEntries(ours.map(({ id, text }) => ({ position: positionOf(id), entry: text })));
    }
    isCaughtUp = entries.length < MAX_ENTRIES_A_READ;
    if (isCaughtUp) reader.onCaughtUp(askedAt);
    const spentMs = performance.now() - askedAt;
    if (newest === undefined && spentMs < SHORTEST_ROUND_MS) await unlessStopped(pause(SHORTEST_ROUND_MS));
  }

  async function follow(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!isStopped) {
      try {
        await round();
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
