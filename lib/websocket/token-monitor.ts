import type { AuthenticatedToken } from '../authenticator.js';
import { ageOf, type Instant, readClock } from '../core/clock.js';
import { AuthError, IntrospectionError } from '../core/errors.js';
import { type ActiveRecord, ANY_AGE } from '../core/lookup.js';
import { runChecks, type Session } from '../middleware/session.js';

/** What goes on for as long as a token is relied on. Nothing of it throws: it is called by timers and events. */
export interface TokenMonitor {
  /** Looks at the clock now, and tells whether the token is still relied on. */
  check(): boolean;
  stop(): void;
}

export interface Watcher {
  /** How old an answer may become, in milliseconds. */
  readonly recheckMs: number;
  /** Another answer has passed. */
  renew(token: AuthenticatedToken): void;
  /** Called once, and nothing after it: a request with this token would not be let through any longer. It must not throw. */
  end(error: unknown): void;
}

/** The share of an answer's life, at its end, over which checks are spread: sockets that came together do not ask together. */
const SPREAD_SHARE = 1 / 4;

/** While the endpoint fails and an answer may still be used, it is asked again after one to two times so long. */
const RETRY_MS = 5000;

/** Clocks are looked at as often as this: a wall clock may be set, and timers stand still while a machine is suspended. */
const LOOK_MS = 2000;

/**
 * Judges a token again and again: by the clock when it expires, by another answer before the one in hand is older than a request
 * would be given, and by its end when it is invalidated. Where no answer is to be had, what a request would get decides.
 */
export function monitorToken(session: Session, { recheckMs, renew, end }: Watcher): TokenMonitor {
  const { authenticator, checks } = session;
  const { introspector, policy } = authenticator;
  const { clock } = introspector;
  let { token } = session;
  let isChecking = false;
  let isOver = false;
  let checkAt: Instant = { at: Number.NEGATIVE_INFINITY, monotonic: Number.NEGATIVE_INFINITY };
  let timer: NodeJS.Timeout | undefined;
  let unwatch: (() => void) | undefined;
  // A token is let in past `exp`, within the tolerance; else that would be its end at once.
  const graceMs = clock.now() < expiryOf(token.record) ? 0 : policy.clockToleranceMs;

  function stop(): void {
    isOver = true;
    clearTimeout(timer);
    unwatch?.();
  }

  function finish(error: unknown): void {
    if (isOver) return;
    stop();
    end(error);
  }

  function relyOn(next: AuthenticatedToken): void {
    const before = unwatch;
    const { credentials, record } = next;
    unwatch = introspector.watch(credentials.digest, record, (ending) =>
      finish(ending === 'closed' ? new IntrospectionError('closed') : new AuthError('inactive')),
    );
    before?.();
    checkAt = nextCheck(record);
    token = next;
  }

  function adopt(next: AuthenticatedToken): void {
    if (isOver) return;
    if (next.record !== token.record) {
      runChecks(checks, next);
      renew(next);
    }
    relyOn(next);
  }

  /** Ages are taken on both clocks: the monotonic one stands still while a machine is suspended. */
  function nextCheck({ askedAt, askedMonotonic }: ActiveRecord): Instant {
    const { at, monotonic } = readClock(clock);
    const age = ageOf({ at: askedAt, monotonic: askedMonotonic }, { at, monotonic });
    const due = recheckMs * (1 - Math.random() * SPREAD_SHARE) - age;
    const ends = [recheckMs, introspector.staleLifeMs].map((lifeMs) => lifeMs - age).filter((left) => left > 0);
    const waitMs = due > 0 ? due : Math.min(Math.min(RETRY_MS, recheckMs) * (1 + Math.random()), ...ends);
    return { at: at + waitMs, monotonic: monotonic + waitMs };
  }

  /** What throws, such as a clock of the app's, ends it: then nothing can be told about the token any more. */
  function orFinish(work: () => void): void {
    try {
      work();
    } catch (error) {
      finish(error);
    }
  }

  function look(): boolean {
    orFinish(() => {
      if (!(clock.now() < expiryOf(token.record) + graceMs)) finish(new AuthError('expired'));
    });
    return !isOver;
  }

  function wake(): void {
    if (!look()) return;
    const now = readClock(clock);
    const isDue = now.monotonic >= checkAt.monotonic || now.at >= checkAt.at;
    if (isDue && !isChecking) void check(true);
    else sleep();
  }

  function sleep(): void {
    if (isOver) return;
    const now = readClock(clock);
    const left = [expiryOf(token.record) + graceMs - now.at, LOOK_MS];
    if (!isChecking) left.push(checkAt.at - now.at, checkAt.monotonic - now.monotonic);
    clearTimeout(timer);
    timer = setTimeout(() => orFinish(wake), Math.ceil(Math.min(...left))).unref();
  }

  async function check(isAnew: boolean): Promise<void> {
    isChecking = true;
    try {
      sleep();
      adopt(await (isAnew ? judgeAnew() : judge()));
    } catch (error) {
      finish(error);
    }
    isChecking = false;
    orFinish(sleep);
  }

  /** By an answer that is better than the one in hand, where there is one. */
  async function judgeAnew(): Promise<AuthenticatedToken> {
    const now = readClock(clock);
    // On a clock that stood still, half a life after the answer in hand may be yet to come.
    const notBefore = Math.min(token.record.askedMonotonic + recheckMs / 2, now.monotonic - recheckMs * SPREAD_SHARE);
    // What another process has renewed is as good, unless it may be older than is wanted here.
    const background = recheckMs >= introspector.lifeMs;
    try {
      return await authenticator.refresh(token, {
        notBefore: notBefore,
        now,
        background,
        isKnown: true,
      });
    } catch (error) {
      if (error instanceof IntrospectionError) return judge();
      throw error;
    }
  }

  /** As a request would be. */
  async function judge(): Promise<AuthenticatedToken> {
    return authenticator.refresh(token, {
      notBefore: ANY_AGE,
      now: readClock(clock),
      background: false,
      isKnown: true,
    });
  }

  orFinish(() => {
    relyOn(token);
    // relyOn() has ended it where an invalidation of this process overtook it. A cache may know more, such as of other processes.
    if (introspector.lifeMs > 0 && !isOver) void check(false);
    else sleep();
  });
  return { check: look, stop };
}

function expiryOf({ claims: { exp } }: ActiveRecord): number {
  return exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000;
}
