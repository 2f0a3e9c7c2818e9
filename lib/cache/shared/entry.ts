import type { Instant } from '../../core/clock.js';
import type { TokenRecord } from '../../core/lookup.js';

/** The content of a store entry before it is sealed. */
export interface Entry {
  /** An introspection response. */
  readonly response: unknown;
  /** When the endpoint was asked, in the store's own time in milliseconds. */
  readonly asked: number;
  /** Position in the revocation log when the endpoint was asked; only later revocations apply. */
  readonly logPosition: string;
}

/** The store's own time, and a monotonic instant of this process that is not earlier. */
export interface StoreTime {
  readonly now: number;
  readonly repliedAt: number;
}

/**
 * An entry dated in the store's time. The date may be too early by the time that a reply of the store takes, and is never too late.
 */
export function entryOf(record: TokenRecord, { now, repliedAt }: StoreTime): Entry {
  const asked = Math.floor(now + record.askedMonotonic - repliedAt);
  return { response: record.active ? record.claims : { active: false }, asked, logPosition: record.logPosition ?? '' };
}

/**
 * When the endpoint was asked, on this process's clocks; `undefined` for an entry without a date or with one to come.
 *
 * @param now the store's own time when it read the entry
 * @param readAt when this process sent the command that read it, at the latest
 */
export function askedAtOf({ asked }: Entry, now: number, readAt: Instant): Instant | undefined {
  const age = typeof asked === 'number' ? now - asked : Number.NaN;
  return age >= 0 ? { at: readAt.at - age, monotonic: readAt.monotonic - age } : undefined;
}
