import { subscribe, tracingChannel } from 'node:diagnostics_channel';
import type { CacheEvent, CircuitEvent, Decision } from 'express-token-introspection';

/** What happened: in one second, or since the start. */
export interface Counts {
  /** What came to the middleware; by its decisions. */
  requests: number;
  /** Answered from memory. */
  hits: number;
  /** Waited for a call that another request had made. */
  coalesced: number;
  /** Attempts at the endpoint, retries and early refreshes included. */
  calls: number;
  /** Requests that were refused, by reason. */
  readonly rejected: Record<string, number>;
  /** Requests about which nothing could be told, by code. */
  readonly outages: Record<string, number>;
}

export interface Second extends Counts {
  /** Seconds since the epoch. */
  readonly at: number;
  readonly circuit: CircuitEvent['state'];
}

export interface Live {
  /** What the circuit breaker told last, and when, in milliseconds since the epoch. */
  readonly circuit: CircuitEvent & { readonly at?: number };
  readonly totals: Counts;
  /** The last of them, whole ones only. */
  history(): readonly Second[];
  /** @returns what ends it */
  onSecond(listener: (second: Second) => void): () => void;
  /** Something was counted. Called once for all that happens in a short while. */
  onChange(listener: () => void): () => void;
}

const HISTORY_SECONDS = 90;
const CHANGE_MS = 150;

/** Counts what the library's diagnostics channels tell. */
export function watchLive(): Live {
  const totals = nothing();
  const history: Second[] = [];
  const secondListeners = new Set<(second: Second) => void>();
  const changeListeners = new Set<() => void>();
  let present = nothing();
  let circuit: Live['circuit'] = { state: 'closed' };
  /** The worst of this second, so that a short opening shows. */
  let worst: CircuitEvent['state'] = 'closed';
  let isTelling = false;

  function count(add: (counts: Counts) => void): void {
    add(totals);
    add(present);
    changed();
  }

  function changed(): void {
    if (isTelling) return;
    isTelling = true;
    setTimeout(() => {
      isTelling = false;
      for (const tell of changeListeners) tell();
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
    if (circuit.state !== 'closed') worst = circuit.state;
    changed();
  });
  tracingChannel('express-token-introspection:endpoint').start.subscribe(() => {
    count((counts) => {
      counts.calls++;
    });
  });

  setInterval(() => {
    const second: Second = { at: Math.floor(Date.now() / 1000), circuit: worst, ...present };
    present = nothing();
    worst = circuit.state;
    history.push(second);
    if (history.length > HISTORY_SECONDS) history.shift();
    for (const tell of secondListeners) tell(second);
  }, 1000).unref();

  return {
    totals,
    get circuit() {
      return circuit;
    },
    history: () => history,
    onSecond: (listener) => listen(secondListeners, listener),
    onChange: (listener) => listen(changeListeners, listener),
  };
}

function nothing(): Counts {
  return { requests: 0, hits: 0, coalesced: 0, calls: 0, rejected: {}, outages: {} };
}

function listen<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
