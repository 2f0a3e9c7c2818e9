import type { Clock } from '../core/clock.js';
import type { CircuitEvent } from '../diagnostics/channels.js';
import { type CircuitState, createCircuitState } from './circuit-state.js';
import { createEndpointCheck } from './endpoint-check.js';
import { asksForPause, failedToConnect, hasCode, isOutage, reasonOf } from './failures.js';

/** Stops lookups while the endpoint is down. So the endpoint gets no useless requests, and clients get a 503 at once instead of waiting. */
export interface CircuitBreaker {
  readonly assertCallAllowed: CircuitState['assertCallAllowed'];
  /**
   * Runs a lookup, and counts its outcome. If a check of the endpoint after a timeout is running, waits for this check first. If the
   * breaker is open and its pause has ended, sends a probe first. After a failed lookup, it may check the endpoint before it throws.
   *
   * @throws IntrospectionError `circuit_open` (perhaps before a promise is returned), the failure of the probe, or the failure of `lookup`
   */
  run<T>(token: CalledToken, lookup: () => Promise<T>): Promise<T>;
  /**
   * Finds out whether the endpoint is down, or is up and failed only for the token of the lookup that ended with `error`. For this, it asks
   * the endpoint about a random token, and waits for the response. In these cases, it resolves to a state without asking the endpoint:
   *
   * - `down`: the breaker is not closed, or the lookup got no connection
   * - `unknown`: otherwise, if `error` does not suggest that the endpoint is down, or if a check found the endpoint up less than a second
   *   ago
   */
  diagnose(error: unknown): Promise<'down' | 'up' | 'unknown'>;
  state(): CircuitEvent['state'];
}

export interface CalledToken {
  readonly digest: string;
  /** Whether the token was active lately. */
  readonly isKnown: boolean;
}

export interface CircuitBreakerSettings {
  readonly clock: Clock;
  /**
   * Deadline of a lookup, in milliseconds from its start. A timeout counts as a failure of the endpoint in two cases: the endpoint had at
   * least 90 percent of this time to respond, or no lookup has got a response for all of this time.
   */
  readonly timeoutMs: number;
  /** Asks the endpoint about a random token that this process creates. Clients cannot influence the outcome. */
  readonly probe: () => Promise<unknown>;
}

/**
 * After failures for this many different tokens, with no response between them, the breaker checks the endpoint. If all of them were
 * failures to connect, the breaker opens without a check.
 */
const TOKENS_TO_SUSPECT = 5;

/**
 * A timeout counts as a failure of the endpoint if the endpoint had at least this share of the deadline to respond. If it had less time,
 * the timeout counts only if no lookup has got a response for a whole deadline.
 */
const WHOLE_DEADLINE = 0.9;

/**
 * Anybody can present a token that makes a healthy endpoint fail. So the breaker asks the endpoint about a random token before it opens,
 * and again before it closes. There are two exceptions: failures to connect open the breaker without this request, and a response about a
 * client's token closes the breaker even if this request failed.
 */
export function createCircuitBreaker({ clock, timeoutMs, probe }: CircuitBreakerSettings): CircuitBreaker {
  /** Digests of tokens whose lookups failed since the last response of the endpoint, for another reason than a failure to connect. */
  const failedTokens = new Set<string>();
  /** Digests of tokens whose lookups failed to connect since the last response of the endpoint. */
  const unconnectedTokens = new Set<string>();
  const circuit = createCircuitState(clock);
  const check = createEndpointCheck({
    clock,
    timeoutMs,
    probe,
    onUp(trigger, tokensToBlame) {
      forgetFailures();
      if (tokensToBlame) circuit.publish({ ...reasonOf(trigger), tokensToBlame: true });
    },
  });

  function isClosed(): boolean {
    return circuit.current() === 'closed';
  }

  function open(error: unknown): void {
    forgetFailures();
    circuit.open(error);
  }

  function forgetFailures(): void {
    // `clear` of a set allocates memory, even if the set is empty, and this function runs after every response.
    if (failedTokens.size > 0) failedTokens.clear();
    if (unconnectedTokens.size > 0) unconnectedTokens.clear();
  }

  async function noteFailure(digest: string, error: unknown): Promise<void> {
    if (failedToConnect(error)) {
      unconnectedTokens.add(digest);
      if (unconnectedTokens.size >= TOKENS_TO_SUSPECT) open(error);
      return;
    }
    failedTokens.add(digest);
    if ((failedTokens.size < TOKENS_TO_SUSPECT && !asksForPause(error)) || !check.isAllowed()) return;
    const openingsBefore = circuit.openings();
    const failure = await check.run(error);
    if (failure !== undefined && circuit.openings() === openingsBefore) open(failure);
  }

  /**
   * Whether a failure counts as a failure of the endpoint. A timeout does not count if the lookup spent more than 10 percent of its
   * deadline before the request was sent. But it does count if no lookup has got a response for as long as a whole deadline.
   */
  function countsAsFailure(error: unknown, elapsedMs: number): boolean {
    if (!isOutage(error)) return false;
    if (!hasCode(error, 'timeout') || elapsedMs >= timeoutMs * WHOLE_DEADLINE) return true;
    return check.sinceResponseMs() >= timeoutMs;
  }

  /**
   * Runs a lookup while the breaker is closed, and counts its outcome. If the breaker opened while the lookup ran, the outcome is out of
   * date and is not counted.
   */
  async function runAndLearn<T>(digest: string, lookup: () => Promise<T>): Promise<T> {
    const openingsBefore = circuit.openings();
    const startedAt = performance.now();
    try {
      const result = await lookup();
      if (circuit.openings() === openingsBefore) {
        check.noteResponse(performance.now() - startedAt);
        forgetFailures();
      }
      return result;
    } catch (error) {
      const elapsedMs = performance.now() - startedAt;
      if (circuit.openings() === openingsBefore && countsAsFailure(error, elapsedMs)) await noteFailure(digest, error);
      throw error;
    }
  }

  /**
   * Runs a lookup while the breaker is open. A response closes the breaker, because the response proves that the endpoint is up. A failed
   * probe does not prove that the endpoint is down: some endpoints fail for every unknown token, and so for the random token of a probe.
   */
  async function runAsSecondOpinion<T>(lookup: () => Promise<T>): Promise<T> {
    const openingsBefore = circuit.openings();
    const result = await lookup();
    if (circuit.openings() === openingsBefore && !isClosed()) {
      check.noteFailsForOurToken();
      circuit.close();
    }
    return result;
  }

  /**
   * Sends the probe after a pause. If the endpoint is up, the breaker closes and the lookup runs. If the probe fails, the breaker opens
   * again. Even then the lookup runs, because a response about a client's token would close the breaker. It does not run after a failure to
   * connect, after a failure that is no outage, or for an unknown token if the endpoint asked for a pause.
   *
   * @throws IntrospectionError the failure of the probe if the lookup did not run
   */
  async function probeThenRun<T>({ digest, isKnown }: CalledToken, lookup: () => Promise<T>): Promise<T> {
    circuit.startProbe();
    const failure = await check.probe();
    circuit.endProbe();
    if (failure === undefined) {
      if (!isClosed()) circuit.close();
      return runAndLearn(digest, lookup);
    }
    open(failure);
    if (!isOutage(failure) || failedToConnect(failure)) throw failure;
    circuit.allowKnownToken();
    if (!isKnown && asksForPause(failure)) throw failure;
    return runAsSecondOpinion(lookup);
  }

  function runNow<T>(token: CalledToken, lookup: () => Promise<T>): Promise<T> {
    circuit.assertCallAllowed(token.isKnown);
    if (isClosed()) return runAndLearn(token.digest, lookup);
    if (circuit.isProbeDue()) return probeThenRun(token, lookup);
    circuit.useKnownToken();
    return runAsSecondOpinion(lookup);
  }

  return {
    assertCallAllowed: circuit.assertCallAllowed,
    run(token, lookup) {
      const hangCheck = check.hangCheck();
      return hangCheck === undefined ? runNow(token, lookup) : hangCheck.then(() => runNow(token, lookup));
    },
    async diagnose(error) {
      if (!isClosed() || failedToConnect(error) || hasCode(error, 'circuit_open')) return 'down';
      if (!isOutage(error) || !check.isAllowed()) return 'unknown';
      return (await check.run(error)) === undefined ? 'up' : 'down';
    },
    state: circuit.current,
  };
}
