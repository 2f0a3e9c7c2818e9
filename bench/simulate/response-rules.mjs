// Rules for the responses of the middleware.
import { EPOCH_MS } from '../model/machine.mjs';

/** Timers fire up to a millisecond late, and a lookup has several. */
const SLACK_MS = 5;

/** How long an error of the endpoint for one token may be repeated without asking. */
const FAILED_TOKEN_MS = 3000;

/** A process that has ended keeps its leases for this time. */
const LEASE_MS = 1000;

/** The log counts as read for 5 seconds after it was asked. The rest is for commands that are on their way. */
export const CONFIRMED_MS = 4900;

/** Codes with which a client gets 503. All others would be a mistake of the library. */
const POSSIBLE_CODES = [
  ...['timeout', 'unreachable', 'server_error', 'rate_limited', 'bad_response', 'client_rejected', 'circuit_open'],
  'overloaded',
];

/** Whether a failed introspection request may mean that the endpoint is down. */
export function isOutage({ outcome, fault }) {
  if (typeof outcome === 'string') return true;
  return outcome >= 500 || outcome === 429 || (outcome === 401 && fault.kind === 'page');
}

/** @param callOf finds an introspection request by its number */
export function createResponseRules({ plan, server, time, report, trouble, callOf }) {
  const { options } = plan;

  function admitted(view, request, { call: number, stale }) {
    const call = callOf(number);
    const token = server.find(request.token);
    if (call?.token !== request.token || call.isActive !== true) return 'the endpoint never said that it is active';
    if (request.reason !== undefined) return request.reason;
    if (request.route === 'scope' && !token.scope.includes('write')) return 'it does not have the scope';
    const ageMs = request.arrivedAt - call.sentAt;
    if (stale) {
      if (request.route === 'fresh') return 'the route requires a new response, and this one is stale';
      if (ageMs > options.staleMs) return `its stale response was ${ageMs} ms old`;
      if (!failedDuring(view, request)) return 'its response is stale, but the endpoint did not fail';
    } else if (ageMs > options.ttlMs && call.endedAt < request.arrivedAt) return `its response was ${ageMs} ms old`;
    if (request.route === 'fresh' && ageMs > 0) return 'the route requires a new response, and this one is old';
    if (token.exp === undefined) return undefined;
    const expiresAt = token.exp * 1000;
    if (call.endedAt < request.arrivedAt && request.wall >= expiresAt) return 'it had expired';
    if (request.machine.clock.now() > expiresAt + options.toleranceMs && view.disturbedAt < request.arrivedAt)
      return 'it had expired by more than the tolerance';
    return undefined;
  }

  /** Whether the endpoint failed for this process while the request waited, or the circuit breaker was not closed. */
  function failedDuring({ calls, breaker }, { arrivedAt, wasOpen }) {
    if (wasOpen || breaker.state !== 'closed' || breaker.changedAt >= arrivedAt) return true;
    return calls.some((call) => call.endedAt >= arrivedAt && isOutage(call)) || isSlow(calls, arrivedAt);
  }

  /** Whether an introspection request was still without response after a good part of the time limit. */
  function isSlow(calls, from) {
    const isLong = ({ sentAt, endedAt = time(), outcome, fault }) =>
      endedAt >= from &&
      (endedAt - sentAt > options.timeoutMs * 0.15 || ((outcome ?? 'aborted') === 'aborted' && fault.kind !== 'pass'));
    return calls.some(isLong);
  }

  function rejected({ machine, token: name, route }, status) {
    const token = server.find(name);
    if (token === undefined) return status === 401 ? undefined : `it gets ${status}`;
    const hasExpired =
      EPOCH_MS + time() >= token.exp * 1000 || machine.clock.now() >= token.exp * 1000 + options.toleranceMs;
    if (status === 401) return token.revokedAt <= time() || hasExpired ? undefined : 'it is good, and gets 401';
    return route === 'scope' && !token.scope.includes('write') ? undefined : 'it has the scope, and gets 403';
  }

  function unavailable(view, request, { code, retryAfter }) {
    if (!POSSIBLE_CODES.includes(code)) return `it gets 503 ${code}`;
    if (!(Number(retryAfter) >= 1 && Number(retryAfter) <= 120)) return `its Retry-After is ${retryAfter}`;
    if (request.isRequired) return `it gets 503 ${code}, although all faults are over`;
    if (!hasCause(view, request, code)) return `it gets 503 ${code}, but nothing caused that`;
    if (mustBeHeld(view, request, options.ttlMs)) return `it gets 503 ${code}, although its response is cached`;
    const isDown = code === 'circuit_open' && request.route !== 'fresh';
    if (isDown && mustBeHeld(view, request, options.staleMs))
      return 'it gets 503, although a stale response is allowed';
    return undefined;
  }

  function hasCause(view, { arrivedAt, machine, stoppedMs, wasOpen }, code) {
    const { calls, breaker, disturbedAt } = view;
    if (machine.stoppedMs() > stoppedMs || disturbedAt >= arrivedAt - FAILED_TOKEN_MS) return true;
    const since = (ms) => calls.filter(({ endedAt }) => endedAt >= arrivedAt - ms);
    const gets = (...statuses) => since(FAILED_TOKEN_MS).some(({ outcome }) => statuses.includes(outcome));
    // A process that crashed, or whose commands fail, keeps its leases for a second.
    const hasStoreFault = options.hasStore && (trouble.isNow || trouble.at >= arrivedAt - LEASE_MS);
    const causes = {
      circuit_open: () => wasOpen || breaker.state !== 'closed' || breaker.changedAt >= arrivedAt,
      timeout: () => isSlow(calls, arrivedAt) || hasStoreFault,
      overloaded: () => isSlow(calls, arrivedAt) || hasStoreFault,
      unreachable: () =>
        since(0).some(
          ({ outcome, fault }) => typeof outcome === 'string' || fault.kind === 'page' || fault.kind === 'truncate',
        ),
      server_error: () => gets(500, 502, 503),
      rate_limited: () => gets(429),
      bad_response: () => since(0).some(({ fault }) => fault.kind === 'page'),
      client_rejected: () => since(0).some(({ fault }) => fault.kind === 'unauthorized'),
    };
    return causes[code]();
  }

  /** Whether the process has a response about the token in memory that it must use. */
  function mustBeHeld(view, { arrivedAt, wall, token: name, held, isConfirmed, route }, lifeMs) {
    if (held === undefined || route === 'fresh' || options.maxEntries < 10) return false;
    const token = server.find(name);
    const ageMs = arrivedAt - held.sentAt;
    const isYoung =
      ageMs + SLACK_MS < lifeMs && time() - held.sentAt + SLACK_MS < lifeMs && !(wall + 100 >= token.exp * 1000);
    const isCertain = token.revokedAt > time() && view.disturbedAt < held.sentAt && view.logStartedAt < held.sentAt;
    const isLogRead = isConfirmed && time() - view.confirmedAt < CONFIRMED_MS;
    return isYoung && isCertain && (isLogRead || !options.hasStore);
  }

  return {
    check(view, request, outcome) {
      const { status, call } = outcome;
      const { machine, token, route } = request;
      const waitedMs = machine.clock.monotonic() - request.monotonic - (machine.stoppedMs() - request.stoppedMs);
      const limitMs = options.timeoutMs * (route === 'fresh' ? 2 : 1) + SLACK_MS;
      if (waitedMs > limitMs) report(`a request with ${token} waits for ${waitedMs} ms`);
      const checks = {
        200: () => admitted(view, request, outcome),
        401: () => rejected(request, status),
        403: () => rejected(request, status),
        503: () => unavailable(view, request, outcome),
      };
      const fault = checks[status]?.() ?? (checks[status] ? undefined : `it gets ${status} ${outcome.code}`);
      if (fault !== undefined)
        report(`${token} was ${status === 200 ? 'admitted, although' : 'answered wrongly:'} ${fault}`);
      else if (request.isRequired && status !== 200) report(`${token} gets ${status} after all faults are over`);
      if (status === 200 && !outcome.stale) view.held.set(token, callOf(call));
    },
  };
}
