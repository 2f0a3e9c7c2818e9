import { once } from 'node:events';
import { createServer } from 'node:http';
import { startChild } from '../../child.mjs';
import { Pool } from '../../packages.mjs';
import { INVALID, randomToken } from '../../tokens.mjs';
import { machineTime, quantile, sleep } from '../time.mjs';

export const TTL_SECONDS = 20;
export const TIMEOUT_MS = 3000;

const TOKENS = 40;
const PER_SECOND = 240;
const REVOKE_EVERY_MS = 400;
const RETRY_MS = 200;
const KINDS = ['token', 'sub', 'sid', 'client_id', 'jti'];

/** Limits of the library, and delays that a busy machine may add. */
const DISCONNECTED_MS = 5000;
const READERS_BACK_MS = 3500;
const MARGIN_MS = 250;
const NORMAL_MARGIN_MS = 500;
const DEADLINE_MARGIN_MS = 700;

const STALL_CHECK_MS = 20;
const STALL_MS = 150;

/** Pseudo-random numbers from 0 to 1, the same for the same seed. */
export function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An authorization server in this process. It decides when a request arrives, and its response contains that time. */
export async function startAuthorizationServer() {
  const revoked = new Set();
  const requests = [];
  const state = { delayMs: 5, failure: undefined };
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk) => {
      body += chunk;
    });
    req.on('end', async () => {
      const at = machineTime();
      const token = new URLSearchParams(body).get('token') ?? INVALID;
      requests.push({ token, at });
      const isActive = !token.startsWith(INVALID) && !revoked.has(token);
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
    requests,
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

/** Starts one process of the fleet. */
export async function startInstance(task) {
  const child = await startChild('fleet/nemesis/instance.mjs', { task: { ttlSeconds: TTL_SECONDS, ...task } });
  const pool = new Pool(child.firstMessage.url, { connections: 64 });
  return {
    send: child.send,
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

/** Records the spans in which this process did not run in time, because the machine was busy. */
export function recordStalls() {
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

/** Sends requests and revokes tokens at a constant rate until it is stopped. */
export function startTraffic({ instances, server, random }) {
  const valid = Array.from({ length: TOKENS }, () => randomToken(24));
  const invalid = Array.from({ length: 5 }, () => INVALID + randomToken(20));
  const revokedLately = [];
  const revocations = new Map();
  const requests = [];
  const pending = new Set();
  let isStopped = false;
  let sent = 0;
  const startedAt = machineTime();
  const ownStalls = recordStalls();

  function pick() {
    const share = random();
    if (share < 0.08) return invalid[Math.floor(random() * invalid.length)];
    if (share < 0.35 && revokedLately.length > 0) return revokedLately[Math.floor(random() * revokedLately.length)];
    return valid[Math.floor(random() * valid.length)];
  }

  const timer = setInterval(() => {
    const due = ((machineTime() - startedAt) * PER_SECOND) / 1000;
    for (; sent < due; sent++) {
      const index = sent % instances.length;
      const request = instances[index].get(pick()).then((result) => {
        requests.push({ ...result, instance: index });
        pending.delete(request);
      });
      pending.add(request);
    }
  }, 5);

  async function revoke(number) {
    const index = Math.floor(random() * valid.length);
    const token = valid[index];
    valid[index] = randomToken(24);
    const kind = KINDS[number % KINDS.length];
    const revocation = { kind, at: server.revoke(token), tries: 0, storedAt: undefined };
    revocations.set(token, revocation);
    revokedLately.push(token);
    if (revokedLately.length > 25) revokedLately.shift();
    const criteria = { [kind]: kind === 'token' ? token : `${kind} of ${token}` };
    while (!isStopped && revocation.storedAt === undefined) {
      revocation.tries++;
      try {
        revocation.storedAt = (
          await instances[number % instances.length].send({ command: 'invalidate', criteria })
        ).storedAt;
      } catch {
        await sleep(RETRY_MS);
      }
    }
  }

  let number = 0;
  const invalidations = [];
  const revocationTimer = setInterval(() => invalidations.push(revoke(number++)), REVOKE_EVERY_MS);

  return {
    async stop() {
      clearInterval(timer);
      clearInterval(revocationTimer);
      await Promise.race([Promise.all(pending), sleep(TIMEOUT_MS * 3)]);
      isStopped = true;
      await Promise.race([Promise.all(invalidations), sleep(TIMEOUT_MS * 2)]);
      const states = await Promise.all(instances.map((instance) => instance.send({ command: 'readState' })));
      const stalls = [
        ...ownStalls,
        ...states.flatMap((state, index) => state.stalls.map((stall) => ({ ...stall, instance: index }))),
      ];
      return { requests, revocations, stalls };
    },
  };
}

/**
 * Checks all responses against what was done to the fleet.
 *
 * @param outages spans in which one instance or all may be unable to read the revocation log; `slows` also excuses late responses
 * @param splits spans in which two servers believed that they were the master, so that stored revocations can be lost
 */
export function checkTraffic({ requests, revocations, stalls }, outages = [], splits = []) {
  const violations = new Map();
  const late = [];
  const addViolation = (text, ms = 0) => {
    const { count = 0, most = 0 } = violations.get(text) ?? {};
    violations.set(text, { count: count + 1, most: Math.max(most, ms) });
  };
  for (const { instance, token, status, startedAt, endedAt, askedAt } of requests) {
    const overlaps = (from, to) => (span) =>
      (span.instance ?? instance) === instance && span.from <= to && from <= span.to + READERS_BACK_MS;
    const concurrentOutages = outages.filter(overlaps(startedAt, endedAt));
    const isSlowExcused = concurrentOutages.some(({ slows }) => slows) || stalls.some(overlaps(startedAt, endedAt));
    if (endedAt - startedAt > TIMEOUT_MS + DEADLINE_MARGIN_MS && !isSlowExcused)
      addViolation('a request was late', endedAt - startedAt);
    const revocation = revocations.get(token);
    if (status === 200) {
      if (token.startsWith(INVALID)) addViolation('an invalid token was accepted');
      const age = startedAt - askedAt;
      if (age > TTL_SECONDS * 1000 + MARGIN_MS) addViolation('a cached response was used after it had expired', age);
      const { storedAt } = revocation ?? {};
      if (storedAt === undefined || startedAt <= storedAt) continue;
      if (splits.some(({ from, to }) => storedAt >= from && storedAt <= to)) continue;
      const afterMs = startedAt - storedAt;
      late.push(afterMs);
      if (afterMs > DISCONNECTED_MS + MARGIN_MS)
        addViolation('a revoked token was accepted 5 s after the revocation was stored', afterMs);
      else if (afterMs > NORMAL_MARGIN_MS && ![...outages, ...stalls].some(overlaps(storedAt, startedAt)))
        addViolation('a revoked token was accepted without an outage', afterMs);
    } else if (status === 401) {
      if (revocation === undefined && !token.startsWith(INVALID)) addViolation('a valid token was rejected');
    } else if (!isSlowExcused) {
      addViolation(`a request got ${status}`);
    }
  }
  const stored = [...revocations.values()].filter(({ storedAt }) => storedAt !== undefined);
  return {
    requests: requests.length,
    revocations: revocations.size,
    stored: stored.length,
    stalls: stalls.length,
    retried: stored.filter(({ tries }) => tries > 1).length,
    lateP99: late.length > 0 ? quantile(late, 0.99) : 0,
    violations: [...violations].map(
      ([text, { count, most }]) => `${count} × ${text}${most ? `, ${Math.round(most)} ms` : ''}`,
    ),
  };
}

/**
 * Waits until all instances share responses again, so that a new token causes one introspection request. Resolves with the time in
 * milliseconds, or with `undefined` after `limitMs`.
 */
export async function waitUntilShared({ instances, server }, limitMs) {
  const from = machineTime();
  while (machineTime() - from < limitMs) {
    const token = randomToken(24);
    for (const instance of instances) await instance.get(token);
    if (server.requests.filter((request) => request.token === token).length === 1) return machineTime() - from;
    await sleep(100);
  }
  return undefined;
}
