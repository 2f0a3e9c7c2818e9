import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createClient } from '../../__tests__/support/faults/client.mjs';
import { createModel, createTokenRegistry } from '../../__tests__/support/faults/model.mjs';
import { startFaultProxy } from '../../__tests__/support/faults/proxy.mjs';
import { createRandom, createSchedule, nameOf, pick } from '../../__tests__/support/faults/schedule.mjs';
import { startChild } from '../child.mjs';

import { createTimeline, percentiles } from './timeline.mjs';

const SECOND = 1000;

const LIMITS = { timeoutMs: 1000, ttlMs: 4000, toleranceMs: 1000 };
const MARGIN_MS = 400;

/** `staleMs` 0 is the default of the library. */
const APIS = { strict: { staleMs: 0 }, lenient: { staleMs: 20_000 } };

const VALID_TOKENS = 40;
const SCOPES = ['profile:read', 'profile:read reports:read'];
const TICK_MS = 20;
/** Requests per second to each API. */
const REQUESTS_PER_SECOND = 150;

/** Number of new tokens sent to each API at once, soon after a fault begins. It exceeds the concurrency limit. */
const BURST = 200;
const BURST_AFTER_MS = 500;

const WARM_UP_MS = 6 * SECOND;
const KILL_MS = 10 * SECOND;
/** Longer than the longest pause of the circuit breaker that the kill can cause. */
const AFTER_KILL_MS = 14 * SECOND;
const SETTLE_MS = 8 * SECOND;
/** The longest pause of the circuit breaker (30 s), and a fifth. */
const MAX_PAUSE_MS = 36 * SECOND;

/** How much more may be in use at the end than at the start. */
const MAX_GROWTH = { heapMegabytes: 12, timers: 20 };
const MAX_CONNECTIONS = 64;
const EXIT_MS = 5 * SECOND;

export async function runSoak({ seed, seconds, report }) {
  const random = createRandom(seed);
  const registry = createTokenRegistry();
  const lag = monitorEventLoopDelay();
  lag.enable();
  /** The machine may have been as busy at any time as at its busiest. */
  const marginMs = () => MARGIN_MS + lag.max / 1e6;
  const violations = [];
  const server = await startChild('soak/authorization-server.mjs');
  const { endpoint, ...facts } = server.firstMessage;
  const apis = await Promise.all(
    Object.entries(APIS).map(([name, { staleMs }]) => startApi({ name, endpoint, facts, registry, staleMs, marginMs })),
  );
  const children = [server, ...apis.map(({ child }) => child)];

  const start = Date.now();
  const timeline = createTimeline(start);
  const killAt = start + WARM_UP_MS;
  const restartAt = killAt + KILL_MS;
  const loadEnd = start + seconds * SECOND - SETTLE_MS;
  const schedule = createSchedule({
    seed,
    from: restartAt + AFTER_KILL_MS,
    until: loadEnd - SETTLE_MS,
    timeoutMs: LIMITS.timeoutMs,
    troubleMs: [3 * SECOND, 6 * SECOND],
    calmMs: [3 * SECOND, 8 * SECOND],
  });
  const kill = { fault: { kind: 'refuse' }, from: killAt, until: restartAt, flaps: false };
  const tokens = {
    valid: [],
    shortLived: [],
    revoked: [],
    invalid: Array.from({ length: 10 }, () => createRandomToken(random)),
  };
  let isUp = true;

  async function issue(list, ttlSeconds, scope = pick(random, SCOPES)) {
    const { token, expiresAt } = await server.send({ command: 'issue', scope, ttlSeconds });
    registry.issued(token, { scope, expiresAt });
    list.push(token);
  }

  /** Runs once a second while the authorization server is up. It issues a short-lived and a long-lived token, and revokes a token. */
  async function replaceTokens() {
    if (!isUp) return;
    await issue(tokens.shortLived, 2 + Math.floor(random() * 6));
    await issue(tokens.valid, 3600);
    const [token] = tokens.valid.splice(Math.floor(random() * tokens.valid.length), 1);
    registry.revoking(token);
    await server.send({ command: 'revoke', token });
    registry.revoked(token);
    tokens.revoked.push(token);
    for (const list of [tokens.shortLived, tokens.revoked]) list.splice(0, list.length - 20);
  }

  /** Without faults, about half of the requests are cache hits. */
  function nextToken() {
    const chance = random();
    if (chance < 0.6) return pick(random, tokens.valid);
    if (chance < 0.68) return pick(random, tokens.shortLived) ?? pick(random, tokens.valid);
    if (chance < 0.76) return pick(random, tokens.revoked) ?? pick(random, tokens.valid);
    if (chance < 0.82) return pick(random, tokens.invalid);
    return createRandomToken(random);
  }

  async function request(api, token = nextToken()) {
    const chance = random();
    const path = chance < 0.03 ? '/fresh' : chance < 0.3 ? '/scope' : '/any';
    const response = await api.client.get(path, token);
    const observation = {
      token,
      scope: path === '/scope' ? 'reports:read' : undefined,
      fresh: path === '/fresh',
      ...response,
    };
    api.model.observe(observation);
    api.addObservation(observation);
    timeline.add(api.name, observation);
  }

  try {
    report(`soak: seed ${seed}, ${seconds} s`);
    for (let count = 0; count < VALID_TOKENS; count++) await issue(tokens.valid, 3600);
    const pending = new Set();
    const send = (api, token) => {
      const sent = request(api, token).finally(() => pending.delete(sent));
      pending.add(sent);
    };
    const load = repeatEvery(TICK_MS, (elapsedMs) => {
      for (const api of apis) {
        api.due += (REQUESTS_PER_SECOND * elapsedMs) / SECOND;
        for (; api.due >= 1; api.due--) send(api);
      }
    });
    let replacing = Promise.resolve();
    const replacements = repeatEvery(SECOND, () => {
      replacing = replacing.then(replaceTokens);
    });
    await waitUntil(start + WARM_UP_MS - SECOND);
    const resourcesBefore = await Promise.all(apis.map(({ child }) => child.send({ command: 'measureResources' })));

    const setAll = (fault) => Promise.all(apis.map(({ proxy }) => proxy.set(fault)));
    await waitUntil(killAt);
    isUp = false;
    await replacing;
    report('the authorization server is killed');
    kill.from = Date.now();
    await Promise.all([server.send({ command: 'stop' }), setAll(kill.fault)]);
    await waitUntil(restartAt);
    await server.send({ command: 'start' });
    await setAll({ kind: 'pass' });
    kill.until = Date.now();
    report('the authorization server is restarted');
    isUp = true;
    for (const phase of schedule) {
      await waitUntil(phase.from);
      if (!phase.flaps) report(`${seconds - Math.round((Date.now() - start) / SECOND)} s left: ${nameOf(phase.fault)}`);
      phase.from = Date.now();
      await setAll(phase.fault);
      if (!phase.flaps) {
        await waitUntil(phase.from + BURST_AFTER_MS);
        for (const api of apis) for (let count = 0; count < BURST; count++) send(api, createRandomToken(random));
      }
      await waitUntil(phase.until);
      await setAll({ kind: 'pass' });
      phase.until = Date.now();
    }

    await waitUntil(loadEnd);
    replacements.stop();
    const recovered = await Promise.all(apis.map((api) => hasRecovered(api, tokens.valid)));
    for (const [index, isRecovered] of recovered.entries()) {
      if (!isRecovered)
        violations.push({
          api: apis[index].name,
          what: 'it did not recover within the longest pause of the circuit breaker',
        });
    }
    load.stop();
    await Promise.all([...pending, replacing]);
    for (const { client } of apis) client.close();
    // Waits until all lookups have ended and have released their memory.
    await waitUntil(Date.now() + 2 * LIMITS.timeoutMs);
    const states = await Promise.all(apis.map(({ child }) => child.send({ command: 'readState' })));
    const after = await Promise.all(apis.map(({ child }) => child.send({ command: 'measureResources' })));

    const summaries = {};
    for (const [index, api] of apis.entries()) {
      const { name, model, proxy } = api;
      model.checkCalls([kill, ...schedule]);
      for (const violation of model.violations) violations.push({ api: name, ...violation });
      const [before, now] = [resourcesBefore[index], after[index]];
      for (const [resource, growth] of Object.entries(MAX_GROWTH)) {
        if (now[resource] > before[resource] + growth) {
          violations.push({
            api: name,
            what: `${resource}: ${before[resource]} at the start, ${now[resource]} at the end`,
          });
        }
      }
      if (now.sockets > MAX_CONNECTIONS) violations.push({ api: name, what: `${now.sockets} sockets were left open` });
      const { circuit, stats } = states[index];
      for (const { token, at, answeredAt } of proxy.exchanges) timeline.addCall(name, { token, at, answeredAt });
      for (const event of circuit) timeline.circuit(name, event);
      const killed = describeKill(api, circuit, kill, marginMs());
      for (const what of killed.violations) violations.push({ api: name, what });
      summaries[name] = {
        ...api.summary(),
        calls: proxy.exchanges.length,
        peak: proxy.peak(),
        stats,
        killed,
        resources: { before, after: now },
        circuit: count(circuit),
      };
    }

    await Promise.all(
      apis.map(async ({ name, child, proxy }) => {
        await child.send({ command: 'close' });
        const code = await Promise.race([
          child.exit,
          new Promise((resolve) => setTimeout(resolve, EXIT_MS, 'late').unref()),
        ]);
        if (code !== 0)
          violations.push({ api: name, what: `the process did not exit by itself after close(): ${code}` });
        await proxy.close();
      }),
    );
    const relative = ({ fault, from, until, flaps }) => ({
      name: nameOf(fault),
      from: from - start,
      until: until - start,
      flaps,
    });
    return {
      limits: LIMITS,
      greatestLagMs: Math.round(lag.max / 1e6),
      apis: summaries,
      phases: [{ ...relative(kill), name: 'killed' }, ...schedule.map(relative)],
      violations: violations.slice(0, 50),
      violationCount: violations.length,
      timeline: timeline.rows(),
    };
  } finally {
    for (const child of children) child.stop();
  }
}

async function startApi({ name, endpoint, facts, registry, staleMs, marginMs }) {
  const proxy = await startFaultProxy(endpoint);
  const limits = { ...LIMITS, staleMs, marginMs };
  const child = await startChild('soak/api.mjs', {
    // Hides the expected warning about an HTML page.
    execArgv: ['--expose-gc', '--no-warnings'],
    task: {
      ...facts,
      endpoint: proxy.url,
      timeoutMs: LIMITS.timeoutMs,
      clockToleranceSeconds: LIMITS.toleranceMs / SECOND,
      cache: { ttlSeconds: LIMITS.ttlMs / SECOND, staleIfErrorSeconds: staleMs / SECOND, inactiveTtlSeconds: 1 },
    },
  });
  const seen = [];
  return {
    name,
    proxy,
    child,
    due: 0,
    client: createClient(child.firstMessage.port, 2 * LIMITS.timeoutMs + 3 * MARGIN_MS),
    model: createModel({ registry, limits, proxy }),
    addObservation: ({ token: _, ...observation }) => void seen.push(observation),
    seen,
    summary() {
      const statuses = {};
      const codes = {};
      for (const { status, error, stale } of seen) {
        const key = stale ? '200, stale' : String(status);
        statuses[key] = (statuses[key] ?? 0) + 1;
        if (error !== undefined) codes[error] = (codes[error] ?? 0) + 1;
      }
      return {
        requests: seen.length,
        statuses,
        codes,
        latencyMs: percentiles(seen.filter(({ status }) => status === 200)),
      };
    },
  };
}

/** Responses during the kill, their latency, and when the circuit breaker opened and closed. */
function describeKill({ seen }, circuit, { from, until }, marginMs) {
  const during = seen.filter(({ sentAt }) => sentAt >= from && sentAt < until);
  const opened = circuit.find(({ state, at }) => state === 'open' && at >= from);
  const closed = circuit.find(({ state, at }) => state === 'closed' && at >= until);
  const violations = [];
  if (opened === undefined) violations.push('the circuit breaker did not open while the authorization server was down');
  if (closed === undefined)
    violations.push('the circuit breaker did not close after the authorization server was restarted');
  const lastOpen = circuit.findLast(({ state, at }) => state === 'open' && at >= from && at < until);
  const pauseEnd = lastOpen === undefined ? Number.NaN : lastOpen.at + lastOpen.retryAfterSeconds * SECOND;
  if (closed?.at > Math.max(until, pauseEnd) + LIMITS.timeoutMs + marginMs)
    violations.push('recovery took longer than the pause');
  const fast = during.filter(({ error }) => error === 'circuit_open');
  const other = during.filter(
    ({ status, error }) => status === 503 && error !== 'circuit_open' && opened !== undefined,
  );
  return {
    violations,
    requests: during.length,
    accepted: during.filter(({ status, stale }) => status === 200 && !stale).length,
    acceptedStale: during.filter(({ stale }) => stale).length,
    unavailable: during.filter(({ status }) => status === 503).length,
    openedAfterMs: opened && opened.at - from,
    closedAfterRestartMs: closed && closed.at - until,
    unavailableNotByBreaker: other.length,
    latencyMs: {
      'while open, 503': percentiles(fast),
      'while open, 200': percentiles(during.filter(({ status }) => status === 200)),
      'all the time, 200': percentiles(seen.filter(({ status }) => status === 200)),
    },
  };
}

/** Whether every valid token is accepted again within the longest pause of the circuit breaker. */
async function hasRecovered({ client }, validTokens) {
  const end = Date.now() + MAX_PAUSE_MS;
  for (const token of validTokens) {
    while ((await client.get('/any', token)).status !== 200) {
      if (Date.now() > end) return false;
      await waitUntil(Date.now() + 100);
    }
  }
  return true;
}

function count(circuit) {
  const states = {};
  for (const { state, reason } of circuit) {
    const key = reason === undefined ? state : `${state}: ${reason}`;
    states[key] = (states[key] ?? 0) + 1;
  }
  return states;
}

function repeatEvery(ms, work) {
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    work(Math.min(now - last, 5 * ms));
    last = now;
  }, ms);
  return { stop: () => clearInterval(timer) };
}

function waitUntil(time) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, time - Date.now())));
}

function createRandomToken(random) {
  return `made-up-${random().toString(36).slice(2)}${random().toString(36).slice(2)}`;
}
