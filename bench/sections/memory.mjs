import { startChild } from '../child.mjs';
import { round } from '../figures.mjs';

const DEFAULT_MAX_ENTRIES = 10_000;
const CHECKPOINTS = 10;
const WARM_UP_TOKENS = 1000;

/** Measures the memory per cached token, and checks that many different tokens stay within the default cache size. */
export async function measureMemory({ plan, report }) {
  report(`memory: ${plan.entries} cached tokens`);
  const full = await fill(plan.entries, plan.entries + WARM_UP_TOKENS);
  const last = full.checkpoints.at(-1);
  const perEntry = (figure) => round((last[figure] - full.empty[figure]) / plan.entries, 0);
  report(`memory: ${plan.distinct} different tokens with a cache of ${DEFAULT_MAX_ENTRIES}`);
  const stream = await fill(plan.distinct);
  return {
    perEntry: { entries: full.entries, heapBytes: perEntry('heapUsed'), rssBytes: perEntry('rss') },
    bounded: {
      distinct: plan.distinct,
      entries: stream.entries,
      heapMegabytes: stream.checkpoints.map(({ heapUsed }) => round(heapUsed / 1e6, 1)),
      rssMegabytes: stream.checkpoints.map(({ rss }) => round(rss / 1e6, 0)),
    },
  };
}

/** Starts a process whose cache holds up to `maxEntries` tokens, 10,000 by default. */
export function startCache(maxEntries = DEFAULT_MAX_ENTRIES) {
  const execArgv = ['--expose-gc', '--max-old-space-size=4096'];
  return startChild('memory-child.mjs', { args: [`--max-entries=${Math.ceil(maxEntries)}`], execArgv });
}

async function fill(count, maxEntries) {
  const child = await startCache(maxEntries);
  try {
    await child.send({ command: 'fill', count: WARM_UP_TOKENS });
    const empty = await child.send({ command: 'measureMemory' });
    const checkpoints = [];
    let entries = 0;
    for (let part = 0; part < CHECKPOINTS; part++) {
      ({ entries } = await child.send({ command: 'fill', count: count / CHECKPOINTS }));
      checkpoints.push(await child.send({ command: 'measureMemory' }));
    }
    return { empty, checkpoints, entries };
  } finally {
    child.stop();
  }
}
