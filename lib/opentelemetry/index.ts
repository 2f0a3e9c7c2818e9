import { metrics, trace } from '@opentelemetry/api';
import { measure } from './metrics.js';
import { type InstrumentOptions, type MeasuredMiddleware, requireOptions } from './options.js';
import { traceCalls } from './spans.js';

export type { InstrumentOptions, MeasuredMiddleware };

const NAME = 'express-token-introspection';

/**
 * Exports metrics and spans of all middlewares in this process to OpenTelemetry.
 *
 * There are metrics about decisions, cache, endpoint, circuit breaker and misconfigurations. There is a span of kind CLIENT for each
 * attempt to send an introspection request. This span is active while the request is sent. Metrics and spans contain no token, claim,
 * secret or query.
 *
 * Call `instrument()` only once, because a second call would count everything twice.
 *
 * @example
 * const stop = instrument({ middlewares: { api: authenticate } });
 *
 * @returns a function that stops all counting and tracing
 * @throws TypeError for an invalid or unknown option; the message names the option
 */
export function instrument(options: InstrumentOptions = {}): () => void {
  requireOptions(options);
  const { meterProvider = metrics.getMeterProvider(), tracerProvider = trace.getTracerProvider() } = options;
  const stopMeasuring = measure(meterProvider.getMeter(NAME), options.middlewares ?? {});
  const stopTracing = traceCalls(tracerProvider.getTracer(NAME));
  return () => {
    stopMeasuring();
    stopTracing();
  };
}
