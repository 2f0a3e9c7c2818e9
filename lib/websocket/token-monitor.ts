import type { AuthenticatedToken } from '../authenticator.js';
import { ageOf, type Instant, readClock } from '../core/clock.js';
import { AuthError, IntrospectionError } from '../core/errors.js';
import { type ActiveRecord, ANY_AGE } from '../core/lookup.js';
import { runChecks, type Session } from '../middleware/session.js';

/** Watches a token for longer than one request. The functions of a monitor never throw, because timers and events call them. */
export interface TokenMonitor {
  /** Ends the monitor if the token has expired. Returns `false` once the monitor has ended or was stopped. */
  check(): boolean;
  /** Stops the monitor without a call of `onEnd`. */
  stop(): void;
}

export interface TokenMonitorOptions {
  /** Maximum age of the record, in milliseconds since its introspection request was sent. */
  readonly recheckMs: number;
  /** Called with the token and its new record, which has passed all checks. */
  onRenewed(token: AuthenticatedToken): void;
  /** Called once, with the error, when the monitor ends. No callback is called after `onEnd`, which must not throw. */
  onEnd(error: unknown): void;
}

/** A recheck starts at a random time in this last share of `recheckMs`. So sockets that opened together do not recheck together. */
const SPREAD_SHARE = 1 / 4;

/**
 * While the endpoint fails and the record may still be used, the next recheck follows after a random time between one and two times
 * this value, or times `recheckMs` if that is less. It follows sooner if the record reaches `recheckMs` or the end of its stale life.
 */
const RETRY_MS = 5000;

/** The clocks are read at least this often, because a wall clock can be set and timers stop while a machine is suspended. */
const CLOCK_CHECK_MS = 2000;

/**
 * Monitors a token. The monitor ends at `exp`, when the token is invalidated, when the introspector closes, and when a recheck fails.
 * A recheck asks the endpoint before the record is older than `recheckMs`. If the endpoint fails, the recheck looks the token up like a
 * request, which may find a cached or stale record. It fails if that lookup fails, or if the new record fails a check.
 */
export function monitorToken(session: Session, { recheckMs, onRenewed, onEnd }: TokenMonitorOptions): TokenMonitor {
  const { authenticator, checks } = session;
  const { introspector, policy } = authenticator;
  const { clock } = introspector;
  let { token } = session;
  let isRechecking = false;
  let isOver = false;
  let recheckAt: Instant = { at: Number.NEGATIVE_INFINITY, monotonic: Number.NEGATIVE_INFINITY };
  let timer: NodeJS.Timeout | undefined;
  let unwatch: (() => void) | undefined;
  // A token that has not expired yet ends at `exp`, without the clock tolerance. A token that was accepted after `exp`, thanks to the
  // tolerance, ends when the tolerance does. Otherwise it would end at once.
  const graceMs = clock.now() < expiryOf(token.record) ? 0 : policy.clockToleranceMs;

  function stop(): void {
    isOver = true;
    clearTimeout(timer);
    unwatch?.();
  }

  function end(error: unknown): void {
    if (isOver) return;
    stop();
    onEnd(error);
  }

  function watchToken(next: AuthenticatedToken): void {
    const unwatchPrevious = unwatch;
    const { credentials, record } = next;
    unwatch = introspector.watch(credentials.digest, record, (reason) =>
      end(reason === 'closed' ? new IntrospectionError('closed') : new AuthError('inactive')),
    );
    unwatchPrevious?.();
    recheckAt = nextRecheck(record);
    token = next;
  }

  function useToken(next: AuthenticatedToken): void {
    if (isOver) return;
    if (next.record !== token.record) {
      runChecks(checks, next);
      onRenewed(next);
    }
    watchToken(next);
  }

  /**
   * The time of the next recheck, on both clocks. A recheck is due when either clock reaches it, because the monotonic clock stands still
   * while a machine is suspended.
   */
  function nextRecheck({ askedAt, askedMonotonic }: ActiveRecord): Instant {
    const now = readClock(clock);
    const age = ageOf({ at: askedAt, monotonic: askedMonotonic }, now);
    const dueMs = recheckMs * (1 - Math.random() * SPREAD_SHARE) - age;
    const endsMs = [recheckMs, introspector.staleLifeMs].map((lifeMs) => lifeMs - age).filter((leftMs) => leftMs > 0);
    const waitMs = dueMs > 0 ? dueMs : Math.min(Math.min(RETRY_MS, recheckMs) * (1 + Math.random()), ...endsMs);
    return { at: now.at + waitMs, monotonic: now.monotonic + waitMs };
  }

  /** Runs `work`, and ends the monitor if it throws, as a clock of the app may. Then the state of the token is not known any more. */
  function endOnError(work: () => void): void {
    try {
      work();
    } catch (error) {
      end(error);
    }
  }

  function checkExpiry(): boolean {
    endOnError(() => {
      if (!(clock.now() < expiryOf(token.record) + graceMs)) end(new AuthError('expired'));
    });
    return !isOver;
  }

  function wake(): void {
    if (!checkExpiry()) return;
    const now = readClock(clock);
    const isDue = now.monotonic >= recheckAt.monotonic || now.at >= recheckAt.at;
    if (isDue && !isRechecking) void recheck(requestNewRecord);
    else schedule();
  }

  function schedule(): void {
    if (isOver) return;
    const now = readClock(clock);
    const waitsMs = [expiryOf(token.record) + graceMs - now.at, CLOCK_CHECK_MS];
    if (!isRechecking) waitsMs.push(recheckAt.at - now.at, recheckAt.monotonic - now.monotonic);
    clearTimeout(timer);
    timer = setTimeout(() => endOnError(wake), Math.ceil(Math.min(...waitsMs))).unref();
  }

  async function recheck(authenticateAgain: () => Promise<AuthenticatedToken>): Promise<void> {
    isRechecking = true;
    try {
      schedule();
      useToken(await authenticateAgain());
    } catch (error) {
      end(error);
    }
    isRechecking = false;
    endOnError(schedule);
  }

  /** Looks the token up again and requires a newer record. During an outage, a record that a request may use is enough, even if stale. */
  async function requestNewRecord(): Promise<AuthenticatedToken> {
    const now = readClock(clock);
    // The first value may lie in the future, if the monotonic clock stood still while the machine was suspended. The second value never
    // does.
    const notBefore = Math.min(token.record.askedMonotonic + recheckMs / 2, now.monotonic - recheckMs * SPREAD_SHARE);
    // `background` allows a record that another process has stored. That record may be as old as `lifeMs`, so it is not enough if
    // `recheckMs` is less.
    const background = recheckMs >= introspector.lifeMs;
    try {
      return await authenticator.refresh(token, { notBefore, now, background, isKnown: true });
    } catch (error) {
      if (error instanceof IntrospectionError) return lookUpAsRequest();
      throw error;
    }
  }

  async function lookUpAsRequest(): Promise<AuthenticatedToken> {
    const now = readClock(clock);
    return authenticator.refresh(token, { notBefore: ANY_AGE, now, background: false, isKnown: true });
  }

  endOnError(() => {
    watchToken(token);
    // An invalidation in this process may have ended the monitor already. A lookup in the cache finds invalidations by other processes
    // too.
    if (introspector.lifeMs > 0 && !isOver) void recheck(lookUpAsRequest);
    else schedule();
  });
  return { check: checkExpiry, stop };
}

function expiryOf({ claims: { exp } }: ActiveRecord): number {
  return exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000;
}
