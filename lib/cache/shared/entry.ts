import type { Instant, TokenRecord } from '../../types.js';
import { type Lifetimes, lifetimeOf } from '../policy.js';

/** What is kept of an answer, before it is sealed. */
export interface Entry {
  /** An introspection response. */
  readonly response: unknown;
  /** Wall time in milliseconds, by the clock of whoever asked. */
  readonly askedAt: number;
  /** Its whole life from then on: together with what the store has left of it, this tells its age by the store's own clock. */
  readonly lifeMs: number;
  readonly mark: string;
}

export function entryOf(record: TokenRecord, lifetimes: Lifetimes): Entry {
  const response = record.active ? record.claims : { active: false };
  return { response, askedAt: record.askedAt, lifeMs: lifetimeOf(record, lifetimes), mark: record.mark ?? '' };
}

/**
 * When the answer was asked for, on this process's clocks; `undefined` where it has more left than its whole life, or no dates.
 *
 * Two clocks tell its age, and it is as old as the later of them makes it: the wall clock, which may be behind that of whoever asked,
 * and the store's, which began to count when the entry was written, and that may have taken its time.
 *
 * @param leftMs what the store has left of it
 * @param readAt when the store was asked for it, at the latest
 */
export function askedAtOf({ askedAt, lifeMs }: Entry, leftMs: number, readAt: Instant): Instant | undefined {
  const stored = lifeMs - leftMs;
  const age = Math.max(stored, readAt.at - askedAt);
  return stored >= 0 && age >= 0 ? { at: readAt.at - age, monotonic: readAt.monotonic - age } : undefined;
}
