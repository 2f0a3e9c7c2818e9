import { startChild } from '../child.mjs';
import { round } from '../figures.mjs';

const DEFAULT_MAX_ENTRIES = 10_000;

/** Measures the memory per cached token, and checks that many different tokens stay within the default cache size. */
export async function measureMemory({ plan, report }) {
  report(`memory: ${plan.entries} cached tokens`);
  const full = await fill(plan.entries, plan.entries * 1.01);
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

async function fill(count, maxEntries) {
  const args = [`--count=${count}`, ...(maxEntries === undefined ? [] : [`--max-entries=${Math.ceil(maxEntries)}`])];
  const child = await startChild('memory-child.mjs', { args, execArgv: ['--expose-gc', '--max-old-space-size=4096'] });
  try {
    return await child.send();
  } finally {
    child.stop();
  }
}
