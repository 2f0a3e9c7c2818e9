/**
 * Checks which responses an API behind the middleware may send, and how many introspection requests it may make. The checks use only
 * what the authorization server issued and revoked, and what the proxy saw. They share no code with the library.
 */
import { isOutage } from './schedule.mjs';

/** Tolerance for two clock readings of different processes, and for requests that are on their way. */
const SKEW_MS = 10;

/** The circuit breaker's shortest pause is 1 s, reduced by at most a fifth. */
const MIN_PAUSE_MS = 800;

/** After a check that got a response, the circuit breaker waits this long before the next one. */
const CHECK_INTERVAL_MS = 1000;

/** Number of different tokens that must fail before the circuit breaker checks the endpoint. */
const FAILURES_BEFORE_CHECK = 5;

/** An endpoint that responds about real tokens, but not about random ones, counts as up for this long. */
const REAL_RESPONSE_MS = 10_000;

/** After a failed probe, the lookup that triggered it and one lookup of a known token may still be sent. */
const LOOKUPS_PER_PROBE = 2;

const MAX_CONCURRENT_REQUESTS = 64;

/** Failures of one introspection request that may mean that the endpoint is down. */
const OUTAGE_CODES = new Set(['timeout', 'unreachable', 'server_error', 'rate_limited']);

/** Failures for which a stale response may be used. */
const STALE_CODES = new Set([...OUTAGE_CODES, 'circuit_open']);

/** The tokens that the authorization server issued, and when they expire or were revoked. */
export function createTokenRegistry() {
  const tokens = new Map();
  return {
    issued(token, { scope, expiresAt }) {
      tokens.set(token, { scopes: scope.split(' '), expiresAt });
    },
    /** Call this before the revocation request. */
    revoking(token) {
      tokens.get(token).revokingAt = Date.now();
    },
    /** Call this after the response to the revocation request. */
    revoked(token) {
      tokens.get(token).revokedAt = Date.now();
    },
    find: (token) => tokens.get(token),
  };
}

/**
 * Checks one API.
 *
 * @param limits the API's `timeoutMs`, `ttlMs`, `staleMs` and `toleranceMs`, and `marginMs()`, the delay that a busy machine may add
 */
export function createModel({ registry, limits, proxy }) {
  const { timeoutMs, ttlMs, staleMs, toleranceMs, marginMs } = limits;
  const violations = [];
  const lastAcceptedAt = new Map();
  const activeResponses = new Map();
  const observationsByToken = new Map();
  let readCount = 0;

  function checkAccepted({ token, scope, fresh, sentAt, stale }) {
    const issued = registry.find(token);
    if (issued === undefined) return 'a token that was never issued was accepted';
    if (scope !== undefined && !issued.scopes.includes(scope)) return 'a token without the scope was accepted';
    if (sentAt > issued.expiresAt + toleranceMs + SKEW_MS) return 'an expired token was accepted';
    if (stale && sentAt > issued.expiresAt + SKEW_MS) return 'a stale response was used after exp';
    if (stale && (fresh || staleMs === 0)) return 'a stale response was used where that is not allowed';
    const lifetimeMs = fresh ? 0 : stale ? staleMs : ttlMs;
    if (sentAt > issued.revokedAt + lifetimeMs + SKEW_MS) {
      return `a token was accepted ${sentAt - issued.revokedAt} ms after its revocation, where ${lifetimeMs} ms are allowed`;
    }
    return undefined;
  }

  function checkRejected({ status, token, scope, receivedAt }) {
    const issued = registry.find(token);
    const mayBeInvalid =
      issued === undefined || receivedAt >= issued.revokingAt - SKEW_MS || receivedAt >= issued.expiresAt - 1000;
    if (status === 401) return mayBeInvalid ? undefined : 'a valid token was rejected with invalid_token';
    return issued === undefined || scope === undefined || issued.scopes.includes(scope)
      ? `a 403 for ${issued === undefined ? 'a token that was never issued' : 'a token that has the scope'}`
      : undefined;
  }

  function checkUnavailable(observation) {
    const { token, fresh, sentAt, receivedAt, error } = observation;
    const issued = registry.find(token);
    if (fresh || issued === undefined) return undefined;
    if (receivedAt >= (issued.revokingAt ?? Number.POSITIVE_INFINITY) - SKEW_MS) return undefined;
    const margin = marginMs();
    const isWithin = (lifetimeMs) =>
      (activeResponses.get(token) ?? []).some(({ at, answeredAt }) => {
        const end = Math.min(at + lifetimeMs, issued.expiresAt - 1000);
        return answeredAt + margin < sentAt && lastAcceptedAt.get(token) > answeredAt && receivedAt < end - margin;
      });
    if (isWithin(ttlMs)) return `a token with a cached response got 503 ${error}`;
    if (STALE_CODES.has(error) && isWithin(staleMs) && !mayCountAsUp(observation)) {
      return `no stale response was used for 503 ${error}`;
    }
    return undefined;
  }

  /** Whether the endpoint may have counted as up when a request failed. Then no stale response is used. */
  function mayCountAsUp({ sentAt, receivedAt }) {
    const checks = proxy.exchanges.filter((exchange) => isBreakersToken(exchange) && exchange.at <= receivedAt);
    const longestCheckMs = timeoutMs + marginMs();
    const isRecent = ({ at }) => at >= sentAt - CHECK_INTERVAL_MS - longestCheckMs;
    const foundUp = ({ at, answeredAt, fault }) =>
      answeredAt !== undefined ||
      !isOutage(fault, timeoutMs) ||
      proxy.exchanges.some((other) => other.answeredAt >= at && other.answeredAt <= at + longestCheckMs);
    return checks.some((check) => isRecent(check) && foundUp(check)) || mayRespondOnlyAboutRealTokens(receivedAt);
  }

  /** Whether the breaker may have learned, before `time`, that the endpoint responds about clients' tokens and fails for its own. */
  function mayRespondOnlyAboutRealTokens(time) {
    const isReal = (exchange) => !isBreakersToken(exchange) && exchange.answeredAt <= time;
    const lastReal = proxy.exchanges.findLast(isReal);
    if (lastReal === undefined || time - lastReal.answeredAt > REAL_RESPONSE_MS) return false;
    const lastCheck = proxy.exchanges.findLast(
      (exchange) => isBreakersToken(exchange) && exchange.at <= lastReal.answeredAt,
    );
    return lastCheck !== undefined && lastCheck.answeredAt === undefined;
  }

  /** Keeps the last two complete active responses about each token. */
  function readExchanges() {
    const unread = proxy.exchanges.slice(readCount);
    // Exchanges that may still get a response are read again later.
    const firstPending = unread.findIndex(({ at }) => at > Date.now() - 4 * timeoutMs);
    readCount += firstPending === -1 ? unread.length : firstPending;
    for (const exchange of unread) {
      if (exchange.active !== true) continue;
      const responses = activeResponses.get(exchange.token) ?? [];
      if (!responses.includes(exchange)) activeResponses.set(exchange.token, [...responses.slice(-1), exchange]);
    }
  }

  function report(what, details) {
    violations.push({ what, ...details });
  }

  /** The circuit breaker introspects random tokens, which no client ever sends. */
  function isBreakersToken({ token }) {
    return !observationsByToken.has(token);
  }

  /** Time of the last response that reached the API before its deadline. Later ones are ignored, as in an outage all are. */
  function lastResponseBefore(from) {
    const times = proxy.exchanges
      .filter(({ at, answeredAt }) => at < from && answeredAt - at <= timeoutMs)
      .map(({ answeredAt }) => answeredAt);
    return Math.max(from, ...times);
  }

  /**
   * A time in the outage at which the circuit breaker certainly was open. Only a response can close it, so it stays open until the
   * outage ends. A client that got `circuit_open` proves it, whatever the machine's load is. `undefined` if no client did.
   */
  function seenOpenAt({ from, until }) {
    const noResponseSince = lastResponseBefore(from) + marginMs();
    const times = [...observationsByToken.values()]
      .flat()
      .filter(({ error, sentAt }) => error === 'circuit_open' && sentAt >= noResponseSince)
      .map(({ receivedAt }) => receivedAt);
    const first = Math.min(...times);
    return first < until ? first : undefined;
  }

  /**
   * Time by which the circuit breaker must be open. It checks the endpoint at the next failure after five different tokens have
   * failed, unless it had checked it within the last second. The check takes at most the timeout.
   */
  function mustBeOpenAt({ from, until }) {
    const { exchanges } = proxy;
    const last = exchanges.findLast((exchange) => exchange.at < from && isBreakersToken(exchange));
    if (mayRespondOnlyAboutRealTokens(from)) return undefined;
    const since = lastResponseBefore(from);
    const askedTokens = new Set(exchanges.filter(({ at }) => at >= from && at < until).map(({ token }) => token));
    const failures = [...observationsByToken.values()]
      .flat()
      .filter(({ token, error, sentAt }) => OUTAGE_CODES.has(error) && sentAt >= since && askedTokens.has(token))
      .sort((a, b) => a.receivedAt - b.receivedAt);
    const failedTokens = new Set();
    const checkAllowedAt = (last?.answeredAt ?? Number.NEGATIVE_INFINITY) + CHECK_INTERVAL_MS;
    for (const { token, receivedAt } of failures) {
      failedTokens.add(token);
      if (failedTokens.size >= FAILURES_BEFORE_CHECK && receivedAt >= checkAllowedAt) {
        return receivedAt + timeoutMs + marginMs();
      }
    }
    return undefined;
  }

  /** Whether the exchange may belong to a lookup or refresh that began before `time`, with a retry until its deadline. */
  function mayHaveBegunBefore(time, { token, at }) {
    const margin = marginMs();
    return (observationsByToken.get(token) ?? []).some(
      ({ sentAt, receivedAt }) => sentAt < time && receivedAt + timeoutMs + margin >= at,
    );
  }

  /** While the circuit breaker is open, it sends one probe a pause, and the few lookups that a failed probe allows. */
  function checkOpenBreaker(phase) {
    const openAt = Math.min(...[seenOpenAt(phase), mustBeOpenAt(phase)].filter((time) => time !== undefined));
    const { fault, from, until } = phase;
    if (openAt >= until) return;
    const later = proxy.exchanges.filter(({ at }) => at >= openAt && at < until);
    const probes = new Set(later.filter(isBreakersToken).map(({ token }) => token)).size;
    const lookups = new Set(
      later
        .filter((exchange) => !isBreakersToken(exchange) && !mayHaveBegunBefore(openAt, exchange))
        .map(({ token }) => token),
    ).size;
    const maxProbes = 1 + Math.ceil((until - openAt) / MIN_PAUSE_MS);
    // A probe that failed before `openAt` may have allowed one more.
    const maxLookups = 1 + LOOKUPS_PER_PROBE * probes;
    const when = `from ${Math.round(openAt - from)} ms into an outage on, with an open circuit breaker`;
    if (probes > maxProbes) report(`${probes} probes ${when}, where ${maxProbes} are allowed`, { fault });
    if (lookups > maxLookups) {
      report(`introspection requests for ${lookups} tokens ${when}, where ${maxLookups} are allowed`, { fault });
    }
  }

  return {
    violations,
    /** Checks one response. `status` 0: no response came within the deadline and the margin. */
    observe(observation) {
      const { status, token, fresh, sentAt, receivedAt } = observation;
      readExchanges();
      if (observationsByToken.has(token)) observationsByToken.get(token).push(observation);
      else observationsByToken.set(token, [observation]);
      const allowedMs = timeoutMs * (fresh ? 2 : 1) + marginMs();
      let violation;
      if (status === 0 || receivedAt - sentAt > allowedMs) violation = `no response within ${Math.round(allowedMs)} ms`;
      else if (status === 200) violation = checkAccepted(observation);
      else if (status === 401 || status === 403) violation = checkRejected(observation);
      else if (status === 503) violation = checkUnavailable(observation);
      else violation = `status ${status}`;
      if (status === 200) lastAcceptedAt.set(token, receivedAt);
      if (violation !== undefined) report(violation, { observation });
    },
    /** Checks the number of introspection requests, after all responses were observed. Times of phases are wall time. */
    checkCalls(phases) {
      const { exchanges } = proxy;
      const margin = marginMs();
      if (proxy.peak() > MAX_CONCURRENT_REQUESTS)
        report(`${proxy.peak()} concurrent introspection requests, where ${MAX_CONCURRENT_REQUESTS} are allowed`);
      for (const phase of phases) {
        const { fault, from, until, flaps } = phase;
        if (flaps || !isOutage(fault, timeoutMs)) continue;
        // Before the breaker opens: all places of the concurrency limit, and a retry of each.
        const allowed = 2 * MAX_CONCURRENT_REQUESTS + 2 * (1 + Math.ceil((until - from) / MIN_PAUSE_MS));
        const sent = exchanges.filter(({ at }) => at >= from && at < until).length;
        if (sent > allowed)
          report(`${sent} introspection requests in an outage, where ${allowed} are allowed`, { fault });
        checkOpenBreaker(phase);
      }
      const times = exchanges.map(({ at }) => at);
      for (const { at, fault } of exchanges) {
        if (fault.retryAfterSeconds === undefined) continue;
        const [quietFrom, end] = [at + timeoutMs + margin, at + fault.retryAfterSeconds * 1000 - margin];
        const late = times.filter((time) => time > quietFrom && time < end).length;
        const all = times.filter((time) => time > at && time < end).length;
        if (late > 0 || all > MAX_CONCURRENT_REQUESTS) {
          report(`${all} introspection requests after Retry-After: ${fault.retryAfterSeconds}, ${late} of them late`, {
            fault,
          });
          break;
        }
      }
    },
  };
}
