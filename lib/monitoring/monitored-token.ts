import type { AuthenticatedToken } from '../authenticator.js';
import type { InvalidationReason, InvalidationWatcher } from '../cache/invalidation-watcher.js';
import { ageOf, type Clock, type Instant, readClock } from '../core/clock.js';
import { AuthError, IntrospectionError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';
import type { Introspector } from '../introspector.js';
import type { Monitor } from './monitor.js';
import { groupMonitors, lookUpAsRequest, type Round, requestNewRecord, SPREAD_SHARE } from './recheck.js';
import { removeTimed, type Timed, wakeWithin } from './shared-timer.js';

/**
 * While the endpoint fails and the record may still be used, there is a wait before the next recheck. The wait is random: between one and
 * two times this value in milliseconds, or between one and two times `recheckMs` if that is shorter. The wait ends sooner when the age of
 * the record reaches `recheckMs`, or the time for which a stale record may be used.
 */
const RETRY_MS = 5000;

type Refresh = (monitor: Monitor) => Promise<AuthenticatedToken>;

const NEVER: Instant = { at: Number.POSITIVE_INFINITY, monotonic: Number.POSITIVE_INFINITY };

type TokensByDigest = Map<string, MonitoredToken>;
const tokensOf = new WeakMap<Introspector, Map<number, TokensByDigest>>();

/** Returns the object that all monitors of the same token with the same `recheckMs` share. It does not add the monitor to this object. */
export function monitoredTokenOf(monitor: Monitor, recheckMs: number): MonitoredToken {
  const { introspector } = monitor.authenticator;
  const { digest } = monitor.token.credentials;
  const byInterval = tokensOf.get(introspector) ?? new Map<number, TokensByDigest>();
  tokensOf.set(introspector, byInterval);
  const byDigest = byInterval.get(recheckMs) ?? new Map<string, MonitoredToken>();
  byInterval.set(recheckMs, byDigest);
  const monitored = byDigest.get(digest) ?? new MonitoredToken(monitor, recheckMs);
  byDigest.set(digest, monitored);
  return monitored;
}

/**
 * Everything that the monitors of one token share: one watcher for invalidations, one recheck, and one entry in the timer. It is a class,
 * because closures for each token would take several times the memory.
 */
export class MonitoredToken implements Timed, InvalidationWatcher {
  readonly clock: Clock;
  readonly digest: string;
  readonly #introspector: Introspector;
  readonly #recheckMs: number;
  readonly #monitors = new Set<Monitor>();
  #record: ActiveRecord;
  #isWatched = false;
  /**
   * When the next recheck is due, on both clocks. It is due when either clock reaches its time, because the monotonic clock stands still
   * while a machine is suspended.
   */
  #recheckAt = NEVER;
  /** When the first of the monitors expires, as wall time in milliseconds since the epoch. */
  #expiresAt = Number.POSITIVE_INFINITY;
  #isRechecking = false;

  constructor({ authenticator: { introspector }, token: { credentials, record } }: Monitor, recheckMs: number) {
    this.clock = introspector.clock;
    this.digest = credentials.digest;
    this.#introspector = introspector;
    this.#recheckMs = recheckMs;
    this.#record = record;
  }

  /**
   * The newest record of the token. Invalidations from before the introspection request of this record do not apply to the token any more.
   */
  get record(): ActiveRecord {
    return this.#record;
  }

  add(monitor: Monitor): void {
    const { record } = monitor.token;
    this.#monitors.add(monitor);
    this.#failOnError(() => {
      this.#planExpiry([monitor]);
      if (this.#isWatched && record === this.#record) return;
      if (!this.#isWatched || this.#isNewer(record)) this.#watch(record);
      else this.#requireValid(monitor);
      // An invalidation in this process may have ended the monitor already. A lookup finds invalidations by other processes too.
      if (!this.#monitors.has(monitor)) return;
      this.#planRecheck([monitor]);
      if (this.#introspector.lifeMs > 0) void this.#renewAll([[monitor]], lookUpAsRequest);
    });
  }

  remove(monitor: Monitor): void {
    if (!this.#monitors.delete(monitor) || this.#monitors.size > 0) return;
    removeTimed(this);
    this.#unwatch();
    const byInterval = tokensOf.get(this.#introspector);
    const byDigest = byInterval?.get(this.#recheckMs);
    if (byDigest?.get(this.digest) === this) byDigest.delete(this.digest);
    if (byDigest?.size === 0) byInterval?.delete(this.#recheckMs);
  }

  wake(now: Instant): number {
    if (!(now.at < this.#expiresAt)) {
      for (const monitor of this.#monitors) {
        if (!(now.at < monitor.expiresAt)) monitor.endWith(new AuthError('expired'));
      }
      this.#expiresAt = firstExpiry(this.#monitors);
    }
    const isDue = now.monotonic >= this.#recheckAt.monotonic || now.at >= this.#recheckAt.at;
    if (isDue && this.#monitors.size > 0) void this.#recheck();
    return Math.min(this.#expiresAt - now.at, this.#recheckAt.at - now.at, this.#recheckAt.monotonic - now.monotonic);
  }

  fail(error: unknown): void {
    for (const monitor of this.#monitors) monitor.endWith(error);
  }

  onInvalidated(reason: InvalidationReason): void {
    this.fail(reason === 'closed' ? new IntrospectionError('closed') : new AuthError('inactive'));
  }

  #isNewer({ askedMonotonic }: ActiveRecord): boolean {
    return askedMonotonic > this.#record.askedMonotonic;
  }

  #watch(record: ActiveRecord): void {
    this.#unwatch();
    this.#record = record;
    this.#isWatched = this.#introspector.watch(this);
    if (!this.#isWatched) this.onInvalidated('forgotten');
  }

  #unwatch(): void {
    if (this.#isWatched) this.#introspector.unwatch(this);
    this.#isWatched = false;
  }

  /**
   * Ends a monitor if its record was invalidated. Call this only for a monitor whose record is older than the newest record of the token.
   */
  #requireValid(monitor: Monitor): void {
    const watcher = { digest: this.digest, record: monitor.token.record, onInvalidated() {} };
    if (this.#introspector.watch(watcher)) this.#introspector.unwatch(watcher);
    else monitor.endWith(new AuthError('inactive'));
  }

  /** Plans a call of the timer for the time at which the first of these monitors expires. */
  #planExpiry(monitors: Iterable<Monitor>): void {
    this.#expiresAt = Math.min(this.#expiresAt, firstExpiry(monitors));
    wakeWithin(this, this.#expiresAt - this.clock.now());
  }

  /** Plans the next recheck for the records of these monitors, unless it is planned for an earlier time. */
  #planRecheck(monitors: Iterable<Monitor>): void {
    if (this.#isRechecking) return;
    const now = readClock(this.clock);
    let waitMs = this.#recheckAt.at - now.at;
    for (const record of new Set([...monitors].map(({ token }) => token.record))) {
      waitMs = Math.min(waitMs, this.#recheckWait(record, now));
    }
    this.#recheckAt = { at: now.at + waitMs, monotonic: now.monotonic + waitMs };
    wakeWithin(this, waitMs);
  }

  #recheckWait({ askedAt, askedMonotonic }: ActiveRecord, now: Instant): number {
    const recheckMs = this.#recheckMs;
    const age = ageOf({ at: askedAt, monotonic: askedMonotonic }, now);
    const dueMs = recheckMs * (1 - Math.random() * SPREAD_SHARE) - age;
    if (dueMs > 0) return dueMs;
    const endsMs = [recheckMs, this.#introspector.staleLifeMs].map((lifeMs) => lifeMs - age).filter((left) => left > 0);
    return Math.min(Math.min(RETRY_MS, recheckMs) * (1 + Math.random()), ...endsMs);
  }

  /**
   * Rechecks the token for all monitors. The first group of monitors causes the introspection request, and the other groups use the record
   * that it returned.
   */
  async #recheck(): Promise<void> {
    this.#isRechecking = true;
    this.#recheckAt = NEVER;
    const [first = [], ...others] = groupMonitors(this.#monitors);
    const round: Round = { known: undefined, isDown: false };
    const lookUp: Refresh = (monitor) => requestNewRecord(monitor, this.#recheckMs, round);
    await this.#renewAll([first], lookUp);
    await this.#renewAll(others, lookUp);
    this.#isRechecking = false;
    if (this.#monitors.size > 0) this.#failOnError(() => this.#planRecheck(this.#monitors));
  }

  /**
   * Looks the token up once for each group of monitors, and gives the new record to the monitors of the group. If the lookup of a group
   * fails, ends the monitors of this group. If the token is inactive, ends all monitors.
   */
  async #renewAll(groups: readonly (readonly Monitor[])[], lookUp: Refresh): Promise<void> {
    await Promise.all(
      groups.map(async (monitors) => {
        try {
          const [first] = monitors;
          if (first === undefined) return;
          const token = await lookUp(first);
          if (this.#monitors.size > 0 && this.#isNewer(token.record)) this.#watch(token.record);
          for (const monitor of monitors) monitor.renew(token);
          if (this.#monitors.size > 0) this.#planExpiry(monitors);
        } catch (error) {
          // The endpoint said this of the token, whatever the policy of a monitor is.
          const ended = error instanceof AuthError && error.reason === 'inactive' ? this.#monitors : monitors;
          for (const monitor of ended) monitor.endWith(error);
        }
      }),
    );
  }

  /**
   * Runs `work`, and ends all monitors if `work` throws, for example because a clock of the app throws. After such an error, the state of
   * the token is not known.
   */
  #failOnError(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }
}

function firstExpiry(monitors: Iterable<Monitor>): number {
  let first = Number.POSITIVE_INFINITY;
  for (const { expiresAt } of monitors) first = Math.min(first, expiresAt);
  return first;
}
