import type { Clock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import { withTimeout } from '../core/timeout.js';
import { hasCode, isOutage, provesEndpointIsUp } from './failures.js';

/**
 * Finds out whether the endpoint is down, by asking it about a random token that this process creates ("our token"). Clients cannot
 * influence the outcome.
 */
export interface EndpointCheck {
  /**
   * Whether {@link run} may be called. True if a check is running, which `run` joins, or if a new check may start. For one second after a
   * check has found the endpoint up, no new check may start.
   */
  isAllowed(): boolean;
  /**
   * Checks the endpoint, or joins the running check. Resolves to the failure if the endpoint is down, or to `undefined` if it is up.
   *
   * @param trigger the failure that caused the check
   */
  run(trigger: unknown): Promise<unknown>;
  /** The running check, if a timeout caused it; otherwise `undefined`. New lookups wait for this check, because they might hang too. */
  hangCheck(): Promise<unknown> | undefined;
  /** Asks the endpoint about a random token of this process. Resolves to the failure, or to `undefined` if the endpoint is up. */
  probe(): Promise<unknown>;
  /**
   * Notes that the endpoint responded about a client's token. `elapsedMs` is the duration of the lookup in milliseconds, without the wait
   * in the queue.
   */
  noteResponse(elapsedMs: number): void;
  /**
   * Notes that the endpoint responds about a client's token, but failed for the random token of a check. From then on, the endpoint counts
   * as up for ten seconds after each response about a client's token, even if it fails for a random token. This ends when the endpoint
   * responds about a random token. This function asks about a random token at once, because an outage may have ended after the check.
   */
  noteFailsForOurToken(): void;
  /** Milliseconds since the last response about a client's token; `Infinity` if there was none. */
  sinceResponseMs(): number;
}

export interface EndpointCheckSettings {
  readonly clock: Clock;
  /** Deadline of a lookup, in milliseconds from its start. */
  readonly timeoutMs: number;
  /** Asks the endpoint about a random token that nobody issued. */
  readonly probe: () => Promise<unknown>;
  /**
   * Is called once for each check that finds the endpoint up. `tokensToBlame` is `true` if the endpoint responded about the random token,
   * which means that tokens of clients caused the failures.
   */
  readonly onUp: (trigger: unknown, tokensToBlame: boolean) => void;
}

/**
 * After a check has found the endpoint up, no other check starts for this many milliseconds. In this time, only failures to connect can
 * open the circuit breaker.
 */
const CHECK_INTERVAL_MS = 1000;

/**
 * Some endpoints respond about tokens of clients, but fail for the random token of a check. Such an endpoint counts as up for this many
 * milliseconds after each response about a client's token.
 */
const REAL_RESPONSE_MS = 10_000;

/**
 * A check of the endpoint asks it about a random token. After a timeout, a check waits at least this many milliseconds for the response,
 * but never longer than the deadline of a lookup.
 */
const MIN_HANG_CHECK_MS = 500;
/**
 * A check of the endpoint after a timeout waits this many times the longest recent latency for the response, if that is longer than
 * {@link MIN_HANG_CHECK_MS}.
 */
const HANG_CHECK_LATENCIES = 3;

/**
 * Each response multiplies the longest recent latency by this factor. If the latency of the response itself is longer, it becomes the
 * longest recent latency.
 */
const LATENCY_DECAY = 0.9;

export function createEndpointCheck({ clock, timeoutMs, probe, onUp }: EndpointCheckSettings): EndpointCheck {
  let running: Promise<unknown> | undefined;
  let notBefore = Number.NEGATIVE_INFINITY;
  let mayHang = false;
  let failsForOurToken = false;
  let responses = 0;
  let lastResponseAt = Number.NEGATIVE_INFINITY;
  /** Longest recent latency of a response, in milliseconds. Old latencies fade: see {@link LATENCY_DECAY}. */
  let latencyMs = 0;

  async function askAboutOurToken(): Promise<unknown> {
    try {
      await probe();
    } catch (error) {
      if (!provesEndpointIsUp(error)) return error;
    }
    failsForOurToken = false;
    return undefined;
  }

  /**
   * Asks the endpoint about a random token. Resolves to the argument `timeout` if the response takes much longer than recent responses
   * took. So a check usually notices a hanging endpoint before the deadline of a lookup.
   */
  function askUnlessItHangs(timeout: unknown): Promise<unknown> {
    const waitMs = Math.min(timeoutMs, Math.max(MIN_HANG_CHECK_MS, latencyMs * HANG_CHECK_LATENCIES));
    return withTimeout(askAboutOurToken, waitMs).catch(() => timeout);
  }

  async function check(trigger: unknown): Promise<unknown> {
    const responsesBefore = responses;
    mayHang = hasCode(trigger, 'timeout');
    const failure = await (mayHang ? askUnlessItHangs(trigger) : askAboutOurToken());
    const respondedLately = failsForOurToken && sinceResponseMs() < REAL_RESPONSE_MS;
    const isDown = isOutage(failure) && responses === responsesBefore && !respondedLately;
    if (isDown) return failure;
    notBefore = clock.monotonic() + CHECK_INTERVAL_MS;
    onUp(trigger, failure === undefined);
    return undefined;
  }

  function sinceResponseMs(): number {
    return clock.monotonic() - lastResponseAt;
  }

  return {
    isAllowed: () => running !== undefined || clock.monotonic() >= notBefore,
    run(trigger) {
      running ??= check(trigger).finally(() => {
        running = undefined;
        mayHang = false;
      });
      return running;
    },
    hangCheck: () => (mayHang ? running : undefined),
    probe: () => askUnlessItHangs(new IntrospectionError('timeout')),
    noteResponse(elapsedMs) {
      responses++;
      lastResponseAt = clock.monotonic();
      latencyMs = Math.max(elapsedMs, latencyMs * LATENCY_DECAY);
    },
    noteFailsForOurToken() {
      failsForOurToken = true;
      lastResponseAt = clock.monotonic();
      askAboutOurToken();
    },
    sinceResponseMs,
  };
}
