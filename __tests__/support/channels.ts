import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import type { CacheEvent, CircuitEvent, Misconfiguration } from '../../lib/diagnostics/channels.js';

const PREFIX = 'express-token-introspection';

interface Events {
  readonly cache: CacheEvent;
  readonly circuit: CircuitEvent;
  readonly misconfiguration: Misconfiguration;
}

/** What a subscriber of the endpoint's tracing channel was told, and a copy of the context as it then was. */
export interface Traced {
  readonly event: 'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error';
  readonly context: Readonly<Record<string, unknown>>;
}

const restores: (() => void)[] = [];

afterEach(() => {
  for (const restore of restores.splice(0)) restore();
});

/** Every event of a channel from now on, as an operator's subscriber sees it; until the test ends. */
export function recordEvents<Name extends keyof Events>(name: Name): Events[Name][] {
  const events: Events[Name][] = [];
  const listener = (message: unknown) => void events.push(message as Events[Name]);
  const channel = `${PREFIX}:${name}`;
  subscribe(channel, listener);
  restores.push(() => unsubscribe(channel, listener));
  return events;
}

/** Every event around an attempt at the endpoint from now on; until the test ends. */
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
