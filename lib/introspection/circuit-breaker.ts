import { setImmediate, setTimeout } from 'node:timers/promises';
import { IntrospectionError, type IntrospectionErrorCode } from '../errors.js';
import { type CircuitEvent, circuitEvents } from '../observe/channels.js';
import type { Clock } from '../types.js';
import { failedToConnect } from './http.js';

/** Spares an endpoint that is down, and the requests that would wait for it. */
export interface CircuitBreaker {
  /** @throws IntrospectionError `circuit_open` while it is open, or while its probe is under way */
  assertCallAllowed(): void;
  /**
   * Asks, and learns from the outcome. A breaker whose pause is over sends its probe first.
   *
   * @throws IntrospectionError `circuit_open`, what the probe failed with, or what `ask` failed with
   */
  run<T>(digest: string, ask: () => Promise<T>): Promise<T>;
  state(): CircuitEvent['state'];
}

export interface CircuitBreakerSettings {
  readonly clock: Clock;
  /** Deadline of a lookup. A timeout counts only if the endpoint had nearly all of it. */
  readonly timeoutMs: number;
  /** Asks the endpoint about a random token of ours. Clients cannot influence how that ends. */
  readonly probe: () => Promise<unknown>;
}

/** Failures for this many different tokens in a row make the breaker suspect the endpoint. */
const TOKENS_TO_SUSPECT = 5;

/** Each probe that fails doubles the pause. */
const MIN_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 30_000;

/** After a probe that was answered, failures are blamed on their tokens for this long. */
const TRUST_MS = 1000;

/** An endpoint that has let tokens time out is given this share of the deadline to answer about our own, and this long at most. */
const HANG_CHECK_SHARE = 0.5;
const MAX_HANG_CHECK_MS = 500;

/** A timeout after less than this share of the deadline says nothing about the endpoint. */
const WHOLE_DEADLINE = 0.9;

/** Failures that the endpoint itself may be responsible for. */
const OUTAGE_CODES: ReadonlySet<unknown> = new Set<IntrospectionErrorCode>([
  'timeout',
  'unreachable',
  'server_error',
  'rate_limited',
]);

/** Failures that only an endpoint that is up can cause. */
const ALIVE_CODES: ReadonlySet<unknown> = new Set<IntrospectionErrorCode>(['bad_response', 'client_rejected']);

/**
 * Anybody can present a token that makes a healthy endpoint fail. Such failures are only a suspicion: before it opens, and
 * before it closes again, the breaker asks about a random token of its own. Only a connection that never came about is proof by itself.
 */
export function createCircuitBreaker({ clock, timeoutMs, probe }: CircuitBreakerSettings): CircuitBreaker {
  /** Digests of the tokens that failed since the endpoint last answered. */
  const suspects = new Set<string>();
  let pauseMs = MIN_PAUSE_MS;
  /** Monotonic time of the next probe; `undefined` while the breaker is closed. */
  let probeAt: number | undefined;
  let isProbing = false;
  /** Counts openings: a question asked before the last one says nothing about the endpoint now. */
  let openings = 0;
  /** Counts answers. */
  let answers = 0;
  let trustedUntil = Number.NEGATIVE_INFINITY;
  let check: Promise<void> | undefined;
  /** Whether the check is about an endpoint that may hang. New lookups wait for its short outcome, so that they do not hang too. */
  let mayHang = false;
  /** Whether the endpoint answers about real tokens, but fails for ours: then that failure says nothing. */
  let failsForOurToken = false;

  function state(): CircuitEvent['state'] {
    if (probeAt === undefined) return 'closed';
    return isProbing ? 'half_open' : 'open';
  }

  function publish(more: Omit<CircuitEvent, 'state'> = {}): void {
    if (!circuitEvents.hasSubscribers) return;
    const event: CircuitEvent = { state: state(), ...more };
    circuitEvents.publish(event);
  }

  function open(error: unknown): void {
    const askedMs = asksForPause(error) ? error.retryAfterSeconds * 1000 : 0;
    // A little off, so that the processes of a fleet do not come back together.
    const waitMs = Math.max(askedMs, pauseMs * (0.8 + Math.random() * 0.4));
    openings++;
    probeAt = clock.monotonic() + waitMs;
    pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
    suspects.clear();
    publish({ ...reasonOf(error), retryAfterSeconds: secondsUntil(probeAt) });
  }

  function close(): void {
    probeAt = undefined;
    pauseMs = MIN_PAUSE_MS;
    publish();
  }

  function secondsUntil(at: number): number {
    return Math.max(1, Math.ceil((at - clock.monotonic()) / 1000));
  }

  function assertCallAllowed(): void {
    if (probeAt === undefined || (!isProbing && clock.monotonic() >= probeAt)) return;
    throw new IntrospectionError('circuit_open', undefined, secondsUntil(probeAt));
  }

  /** Asks about our own token. Returns why that failed, or `undefined` where the endpoint is up. */
  async function askAboutOurToken(): Promise<unknown> {
    try {
      await probe();
    } catch (error) {
      if (!isSignOfLife(error)) return error;
    }
    failsForOurToken = false;
    return undefined;
  }

  /** The pause is over: one probe decides whether the breaker closes. */
  async function runProbe(): Promise<unknown> {
    isProbing = true;
    publish();
    const failure = await askAboutOurToken();
    isProbing = false;
    if (failure === undefined) close();
    else open(failure);
    return failure;
  }

  async function hang(suspicion: unknown): Promise<unknown> {
    await setTimeout(Math.min(timeoutMs * HANG_CHECK_SHARE, MAX_HANG_CHECK_MS), undefined, { ref: false });
    // Where our own event loop is late, an answer may have arrived meanwhile.
    await setImmediate();
    return suspicion;
  }

  /** Opens the breaker if the endpoint fails for our own token too. */
  async function runCheck(suspicion: unknown): Promise<void> {
    const [openingsBefore, answersBefore] = [openings, answers];
    mayHang = isTimeout(suspicion);
    const failure = await (mayHang ? Promise.race([askAboutOurToken(), hang(suspicion)]) : askAboutOurToken());
    check = undefined;
    mayHang = false;
    if (openings !== openingsBefore) return;
    if (failure === undefined) {
      suspects.clear();
      trustedUntil = clock.monotonic() + TRUST_MS;
      publish({ ...reasonOf(suspicion), tokensToBlame: true });
      return;
    }
    if (isReply(failure) && failsForOurToken) suspects.clear();
    else if (asksForPause(failure) || answers === answersBefore) open(failure);
  }

  async function suspect(digest: string, error: unknown): Promise<void> {
    if (!isOutage(error)) return;
    const isProof = failedToConnect(error);
    if (!isProof && clock.monotonic() < trustedUntil) return;
    suspects.add(digest);
    if (suspects.size < TOKENS_TO_SUSPECT && !asksForPause(error)) return;
    if (isProof) {
      open(error);
      return;
    }
    check ??= runCheck(error);
    await check;
  }

  function noteAnswer(): void {
    answers++;
    suspects.clear();
  }

  /** Outcomes of questions asked before the breaker last opened are ignored: they say nothing about the endpoint now. */
  async function ask<T>(digest: string, work: () => Promise<T>): Promise<T> {
    const openingsBefore = openings;
    const startedAt = performance.now();
    try {
      const answer = await work();
      if (openings === openingsBefore) noteAnswer();
      return answer;
    } catch (error) {
      const isHasty = isTimeout(error) && performance.now() - startedAt < timeoutMs * WHOLE_DEADLINE;
      if (openings === openingsBefore && !isHasty) {
        if (isSignOfLife(error)) noteAnswer();
        else await suspect(digest, error);
      }
      throw error;
    }
  }

  return {
    assertCallAllowed,
    async run(digest, work) {
      if (mayHang) await check;
      assertCallAllowed();
      if (probeAt === undefined) return ask(digest, work);
      const failure = await runProbe();
      if (failure === undefined) return ask(digest, work);
      if (!isReply(failure)) throw failure;
      // Some endpoints fail for every token they do not know, ours included. A real token that is answered proves them up.
      const answer = await work();
      failsForOurToken = true;
      if (probeAt !== undefined) close();
      return answer;
    },
    state,
  };
}

function reasonOf(error: unknown): Pick<CircuitEvent, 'reason'> {
  return error instanceof IntrospectionError ? { reason: error.code } : {};
}

function isOutage(error: unknown): boolean {
  return error instanceof IntrospectionError && OUTAGE_CODES.has(error.code);
}

function isSignOfLife(error: unknown): boolean {
  return error instanceof IntrospectionError && ALIVE_CODES.has(error.code);
}

function isTimeout(error: unknown): boolean {
  return error instanceof IntrospectionError && error.code === 'timeout';
}

/** A reply came that says nothing about the token, and named no time to come back. A token may have caused it. */
function isReply(error: unknown): boolean {
  if (!(error instanceof IntrospectionError)) return false;
  const isReplyBeforeEndpoint = error.code === 'unreachable' && error.detail?.startsWith('HTTP ') === true;
  return isReplyBeforeEndpoint || (error.code === 'server_error' && !asksForPause(error));
}

/** The endpoint asked us to slow down, or said when to come back. */
function asksForPause(error: unknown): error is IntrospectionError {
  if (!(error instanceof IntrospectionError)) return false;
  return error.code === 'rate_limited' || (error.code === 'server_error' && error.retryAfterSeconds > 1);
}
