import type { Clock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import { withTimeout } from '../core/timeout.js';
import { type CircuitEvent, circuitEvents } from '../diagnostics/channels.js';
import { asksForPause, failedToConnect, hasCode, isOutage, provesLife, reasonOf } from './failures.js';

/** Spares an endpoint that is down, and the requests that would wait for it. */
export interface CircuitBreaker {
  /**
   * @param isKnown the token was active lately
   * @throws IntrospectionError `circuit_open` while the endpoint is not asked about such a token
   */
  assertCallAllowed(isKnown: boolean): void;
  /**
   * Asks about a token, and learns from the outcome. A breaker whose pause is over sends its probe first.
   *
   * @throws IntrospectionError `circuit_open`, what the probe failed with, or what `ask` failed with
   */
  run<T>(token: CalledToken, ask: () => Promise<T>): Promise<T>;
  /**
   * Whether the endpoint is down, or only failed for the token whose lookup ended with this error. `unknown` for an error that is
   * no outage, and shortly after the endpoint was found to be up.
   */
  diagnose(error: unknown): Promise<'down' | 'up' | 'unknown'>;
  state(): CircuitEvent['state'];
}

export interface CalledToken {
  readonly digest: string;
  /** The token was active lately. */
  readonly isKnown: boolean;
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

/** Checks are at least this far apart. After one that was answered, failures are blamed on their tokens for this long. */
const CHECK_INTERVAL_MS = 1000;

/** An endpoint that fails for our token counts as up for this long after it has answered about a real one. */
const REAL_ANSWER_MS = 10_000;

/** After timeouts, the endpoint must answer about our token within this time, or within this many times its recent latency. */
const MIN_HANG_CHECK_MS = 500;
const HANG_CHECK_LATENCIES = 3;

/** The longest latency is forgotten by this share with each answer. */
const LATENCY_DECAY = 0.9;

/** A timeout after less than this share of the deadline says nothing about an endpoint that still answers. */
const WHOLE_DEADLINE = 0.9;

/**
 * Anybody can present a token that makes a healthy endpoint fail. Such failures are only a suspicion: before it opens, and
 * before it closes again, the breaker asks about a random token of its own. Only connections that never came about are proof.
 */
export function createCircuitBreaker({ clock, timeoutMs, probe }: CircuitBreakerSettings): CircuitBreaker {
  /** Digests of tokens that failed since the endpoint last answered, and of those for which no connection came about. */
  const suspects = new Set<string>();
  const unconnected = new Set<string>();
  let pauseMs = MIN_PAUSE_MS;
  /** Monotonic time of the next probe; `undefined` while the breaker is closed. */
  let probeAt: number | undefined;
  let isProbing = false;
  /** Whether a known token may be asked about in this pause, for a second opinion after a probe that failed. */
  let knownMayTry = false;
  /** Counts openings: a tokenKey asked before the last one says nothing about the endpoint now. */
  let openings = 0;
  let answers = 0;
  let lastAnswerAt = Number.NEGATIVE_INFINITY;
  /** Longest time until a recent answer, in milliseconds. */
  let latencyMs = 0;
  let endpointCheck: Promise<unknown> | undefined;
  let noCheckBefore = Number.NEGATIVE_INFINITY;
  /** Whether the check is about an endpoint that may hang. New lookups wait for its short outcome, so that they do not hang too. */
  let mayHang = false;
  /** Whether the endpoint answers about real tokens but fails for ours: then that failure says nothing. */
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
    knownMayTry = false;
    forgetFailures();
    publish({ ...reasonOf(error), retryAfterSeconds: secondsUntil(probeAt) });
  }

  function close(): void {
    probeAt = undefined;
    pauseMs = MIN_PAUSE_MS;
    publish();
  }

  function forgetFailures(): void {
    suspects.clear();
    unconnected.clear();
  }

  function secondsUntil(at: number): number {
    return Math.max(1, Math.ceil((at - clock.monotonic()) / 1000));
  }

  function isProbeDue(): boolean {
    return probeAt !== undefined && !isProbing && clock.monotonic() >= probeAt;
  }

  function assertCallAllowed(isKnown: boolean): void {
    if (probeAt === undefined || isProbeDue() || (isKnown && knownMayTry)) return;
    throw new IntrospectionError('circuit_open', undefined, secondsUntil(probeAt));
  }

  /** Asks about our own token. Returns why that failed, or `undefined` where the endpoint is up. */
  async function askAboutOurToken(): Promise<unknown> {
    try {
      await probe();
    } catch (error) {
      if (!provesLife(error)) return error;
    }
    failsForOurToken = false;
    return undefined;
  }

  /** Does not wait for our token as long as a lookup would: an endpoint that hangs is known by its recent latency. */
  function askUnlessItHangs(timeout: unknown): Promise<unknown> {
    const waitMs = Math.min(timeoutMs, Math.max(MIN_HANG_CHECK_MS, latencyMs * HANG_CHECK_LATENCIES));
    return withTimeout(askAboutOurToken, waitMs).catch(() => timeout);
  }

  /** Whether the endpoint fails for our own token too. However many wait for this, it is asked once. */
  function checkEndpoint(suspicion: unknown): Promise<unknown> {
    endpointCheck ??= askForCheck(suspicion).finally(() => {
      endpointCheck = undefined;
      mayHang = false;
    });
    return endpointCheck;
  }

  /** Returns why the endpoint is down, or `undefined` where it is up. */
  async function askForCheck(suspicion: unknown): Promise<unknown> {
    const answersBefore = answers;
    mayHang = hasCode(suspicion, 'timeout');
    const failure = await (mayHang ? askUnlessItHangs(suspicion) : askAboutOurToken());
    const hasAnsweredLately = failsForOurToken && clock.monotonic() - lastAnswerAt < REAL_ANSWER_MS;
    const isDown = isOutage(failure) && answers === answersBefore && !hasAnsweredLately;
    if (isDown) return failure;
    noCheckBefore = clock.monotonic() + CHECK_INTERVAL_MS;
    forgetFailures();
    if (failure === undefined) publish({ ...reasonOf(suspicion), tokensToBlame: true });
    return undefined;
  }

  async function suspect(digest: string, error: unknown): Promise<void> {
    if (failedToConnect(error)) {
      unconnected.add(digest);
      if (unconnected.size >= TOKENS_TO_SUSPECT) open(error);
      return;
    }
    suspects.add(digest);
    if ((suspects.size < TOKENS_TO_SUSPECT && !asksForPause(error)) || !mayCheck()) return;
    const openingsBefore = openings;
    const failure = await checkEndpoint(error);
    if (failure !== undefined && openings === openingsBefore) open(failure);
  }

  function mayCheck(): boolean {
    return endpointCheck !== undefined || clock.monotonic() >= noCheckBefore;
  }

  function noteAnswer(elapsedMs: number): void {
    answers++;
    lastAnswerAt = clock.monotonic();
    latencyMs = Math.max(elapsedMs, latencyMs * LATENCY_DECAY);
    forgetFailures();
  }

  /** A timeout says little where a lookup had spent its deadline in our queue, unless nobody else gets an answer either. */
  function isTelling(error: unknown, elapsedMs: number): boolean {
    if (!isOutage(error)) return false;
    if (!hasCode(error, 'timeout') || elapsedMs >= timeoutMs * WHOLE_DEADLINE) return true;
    return clock.monotonic() - lastAnswerAt >= timeoutMs;
  }

  /** Outcomes of questions asked before the breaker last opened are ignored: they say nothing about the endpoint now. */
  async function ask<T>(digest: string, work: () => Promise<T>): Promise<T> {
    const openingsBefore = openings;
    const startedAt = performance.now();
    try {
      const answer = await work();
      if (openings === openingsBefore) noteAnswer(performance.now() - startedAt);
      return answer;
    } catch (error) {
      if (openings === openingsBefore && isTelling(error, performance.now() - startedAt)) await suspect(digest, error);
      throw error;
    }
  }

  /** Some endpoints fail for every token they do not know, ours included. A real token that is answered proves them up. */
  async function askForSecondOpinion<T>(work: () => Promise<T>): Promise<T> {
    const openingsBefore = openings;
    const answer = await work();
    if (openings === openingsBefore && probeAt !== undefined) {
      failsForOurToken = true;
      lastAnswerAt = clock.monotonic();
      close();
    }
    return answer;
  }

  /** The pause is over: our own token decides whether the breaker closes, and may be outvoted by a real one. */
  async function probeThenAsk<T>({ digest, isKnown }: CalledToken, work: () => Promise<T>): Promise<T> {
    isProbing = true;
    publish();
    const failure = await askUnlessItHangs(new IntrospectionError('timeout'));
    isProbing = false;
    if (failure === undefined) {
      if (probeAt !== undefined) close();
      return ask(digest, work);
    }
    open(failure);
    knownMayTry = isOutage(failure) && !failedToConnect(failure);
    if (!knownMayTry || (!isKnown && asksForPause(failure))) throw failure;
    return askForSecondOpinion(work);
  }

  return {
    assertCallAllowed,
    async run(token, work) {
      if (mayHang) await endpointCheck;
      assertCallAllowed(token.isKnown);
      if (probeAt === undefined) return ask(token.digest, work);
      if (isProbeDue()) return probeThenAsk(token, work);
      knownMayTry = false;
      return askForSecondOpinion(work);
    },
    async diagnose(error) {
      if (probeAt !== undefined || failedToConnect(error) || hasCode(error, 'circuit_open')) return 'down';
      if (!isOutage(error) || !mayCheck()) return 'unknown';
      return (await checkEndpoint(error)) === undefined ? 'up' : 'down';
    },
    state,
  };
}
