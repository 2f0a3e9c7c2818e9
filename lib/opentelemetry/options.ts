import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { optionError } from '../core/option-error.js';
import type { Stats } from '../introspector.js';

/** Options of `instrument()`. */
export interface InstrumentOptions {
  /** Receives the metrics. Default: the global provider, which must be registered before the call. */
  readonly meterProvider?: MeterProvider | undefined;
  /** Receives the spans. Default: the global provider. */
  readonly tracerProvider?: TracerProvider | undefined;
  /**
   * Middlewares whose cache is measured, by names that you choose. Middlewares derived by `with()` share the cache of the
   * original, so list only that one. Default: none.
   */
  readonly middlewares?: Readonly<Record<string, Watched>> | undefined;
}

/** A middleware, as far as `instrument()` uses it. */
export interface Watched {
  /** Returns the current statistics of the cache. */
  stats(): Stats;
}

const REMEDIES: Readonly<Record<keyof InstrumentOptions, string>> = {
  meterProvider: 'write a MeterProvider, or leave it out for the global one',
  tracerProvider: 'write a TracerProvider, or leave it out for the global one',
  middlewares: 'write { name: authenticate }, with the middleware that tokenIntrospection() returned',
};

/** @throws TypeError for an unknown or invalid option */
export function requireOptions(options: InstrumentOptions): void {
  for (const [name, given] of Object.entries(options)) {
    if (!Object.hasOwn(REMEDIES, name)) throw optionError(name, given, 'there is no such option');
  }
  const { meterProvider, tracerProvider, middlewares } = options;
  if (!hasMethod(meterProvider, 'getMeter')) throw wrong('meterProvider', meterProvider);
  if (!hasMethod(tracerProvider, 'getTracer')) throw wrong('tracerProvider', tracerProvider);
  const watched = middlewares === undefined ? [] : Object.values(middlewares ?? [undefined]);
  if (typeof middlewares === 'function' || !watched.every((each) => each !== undefined && hasMethod(each, 'stats'))) {
    throw wrong('middlewares', middlewares);
  }
}

function wrong(name: keyof InstrumentOptions, given: unknown): Error {
  return optionError(name, given, REMEDIES[name]);
}

function hasMethod(given: unknown, name: string): boolean {
  return given === undefined || typeof (given as Record<string, unknown> | null)?.[name] === 'function';
}
