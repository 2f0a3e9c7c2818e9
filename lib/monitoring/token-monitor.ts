import type { AuthenticatedToken, Authenticator } from '../authenticator.js';
import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';
import { runChecks, type Session } from '../middleware/session.js';
import type { Monitor } from './monitor.js';
import { type MonitoredToken, monitoredTokenOf } from './monitored-token.js';

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
  /**
   * Maximum age of the token's record, in seconds since its introspection request was sent. Default: `cache.ttlSeconds`, but at least 1; 60
   * without a cache.
   */
  readonly recheckSeconds?: number | undefined;
  /** Is called after each recheck that found a new record of the token. The argument holds the new record, which has passed all checks. */
  readonly onRenewed?: ((token: AuthenticatedToken) => void) | undefined;
  /** Is called once, with the error, when the monitor ends. After it, no callback is called. `onEnd` must not throw. */
  readonly onEnd: (error: unknown) => void;
}

const MIN_SECONDS = 1;
const DEFAULT_SECONDS = 60;

/**
 * Monitors the token of a session, for everything that outlives a request. The monitor ends at `exp`, when the token is invalidated in this
 * process or another, when the introspector closes, and when a recheck fails.
 *
 * A recheck asks the endpoint before the record is older than `recheckSeconds`. All monitors of a token with the same `recheckSeconds`
 * share one recheck. If the endpoint fails, the recheck looks the token up as a request would, which may find a cached or stale record. The
 * recheck fails if this second lookup fails, if the new record fails the policy, or if it fails a check that the session has passed.
 */
export function monitorToken(session: Session, options: TokenMonitorOptions): TokenMonitor {
  const { lifeMs } = session.authenticator.introspector;
  const seconds = lifeMs === 0 ? DEFAULT_SECONDS : Math.max(lifeMs / 1000, MIN_SECONDS);
  const monitor = new SessionMonitor(session, options);
  monitor.start((options.recheckSeconds ?? seconds) * 1000);
  return monitor;
}

/** The monitor of one session. It is a class, so that it needs no closures and takes little memory. */
class SessionMonitor implements Monitor, TokenMonitor {
  readonly authenticator: Authenticator;
  readonly #session: Session;
  readonly #options: TokenMonitorOptions;
  #token: AuthenticatedToken;
  /** The object that all monitors of the token share; `undefined` before this monitor starts and after it ends. */
  #monitored: MonitoredToken | undefined;
  #isOver = false;
  #graceMs = 0;

  constructor(session: Session, options: TokenMonitorOptions) {
    this.authenticator = session.authenticator;
    this.#session = session;
    this.#options = options;
    this.#token = session.token;
  }

  get token(): AuthenticatedToken {
    return this.#token;
  }

  get expiresAt(): number {
    return expiryOf(this.#token.record) + this.#graceMs;
  }

  start(recheckMs: number): void {
    const { introspector, policy } = this.authenticator;
    try {
      // A token that has not expired yet ends at `exp`, without the clock tolerance. A token that was accepted after `exp`, thanks to the
      // tolerance, ends when the tolerance does. Otherwise it would end at once.
      if (!(introspector.clock.now() < this.expiresAt)) this.#graceMs = policy.clockToleranceMs;
      this.#monitored = monitoredTokenOf(this, recheckMs);
      this.#monitored.add(this);
    } catch (error) {
      this.endWith(error);
    }
  }

  check(): boolean {
    if (this.#isOver) return false;
    try {
      if (!(this.authenticator.introspector.clock.now() < this.expiresAt)) this.endWith(new AuthError('expired'));
    } catch (error) {
      this.endWith(error);
    }
    return !this.#isOver;
  }

  renew(token: AuthenticatedToken): void {
    if (this.#isOver || token.record === this.#token.record) return;
    try {
      // Guards may have added checks to the session since the monitor began.
      runChecks(this.#session.checks, token);
      this.#options.onRenewed?.(token);
      this.#token = token;
    } catch (error) {
      this.endWith(error);
    }
  }

  stop(): void {
    this.#isOver = true;
    this.#monitored?.remove(this);
    this.#monitored = undefined;
  }

  endWith(error: unknown): void {
    if (this.#isOver) return;
    this.stop();
    this.#options.onEnd(error);
  }
}

function expiryOf({ claims: { exp } }: ActiveRecord): number {
  return exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000;
}
