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

const GOOD_TOKENS = 40;
const SCOPES = ['profile:read', 'profile:read reports:read'];
const TICK_MS = 20;
/** To each API. */
const REQUESTS_A_SECOND = 150;

/** New tokens to each API at once, soon after a fault has begun: more than its lanes hold. */
const BURST = 200;
const BURST_AFTER_MS = 500;

const WARM_UP_MS = 6 * SECOND;
const KILL_MS = 10 * SECOND;
/** Long enough for the longest pause that the kill can have led to. */
const AFTER_KILL_MS = 14 * SECOND;
const SETTLE_MS = 8 * SECOND;
/** The longest pause of a breaker, and a fifth. */
const LONGEST_PAUSE_MS = 36 * SECOND;

/** What may be left behind. */
const ROOM = { heapMegabytes: 12, timers: 20 };
const MOST_CONNECTIONS = 64;
const EXIT_MS = 5 * SECOND;

export async function runSoak({ seed, seconds, report }) {
  const random = createRandom(seed);
  const registry = createTokenRegistry();
  const lag = monitorEventLoopDelay();
  lag.enable();
  /** A machine that was busy once may have been so at any time. */
  const marginMs = () => MARGIN_MS + lag.max / 1e6;
  const violations = [];
  const server = await startChild('soak/authorization-server.mjs');
  const { endpoint, ...facts } = server.hello;
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
  const tokens = { good: [], brief: [], revoked: [], bad: Array.from({ length: 10 }, () => madeUp(random)) };
  let isUp = true;

  async function issue(list, ttlSeconds, scope = pick(random, SCOPES)) {
    const { token, expiresAt } = await server.ask({ order: 'issue', scope, ttlSeconds });
    registry.issued(token, { scope, expiresAt });
    list.push(token);
  }

  /** Once a second while the authorization server is up: a token that soon expires, a new one, and one that is revoked. */
  async function turnOver() {
    if (!isUp) return;
    await issue(tokens.brief, 2 + Math.floor(random() * 6));
    await issue(tokens.good, 3600);
    const [token] = tokens.good.splice(Math.floor(random() * tokens.good.length), 1);
    registry.revoking(token);
    await server.ask({ order: 'revoke', token });
    registry.revoked(token);
    tokens.revoked.push(token);
    for (const list of [tokens.brief, tokens.revoked]) list.splice(0, list.length - 20);
  }

  /** Half of them from memory, were all well. */
  function nextToken() {
    const chance = random();
    if (chance < 0.6) return pick(random, tokens.good);
    if (chance < 0.68) return pick(random, tokens.brief) ?? pick(random, tokens.good);
    if (chance < 0.76) return pick(random, tokens.revoked) ?? pick(random, tokens.good);
    if (chance < 0.82) return pick(random, tokens.bad);
    return madeUp(random);
  }

  async function request(api, token = nextToken()) {
    const chance = random();
    const path = chance < 0.03 ? '/fresh' : chance < 0.3 ? '/scope' : '/any';
    const answer = await api.client.get(path, token);
    const observation = {
      token,
      scope: path === '/scope' ? 'reports:read' : undefined,
      fresh: path === '/fresh',
      ...answer,
    };
    api.model.observe(observation);
    api.observed(observation);
    timeline.add(api.name, observation);
  }

  try {
    report(`soak: seed ${seed}, ${seconds} s`);
    for (let count = 0; count < GOOD_TOKENS; count++) await issue(tokens.good, 3600);
    const pending = new Set();
    const ask = (api, token) => {
      const asking = request(api, token).finally(() => pending.delete(asking));
      pending.add(asking);
    };
    const load = every(TICK_MS, (elapsedMs) => {
      for (const api of apis) {
        api.due += (REQUESTS_A_SECOND * elapsedMs) / SECOND;
        for (; api.due >= 1; api.due--) ask(api);
      }
    });
    let turning = Promise.resolve();
    const turnOvers = every(SECOND, () => {
      turning = turning.then(turnOver);
    });
    await until(start + WARM_UP_MS - SECOND);
    const weights = await Promise.all(apis.map(({ child }) => child.ask({ order: 'weigh' })));

    const setAll = (fault) => Promise.all(apis.map(({ proxy }) => proxy.set(fault)));
    await until(killAt);
    isUp = false;
    await turning;
    report('the authorization server is killed');
    kill.from = Date.now();
    await Promise.all([server.ask({ order: 'stop' }), setAll(kill.fault)]);
    await until(restartAt);
    await server.ask({ order: 'start' });
    await setAll({ kind: 'pass' });
    kill.until = Date.now();
    report('and restarted');
    isUp = true;
    for (const phase of schedule) {
      await until(phase.from);
      if (!phase.flaps) report(`${seconds - Math.round((Date.now() - start) / SECOND)} s left: ${nameOf(phase.fault)}`);
      phase.from = Date.now();
      await setAll(phase.fault);
      if (!phase.flaps) {
        await until(phase.from + BURST_AFTER_MS);
        for (const api of apis) for (let count = 0; count < BURST; count++) ask(api, madeUp(random));
      }
      await until(phase.until);
      await setAll({ kind: 'pass' });
      phase.until = Date.now();
    }

    await until(loadEnd);
    turnOvers.stop();
    const recovered = await Promise.all(apis.map((api) => recovery(api, tokens.good)));
    for (const [index, isWell] of recovered.entries()) {
      if (!isWell) violations.push({ api: apis[index].name, what: 'it had not recovered after the longest pause' });
    }
    load.stop();
    await Promise.all([...pending, turning]);
    for (const { client } of apis) client.close();
    // Until every answer has ended, and with it what it holds.
    await until(Date.now() + 2 * LIMITS.timeoutMs);
    const told = await Promise.all(apis.map(({ child }) => child.ask({ order: 'tell' })));
    const after = await Promise.all(apis.map(({ child }) => child.ask({ order: 'weigh' })));

    const summaries = {};
    for (const [index, api] of apis.entries()) {
      const { name, model, proxy } = api;
      model.checkCalls([kill, ...schedule]);
      for (const violation of model.violations) violations.push({ api: name, ...violation });
      const [before, now] = [weights[index], after[index]];
      for (const [what, room] of Object.entries(ROOM)) {
        if (now[what] > before[what] + room) {
          violations.push({ api: name, what: `${what}: ${before[what]} at the start, ${now[what]} at the end` });
        }
      }
      if (now.sockets > MOST_CONNECTIONS) violations.push({ api: name, what: `${now.sockets} sockets were left open` });
      const { circuit, stats } = told[index];
      for (const { token, at, answeredAt } of proxy.exchanges) timeline.asked(name, { token, at, answeredAt });
      for (const event of circuit) timeline.circuit(name, event);
      const killed = scene(api, circuit, kill, marginMs());
      for (const what of killed.violations) violations.push({ api: name, what });
      summaries[name] = {
        ...api.summary(),
        questions: proxy.exchanges.length,
        peak: proxy.peak(),
        stats,
        killed,
        weight: { before, after: now },
        circuit: count(circuit),
      };
    }

    await Promise.all(
      apis.map(async ({ name, child, proxy }) => {
        await child.ask({ order: 'close' });
        const code = await Promise.race([
          child.exit,
          new Promise((resolve) => setTimeout(resolve, EXIT_MS, 'late').unref()),
        ]);
        if (code !== 0) violations.push({ api: name, what: `it did not end by itself after close(): ${code}` });
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
    // The warning that a page of HTML is no endpoint is in its place.
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
    client: createClient(child.hello.port, 2 * LIMITS.timeoutMs + 3 * MARGIN_MS),
    model: createModel({ registry, limits, proxy }),
    observed: ({ token: _, ...observation }) => void seen.push(observation),
    seen,
    summary() {
      const statuses = {};
      const codes = {};
      for (const { status, error, stale } of seen) {
        const key = stale ? '200, an old answer' : String(status);
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

/** What the kill looked like: who went on, how fast the others were told, and when all was well again. */
function scene({ seen }, circuit, { from, until }, marginMs) {
  const during = seen.filter(({ sentAt }) => sentAt >= from && sentAt < until);
  const opened = circuit.find(({ state, at }) => state === 'open' && at >= from);
  const closed = circuit.find(({ state, at }) => state === 'closed' && at >= until);
  const violations = [];
  if (opened === undefined) violations.push('the circuit did not open while the authorization server was down');
  if (closed === undefined) violations.push('the circuit did not close after the authorization server was back');
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
    admitted: during.filter(({ status, stale }) => status === 200 && !stale).length,
    admittedOnOldAnswers: during.filter(({ stale }) => stale).length,
    unavailable: during.filter(({ status }) => status === 503).length,
    openedAfterMs: opened && opened.at - from,
    closedAfterRestartMs: closed && closed.at - until,
    unavailableButNotByTheBreaker: other.length,
    latencyMs: {
      'while open, 503': percentiles(fast),
      'while open, 200': percentiles(during.filter(({ status }) => status === 200)),
      'all the time, 200': percentiles(seen.filter(({ status }) => status === 200)),
    },
  };
}

/** Every good token is admitted again, within the longest pause. */
async function recovery({ client }, good) {
  const end = Date.now() + LONGEST_PAUSE_MS;
  for (const token of good) {
    while ((await client.get('/any', token)).status !== 200) {
      if (Date.now() > end) return false;
      await until(Date.now() + 100);
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

function every(ms, work) {
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    work(Math.min(now - last, 5 * ms));
    last = now;
  }, ms);
  return { stop: () => clearInterval(timer) };
}

function until(time) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, time - Date.now())));
}

function madeUp(random) {
  return `made-up-${random().toString(36).slice(2)}${random().toString(36).slice(2)}`;
}
