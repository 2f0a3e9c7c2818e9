import type { Clock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import { withTimeout } from '../core/timeout.js';
import { hasCode, isOutage, provesEndpointIsUp } from './failures.js';

/** Finds out whether the endpoint is down, with a random token of ours. Clients cannot influence how that ends. */
export interface EndpointCheck {
  /** Whether a check is running or may start now. None may start for one second after a check that found the endpoint up. */
  isAllowed(): boolean;
  /**
   * Why the endpoint is down, or `undefined` when it is up. All callers share one check at a time.
   *
   * @param trigger the failure that caused the check
   */
  run(trigger: unknown): Promise<unknown>;
  /** The running check of an endpoint that may hang. New lookups wait for its outcome, so that they do not hang too. */
  hangCheck(): Promise<unknown> | undefined;
  /** Sends one request for our token. Returns why that failed, or `undefined` when the endpoint is up. */
  probe(): Promise<unknown>;
  /** Records a response about a real token. */
  noteResponse(elapsedMs: number): void;
  /** Records that the endpoint responds about a real token but fails for ours, so that a failure for ours proves nothing. */
  noteFailsForOurToken(): void;
  /** Milliseconds since the last response about a real token. */
  sinceResponseMs(): number;
}

export interface EndpointCheckSettings {
  readonly clock: Clock;
  /** Deadline of a lookup. */
  readonly timeoutMs: number;
  /** Asks the endpoint about a random token of ours. */
  readonly probe: () => Promise<unknown>;
  /** Is called once for each check that finds the endpoint up. `tokensToBlame`: it responded about our token. */
  readonly onUp: (trigger: unknown, tokensToBlame: boolean) => void;
}

/** Pause after a check that found the endpoint up. Until it ends, failures are attributed to their tokens. */
const CHECK_INTERVAL_MS = 1000;

/** An endpoint that fails for our token counts as up for this long after a response about a real token. */
const REAL_RESPONSE_MS = 10_000;

/** After timeouts, the endpoint must respond about our token within this time, or within this many times its recent latency. */
const MIN_HANG_CHECK_MS = 500;
const HANG_CHECK_LATENCIES = 3;

/** Each response reduces the remembered maximum latency to this share. */
const LATENCY_DECAY = 0.9;

export function createEndpointCheck({ clock, timeoutMs, probe, onUp }: EndpointCheckSettings): EndpointCheck {
  let running: Promise<unknown> | undefined;
  let notBefore = Number.NEGATIVE_INFINITY;
  let mayHang = false;
  let failsForOurToken = false;
  let responses = 0;
  let lastResponseAt = Number.NEGATIVE_INFINITY;
  /** Longest recent latency, in milliseconds. */
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

  /** Waits less than a lookup would, because the recent latency shows sooner that the endpoint hangs. */
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
    },
    sinceResponseMs,
  };
}
