import type { StoreReply } from '../cache/shared/store.js';

export interface LogBatch {
  /** Time of the Redis server at the read, in milliseconds. */
  readonly now: number;
  /** The random name that the log got when it began. Another name means that the log was lost. */
  readonly name: string;
  /** Stream id of the first entry of the log. This entry holds the name of the log. */
  readonly start: string;
  readonly entries: readonly LogBatchEntry[];
}

export interface LogBatchEntry {
  /** Stream id. */
  readonly id: string;
  /** Text of the entry. It is `''` for the entry that holds the name of the log, and for entries that this library did not write. */
  readonly text: string;
  /**
   * Until this Redis time, in milliseconds, a missing entry means that the log may have been lost. After this time, the entry may have been
   * removed.
   */
  readonly neededUntil: number;
}

const FIELDS_PER_ENTRY = 3;
const ID = /^\d+-\d+$/;

/**
 * Parses the reply of the script `READ_LOG`.
 *
 * @throws Error for a reply of an unexpected shape, which says nothing about the log
 */
export function parseLogReply(reply: unknown): LogBatch {
  if (!Array.isArray(reply)) throw unexpectedReply();
  const [now, name = '', start = '', ...fields] = reply.map(textOf);
  if (name === '' || !ID.test(start) || fields.length % FIELDS_PER_ENTRY !== 0) throw unexpectedReply();
  const entries: LogBatchEntry[] = [];
  for (let index = 0; index < fields.length; index += FIELDS_PER_ENTRY) {
    const [id = '', text = '', keepMs = ''] = fields.slice(index, index + FIELDS_PER_ENTRY);
    if (!ID.test(id)) throw unexpectedReply();
    // An entry without a time is expected to stay, so the log is read again if the entry is missing later. An entry whose time is no
    // number may be removed at once: see `APPEND`.
    const keptMs = keepMs === '' ? Number.POSITIVE_INFINITY : Number(keepMs);
    entries.push({ id, text, neededUntil: Number.parseInt(id, 10) + (Number.isNaN(keptMs) ? 0 : keptMs) });
  }
  return { now: timeOf(now), name, start, entries };
}

/**
 * Parses the reply of the script `GET_OR_LEASE`.
 *
 * @throws Error for a reply of an unexpected shape
 */
export function parseStoreReply(reply: unknown): StoreReply {
  if (!Array.isArray(reply)) throw unexpectedReply();
  const [now, isLeased, value] = reply;
  if (value !== undefined && !(value instanceof Uint8Array)) throw unexpectedReply();
  return { now: timeOf(textOf(now)), value, isLeased: textOf(isLeased) === '1' };
}

/** Converts a stream id to a position in the log: a string that sorts in the order of the log. */
export function positionOf(id: string): string {
  const [ms = '', sequence = ''] = id.split('-');
  return `${ms.padStart(20, '0')}-${sequence.padStart(20, '0')}`;
}

/**
 * Returns the text of a bulk string, which client packages return as a string or as bytes.
 *
 * @throws Error for any other value
 */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  throw unexpectedReply();
}

function timeOf(text: string | undefined): number {
  const ms = text === undefined || text === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(ms)) throw unexpectedReply();
  return ms;
}

function unexpectedReply(): Error {
  return new Error('Redis sent a reply of an unexpected shape');
}
