import type { AuthenticatedToken } from '../authenticator.js';
import { ageOf, type Instant, readClock } from '../core/clock.js';
import { AuthError, IntrospectionError } from '../core/errors.js';
import { type ActiveRecord, ANY_AGE } from '../core/lookup.js';
import { runChecks, type Session } from '../middleware/session.js';

/** Watches a token for longer than one request. Its functions never throw, because timers and events call them. */
export interface TokenMonitor {
  /** Compares `exp` with the clock now. Returns `false` once the monitor has ended. */
  check(): boolean;
  stop(): void;
}

export interface TokenMonitorOptions {
  /** Maximum age of the record, in milliseconds. */
  readonly recheckMs: number;
  /** Called with a newer record that passed all checks. */
  onRenewed(token: AuthenticatedToken): void;
  /** Called once when a request with this token would fail. Nothing is called after it. It must not throw. */
  onEnd(error: unknown): void;
}

/** Rechecks are spread over this last share of `recheckMs`, so that sockets that opened together do not recheck together. */
const SPREAD_SHARE = 1 / 4;

/** While the endpoint fails and the record may still be used, the next recheck follows after one to two times this. */
const RETRY_MS = 5000;

/** Interval at which the clocks are read, because a wall clock can be set and timers stop while a machine is suspended. */
const CLOCK_CHECK_MS = 2000;

/**
 * Monitors a token until a request with it would fail. It ends at `exp`, when the token is invalidated, and when a recheck fails. A
 * recheck asks the endpoint before the record is older than `recheckMs`. If the endpoint fails, the result that a request would get
 * decides.
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
  // The tolerance accepts a token after `exp`. Without it, the monitor of such a token would end at once.
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

  /** The age counts on both clocks, because the monotonic clock stands still while a machine is suspended. */
  function nextRecheck({ askedAt, askedMonotonic }: ActiveRecord): Instant {
    const now = readClock(clock);
    const age = ageOf({ at: askedAt, monotonic: askedMonotonic }, now);
    const dueMs = recheckMs * (1 - Math.random() * SPREAD_SHARE) - age;
    const endsMs = [recheckMs, introspector.staleLifeMs].map((lifeMs) => lifeMs - age).filter((leftMs) => leftMs > 0);
    const waitMs = dueMs > 0 ? dueMs : Math.min(Math.min(RETRY_MS, recheckMs) * (1 + Math.random()), ...endsMs);
    return { at: now.at + waitMs, monotonic: now.monotonic + waitMs };
  }

  /** Ends the monitor when the work throws, as a clock of the app may. Then nothing is known about the token any more. */
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

  /** Gets a newer record. During an outage, it accepts any record that a request would be allowed to use, also a stale one. */
  async function requestNewRecord(): Promise<AuthenticatedToken> {
    const now = readClock(clock);
    // The first bound is in the future if the monotonic clock stood still meanwhile. The second one never is.
    const notBefore = Math.min(token.record.askedMonotonic + recheckMs / 2, now.monotonic - recheckMs * SPREAD_SHARE);
    // A record that another process renewed is good enough, unless it may be older than `recheckMs`.
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
    // An invalidation in this process may have ended it already. The cache may know more, such as invalidations by other processes.
    if (introspector.lifeMs > 0 && !isOver) void recheck(lookUpAsRequest);
    else schedule();
  });
  return { check: checkExpiry, stop };
}

function expiryOf({ claims: { exp } }: ActiveRecord): number {
  return exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000;
}
