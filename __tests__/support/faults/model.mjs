/**
 * What an API behind the middleware may answer, and how often it may ask: from what the authorization server issued and
 * revoked, and from what the proxy saw. It shares no code with the library.
 */
import { isOutage } from './schedule.mjs';

/** Between one process's clock and another's, and for what is on its way. */
const SKEW_MS = 10;

/** A breaker's pause is a second, give or take a fifth. */
const LEAST_PAUSE_MS = 800;

const MOST_QUESTIONS = 64;

/** Troubles in which an old answer may stand in. */
const STANDS_IN = new Set(['timeout', 'unreachable', 'server_error', 'rate_limited', 'circuit_open']);

/** What is true about tokens. */
export function createTruth() {
  const tokens = new Map();
  return {
    issued(token, { scope, expiresAt }) {
      tokens.set(token, { scopes: scope.split(' '), expiresAt });
    },
    /** Before the authorization server is told. */
    revoking(token) {
      tokens.get(token).revokingAt = Date.now();
    },
    /** Once it has confirmed. */
    revoked(token) {
      tokens.get(token).revokedAt = Date.now();
    },
    of: (token) => tokens.get(token),
  };
}

/**
 * Judges what one API does. `limits`: its `timeoutMs`, `ttlMs`, `staleMs`, `toleranceMs`, and `marginMs()`, how late a busy
 * machine may be or was.
 */
export function createModel({ truth, limits, proxy }) {
  const { timeoutMs, ttlMs, staleMs, toleranceMs, marginMs } = limits;
  const violations = [];
  const accepted = new Map();
  const known = new Map();
  let read = 0;

  function admitted({ token, scope, fresh, sentAt, stale }) {
    const fact = truth.of(token);
    if (fact === undefined) return 'a token nobody issued was admitted';
    if (scope !== undefined && !fact.scopes.includes(scope)) return 'a token without the scope was admitted';
    if (sentAt > fact.expiresAt + toleranceMs + SKEW_MS) return 'an expired token was admitted';
    if (stale && sentAt > fact.expiresAt + SKEW_MS) return 'an old answer stood in past exp';
    if (stale && (fresh || staleMs === 0)) return 'an old answer stood in where it must not';
    const life = fresh ? 0 : stale ? staleMs : ttlMs;
    if (sentAt > fact.revokedAt + life + SKEW_MS) {
      return `a token revoked ${sentAt - fact.revokedAt} ms before was admitted, where ${life} ms are allowed`;
    }
    return undefined;
  }

  function called(status, { token, scope, receivedAt }) {
    const fact = truth.of(token);
    const mayBeOver =
      fact === undefined || receivedAt >= fact.revokingAt - SKEW_MS || receivedAt >= fact.expiresAt - 1000;
    if (status === 401) return mayBeOver ? undefined : 'a good token was called invalid_token';
    return fact === undefined || scope === undefined || fact.scopes.includes(scope)
      ? `a 403 for ${fact === undefined ? 'a token nobody issued' : 'a token that has the scope'}`
      : undefined;
  }

  function turnedAway({ token, fresh, sentAt, receivedAt, error }) {
    const fact = truth.of(token);
    if (fresh || fact === undefined) return undefined;
    if (receivedAt >= (fact.revokingAt ?? Number.POSITIVE_INFINITY) - SKEW_MS) return undefined;
    const margin = marginMs();
    const left = (lifeMs) =>
      (known.get(token) ?? []).some(({ at, answeredAt }) => {
        const end = Math.min(at + lifeMs, fact.expiresAt - 1000);
        return answeredAt + margin < sentAt && accepted.get(token) > answeredAt && receivedAt < end - margin;
      });
    if (left(ttlMs)) return `a cached user was turned away with 503 ${error}`;
    if (STANDS_IN.has(error) && left(staleMs)) return `an old answer did not stand in for a 503 ${error}`;
    return undefined;
  }

  /** The last two whole answers about each token that said active. */
  function readExchanges() {
    const late = proxy.exchanges.slice(read);
    // Those that may be answered yet are looked at again.
    const settled = late.findIndex(({ at }) => at > Date.now() - 4 * timeoutMs);
    read += settled === -1 ? late.length : settled;
    for (const exchange of late) {
      if (exchange.active !== true) continue;
      const list = known.get(exchange.token) ?? [];
      if (!list.includes(exchange)) known.set(exchange.token, [...list.slice(-1), exchange]);
    }
  }

  function report(what, about) {
    violations.push({ what, ...about });
  }

  return {
    violations,
    /** `status` 0: no answer came within the margin past the deadline. */
    saw(observation) {
      const { status, token, fresh, sentAt, receivedAt } = observation;
      readExchanges();
      const allowed = timeoutMs * (fresh ? 2 : 1) + marginMs();
      let what;
      if (status === 0 || receivedAt - sentAt > allowed) what = `no answer within ${Math.round(allowed)} ms`;
      else if (status === 200) what = admitted(observation);
      else if (status === 401 || status === 403) what = called(status, observation);
      else if (status === 503) what = turnedAway(observation);
      else what = `status ${status}`;
      if (status === 200) accepted.set(token, receivedAt);
      if (what !== undefined) report(what, { observation });
    },
    /** Once it is over: the endpoint was asked no oftener than lanes and breaker promise. Phases are in wall time. */
    checkCalls(phases) {
      const { exchanges } = proxy;
      const margin = marginMs();
      if (proxy.peak() > MOST_QUESTIONS)
        report(`${proxy.peak()} questions side by side, where ${MOST_QUESTIONS} are allowed`);
      for (const { fault, from, until, flaps } of phases) {
        if (flaps || !isOutage(fault, timeoutMs)) continue;
        const opened = from + timeoutMs + margin;
        // One probe a pause, and its retry; before it opens, what is on its way, and a retry of each.
        const probes = (since) => 2 * (1 + Math.ceil(Math.max(0, until - since) / LEAST_PAUSE_MS));
        for (const [since, allowed] of [
          [from, 2 * MOST_QUESTIONS + probes(from)],
          [opened, probes(opened)],
        ]) {
          const asked = exchanges.filter(({ at }) => at >= since && at < until).length;
          if (asked > allowed) {
            report(
              `${asked} questions from ${Math.round(since - from)} ms into an outage on, where ${allowed} are allowed`,
              {
                fault,
              },
            );
          }
        }
      }
      const asked = exchanges.map(({ at }) => at);
      for (const { at, fault } of exchanges) {
        if (fault.retryAfterSeconds === undefined) continue;
        const [quiet, end] = [at + timeoutMs + margin, at + fault.retryAfterSeconds * 1000 - margin];
        const early = asked.filter((time) => time > quiet && time < end).length;
        const all = asked.filter((time) => time > at && time < end).length;
        if (early > 0 || all > MOST_QUESTIONS) {
          report(`${all} questions after Retry-After: ${fault.retryAfterSeconds}, ${early} of them late`, { fault });
          break;
        }
      }
    },
  };
}
