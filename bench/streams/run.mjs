/** Runs the soak of streams once. */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChild } from '../child.mjs';
import { startRedis } from '../fleet/redis-server.mjs';
import { openEventStream, openSocket } from './clients.mjs';
import { createSchedule, isActive, noteAction, setExpiry, windowOf } from './schedule.mjs';

/** Streams are opened in groups of this size. */
const GROUP = 50;

/** CPU time of idle streams is measured for this time. */
const IDLE_MS = 4000;

/** Half of them are sockets. */
const WARM_UP_CLIENTS = 60;
const WARM_UP_KINDS = ['token', 'sub', 'sid', 'jti'];

const WARM_UP = { token: 'warm-up', sub: 'warm-up', sid: 'warm-up', jti: 'warm-up', causes: [] };

/**
 * @param plan `seed`, the numbers of `processes`, `streams`, `sockets` and `tokens`, `seconds` of the schedule, `ttlSeconds` of the cache, `warmUps`, and
 * `patience`, a factor for the time that an end may be late
 */
export async function runSoak(plan, report) {
  const { processes, streams, sockets, seconds, ttlSeconds, patience } = plan;
  const schedule = createSchedule(plan);
  const known = new Map([...schedule.tokens, WARM_UP].map((token) => [token.token, token]));
  const endpoint = await startEndpoint(known);
  const redis = await startRedis();
  const task = { endpoint: endpoint.url, redisPort: redis.port, ttlSeconds };
  const instances = await Promise.all(
    Array.from({ length: processes }, () => startChild('streams/instance.mjs', { execArgv: ['--expose-gc'], task })),
  );
  const askAll = (command) => Promise.all(instances.map((instance) => instance.send({ command })));
  const pick = (fraction) => instances[Math.floor(fraction * processes)];
  try {
    await Promise.all(instances.map((instance) => instance.send({ command: 'warmUp', token: WARM_UP.token })));
    await Promise.all(instances.map((instance) => warmUp(instance, plan.warmUps)));
    const before = await askAll('stats');
    const idleCpu = await cpuOver(IDLE_MS, askAll);

    const startedAt = Date.now() + OPENING_MS(streams + sockets);
    setExpiry(schedule, startedAt);
    const clients = [];
    for (let index = 0; index < streams + sockets; index += GROUP) {
      const group = Array.from({ length: Math.min(GROUP, streams + sockets - index) }, (_, offset) => {
        const token = schedule.tokens[Math.floor(schedule.random() * schedule.tokens.length)];
        const { port } = pick(schedule.random()).firstMessage;
        return index + offset < streams ? openEventStream(port, token) : openSocket(port, token);
      });
      clients.push(...(await Promise.all(group)));
    }
    report(`${clients.length} clients are connected to ${processes} processes`);
    const during = await askAll('stats');
    const busyCpu = startedAt - Date.now() > IDLE_MS ? await cpuOver(IDLE_MS, askAll) : undefined;

    await sleep(Math.max(0, startedAt - Date.now()));
    for (const action of schedule.actions) {
      await sleep(Math.max(0, startedAt + action.atMs - Date.now()));
      const { kind, token } = action;
      noteAction(schedule, action, Date.now());
      if (kind !== 'silent') void pick(action.process).send({ command: 'invalidate', target: { [kind]: token[kind] } });
    }
    await sleep(Math.max(0, startedAt + seconds * 1000 - Date.now()));
    const isDecided = ({ token, endedAt }) => {
      const { by } = windowOf(token, ttlSeconds * 1000, patience);
      return Number.isFinite(endedAt) || by === Number.POSITIVE_INFINITY || Date.now() > by;
    };
    while (!clients.every(isDecided)) await sleep(50);
    await sleep(1000);
    report('the schedule is over');
    const faults = clients.flatMap((client) => faultsOf(client, ttlSeconds * 1000, patience));
    const stillOpen = clients.filter(({ endedAt }) => !Number.isFinite(endedAt)).length;

    await Promise.all(
      [...new Set(schedule.tokens.map(({ sub }) => sub))].map((sub) =>
        instances[0].send({ command: 'invalidate', target: { sub } }),
      ),
    );
    await until(() => clients.every(({ endedAt }) => Number.isFinite(endedAt)));
    await sleep(1500);
    const after = await askAll('stats');
    return {
      ...{ plan, clients: clients.length, stillOpen, faults, lateness: latenessOf(clients) },
      heapKilobytes: instances.map((_, index) => ({
        before: kilobytes(before[index]),
        during: kilobytes(during[index]),
        after: kilobytes(after[index]),
      })),
      open: { during: during.map(({ open }) => open), after: after.map(({ open }) => open) },
      handles: { before: before.map(({ handles }) => handles), after: after.map(({ handles }) => handles) },
      cpuMsPerSecond: { withoutStreams: idleCpu, withIdleStreams: busyCpu },
    };
  } finally {
    for (const instance of instances) instance.stop();
    endpoint.close();
    await redis.stop();
  }
}

/**
 * Opens and ends streams before the run. Node compiles code and collects its statistics meanwhile, which take memory of their own. So the heap
 * before and after can be compared.
 */
async function warmUp({ firstMessage: { port }, send }, rounds) {
  for (let round = 0; round < rounds; round++) {
    const name = WARM_UP_KINDS[round % WARM_UP_KINDS.length];
    const clients = [];
    for (let index = 0; index < WARM_UP_CLIENTS; index += 2) {
      clients.push(...(await Promise.all([openEventStream(port, WARM_UP), openSocket(port, WARM_UP)])));
    }
    await send({ command: 'invalidate', target: { [name]: WARM_UP[name] } });
    await until(() => clients.every(({ endedAt }) => Number.isFinite(endedAt)));
    await send({ command: 'warmUp', token: WARM_UP.token });
  }
}

/** Time to open so many clients, before the first of them may end. */
const OPENING_MS = (count) => 6000 + count * 10 + IDLE_MS;

async function startEndpoint(known) {
  const server = createServer(async (req, res) => {
    const token = known.get(new URLSearchParams(await text(req)).get('token'));
    const { sub, sid, jti, exp } = token ?? {};
    const isKnown = token !== undefined && isActive(token, Date.now());
    const body = isKnown ? { active: true, sub, sid, jti, exp, client_id: 'app', scope: 'read' } : { active: false };
    res.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => void server.closeAllConnections() };
}

function faultsOf({ token, endedAt, isProper }, ttlMs, patience) {
  const { from, by } = windowOf(token, ttlMs, patience);
  const causes = token.causes.map(({ kind, at }) => `${kind} ${Math.round(endedAt - at)} ms before`).join(', ');
  if (endedAt < from) return [`ended although its token was valid (${causes})`];
  if (endedAt > by) return [`ended too late (${causes})`];
  return isProper ? [] : ['did not end properly'];
}

/** How long after its first cause each stream ended, by the kind of that cause. */
function latenessOf(clients) {
  const byKind = {};
  for (const { token, endedAt } of clients) {
    const [first] = [...token.causes].sort((one, other) => one.at - other.at);
    if (first === undefined || !Number.isFinite(endedAt)) continue;
    byKind[first.kind] ??= [];
    byKind[first.kind].push(endedAt - first.at);
  }
  return Object.fromEntries(
    Object.entries(byKind).map(([kind, times]) => {
      const sorted = times.sort((one, other) => one - other);
      const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
      return [kind, { count: sorted.length, median: at(0.5), p99: at(0.99), max: sorted.at(-1) }];
    }),
  );
}

/** CPU time of all processes, in milliseconds per second. */
async function cpuOver(ms, askAll) {
  const total = async () => (await askAll('cpu')).reduce((sum, { cpuMs }) => sum + cpuMs, 0);
  const before = await total();
  await sleep(ms);
  return Math.round(((await total()) - before) * (1000 / ms) * 10) / 10;
}

async function until(condition) {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('Streams did not end within 20 seconds');
    await sleep(5);
  }
}

function kilobytes({ heapBytes }) {
  return Math.round(heapBytes / 1024);
}
