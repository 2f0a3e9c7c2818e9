import type { StoreReply } from '../cache/shared/store.js';

export interface LogBatch {
  /** Redis time in milliseconds. */
  readonly now: number;
  /** The random name of the log. */
  readonly name: string;
  /** The position of the entry that names it, which is its first. */
  readonly start: string;
  readonly entries: readonly LogBatchEntry[];
}

export interface LogBatchEntry {
  readonly id: string;
  /** `''` for entries that are not ours, and for the one that names the log. */
  readonly text: string;
  /** Until then it is not removed, in Redis time. */
  readonly neededUntil: number;
}

const FIELDS = 3;
const ID = /^\d+-\d+$/;

/** @throws for a reply of another shape: it says nothing about the log */
export function parseLogReply(reply: unknown): LogBatch {
  if (!Array.isArray(reply)) throw notUnderstood();
  const [now, name = '', start = '', ...fields] = reply.map(textOf);
  if (name === '' || !ID.test(start) || fields.length % FIELDS !== 0) throw notUnderstood();
  const entries: LogBatchEntry[] = [];
  for (let index = 0; index < fields.length; index += FIELDS) {
    const [id = '', text = '', keepMs = ''] = fields.slice(index, index + FIELDS);
    if (!ID.test(id)) throw notUnderstood();
    // Entries without a number of their own are never waited for to go.
    const kept = keepMs === '' ? Number.POSITIVE_INFINITY : Number(keepMs);
    entries.push({ id, text, neededUntil: Number.parseInt(id, 10) + (Number.isNaN(kept) ? 0 : kept) });
  }
  return { now: timeOf(now), name, start, entries };
}

/** @throws for a reply of another shape */
export function parseStoreReply(reply: unknown): StoreReply {
  if (!Array.isArray(reply)) throw notUnderstood();
  const [now, isLeased, value] = reply;
  if (value !== undefined && !(value instanceof Uint8Array)) throw notUnderstood();
  return { now: timeOf(textOf(now)), value, isLeased: textOf(isLeased) === '1' };
}

/** Positions as texts that sort in the order of the log. */
export function positionOf(id: string): string {
  const [ms = '', sequence = ''] = id.split('-');
  return `${ms.padStart(20, '0')}-${sequence.padStart(20, '0')}`;
}

/** A bulk string, whatever the client package makes of it. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  throw notUnderstood();
}

function timeOf(text: string | undefined): number {
  const ms = text === undefined || text === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(ms)) throw notUnderstood();
  return ms;
}

function notUnderstood(): Error {
  return new Error('Redis replied with something of another shape');
}
