import type { BatchObservableCallback, Meter } from '@opentelemetry/api';
import {
  type CacheEvent,
  type CircuitEvent,
  cacheEvents,
  circuitEvents,
  type Decision,
  decisions,
  type EndpointCall,
  endpointCalls,
  type Misconfiguration,
  misconfigurations,
  type SignalEvent,
  signalEvents,
} from '../diagnostics/channels.js';
import { attributesOf, type EndedCall, outcomeOf } from './calls.js';
import type { MeasuredMiddleware } from './options.js';

/** A diagnostics channel, or one part of a tracing channel. Node's types do not say which messages it publishes. */
interface Subscribable {
  subscribe(listener: (message: unknown) => void): void;
  unsubscribe(listener: (message: unknown) => void): void;
}

const STATES: readonly CircuitEvent['state'][] = ['closed', 'half_open', 'open'];

/** Bucket boundaries in seconds, from the OpenTelemetry conventions for HTTP clients. */
const BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Starts all metrics. Returns a function that stops all of them. */
export function measure(meter: Meter, middlewares: Readonly<Record<string, MeasuredMiddleware>>): () => void {
  const stops = [
    countDecisions(meter),
    countCacheEvents(meter),
    measureCalls(meter),
    observeCircuit(meter),
    countMisconfigurations(meter),
    countSignals(meter),
    observeCaches(meter, Object.entries(middlewares)),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function countDecisions(meter: Meter): () => void {
  const counter = meter.createCounter('token_introspection.decisions', {
    description: 'Decisions about requests, by the middleware and by each guard',
    unit: '{decision}',
  });
  return listen<Decision>(decisions, ({ outcome, by, reason, stale }) => {
    counter.add(1, {
      'token_introspection.outcome': outcome,
      'token_introspection.by': by,
      ...(reason !== undefined && { 'token_introspection.reason': reason }),
      ...(stale && { 'token_introspection.stale': true }),
    });
  });
}

function countCacheEvents(meter: Meter): () => void {
  const counter = meter.createCounter('token_introspection.cache.events', {
    description:
      'Outcomes of cache lookups (hit, miss, coalesced), stale responses after a failure, and early refreshes',
    unit: '{event}',
  });
  return listen<CacheEvent>(cacheEvents, ({ outcome }) => counter.add(1, { 'token_introspection.outcome': outcome }));
}

function measureCalls(meter: Meter): () => void {
  const histogram = meter.createHistogram('token_introspection.endpoint.duration', {
    description: 'Duration of attempts at the introspection endpoint',
    unit: 's',
    advice: { explicitBucketBoundaries: BOUNDARIES },
  });
  const starts = new WeakMap<EndpointCall, number>();
  const stops = [
    listen<EndpointCall>(endpointCalls.start, (call) => starts.set(call, performance.now())),
    listen<EndedCall>(endpointCalls.asyncEnd, (call) => {
      const start = starts.get(call);
      if (start === undefined) return;
      histogram.record((performance.now() - start) / 1000, {
        ...attributesOf(call),
        'token_introspection.attempt': call.attempt,
        ...outcomeOf(call),
      });
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function observeCircuit(meter: Meter): () => void {
  const openings = meter.createCounter('token_introspection.circuit.openings', {
    description: 'Times the circuit breaker opened, including failed probes',
    unit: '{opening}',
  });
  const states = meter.createObservableUpDownCounter('token_introspection.circuit.state', {
    description: 'State of the circuit breaker that changed last: 1 for the one it is in, 0 for the others',
    unit: '1',
  });
  const tokenFailures = meter.createCounter('token_introspection.circuit.token_failures', {
    description: 'Times the endpoint failed for tokens of clients, but responded for a random token of ours',
    unit: '{check}',
  });
  let current: CircuitEvent['state'] = 'closed';
  const stopListening = listen<CircuitEvent>(circuitEvents, ({ state, reason, tokensToBlame }) => {
    current = state;
    const attributes = reason === undefined ? {} : { 'token_introspection.reason': reason };
    if (state === 'open') openings.add(1, attributes);
    if (tokensToBlame) tokenFailures.add(1, attributes);
  });
  const observe: BatchObservableCallback = (result) => {
    for (const state of STATES) {
      result.observe(states, state === current ? 1 : 0, { 'token_introspection.circuit.state': state });
    }
  };
  meter.addBatchObservableCallback(observe, [states]);
  return () => {
    stopListening();
    meter.removeBatchObservableCallback(observe, [states]);
  };
}

function countMisconfigurations(meter: Meter): () => void {
  const counter = meter.createCounter('token_introspection.misconfigurations', {
    description: 'Problems that only an operator can fix, at most one an hour for each code',
    unit: '{misconfiguration}',
  });
  return listen<Misconfiguration>(misconfigurations, ({ code }) =>
    counter.add(1, { 'token_introspection.code': code }),
  );
}

function countSignals(meter: Meter): () => void {
  const counter = meter.createCounter('token_introspection.signals', {
    description: 'Logout and security events that were received, by handler, outcome and kind',
    unit: '{signal}',
  });
  return listen<SignalEvent>(signalEvents, ({ by, outcome, event, reason }) =>
    counter.add(1, {
      'token_introspection.outcome': outcome,
      'token_introspection.by': by,
      ...(event !== undefined && { 'token_introspection.event': event }),
      ...(reason !== undefined && { 'token_introspection.reason': reason }),
    }),
  );
}

function observeCaches(meter: Meter, middlewares: readonly [name: string, MeasuredMiddleware][]): () => void {
  const entries = meter.createObservableUpDownCounter('token_introspection.cache.entries', {
    description: 'Responses in memory',
    unit: '{entry}',
  });
  const lookups = meter.createObservableCounter('token_introspection.cache.lookups', {
    description: 'Lookups since the middleware was created, by outcome: from memory (hit) or not (miss)',
    unit: '{lookup}',
  });
  const observe: BatchObservableCallback = (result) => {
    for (const [name, middleware] of middlewares) {
      const stats = middleware.stats();
      const attributes = { 'token_introspection.middleware': name };
      result.observe(entries, stats.entries, attributes);
      result.observe(lookups, stats.hits, { ...attributes, 'token_introspection.outcome': 'hit' });
      result.observe(lookups, stats.misses, { ...attributes, 'token_introspection.outcome': 'miss' });
    }
  };
  const observables = [entries, lookups];
  meter.addBatchObservableCallback(observe, observables);
  return () => meter.removeBatchObservableCallback(observe, observables);
}

function listen<Message>(channel: Subscribable, handle: (message: Message) => void): () => void {
  const listener = (message: unknown) => handle(message as Message);
  channel.subscribe(listener);
  return () => channel.unsubscribe(listener);
}
