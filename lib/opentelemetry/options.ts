import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { checkOptions } from '../core/option-check.js';
import { optionError } from '../core/option-error.js';
import type { Stats } from '../introspector.js';

/** Options of `instrument()`. */
export interface InstrumentOptions {
  /** Receives the metrics. Default: the global provider, which must be registered before `instrument()` is called. */
  readonly meterProvider?: MeterProvider | undefined;
  /** Receives the spans. Default: the global provider of OpenTelemetry. */
  readonly tracerProvider?: TracerProvider | undefined;
  /**
   * Middlewares whose caches are measured, by names that you choose. A middleware that `with()` derived shares the cache of the original
   * middleware, so list only the original. Default: none.
   */
  readonly middlewares?: Readonly<Record<string, MeasuredMiddleware>> | undefined;
}

/** The part of a middleware that `instrument()` uses. */
export interface MeasuredMiddleware {
  /** Returns the current counts of the middleware's cache. */
  stats(): Stats;
}

const REMEDIES: Readonly<Record<keyof InstrumentOptions, string>> = {
  meterProvider: 'write a MeterProvider, or leave it out for the global one',
  tracerProvider: 'write a TracerProvider, or leave it out for the global one',
  middlewares: 'write { name: authenticate }, with the middleware that tokenIntrospection() returned',
};

/**
 * Checks the options of `instrument()`.
 *
 * @throws TypeError for an unknown or invalid option
 */
export function requireOptions(options: InstrumentOptions): void {
  checkOptions(options, Object.keys(REMEDIES));
  const { meterProvider, tracerProvider, middlewares } = options;
  if (!hasMethod(meterProvider, 'getMeter')) throw invalidOption('meterProvider', meterProvider);
  if (!hasMethod(tracerProvider, 'getTracer')) throw invalidOption('tracerProvider', tracerProvider);
  const measured = middlewares === undefined ? [] : Object.values(middlewares ?? [undefined]);
  if (
    typeof middlewares === 'function' ||
    !measured.every((middleware) => middleware !== undefined && hasMethod(middleware, 'stats'))
  ) {
    throw invalidOption('middlewares', middlewares);
  }
}

function invalidOption(name: keyof InstrumentOptions, value: unknown): Error {
  return optionError(name, value, REMEDIES[name]);
}

function hasMethod(value: unknown, name: string): boolean {
  return value === undefined || typeof (value as Record<string, unknown> | null)?.[name] === 'function';
}
