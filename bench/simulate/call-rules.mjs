// Rules for the introspection requests: how many a process may send, and when.
import { isOutage } from './response-rules.mjs';

/** "At most two lookups of one token run at a time." */
const MAX_CALLS_PER_TOKEN = 2;
const MAX_CALLS = 64;
/** The first pause of the circuit breaker is 1 second, and up to a fifth shorter. */
const MIN_PAUSE_MS = 800;
/** A retry is sent at most this long after the first attempt. */
const RETRY_MS = 101;
/** After a failed probe, the lookup that caused it and one of a known token may run, each with a retry. */
const CALLS_AFTER_PROBE = 4;
/** After two 5xx in a row for an unknown token, the endpoint is not asked about it for this time. */
const FAILED_TOKEN_MS = 3000;
/** Failures for this many tokens cause a check, and no other check starts for a while after one. */
const TOKENS_TO_CHECK = 5;
const CHECK_INTERVAL_MS = 1000;
/** More than the time between a failure and its response. */
const LATE_MS = 10;
/** More than the time for which a request waits for another process. */
const LEASE_WAIT_MS = 400;
const NEVER = Number.POSITIVE_INFINITY;
const OUTAGE_CODES = ['timeout', 'unreachable', 'server_error', 'rate_limited'];

export function createCallRules({ plan, server, time, report }) {
  const { options } = plan;
  const calls = [];

  /** Random tokens of the library are long. */
  const isOurs = ({ token }) => token.length > 20;

  function checkBreaker(view, call) {
    const { breaker } = view;
    // A lookup that was allowed in the same millisecond may still be sent.
    if (breaker.state !== 'open' || time() === breaker.changedAt || time() >= breaker.quietUntil) return;
    breaker.callsLeft--;
    if (breaker.callsLeft < 0)
      report(`${call.machine.name} asks about ${call.token} while its circuit breaker is open`);
  }

  function checkToken(view, { token, machine }) {
    // A request that waited for another process ends, while its introspection request has the whole time limit.
    const sentAfter = time() - options.timeoutMs + (options.hasStore ? LEASE_WAIT_MS : 0);
    const isPending = (call) => call.token === token && call.endedAt === undefined && call.sentAt > sentAfter;
    // An invalidation detaches the pending lookups of the token.
    const pending = view.calls.filter((call) => isPending(call) && call.sentAt > view.invalidatedAt).length;
    if (pending >= MAX_CALLS_PER_TOKEN) report(`${machine.name} asks about ${token} ${pending + 1} times at once`);
    if (options.hasPrecheck && token.startsWith('forged'))
      report(`${machine.name} asks about ${token}, which the precheck rejects`);
    const { count, at } = view.failed.get(token) ?? { count: 0 };
    const isKnown = server.find(token) !== undefined;
    if (!isKnown && count >= 2 && time() < at + FAILED_TOKEN_MS && pending === 0)
      report(`${machine.name} asks about ${token}, for which the endpoint has just failed twice`);
  }

  /** A breaker that should be open: so many tokens failed that a check was due, and it has had its time. */
  function checkStaysClosed(view) {
    const { doubt, failsForOurToken, breaker, machine } = view;
    if (doubt === undefined || failsForOurToken || breaker.state !== 'closed') return;
    if (time() > doubt.dueAt) report(`the circuit breaker of ${machine.name} stays closed, although all requests fail`);
  }

  /** Failures to connect are counted separately: they open the breaker without a check. */
  function noteFailure(view, { token, machine, arrivedAt }, code) {
    const last = view.calls.findLast((call) => call.token === token);
    // Without an introspection request, an earlier error was repeated.
    if (!OUTAGE_CODES.includes(code) || !((last?.endedAt ?? time()) >= arrivedAt)) return;
    if (machine.isPaused() || view.disturbedAt > view.doubt?.from) view.doubt = undefined;
    view.doubt ??= { unconnected: new Set(), others: new Set(), from: time(), fullAt: NEVER, dueAt: NEVER };
    const { doubt } = view;
    const isUnconnected = last?.outcome === 'ECONNREFUSED';
    const tokens = isUnconnected ? doubt.unconnected : doubt.others;
    // Another failure starts the check, unless the last check was less than a second ago.
    if (!isUnconnected && time() > doubt.fullAt + CHECK_INTERVAL_MS)
      doubt.dueAt = Math.min(doubt.dueAt, time() + options.timeoutMs + LATE_MS);
    tokens.add(token);
    if (tokens.size < TOKENS_TO_CHECK) return;
    if (isUnconnected) doubt.dueAt = Math.min(doubt.dueAt, time() + LATE_MS);
    else doubt.fullAt = Math.min(doubt.fullAt, time());
  }

  /** A response with `Retry-After` says when to ask again. Only another request may ask about the same token before. */
  function checkRetry(view, { token, machine }) {
    const last = view.calls.findLast((call) => call.token === token && call.endedAt !== undefined);
    if (last?.fault.retryAfterSeconds === undefined || typeof last.outcome !== 'number') return;
    if (time() - last.endedAt > RETRY_MS || view.disturbedAt > last.sentAt) return;
    if (!view.arrivals.some(({ token: other, at }) => other === token && at >= last.sentAt))
      report(`${machine.name} asks about ${token} again, although the response has a Retry-After`);
  }

  /** A response that came after the breaker opened must close it. */
  function checkIsClosed({ machine, breaker, calls: sent }) {
    const isGood = ({ sentAt, outcome, fault }) =>
      sentAt > breaker.changedAt && outcome === 200 && fault.kind === 'pass';
    if (breaker.state !== 'closed' && sent.some((call) => isGood(call) && !isOurs(call)))
      report(`the circuit breaker of ${machine.name} stays open, although the endpoint responds`);
  }

  function noteServerErrors(view, { token, outcome }) {
    const last = view.failed.get(token);
    if (outcome === 500) {
      const isInRow = last !== undefined && time() < last.at + FAILED_TOKEN_MS;
      view.failed.set(token, { count: isInRow ? last.count + 1 : 1, at: time() });
    } else if (last !== undefined) view.failed.delete(token);
  }

  return {
    find: (number) => calls[number],
    started(view, call) {
      calls[call.id] = call;
      checkBreaker(view, call);
      checkStaysClosed(view);
      if (!isOurs(call)) checkToken(view, call);
      if (!isOurs(call) && !options.hasStore && options.staleMs === 0) checkRetry(view, call);
      view.calls.push(call);
      const pending = view.calls.filter(({ endedAt }) => endedAt === undefined).length;
      if (pending > MAX_CALLS) report(`${call.machine.name} has ${pending} introspection requests at once`);
    },
    ended(view, call) {
      if (!isOutage(call)) view.doubt = undefined;
      if (isOurs(call)) {
        view.lastProbe = call;
        if (!isOutage(call)) view.failsForOurToken = false;
      } else noteServerErrors(view, call);
    },
    responded(view, request, { status, code }) {
      if (status === 503) noteFailure(view, request, code);
    },
    circuit(view, { state, retryAfterSeconds }) {
      const { breaker, lastProbe, machine } = view;
      const before = breaker.state;
      if (state === 'half_open' && time() < breaker.quietUntil)
        report(`${machine.name} sends a probe before its pause is over`);
      Object.assign(breaker, { state, changedAt: time() });
      // A response about a client's token has closed the breaker, although the probe failed.
      if (state === 'closed' && before === 'open') view.failsForOurToken = true;
      if (state !== 'open') return;
      view.doubt = undefined;
      const isAfterProbe = before === 'half_open';
      // The pause that the endpoint asked for in its response about our token.
      const asked = lastProbe?.endedAt === time() ? (lastProbe.fault.retryAfterSeconds ?? 0) * 1000 : 0;
      const recent = view.calls.filter(({ endedAt = time() }) => endedAt >= time() - RETRY_MS).length;
      breaker.quietUntil = time() + Math.max(MIN_PAUSE_MS, asked);
      breaker.callsLeft = recent + (isAfterProbe ? CALLS_AFTER_PROBE : 0);
      breaker.endsAt = time() + retryAfterSeconds * 1000;
    },
    checkIsClosed,
    /** If the store works, one process asks about a new token, and the others use its response. */
    checkSharing() {
      const asking = new Set(calls.filter(({ token }) => token === 'shared').map(({ process }) => process));
      if (options.hasStore && asking.size > 1)
        report(`${asking.size} processes ask about a token that is in the store`);
    },
  };
}
