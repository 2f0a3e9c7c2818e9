import { metrics, trace } from '@opentelemetry/api';
import { clientSecretBasic, tokenIntrospection } from 'express-token-introspection';
import { type InstrumentOptions, instrument } from 'express-token-introspection/opentelemetry';

const api = tokenIntrospection({
  endpoint: 'https://as.example.com/introspect',
  clientAuth: clientSecretBasic('a', 'b'),
  audience: 'c',
});
const options: InstrumentOptions = { meterProvider: metrics.getMeterProvider(), middlewares: { api } };
const stop: () => void = instrument({ ...options, tracerProvider: trace.getTracerProvider() });
stop();
