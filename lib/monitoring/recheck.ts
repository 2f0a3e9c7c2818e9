import type { AuthenticatedToken } from '../authenticator.js';
import { readClock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import { type ActiveRecord, ANY_AGE } from '../core/lookup.js';
import type { Monitor } from './monitor.js';

/**
 * A recheck starts at a random time in the last part of `recheckMs`. This is the length of that part, as a share of `recheckMs`. So tokens
 * whose monitors began at the same time are not rechecked at the same time.
 */
export const SPREAD_SHARE = 1 / 4;

/** The state of one recheck. All monitors of the token with the same `recheckSeconds` share the recheck. */
export interface Round {
  /** The record that the recheck has found; `undefined` until it has found one. */
  known: ActiveRecord | undefined;
  /** Whether the endpoint has failed in this recheck. If so, the remaining monitors do not ask the endpoint again. */
  isDown: boolean;
}

/**
 * Looks the token up again, and requires a newer record. If the endpoint fails, any record that a request may use is enough, even a stale
 * one.
 */
export async function requestNewRecord(monitor: Monitor, recheckMs: number, round: Round): Promise<AuthenticatedToken> {
  const { authenticator, token } = monitor;
  const { introspector } = authenticator;
  if (round.isDown) return lookUpAsRequest(monitor);
  const now = readClock(introspector.clock);
  // The first value may lie in the future, if the monotonic clock stood still while the machine was suspended. The second value never
  // does.
  const notBefore = Math.min(token.record.askedMonotonic + recheckMs / 2, now.monotonic - recheckMs * SPREAD_SHARE);
  // `background` allows a record that another process has stored. That record may be as old as `lifeMs`, so it is not enough if
  // `recheckMs` is less.
  const background = recheckMs >= introspector.lifeMs;
  try {
    const renewed = await authenticator.refresh(token, { notBefore, now, background, isKnown: true }, round.known);
    round.known = renewed.record;
    return renewed;
  } catch (error) {
    if (!(error instanceof IntrospectionError)) throw error;
    round.isDown = true;
    return lookUpAsRequest(monitor);
  }
}

/** Looks the token up as a new request would, which may find a cached or stale record. */
export async function lookUpAsRequest({ authenticator, token }: Monitor): Promise<AuthenticatedToken> {
  const now = readClock(authenticator.introspector.clock);
  return authenticator.refresh(token, { notBefore: ANY_AGE, now, background: false, isKnown: true });
}

/**
 * Groups monitors that can share one verified token: monitors of the same authenticator whose senders have proven no key. Every other
 * monitor is a group of its own.
 */
export function groupMonitors(monitors: Iterable<Monitor>): Monitor[][] {
  const groups = new Map<object, Monitor[]>();
  for (const monitor of monitors) {
    const key = monitor.token.sender === undefined ? monitor.authenticator : monitor;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [monitor]);
    else group.push(monitor);
  }
  return [...groups.values()];
}
