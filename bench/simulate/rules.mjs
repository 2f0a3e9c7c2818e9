// Observes a run, and checks every response and every introspection request by rules that share no code with the library.
import { subscribe } from 'node:diagnostics_channel';
import { EPOCH_MS, runningMachine } from '../model/machine.mjs';
import { isTarget } from './authorization-server.mjs';
import { createCallRules } from './call-rules.mjs';
import { CONFIRMED_MS, createResponseRules } from './response-rules.mjs';
import { createStoreRules } from './store-rules.mjs';

/** A revocation that is in the store applies in all processes after this time, even in one that cannot read the log. */
const UNREAD_LIMIT_MS = 5000;

/** A token that expires within this time may be rejected, because the clocks of processes differ. */
const NEAR_EXPIRY_MS = 60_000;

/** The rules of the run of this thread. */
let current;

subscribe('express-token-introspection:circuit', (event) => current?.circuit(runningMachine(), event));
subscribe('express-token-introspection:store', (event) => current?.storeState(runningMachine(), event));

/** @param time reads the milliseconds since the run started */
export function createRules({ plan, server, time, note }) {
  /** What is known about each process, by its machine. */
  const views = new Map();
  const resolvedAt = new Map();
  const lost = new Set();
  const targetByEntry = new Map();
  const counts = { requests: 0, calls: 0, opened: 0, stale: 0 };
  let violation;

  const report = (text) => {
    if (violation === undefined) note(`VIOLATION: ${text}`);
    violation ??= text;
  };
  const viewOf = (machine) => views.get(machine);
  /** When another process or the store last failed, so that a process may have waited for it. */
  const trouble = { at: Number.NEGATIVE_INFINITY, isNow: false };
  const context = { plan, server, time, report, trouble };
  const calls = createCallRules(context);
  const responses = createResponseRules({ ...context, callOf: calls.find });
  const stores = createStoreRules(context);

  /** Why a request that arrives now must be rejected; `undefined` if it may be admitted. */
  function reasonToReject(view, token) {
    if (token === undefined) return undefined;
    const covers = (target) => isTarget(target, token);
    if ([...view.knows].some(covers)) return 'its process knew the revocation when the request arrived';
    if (!plan.options.hasStore) return undefined;
    const old = [...resolvedAt].some(([target, at]) => covers(target) && time() - at > UNREAD_LIMIT_MS);
    return old ? 'invalidate() had resolved more than 5 seconds before the request arrived' : undefined;
  }

  const self = {
    violation: () => violation,
    report,
    started(machine, index) {
      views.set(machine, {
        ...{
          machine,
          index,
          startedAt: time(),
          calls: [],
          open: new Set(),
          arrivals: [],
          held: new Map(),
          failed: new Map(),
        },
        ...{
          knows: new Set(),
          logStart: undefined,
          logStartedAt: -1,
          hasNoticedLoss: false,
          confirmedAt: -1,
          isAlive: true,
        },
        ...{
          breaker: { state: 'closed', changedAt: 0, endsAt: 0 },
          disturbedAt: -1,
          invalidatedAt: -1,
          failsForOurToken: false,
        },
      });
    },
    ended(machine) {
      trouble.at = time();
      viewOf(machine).isAlive = false;
    },
    paused(machine) {
      trouble.at = time();
      viewOf(machine).disturbedAt = time();
    },
    clockSet: (machine) => Object.assign(viewOf(machine), { disturbedAt: time() }),
    /** Notes that a store fault begins or ends. */
    storeChanged(faults) {
      trouble.at = time();
      trouble.isNow = faults.some((fault) => fault !== 'ok');
    },
    invalidated(machine, target) {
      const view = viewOf(machine);
      view.knows.add(target);
      view.isInvalidating = target;
      view.invalidatedAt = time();
    },
    invalidationStored(target) {
      if (!resolvedAt.has(target)) resolvedAt.set(target, time());
    },
    logLost() {
      for (const target of targetByEntry.values()) lost.add(target);
    },
    logRead(machine, { start, entries, isAtEnd, askedAt }) {
      const view = viewOf(machine);
      if (start !== undefined) {
        if (view.logStart !== undefined) view.hasNoticedLoss = true;
        Object.assign(view, { logStart: start, logStartedAt: time() });
      }
      for (const { entry } of entries) if (targetByEntry.has(entry)) view.knows.add(targetByEntry.get(entry));
      // At the end of the log, a process that had read a lost log has noticed the loss.
      if (isAtEnd) view.confirmedAt = time() - (machine.clock.monotonic() - askedAt);
      if (isAtEnd && view.hasNoticedLoss) for (const target of lost) view.knows.add(target);
    },
    commandStarted(command) {
      const view = viewOf(command.machine);
      const [entry] = command.args;
      if (command.kind === 'append' && view.isInvalidating !== undefined && !targetByEntry.has(entry)) {
        targetByEntry.set(entry, view.isInvalidating);
        view.isInvalidating = undefined;
      }
      stores.started(view, command);
    },
    commandReplied: (command) => stores.replied(viewOf(command.machine), command),
    commandFailed: (command) => stores.failed(viewOf(command.machine), command),
    callStarted(call) {
      counts.calls++;
      calls.started(viewOf(call.machine), call);
    },
    callEnded: (call) => calls.ended(viewOf(call.machine), call),
    storeState(machine, { state }) {
      note(`${machine.name}: the store is ${state}`);
      viewOf(machine).storeState = state;
    },
    /** Notes that all faults and all pauses are over. */
    recovered: () => stores.recovered(),
    circuit(machine, event) {
      if (event.tokensToBlame) return;
      note(
        `${machine.name}: the circuit breaker is ${event.state} ${event.reason ?? ''} ${event.retryAfterSeconds ?? ''}`,
      );
      if (event.state === 'open') counts.opened++;
      calls.circuit(viewOf(machine), event);
    },
    arrived(machine, request) {
      const view = viewOf(machine);
      const token = server.find(request.token);
      counts.requests++;
      const { clock } = machine;
      const observed = {
        ...request,
        machine,
        arrivedAt: time(),
        wall: clock.now(),
        monotonic: clock.monotonic(),
        stoppedMs: machine.stoppedMs(),
        reason: reasonToReject(view, token),
        held: view.held.get(request.token),
        isConfirmed: time() - view.confirmedAt < CONFIRMED_MS,
        wasOpen: view.breaker.state !== 'closed',
      };
      view.open.add(observed);
      view.arrivals.push({ token: request.token, at: time() });
      note(`${machine.name} gets a request with ${request.token} (${request.route})`);
      return observed;
    },
    responded(observed, outcome) {
      const view = viewOf(observed.machine);
      if (!view.open.delete(observed)) return report(`a request with ${observed.token} gets two responses`);
      const { status, code, call, stale } = outcome;
      if (stale) counts.stale++;
      const details = [code, call !== undefined && `by call ${call}`, stale && 'stale'].filter(Boolean).join(', ');
      note(`${observed.machine.name} responds ${status} to ${observed.token} (${observed.route}) ${details}`);
      responses.check(view, observed, outcome);
      calls.responded(view, observed, outcome);
    },
    /** Whether a token must be accepted by all processes until this time. */
    isGood: (token, until) =>
      token.revokedAt === Number.POSITIVE_INFINITY && !(token.exp * 1000 - EPOCH_MS < until + NEAR_EXPIRY_MS),
    pausesEndAt: () =>
      Math.max(0, ...[...views.values()].filter(({ isAlive }) => isAlive).map(({ breaker }) => breaker.endsAt)),
    checkStats(machine, { endpointCalls, entries }) {
      const { maxEntries } = plan.options;
      const sent = viewOf(machine).calls.length;
      if (endpointCalls !== sent)
        report(`stats() counts ${endpointCalls} introspection requests, but there were ${sent}`);
      if (entries > maxEntries + Math.ceil(maxEntries / 10)) report(`${entries} responses are in memory`);
    },
    checkEnd() {
      calls.checkSharing();
      for (const view of views.values()) {
        const { isAlive, machine, open, calls: sent } = view;
        if (!isAlive) continue;
        calls.checkIsClosed(view);
        stores.checkIsOk(view);
        if (open.size > 0) report(`${open.size} requests to ${machine.name} have no response`);
        if (sent.some(({ endedAt }) => endedAt === undefined))
          report(`${machine.name} leaves an introspection request open`);
      }
    },
    counts: () => counts,
  };
  current = self;
  return self;
}
