import type { Instant } from '../../core/clock.js';
import type { TokenRecord } from '../../core/lookup.js';

/** The content of a store entry before it is encrypted. */
export interface Entry {
  /** An introspection response. */
  readonly response: unknown;
  /** When the introspection request was sent, in the store's own time in milliseconds. */
  readonly asked: number;
  /** Position in the revocation log when the introspection request was sent; only later revocations apply. */
  readonly logPosition: string;
}

/** The time in a reply of the store. */
export interface StoreTime {
  /** The store's own time in milliseconds. */
  readonly now: number;
  /** When the reply arrived, in monotonic milliseconds of this process. */
  readonly repliedAt: number;
}

/**
 * Creates an entry that is dated in the store's time. The date may be too early by as long as the store took to reply. It is never too
 * late.
 */
export function entryOf(record: TokenRecord, { now, repliedAt }: StoreTime): Entry {
  const asked = Math.floor(now + record.askedMonotonic - repliedAt);
  return { response: record.active ? record.claims : { active: false }, asked, logPosition: record.logPosition ?? '' };
}

/**
 * Tells when the introspection request of an entry was sent, on the clocks of this process. Returns `undefined` for an entry without a
 * date, or with a date in the future.
 *
 * @param now the store's own time when it read the entry
 * @param readAt a moment before this process sent the command that read the entry
 */
export function askedAtOf({ asked }: Entry, now: number, readAt: Instant): Instant | undefined {
  const age = typeof asked === 'number' ? now - asked : Number.NaN;
  return age >= 0 ? { at: readAt.at - age, monotonic: readAt.monotonic - age } : undefined;
}
