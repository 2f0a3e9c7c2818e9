import { metrics, trace } from '@opentelemetry/api';
import { measure } from './metrics.js';
import { type InstrumentOptions, requireOptions, type Watched } from './options.js';
import { traceCalls } from './spans.js';

export type { InstrumentOptions, Watched };

const NAME = 'express-token-introspection';

/**
 * Feeds OpenTelemetry with what all middlewares of this process publish: metrics of decisions, cache, endpoint, circuit
 * breaker and misconfigurations, and a CLIENT span for each attempt at the endpoint, within which the request is sent.
 * No token, claim, secret or query is in them. Each call counts on its own: call it once.
 *
 * @example
 * const stop = instrument({ middlewares: { api: authenticate } });
 *
 * @returns what ends it: nothing is counted or traced any more, and nothing of it is kept
 * @throws TypeError for an invalid or unknown option, naming it
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
