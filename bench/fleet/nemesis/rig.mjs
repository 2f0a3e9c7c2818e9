import { once } from 'node:events';
import { createServer } from 'node:http';
import { startChild } from '../../child.mjs';
import { Pool } from '../../packages.mjs';
import { BAD, randomToken } from '../../tokens.mjs';
import { machineTime, quantile, sleep } from '../time.mjs';

export const TTL_SECONDS = 20;
export const TIMEOUT_MS = 3000;

const TOKENS = 40;
const PER_SECOND = 240;
const REVOKE_EVERY_MS = 400;
const RETRY_MS = 200;
const KINDS = ['token', 'sub', 'sid', 'client_id', 'jti'];

/** What the process promises, and what a busy machine may add. */
const PARTED_MS = 5000;
const READERS_BACK_MS = 3500;
const MARGIN_MS = 250;
const WELL_MARGIN_MS = 500;
const DEADLINE_MARGIN_MS = 700;

const STALL_CHECK_MS = 20;
const STALL_MS = 150;

/** The same numbers for the same seed. */
export function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An authorization server in this process: it decides as a question arrives, and tells in the response when that was. */
export async function startAuthorizationServer() {
  const revoked = new Set();
  const asked = [];
  const state = { delayMs: 5, failure: undefined };
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk) => {
      body += chunk;
    });
    req.on('end', async () => {
      const at = machineTime();
      const token = new URLSearchParams(body).get('token') ?? BAD;
      asked.push({ token, at });
      const isActive = !token.startsWith(BAD) && !revoked.has(token);
      const { failure } = state;
      await sleep(state.delayMs);
      if (failure !== undefined) {
        res.writeHead(failure).end();
        return;
      }
      const claims = Object.fromEntries(KINDS.slice(1).map((name) => [name, `${name} of ${token}`]));
      const response = isActive ? { active: true, ...claims, asked_at: at } : { active: false };
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(response));
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/introspect`,
    asked,
    state,
    revoke(token) {
      revoked.add(token);
      return machineTime();
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** One process of the fleet. */
export async function startInstance(task) {
  const child = await startChild('fleet/nemesis/instance.mjs', { task: { ttlSeconds: TTL_SECONDS, ...task } });
  const pool = new Pool(child.hello.url, { connections: 64 });
  return {
    ask: child.ask,
    signal: child.signal,
    async get(token) {
      const startedAt = machineTime();
      try {
        const { statusCode, body } = await pool.request({
          path: '/',
          method: 'GET',
          headers: { authorization: `Bearer ${token}` },
        });
        const text = await body.text();
        const endedAt = machineTime();
        return {
          token,
          status: statusCode,
          startedAt,
          endedAt,
          askedAt: statusCode === 200 ? Number(text) : undefined,
        };
      } catch {
        return { token, status: 0, startedAt, endedAt: machineTime() };
      }
    },
    stop() {
      child.signal('SIGCONT');
      child.stop();
      pool.destroy().catch(() => {});
    },
  };
}

/** Spans in which this process did not run, or not in time: a busy machine. */
export function watchStalls() {
  const stalls = [];
  let last = machineTime();
  const timer = setInterval(() => {
    const now = machineTime();
    if (now - last > STALL_MS) stalls.push({ from: last, to: now });
    last = now;
  }, STALL_CHECK_MS);
  timer.unref();
  return stalls;
}

/** Requests and revocations at an even pace, until stopped. */
export function startTraffic({ instances, server, random }) {
  const live = Array.from({ length: TOKENS }, () => randomToken(24));
  const bad = Array.from({ length: 5 }, () => BAD + randomToken(20));
  const recent = [];
  const revocations = new Map();
  const requests = [];
  const underWay = new Set();
  let isStopped = false;
  let sent = 0;
  const startedAt = machineTime();
  const ownStalls = watchStalls();

  function pick() {
    const share = random();
    if (share < 0.08) return bad[Math.floor(random() * bad.length)];
    if (share < 0.35 && recent.length > 0) return recent[Math.floor(random() * recent.length)];
    return live[Math.floor(random() * live.length)];
  }

  const timer = setInterval(() => {
    const due = ((machineTime() - startedAt) * PER_SECOND) / 1000;
    for (; sent < due; sent++) {
      const index = sent % instances.length;
      const request = instances[index].get(pick()).then((result) => {
        requests.push({ ...result, instance: index });
        underWay.delete(request);
      });
      underWay.add(request);
    }
  }, 5);

  async function revoke(number) {
    const index = Math.floor(random() * live.length);
    const token = live[index];
    live[index] = randomToken(24);
    const kind = KINDS[number % KINDS.length];
    const revocation = { kind, at: server.revoke(token), tries: 0, toldAt: undefined };
    revocations.set(token, revocation);
    recent.push(token);
    if (recent.length > 25) recent.shift();
    const of = { [kind]: kind === 'token' ? token : `${kind} of ${token}` };
    while (!isStopped && revocation.toldAt === undefined) {
      revocation.tries++;
      try {
        revocation.toldAt = (await instances[number % instances.length].ask({ order: 'invalidate', of })).toldAt;
      } catch {
        await sleep(RETRY_MS);
      }
    }
  }

  let number = 0;
  const revoking = [];
  const revoker = setInterval(() => revoking.push(revoke(number++)), REVOKE_EVERY_MS);

  return {
    async stop() {
      clearInterval(timer);
      clearInterval(revoker);
      await Promise.race([Promise.all(underWay), sleep(TIMEOUT_MS * 3)]);
      isStopped = true;
      await Promise.race([Promise.all(revoking), sleep(TIMEOUT_MS * 2)]);
      const looks = await Promise.all(instances.map((instance) => instance.ask({ order: 'look' })));
      const stalls = [
        ...ownStalls,
        ...looks.flatMap((look, index) => look.stalls.map((stall) => ({ ...stall, instance: index }))),
      ];
      return { requests, revocations, stalls };
    },
  };
}

/**
 * What was wrong, from what was done to the fleet. Troubles are spans in which the log may not be readable, by one instance or by all;
 * a process that was suspended, or did not run because the machine was busy, excuses time. Revocations that were told while two servers took themselves for the master may be lost.
 */
export function judge({ requests, revocations, stalls }, troubles = [], splits = []) {
  const found = new Map();
  const late = [];
  const note = (text, ms = 0) => {
    const { count = 0, most = 0 } = found.get(text) ?? {};
    found.set(text, { count: count + 1, most: Math.max(most, ms) });
  };
  for (const { instance, token, status, startedAt, endedAt, askedAt } of requests) {
    const isIn = (from, to) => (each) =>
      (each.instance ?? instance) === instance && each.from <= to && from <= each.to + READERS_BACK_MS;
    const around = troubles.filter(isIn(startedAt, endedAt));
    const isSlowExcused = around.some(({ slows }) => slows) || stalls.some(isIn(startedAt, endedAt));
    if (endedAt - startedAt > TIMEOUT_MS + DEADLINE_MARGIN_MS && !isSlowExcused)
      note('a request was late', endedAt - startedAt);
    const revocation = revocations.get(token);
    if (status === 200) {
      if (token.startsWith(BAD)) note('a bad token was accepted');
      const age = startedAt - askedAt;
      if (age > TTL_SECONDS * 1000 + MARGIN_MS) note('a response was older than its life', age);
      const { toldAt } = revocation ?? {};
      if (toldAt === undefined || startedAt <= toldAt) continue;
      if (splits.some(({ from, to }) => toldAt >= from && toldAt <= to)) continue;
      const afterMs = startedAt - toldAt;
      late.push(afterMs);
      if (afterMs > PARTED_MS + MARGIN_MS) note('a revoked token was accepted after 5 s', afterMs);
      else if (afterMs > WELL_MARGIN_MS && ![...troubles, ...stalls].some(isIn(toldAt, startedAt)))
        note('a revoked token was accepted though all was well', afterMs);
    } else if (status === 401) {
      if (revocation === undefined && !token.startsWith(BAD)) note('a good token was refused');
    } else if (!isSlowExcused) {
      note(`a request got ${status}`);
    }
  }
  const told = [...revocations.values()].filter(({ toldAt }) => toldAt !== undefined);
  return {
    requests: requests.length,
    revocations: revocations.size,
    told: told.length,
    stalls: stalls.length,
    retried: told.filter(({ tries }) => tries > 1).length,
    lateP99: late.length > 0 ? quantile(late, 0.99) : 0,
    violations: [...found].map(
      ([text, { count, most }]) => `${count} × ${text}${most ? `, ${Math.round(most)} ms` : ''}`,
    ),
  };
}

/** Until every instance shares again: a new token is asked about once. `undefined` when that takes too long. */
export async function untilShared({ instances, server }, limitMs) {
  const from = machineTime();
  while (machineTime() - from < limitMs) {
    const token = randomToken(24);
    for (const instance of instances) await instance.get(token);
    if (server.asked.filter(({ token: each }) => each === token).length === 1) return machineTime() - from;
    await sleep(100);
  }
  return undefined;
}
