import type { Clock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import { type CircuitEvent, circuitEvents } from '../diagnostics/channels.js';
import { asksForPause, reasonOf } from './failures.js';

/**
 * State of the circuit breaker: closed, open for a pause, or half open while a probe runs. The circuit breaker decides when the state
 * changes.
 */
export interface CircuitState {
  current(): CircuitEvent['state'];
  /** How often the breaker has opened so far. If the number has grown since a request began, the outcome of that request is out of date. */
  openings(): number;
  /**
   * Opens the breaker for a pause, and publishes an event. The first pause takes about one second. Each opening doubles the next pause, up
   * to about 30 seconds, until the breaker closes. If the endpoint asked for a longer pause, the pause is that long.
   */
  open(error: unknown): void;
  close(): void;
  startProbe(): void;
  endProbe(): void;
  isProbeDue(): boolean;
  /** Allows one lookup for a token that was active lately, although the breaker stays open for this pause. */
  allowKnownToken(): void;
  /** Ends the permission that {@link allowKnownToken} gave, because a lookup begins to use it. */
  useKnownToken(): void;
  /**
   * @param isKnown the token was active lately
   * @throws IntrospectionError `circuit_open` while the breaker is not closed. There are two exceptions: a probe is due; or `isKnown` is
   * `true`, and {@link allowKnownToken} has allowed a lookup
   */
  assertCallAllowed(isKnown: boolean): void;
  /** Publishes a circuit event with the current state. */
  publish(details?: Omit<CircuitEvent, 'state'>): void;
}

const MIN_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 30_000;

export function createCircuitState({ monotonic }: Clock): CircuitState {
  let pauseMs = MIN_PAUSE_MS;
  /** When the next probe may be sent, in monotonic milliseconds; `undefined` while the breaker is closed. */
  let probeAt: number | undefined;
  let isProbing = false;
  let isKnownTokenAllowed = false;
  let openings = 0;

  function current(): CircuitEvent['state'] {
    if (probeAt === undefined) return 'closed';
    return isProbing ? 'half_open' : 'open';
  }

  function publish(details: Omit<CircuitEvent, 'state'> = {}): void {
    if (!circuitEvents.hasSubscribers) return;
    const event: CircuitEvent = { state: current(), ...details };
    circuitEvents.publish(event);
  }

  function secondsUntil(time: number): number {
    return Math.max(1, Math.ceil((time - monotonic()) / 1000));
  }

  function isProbeDue(): boolean {
    return probeAt !== undefined && !isProbing && monotonic() >= probeAt;
  }

  return {
    current,
    openings: () => openings,
    open(error) {
      const requestedMs = asksForPause(error) ? error.retryAfterSeconds * 1000 : 0;
      // The pause varies by 20 percent, so that the processes of a fleet do not send their probes together.
      const waitMs = Math.max(requestedMs, pauseMs * (0.8 + Math.random() * 0.4));
      openings++;
      probeAt = monotonic() + waitMs;
      pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
      isKnownTokenAllowed = false;
      publish({ ...reasonOf(error), retryAfterSeconds: secondsUntil(probeAt) });
    },
    close() {
      probeAt = undefined;
      pauseMs = MIN_PAUSE_MS;
      publish();
    },
    startProbe() {
      isProbing = true;
      publish();
    },
    endProbe() {
      isProbing = false;
    },
    isProbeDue,
    allowKnownToken() {
      isKnownTokenAllowed = true;
    },
    useKnownToken() {
      isKnownTokenAllowed = false;
    },
    assertCallAllowed(isKnown) {
      if (probeAt === undefined || isProbeDue() || (isKnown && isKnownTokenAllowed)) return;
      throw new IntrospectionError('circuit_open', undefined, secondsUntil(probeAt));
    },
    publish,
  };
}
