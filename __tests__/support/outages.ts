import { hasCode, isOutage } from '../../lib/introspection/failures.js';

/** Takes each failure that may be an outage for one, as the circuit breaker does while the endpoint is down. */
export const diagnose = async (error: unknown): Promise<'down' | 'unknown'> =>
  isOutage(error) || hasCode(error, 'circuit_open') ? 'down' : 'unknown';
