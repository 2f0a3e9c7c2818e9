import type { Instant } from '../../core/clock.js';
import type { TokenRecord } from '../../core/lookup.js';

/** The content of a store entry, as it is before encryption and after decryption. */
export interface Entry {
  /** The claims of an active response, or `{ active: false }`. */
  readonly response: unknown;
  /** When the introspection request was sent, in the store's own time in milliseconds. */
  readonly asked: number;
  /** Position in the revocation log when the introspection request was sent; only later revocations apply. */
  readonly logPosition: string;
}

/** The store's own time, and when this process received it. */
export interface StoreTime {
  /** The store's own time in milliseconds. */
  readonly now: number;
  /** When the reply of the store arrived, in monotonic milliseconds of this process. */
  readonly repliedAt: number;
}

/**
 * Creates an entry whose `asked` is in the store's own time. `asked` may be too early, at most by the time that the store took to reply. It
 * is never too late, so no entry is used for too long.
 */
export function entryOf(record: TokenRecord, { now, repliedAt }: StoreTime): Entry {
  const asked = Math.floor(now + record.askedMonotonic - repliedAt);
  return { response: record.active ? record.claims : { active: false }, asked, logPosition: record.logPosition ?? '' };
}

/**
 * Returns when the introspection request of an entry was sent, on the clocks of this process. Returns `undefined` if `asked` is not a
 * number or is later than `now`.
 *
 * @param now the store's own time when it read the entry
 * @param readAt a moment before this process sent the command that read the entry
 */
export function askedAtOf({ asked }: Entry, now: number, readAt: Instant): Instant | undefined {
  const age = typeof asked === 'number' ? now - asked : Number.NaN;
  return age >= 0 ? { at: readAt.at - age, monotonic: readAt.monotonic - age } : undefined;
}
