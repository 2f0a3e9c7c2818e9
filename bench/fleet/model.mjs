/** What has to hold of every request, worked out from what was done to the fleet alone: nothing of the library is in here. */
const STREAM_MS = 5000;
const MARGIN_MS = 250;

/** A process on a busy machine with two cores may be late itself. */
const DEADLINE_MARGIN_MS = 500;

/**
 * @param ttlMs for which a revoked token may be accepted where nobody could be told
 * @param timeoutMs the deadline of a request
 */
export function createModel({ ttlMs, timeoutMs }) {
  const good = new Set();
  const revoked = new Map();
  const troubles = [];

  function judge({ instance, token, status, startedAt, endedAt }) {
    const took = endedAt - startedAt;
    if (took > timeoutMs + DEADLINE_MARGIN_MS) return ['a request took', took];
    const revocation = revoked.get(token);
    if (revocation === undefined) {
      if (good.has(token)) return status === 200 ? undefined : [`a good token got ${status}`];
      return status === 401 ? undefined : [`a bad token got ${status}`];
    }
    if (status === 401) return undefined;
    if (status !== 200) return [`a revoked token got ${status}`];
    const { at, toldAt } = revocation;
    if (startedAt > at + ttlMs + MARGIN_MS) return ['a revoked token was accepted beyond its life', startedAt - at];
    if (toldAt === undefined || startedAt <= toldAt + MARGIN_MS) return undefined;
    const late = startedAt - toldAt;
    if (startedAt > toldAt + STREAM_MS + MARGIN_MS)
      return ['a revoked token was accepted although the store had been told, by', late];
    const isTroubled = troubles.some(
      (trouble) => (trouble.instance ?? instance) === instance && trouble.from <= startedAt && toldAt <= trouble.to,
    );
    return isTroubled
      ? undefined
      : ['a revoked token was accepted although all had been told and Redis was well, by', late];
  }

  return {
    good: (token) => good.add(token),
    /** The endpoint knows from `at` on, and from `toldAt` on the store does. */
    revoked(token, at) {
      const revocation = { at, toldAt: undefined };
      revoked.set(token, revocation);
      return {
        told(toldAt) {
          revocation.toldAt = toldAt;
        },
      };
    },
    /** Redis could not be read, by one instance or by all; until its readers have had the time to come back. */
    trouble: (trouble) => troubles.push(trouble),
    /** What is wrong, in words, how often, and how late at most. */
    judge(requests) {
      const found = new Map();
      for (const request of requests) {
        const wrong = judge(request);
        if (wrong === undefined) continue;
        const [text, late] = wrong;
        const { count = 0, most = 0 } = found.get(text) ?? {};
        found.set(text, { count: count + 1, most: Math.max(most, late ?? 0) });
      }
      return [...found].map(
        ([text, { count, most }]) => `${count} × ${text}${most > 0 ? ` ${Math.round(most)} ms` : ''}`,
      );
    },
  };
}
