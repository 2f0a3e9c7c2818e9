import { IntrospectionError, type IntrospectionErrorCode } from '../errors.js';
import { type CircuitEvent, circuitEvents } from '../observe/channels.js';
import type { Clock } from '../types.js';

/** A circuit breaker: spares an endpoint that is in trouble, and those who would wait for it. */
export interface Circuit {
  /** @throws IntrospectionError `circuit_open`, while it is open or its probe is under way */
  requireAdmission(): void;
  /** @throws IntrospectionError as above, at once */
  run<T>(key: string, ask: () => Promise<T>): Promise<T>;
  state(): CircuitEvent['state'];
}

/** Consecutive outages over so many different tokens open it: one odd token, or a few, cannot. */
const TOKENS_TO_OPEN = 5;

/** The first pause; each probe that fails doubles it. */
const MIN_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 30_000;

/** The endpoint's own. Anything else it said, however odd, is a sign of life, since a stranger's token may have provoked it. */
const TROUBLES: ReadonlySet<unknown> = new Set<IntrospectionErrorCode>([
  'timeout',
  'unreachable',
  'server_error',
  'rate_limited',
]);
const SIGNS_OF_LIFE: ReadonlySet<unknown> = new Set<IntrospectionErrorCode>(['bad_response', 'client_rejected']);

/** @param timeoutMs the deadline of a question: one that was put with little of it left says nothing about the endpoint */
export function createCircuit(clock: Clock, timeoutMs: number): Circuit {
  /** Digests of tokens whose questions failed since the endpoint last showed a sign of life. */
  const failing = new Set<string>();
  let pauseMs = MIN_PAUSE_MS;
  /** When the probe is due, in monotonic milliseconds; `undefined` while it is closed. */
  let probeAt: number | undefined;
  let isProbing = false;
  /** How often it has opened: what was asked before says nothing about the endpoint after. */
  let openings = 0;

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
    const asked = asksForPause(error) ? error.retryAfterSeconds * 1000 : 0;
    // A little off, so that a fleet does not come back in step.
    const pause = Math.max(asked, pauseMs * (0.8 + Math.random() * 0.4));
    openings++;
    probeAt = clock.monotonic() + pause;
    pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
    failing.clear();
    const reason = error instanceof IntrospectionError ? { reason: error.code } : {};
    publish({ ...reason, retryAfterSeconds: secondsUntil(probeAt) });
  }

  function close(): void {
    probeAt = undefined;
    pauseMs = MIN_PAUSE_MS;
    publish();
  }

  function secondsUntil(at: number): number {
    return Math.max(1, Math.ceil((at - clock.monotonic()) / 1000));
  }

  async function probe<T>(ask: () => Promise<T>): Promise<T> {
    isProbing = true;
    publish();
    try {
      const answer = await ask();
      isProbing = false;
      close();
      return answer;
    } catch (error) {
      isProbing = false;
      if (isAnswer(error)) close();
      else open(error);
      throw error;
    }
  }

  function requireAdmission(): void {
    if (probeAt === undefined || (!isProbing && clock.monotonic() >= probeAt)) return;
    throw new IntrospectionError('circuit_open', undefined, secondsUntil(probeAt));
  }

  /** What was asked before it opened says nothing about the endpoint after, but for when to come back. */
  function prolong(error: unknown): void {
    if (probeAt === undefined || !asksForPause(error)) return;
    probeAt = Math.max(probeAt, clock.monotonic() + error.retryAfterSeconds * 1000);
  }

  function note(key: string, error: unknown): void {
    if (isAnswer(error)) failing.clear();
    else if (error instanceof IntrospectionError && TROUBLES.has(error.code)) failing.add(key);
    if (failing.size >= TOKENS_TO_OPEN || asksForPause(error)) open(error);
  }

  return {
    requireAdmission,
    async run(key, ask) {
      requireAdmission();
      if (probeAt !== undefined) return probe(ask);
      const before = openings;
      const askedAt = performance.now();
      try {
        const answer = await ask();
        if (failing.size > 0 && openings === before) note(key, undefined);
        return answer;
      } catch (error) {
        const wasHasty = isTimeout(error) && performance.now() - askedAt < timeoutMs / 2;
        if (openings !== before) prolong(error);
        else if (!wasHasty) note(key, error);
        throw error;
      }
    },
    state,
  };
}

function isAnswer(error: unknown): boolean {
  return error === undefined || (error instanceof IntrospectionError && SIGNS_OF_LIFE.has(error.code));
}

function isTimeout(error: unknown): boolean {
  return error instanceof IntrospectionError && error.code === 'timeout';
}

/** It was told to slow down, or when to come back. */
function asksForPause(error: unknown): error is IntrospectionError {
  if (!(error instanceof IntrospectionError)) return false;
  return error.code === 'rate_limited' || (error.code === 'server_error' && error.retryAfterSeconds > 1);
}
