import type { Clock } from '../core/clock.js';
import type { CircuitEvent } from '../diagnostics/channels.js';
import { type CircuitState, createCircuitState } from './circuit-state.js';
import { createEndpointCheck } from './endpoint-check.js';
import { asksForPause, failedToConnect, hasCode, isOutage, reasonOf } from './failures.js';

/** Protects an endpoint that is down, and the requests that would wait for it. */
export interface CircuitBreaker {
  readonly assertCallAllowed: CircuitState['assertCallAllowed'];
  /**
   * Runs a lookup, and learns from its outcome. After a pause, the breaker sends its probe first.
   *
   * @throws IntrospectionError `circuit_open`, the failure of the probe, or the failure of `lookup`
   */
  run<T>(token: CalledToken, lookup: () => Promise<T>): Promise<T>;
  /**
   * Whether the endpoint is down, or only failed for the token whose lookup ended with this error. `unknown` for an error that
   * is no outage, and for one second after a check found the endpoint up.
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

/** The breaker suspects the endpoint after failures for this many different tokens in a row. */
const TOKENS_TO_SUSPECT = 5;

/** A timeout after less than this share of the deadline says nothing about an endpoint that still responds. */
const WHOLE_DEADLINE = 0.9;

/**
 * Anybody can present a token that makes a healthy endpoint fail, so such failures prove nothing. Before the breaker opens, and
 * before it closes again, it asks about a random token of its own. Only failures to connect are proof without that.
 */
export function createCircuitBreaker({ clock, timeoutMs, probe }: CircuitBreakerSettings): CircuitBreaker {
  /** Digests of tokens whose lookups got a connection and failed, since the last response. */
  const failedTokens = new Set<string>();
  /** Digests of tokens whose lookups got no connection, since the last response. */
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
    failedTokens.clear();
    unconnectedTokens.clear();
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

  /** A timeout says little when the lookup spent much of its deadline in our queue, unless no other lookup gets a response. */
  function countsAsFailure(error: unknown, elapsedMs: number): boolean {
    if (!isOutage(error)) return false;
    if (!hasCode(error, 'timeout') || elapsedMs >= timeoutMs * WHOLE_DEADLINE) return true;
    return check.sinceResponseMs() >= timeoutMs;
  }

  /** Ignores the outcome of a lookup that began before the breaker last opened: it says nothing about the endpoint now. */
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

  /** Some endpoints fail for every unknown token, ours included. A response about a real token proves that they are up. */
  async function runAsSecondOpinion<T>(lookup: () => Promise<T>): Promise<T> {
    const openingsBefore = circuit.openings();
    const result = await lookup();
    if (circuit.openings() === openingsBefore && !isClosed()) {
      check.noteFailsForOurToken();
      circuit.close();
    }
    return result;
  }

  /** The pause is over. The probe decides whether the breaker closes; a response about a real token overrules it. */
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

  return {
    assertCallAllowed: circuit.assertCallAllowed,
    async run(token, lookup) {
      const hangCheck = check.hangCheck();
      if (hangCheck !== undefined) await hangCheck;
      circuit.assertCallAllowed(token.isKnown);
      if (isClosed()) return runAndLearn(token.digest, lookup);
      if (circuit.isProbeDue()) return probeThenRun(token, lookup);
      circuit.useKnownToken();
      return runAsSecondOpinion(lookup);
    },
    async diagnose(error) {
      if (!isClosed() || failedToConnect(error) || hasCode(error, 'circuit_open')) return 'down';
      if (!isOutage(error) || !check.isAllowed()) return 'unknown';
      return (await check.run(error)) === undefined ? 'up' : 'down';
    },
    state: circuit.current,
  };
}
