import { randomToken } from '../tokens.mjs';
import { startFleet } from './fleet.mjs';
import { sleep } from './time.mjs';

const IDLE_SECONDS = 3;

/** Measures the Redis commands, bytes and CPU time of each kind of request, and the memory that Redis uses. */
export async function measureCost({ redis, endpoint, plan, report }) {
  report('cost');
  await redis.command('FLUSHALL');
  await endpoint.send({ set: { delayMs: 0 }, take: true });
  const fleet = await startFleet({ size: 2, redis, endpoint });
  const [first, second] = fleet.instances;
  const tokens = Array.from({ length: plan.tokens }, () => randomToken(43));
  try {
    await sleep(300);
    const idle = await countCommands(redis, () => sleep(IDLE_SECONDS * 1000));
    const idlePerSecond = mapValues(idle, (value) => value / IDLE_SECONDS);
    const costPerToken = async (work) => {
      const startedAt = performance.now();
      const cost = await countCommands(redis, async () => {
        for (const token of tokens) await work(token);
        await sleep(50);
      });
      const seconds = (performance.now() - startedAt) / 1000;
      return mapValues(cost, (value, name) => (value - (idlePerSecond[name] ?? 0) * seconds) / plan.tokens);
    };
    const miss = await costPerToken((token) => first.get(token));
    const perEntry = await usage(redis, (key) => !key.endsWith('revocations') && !key.endsWith('.lease'));
    const shared = await costPerToken((token) => second.get(token));
    const hit = await costPerToken((token) => second.get(token));
    const memoryBefore = Number((await redis.info('memory')).used_memory);
    const revocation = await costPerToken((token) =>
      first.send({ command: 'invalidate', criteria: { sub: `usr_${token.slice(0, 16)}` } }),
    );
    const memoryAfter = Number((await redis.info('memory')).used_memory);
    const stream = Number(await redis.command('MEMORY', 'USAGE', 'token-introspection:revocations', 'SAMPLES', '0'));
    const { connected_clients: clients } = await redis.info('clients');
    const { mem_clients_normal: clientBytes } = await redis.info('memory');
    return {
      tokens: plan.tokens,
      idlePerSecondAndInstance: mapValues(idlePerSecond, (value) => value / fleet.instances.length),
      miss,
      shared,
      hit,
      revocation,
      bytes: {
        entry: perEntry.bytes,
        revocation: stream / plan.tokens,
        revocationOfAll: (memoryAfter - memoryBefore) / plan.tokens,
        connection: Number(clientBytes) / Number(clients),
      },
      // One connection belongs to this process.
      connectionsPerInstance: (Number(clients) - 1) / fleet.instances.length,
    };
  } finally {
    fleet.stop();
  }
}

/**
 * Measures the Redis commands and CPU time of a token that no instance knows, and of the same token at each other instance, by the number
 * of instances.
 */
export async function measureCostBySize({ redis, endpoint, plan, report }) {
  const rows = [];
  for (const size of plan.costSizes) {
    report(`cost: ${size} instances`);
    await redis.command('FLUSHALL');
    await endpoint.send({ set: { delayMs: 0 }, take: true });
    const fleet = await startFleet({ size, redis, endpoint });
    try {
      await sleep(300);
      const idle = mapValues(
        await countCommands(redis, () => sleep(IDLE_SECONDS * 1000)),
        (value) => value / IDLE_SECONDS,
      );
      const [first, ...others] = fleet.instances;
      const tokens = Array.from({ length: plan.tokens }, () => randomToken(43));
      const costOf = async (instances) => {
        if (instances.length === 0) return undefined;
        const startedAt = performance.now();
        const cost = await countCommands(redis, async () => {
          for (const token of tokens) for (const instance of instances) await instance.get(token);
          await sleep(50);
        });
        const seconds = (performance.now() - startedAt) / 1000;
        const requests = tokens.length * instances.length;
        return mapValues(cost, (value, name) => (value - (idle[name] ?? 0) * seconds) / requests);
      };
      rows.push({ instances: size, miss: await costOf([first]), shared: await costOf(others) });
    } finally {
      fleet.stop();
    }
  }
  return { tokens: plan.tokens, rows };
}

/** Counts the commands that processes send. The work of their scripts is included. */
async function countCommands(redis, work) {
  await redis.command('CONFIG', 'RESETSTAT');
  await work();
  const commands = await redis.info('commandstats');
  const { total_net_input_bytes: bytesIn, total_net_output_bytes: bytesOut } = await redis.info('stats');
  const calls = Object.entries(commands)
    .filter(([name]) => /^cmdstat_(eval|evalsha|xread)$/.test(name))
    .map(([name, text]) => [name.slice('cmdstat_'.length), Number(/calls=(\d+)/.exec(text)?.[1])]);
  const micros = Object.entries(commands)
    .filter(([name]) => /^cmdstat_(eval|evalsha|xread)$/.test(name))
    .reduce((sum, [, text]) => sum + Number(/usec=(\d+)/.exec(text)?.[1]), 0);
  return { ...Object.fromEntries(calls), bytesIn: Number(bytesIn), bytesOut: Number(bytesOut), micros };
}

async function usage(redis, isCounted) {
  const keys = (await redis.command('KEYS', '*')).map(String).filter(isCounted);
  let bytes = 0;
  for (const key of keys) bytes += Number(await redis.command('MEMORY', 'USAGE', key));
  return { keys: keys.length, bytes: bytes / keys.length };
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value, name)]));
}

/** Estimates the cost of a large fleet from the cost of single requests. */
export function estimate({ miss, shared, bytes, idlePerSecondAndInstance, connectionsPerInstance }) {
  const INSTANCES = 1000;
  const TOKENS = 1_000_000;
  const scriptCalls = (cost) => (cost.eval ?? 0) + (cost.evalsha ?? 0);
  const idlePerSecond = INSTANCES * ((idlePerSecondAndInstance.xread ?? 0) + scriptCalls(idlePerSecondAndInstance));
  const estimateRow = (ttlSeconds, meetings) => {
    const callsPerSecond = TOKENS / ttlSeconds;
    const sharedPerSecond = ((meetings - 1) * TOKENS) / ttlSeconds;
    return {
      ttlSeconds,
      meetings,
      endpointCallsPerSecond: callsPerSecond,
      endpointCallsPerSecondAlone: meetings * callsPerSecond,
      commandsPerSecond: callsPerSecond * scriptCalls(miss) + sharedPerSecond * scriptCalls(shared) + idlePerSecond,
      megabytesPerSecond:
        (callsPerSecond * (miss.bytesIn + miss.bytesOut) + sharedPerSecond * (shared.bytesIn + shared.bytesOut)) / 1e6,
      cpuShare: (callsPerSecond * miss.micros + sharedPerSecond * shared.micros) / 1e6,
    };
  };
  return {
    instances: INSTANCES,
    tokens: TOKENS,
    connections: INSTANCES * connectionsPerInstance,
    connectionMegabytes: (INSTANCES * connectionsPerInstance * bytes.connection) / 1e6,
    memoryMegabytes: (TOKENS * bytes.entry) / 1e6,
    idleCommandsPerSecond: idlePerSecond,
    rows: [estimateRow(60, 1), estimateRow(60, 3), estimateRow(60, 10), estimateRow(300, 10), estimateRow(300, 100)],
  };
}
