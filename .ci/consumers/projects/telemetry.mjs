import { instrument } from 'express-token-introspection/opentelemetry';

instrument()();
console.log(typeof instrument);
