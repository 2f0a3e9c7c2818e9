/** Checks every response against what was done to the fleet. It shares no code with the library. */
const STREAM_MS = 5000;
const MARGIN_MS = 250;

/** Delay that a busy machine with two cores may add to a request. */
const DEADLINE_MARGIN_MS = 500;

/**
 * @param ttlMs how long a revoked token may be accepted when the revocation could not be stored
 * @param timeoutMs the timeout of a request
 */
export function createModel({ ttlMs, timeoutMs }) {
  const valid = new Set();
  const revoked = new Map();
  const outages = [];

  function violationOf({ instance, token, status, startedAt, endedAt }) {
    const tookMs = endedAt - startedAt;
    if (tookMs > timeoutMs + DEADLINE_MARGIN_MS) return ['a request took', tookMs];
    const revocation = revoked.get(token);
    if (revocation === undefined) {
      if (valid.has(token)) return status === 200 ? undefined : [`a valid token got ${status}`];
      return status === 401 ? undefined : [`an invalid token got ${status}`];
    }
    if (status === 401) return undefined;
    if (status !== 200) return [`a revoked token got ${status}`];
    const { at, storedAt } = revocation;
    if (startedAt > at + ttlMs + MARGIN_MS)
      return ['a revoked token was accepted after its cached response had expired, after', startedAt - at];
    if (storedAt === undefined || startedAt <= storedAt + MARGIN_MS) return undefined;
    const late = startedAt - storedAt;
    if (startedAt > storedAt + STREAM_MS + MARGIN_MS)
      return ['a revoked token was accepted more than 5 s after the revocation was stored, after', late];
    const isOutage = outages.some(
      (outage) => (outage.instance ?? instance) === instance && outage.from <= startedAt && storedAt <= outage.to,
    );
    return isOutage
      ? undefined
      : ['a revoked token was accepted although the revocation was stored and Redis could be read, after', late];
  }

  return {
    good: (token) => valid.add(token),
    /**
     * The endpoint reports the token as inactive from `at` on. Returns a function that sets the time at which the store has the
     * revocation.
     */
    revoked(token, at) {
      const revocation = { at, storedAt: undefined };
      revoked.set(token, revocation);
      return (storedAt) => {
        revocation.storedAt = storedAt;
      };
    },
    /** Adds a span in which one instance or all could not read Redis, including the time to reconnect. */
    addOutage: (outage) => outages.push(outage),
    /** Describes the violations: text, number, and the longest delay. */
    check(requests) {
      const violations = new Map();
      for (const request of requests) {
        const violation = violationOf(request);
        if (violation === undefined) continue;
        const [text, late] = violation;
        const { count = 0, most = 0 } = violations.get(text) ?? {};
        violations.set(text, { count: count + 1, most: Math.max(most, late ?? 0) });
      }
      return [...violations].map(
        ([text, { count, most }]) => `${count} × ${text}${most > 0 ? ` ${Math.round(most)} ms` : ''}`,
      );
    },
  };
}
