import { subscribe, tracingChannel } from 'node:diagnostics_channel';
import type { CacheEvent, CircuitEvent, Decision } from 'express-token-introspection';

/** Counts of one second, or since the start. */
export interface Counts {
  /** Requests that the middleware decided on. */
  requests: number;
  /** Lookups that a cached response served. */
  hits: number;
  /** Lookups that waited for the introspection request of another lookup. */
  coalesced: number;
  /** Introspection requests, including retries and early refreshes. */
  calls: number;
  /** Rejected requests by reason. */
  readonly rejected: Record<string, number>;
  /** Requests whose token could not be checked, by error code. */
  readonly outages: Record<string, number>;
}

export interface Second extends Counts {
  /** Seconds since the epoch. */
  readonly at: number;
  readonly circuit: CircuitEvent['state'];
}

export interface MetricsStream {
  /** The latest event of the circuit breaker, and its time in milliseconds since the epoch. */
  readonly circuit: CircuitEvent & { readonly at?: number };
  readonly totals: Counts;
  /** The last 90 complete seconds, oldest first. */
  history(): readonly Second[];
  /** Calls the listener once a second. @returns a function that removes the listener */
  onSecond(listener: (second: Second) => void): () => void;
  /** Calls the listener after a change, at most once in 150 ms. @returns a function that removes the listener */
  onChange(listener: () => void): () => void;
}

const HISTORY_SECONDS = 90;
const CHANGE_MS = 150;

/** Counts the events of the library's diagnostics channels. */
export function createMetricsStream(): MetricsStream {
  const totals = zeroCounts();
  const history: Second[] = [];
  const secondListeners = new Set<(second: Second) => void>();
  const changeListeners = new Set<() => void>();
  let currentSecond = zeroCounts();
  let circuit: MetricsStream['circuit'] = { state: 'closed' };
  /** The worst state in the current second, so that the chart shows a short opening too. */
  let worstState: CircuitEvent['state'] = 'closed';
  let isNotificationScheduled = false;

  function count(add: (counts: Counts) => void): void {
    add(totals);
    add(currentSecond);
    scheduleNotification();
  }

  function scheduleNotification(): void {
    if (isNotificationScheduled) return;
    isNotificationScheduled = true;
    setTimeout(() => {
      isNotificationScheduled = false;
      for (const notify of changeListeners) notify();
    }, CHANGE_MS).unref();
  }

  subscribe('express-token-introspection:decision', (message) => {
    const { by, outcome, reason = 'unknown' } = message as Decision;
    count((counts) => {
      if (by === 'tokenIntrospection') counts.requests++;
      if (outcome === 'rejected') counts.rejected[reason] = (counts.rejected[reason] ?? 0) + 1;
      if (outcome === 'outage') counts.outages[reason] = (counts.outages[reason] ?? 0) + 1;
    });
  });
  subscribe('express-token-introspection:cache', (message) => {
    const { outcome } = message as CacheEvent;
    count((counts) => {
      if (outcome === 'hit') counts.hits++;
      if (outcome === 'coalesced') counts.coalesced++;
    });
  });
  subscribe('express-token-introspection:circuit', (message) => {
    circuit = { ...(message as CircuitEvent), at: Date.now() };
    if (circuit.state !== 'closed') worstState = circuit.state;
    scheduleNotification();
  });
  tracingChannel('express-token-introspection:endpoint').start.subscribe(() => {
    count((counts) => {
      counts.calls++;
    });
  });

  setInterval(() => {
    const second: Second = { at: Math.floor(Date.now() / 1000), circuit: worstState, ...currentSecond };
    currentSecond = zeroCounts();
    worstState = circuit.state;
    history.push(second);
    if (history.length > HISTORY_SECONDS) history.shift();
    for (const notify of secondListeners) notify(second);
  }, 1000).unref();

  return {
    totals,
    get circuit() {
      return circuit;
    },
    history: () => history,
    onSecond: (listener) => addListener(secondListeners, listener),
    onChange: (listener) => addListener(changeListeners, listener),
  };
}

function zeroCounts(): Counts {
  return { requests: 0, hits: 0, coalesced: 0, calls: 0, rejected: {}, outages: {} };
}

function addListener<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
