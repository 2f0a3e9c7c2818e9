import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import type {
  CacheEvent,
  CircuitEvent,
  JwtEvent,
  Misconfiguration,
  SignalEvent,
} from '../../lib/diagnostics/channels.js';

const PREFIX = 'express-token-introspection';

interface Events {
  readonly cache: CacheEvent;
  readonly circuit: CircuitEvent;
  readonly misconfiguration: Misconfiguration;
  readonly signal: SignalEvent;
  readonly jwt: JwtEvent;
}

/** An event of the endpoint's tracing channel, with a copy of its context at that time. */
export interface Traced {
  readonly event: 'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error';
  readonly context: Readonly<Record<string, unknown>>;
}

const restores: (() => void)[] = [];

afterEach(() => {
  for (const restore of restores.splice(0)) restore();
});

/** Collects the events of a channel until the test ends. */
export function recordEvents<Name extends keyof Events>(name: Name): Events[Name][] {
  const events: Events[Name][] = [];
  const listener = (message: unknown) => void events.push(message as Events[Name]);
  const channel = `${PREFIX}:${name}`;
  subscribe(channel, listener);
  restores.push(() => unsubscribe(channel, listener));
  return events;
}

/** Collects the events of the endpoint's tracing channel until the test ends. */
export function recordAttempts(): Traced[] {
  const traced: Traced[] = [];
  const take = (event: Traced['event']) => (context: unknown) =>
    void traced.push({ event, context: { ...(context as object) } });
  const subscribers = {
    start: take('start'),
    end: take('end'),
    asyncStart: take('asyncStart'),
    asyncEnd: take('asyncEnd'),
    error: take('error'),
  };
  const endpoint = tracingChannel(`${PREFIX}:endpoint`);
  endpoint.subscribe(subscribers);
  restores.push(() => endpoint.unsubscribe(subscribers));
  return traced;
}
