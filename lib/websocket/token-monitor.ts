import type { AuthenticatedToken } from '../authenticator.js';
import { ageOf, type Instant, readClock } from '../core/clock.js';
import { AuthError, IntrospectionError } from '../core/errors.js';
import { type ActiveRecord, ANY_AGE } from '../core/lookup.js';
import { runChecks, type Session } from '../middleware/session.js';

/**
 * Watches a token for longer than one request, until the token ends. The methods of a monitor never throw, because timers and events call
 * them.
 */
export interface TokenMonitor {
  /**
   * Ends the monitor if the token has expired. Returns `true` as long as the monitor runs, and `false` when it has ended or was stopped.
   */
  check(): boolean;
  /** Stops the monitor. `onEnd` is not called. */
  stop(): void;
}

export interface TokenMonitorOptions {
  /** Maximum age of the record, in milliseconds since its introspection request was sent. */
  readonly recheckMs: number;
  /** Is called after each recheck that found a new record of the token. The argument holds the new record, which has passed all checks. */
  onRenewed(token: AuthenticatedToken): void;
  /** Is called once, with the error, when the monitor ends. After it, no callback is called. `onEnd` must not throw. */
  onEnd(error: unknown): void;
}

/**
 * A recheck starts at a random time in the last part of `recheckMs`. This is the length of that part, as a share of `recheckMs`. So sockets
 * that opened at the same time do not recheck at the same time.
 */
const SPREAD_SHARE = 1 / 4;

/**
 * While the endpoint fails and the record may still be used, the monitor waits before the next recheck. The wait is random: between one and
 * two times this value in milliseconds, or between one and two times `recheckMs` if that is shorter. The wait ends sooner when the age of
 * the record reaches `recheckMs`, or the time for which a stale record may be used.
 */
const RETRY_MS = 5000;

/**
 * The clocks are read at least once in this many milliseconds, because the wall clock can be set, and timers stop while a machine is
 * suspended.
 */
const CLOCK_CHECK_MS = 2000;

/**
 * Monitors the token of a session. The monitor ends at `exp`, when the token is invalidated, when the introspector closes, and when a
 * recheck fails. A recheck asks the endpoint before the record is older than `recheckMs`. If the endpoint fails, the recheck looks the
 * token up as a request would, which may find a cached or stale record. The recheck fails if this second lookup fails, or if the new record
 * fails a check.
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
   * Returns the time of the next recheck, on both clocks. The recheck is due when either clock reaches its time. One clock is not enough,
   * because the monotonic clock stands still while a machine is suspended.
   */
  function nextRecheck({ askedAt, askedMonotonic }: ActiveRecord): Instant {
    const now = readClock(clock);
    const age = ageOf({ at: askedAt, monotonic: askedMonotonic }, now);
    const dueMs = recheckMs * (1 - Math.random() * SPREAD_SHARE) - age;
    const endsMs = [recheckMs, introspector.staleLifeMs].map((lifeMs) => lifeMs - age).filter((leftMs) => leftMs > 0);
    const waitMs = dueMs > 0 ? dueMs : Math.min(Math.min(RETRY_MS, recheckMs) * (1 + Math.random()), ...endsMs);
    return { at: now.at + waitMs, monotonic: now.monotonic + waitMs };
  }

  /**
   * Runs `work`, and ends the monitor if `work` throws, for example because a clock of the app throws. After such an error, the state of
   * the token is not known.
   */
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

  /**
   * Looks the token up again, and requires a newer record. If the endpoint fails, any record that a request may use is enough, even a stale
   * one.
   */
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
