// A seed decides what happens in a run: the options, the tokens, the requests, the faults and their times.
import { createRandom, pick } from '../../__tests__/support/faults/schedule.mjs';
import { EPOCH_MS } from '../model/machine.mjs';

/** Requests, faults and revocations happen within this time. */
export const BUSY_MS = 20_000;

/** Share of the runs with each number of processes. */
const SIZES = [1, 2, 2, 3];

/** Faults of the endpoint, and of the way to it. The last ones say something else than that the endpoint is down. */
const ENDPOINT_FAULTS = [
  { kind: 'refuse' },
  { kind: 'refuse' },
  { kind: 'reset' },
  { kind: 'blackhole' },
  { kind: 'stall' },
  { kind: 'truncate' },
  { kind: 'slow', share: 0.3 },
  { kind: 'slow', share: 3 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 502 },
  { kind: 'status', status: 503, retryAfterSeconds: 3 },
  { kind: 'status', status: 429, retryAfterSeconds: 5 },
  { kind: 'status', status: 429 },
  { kind: 'page', status: 401 },
  { kind: 'tokens' },
  { kind: 'flaky' },
  { kind: 'late', share: 0.8, status: 500 },
  { kind: 'page', status: 200 },
  { kind: 'unauthorized' },
];

const STORE_FAULTS = ['cut', 'cut', 'error', 'slow', 'readonly', 'unread'];

/** Creates the plan of a run. The same seed always leads to the same plan. */
export function createPlan(seed) {
  const random = createRandom(seed);
  const chance = (share) => random() < share;
  const between = (min, max) => Math.floor(min + random() * (max - min));
  const from = (list) => pick(random, list);

  const size = from(SIZES);
  const options = {
    hasStore: size > 1 ? chance(0.85) : chance(0.3),
    hasPrecheck: chance(0.2),
    timeoutMs: from([400, 1000, 1000, 3000]),
    ttlMs: from([1000, 3000, 10_000, 60_000]),
    inactiveTtlMs: from([0, 1000, 5000]),
    staleMs: chance(0.5) ? 0 : from([10_000, 60_000]),
    toleranceMs: from([0, 5000]),
    refreshAhead: chance(0.7),
    maxEntries: chance(0.15) ? 3 : 1000,
    audience: 'https://api.example.com',
  };
  const tokens = createTokens();
  const isSteady = chance(0.15);
  const suspends = !isSteady && chance(0.3);
  const steps = [];
  const add = (at, kind, details) => void steps.push({ at: Math.floor(at), kind, ...details });

  addRequests();
  addRevocations();
  if (!isSteady) {
    addEndpointFaults();
    if (options.hasStore) addStoreFaults();
    addProcessFaults();
  }
  steps.sort((one, other) => one.at - other.at);
  const offsetsMs = Array.from({ length: size }, () => (chance(0.3) ? between(-3000, 3000) : 0));
  return { seed, size, options, tokens, steps, offsetsMs, isSteady };

  function createTokens() {
    const list = [];
    for (let index = 0; index < 7; index++) {
      const isShort = index > 0 && chance(0.2);
      list.push({
        name: `token-${index}`,
        sub: from(['alice', 'bob', 'carol']),
        scope: from(['read', 'read write']),
        jti: chance(0.5) ? `id-${index}` : undefined,
        exp: isShort ? EPOCH_MS / 1000 + between(3, 15) : chance(0.5) ? EPOCH_MS / 1000 + 3600 : undefined,
      });
    }
    return list;
  }

  function nextToken() {
    const share = random();
    if (share < 0.5) return from(tokens.slice(0, 3)).name;
    if (share < 0.86) return from(tokens).name;
    if (share < 0.95) return `unknown-${between(0, 3)}`;
    return `forged-${between(0, 2)}`;
  }

  function addRequest(at, process, token = nextToken()) {
    const share = random();
    add(at, 'request', { process, token, route: share < 0.12 ? 'fresh' : share < 0.3 ? 'scope' : 'any' });
  }

  function addRequests() {
    for (let count = 0; count < 22; count++) addRequest(between(0, BUSY_MS), between(0, size));
    // Requests with one token that arrive together, at one process or at several.
    for (let count = 0; count < 3; count++) {
      const at = between(0, BUSY_MS);
      const token = nextToken();
      for (let index = 0; index < 3; index++) addRequest(at + between(0, 40), between(0, size), token);
    }
  }

  /** Requests with different tokens, more than the circuit breaker needs to suspect the endpoint. */
  function addBurst(at, process) {
    for (let index = 0; index < 7; index++) {
      const token = chance(0.7) ? tokens[index].name : `unknown-${index}`;
      addRequest(at + between(0, 300), process, token);
    }
  }

  function addRevocations() {
    for (let count = between(0, 4); count > 0; count--) {
      const at = between(1000, BUSY_MS);
      const target = chance(0.6) ? `token ${from(tokens).name}` : `sub ${from(['alice', 'bob', 'carol'])}`;
      add(at, 'revoke', { target });
      const isInvalidated = chance(0.85);
      if (isInvalidated) add(at + between(0, 50), 'invalidate', { target, process: between(0, size) });
      const [, name] = target.split(' ');
      const affected = tokens.filter((token) => token.name === name || token.sub === name);
      if (affected.length === 0) continue;
      // Requests about the moment of the revocation, and when all processes must know it.
      const token = from(affected).name;
      for (let index = 0; index < 3; index++) addRequest(at - between(0, 60), between(0, size), token);
      for (let index = 0; index < 3; index++) addRequest(at + between(0, 200), between(0, size), token);
      for (let index = 0; index < 2; index++) addRequest(at + between(5000, 7000), between(0, size), token);
    }
  }

  function addEndpointFaults() {
    for (let count = between(0, 3); count > 0; count--) {
      const at = between(1000, BUSY_MS - 3000);
      const process = chance(0.3) ? between(0, size) : undefined;
      const until = at + between(500, 8000);
      add(at, 'endpoint', { fault: from(ENDPOINT_FAULTS), process });
      add(until, 'endpoint', { fault: { kind: 'pass' }, process });
      if (chance(0.8)) addBurst(at + between(0, 1500), process ?? between(0, size));
      if (chance(0.5)) addBurst(at + between(1500, 4000), process ?? between(0, size));
    }
  }

  function addStoreFaults() {
    for (let count = between(0, 3); count > 0; count--) {
      const at = between(500, BUSY_MS - 2000);
      const process = chance(0.6) ? between(0, size) : undefined;
      add(at, 'store', { fault: from(STORE_FAULTS), process });
      add(at + between(500, 9000), 'store', { fault: 'ok', process });
    }
    if (chance(0.2)) add(between(1000, BUSY_MS), 'lose log', {});
  }

  function addProcessFaults() {
    if (chance(0.3)) {
      const at = between(1000, BUSY_MS - 4000);
      const process = between(0, size);
      add(at, 'crash', { process });
      add(at + between(10, 3000), 'restart', { process });
    }
    if (suspends || chance(0.2)) {
      const at = between(1000, BUSY_MS - 8000);
      const process = between(0, size);
      add(at, 'pause', { process, stopsClock: suspends });
      add(at + between(50, 7500), 'continue', { process });
    }
    // A clock that is set back and a machine that is suspended hide time together. The library does not promise to notice that.
    if (!suspends && chance(0.2))
      add(between(1000, BUSY_MS), 'set clock', { process: between(0, size), ms: between(-20_000, 20_000) });
  }
}
