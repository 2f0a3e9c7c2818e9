import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { optionError } from '../core/option-error.js';
import type { Stats } from '../introspector.js';

/** What `instrument()` takes. */
export interface InstrumentOptions {
  /** Default: the global one, which has to be registered by then. */
  readonly meterProvider?: MeterProvider | undefined;
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined;
  /**
   * Middlewares whose memory is to be watched, by names of yours for them. Those that were derived by `with()` share the
   * memory of their root.
   */
  readonly middlewares?: Readonly<Record<string, Watched>> | undefined;
}

/** What a middleware is here. */
export interface Watched {
  /** Its figures of now. */
  stats(): Stats;
}

const REMEDIES: Readonly<Record<keyof InstrumentOptions, string>> = {
  meterProvider: 'write a MeterProvider, or leave it out for the global one',
  tracerProvider: 'write a TracerProvider, or leave it out for the global one',
  middlewares: 'write { name: authenticate }, with what tokenIntrospection() returned',
};

/** @throws TypeError for an option that is unknown or cannot be used */
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
