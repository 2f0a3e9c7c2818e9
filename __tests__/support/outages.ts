import { hasCode, isOutage } from '../../lib/introspection/failures.js';

/** Diagnoses every possible outage as one, like the circuit breaker while the endpoint is down. */
export const diagnose = async (error: unknown): Promise<'down' | 'unknown'> =>
  isOutage(error) || hasCode(error, 'circuit_open') ? 'down' : 'unknown';
