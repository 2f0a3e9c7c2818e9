import { startChild } from '../child.mjs';
import { round } from '../figures.mjs';

const DEFAULT_MAX_ENTRIES = 10_000;

/** What a cached token weighs, and whether a stream of ever new tokens is kept within the default bound. */
export async function measureMemory({ plan, report }) {
  report(`memory: ${plan.entries} cached tokens`);
  const full = await fill(plan.entries, plan.entries * 1.01);
  const last = full.course.at(-1);
  const per = (figure) => round((last[figure] - full.empty[figure]) / plan.entries, 0);
  report(`memory: ${plan.distinct} distinct tokens through a cache of ${DEFAULT_MAX_ENTRIES}`);
  const stream = await fill(plan.distinct);
  return {
    perEntry: { entries: full.entries, heapBytes: per('heapUsed'), rssBytes: per('rss') },
    bounded: {
      distinct: plan.distinct,
      entries: stream.entries,
      heapMegabytes: stream.course.map(({ heapUsed }) => round(heapUsed / 1e6, 1)),
      rssMegabytes: stream.course.map(({ rss }) => round(rss / 1e6, 0)),
    },
  };
}

async function fill(count, maxEntries) {
  const args = [`--count=${count}`, ...(maxEntries === undefined ? [] : [`--max-entries=${Math.ceil(maxEntries)}`])];
  const child = await startChild('memory-child.mjs', { args, execArgv: ['--expose-gc', '--max-old-space-size=4096'] });
  try {
    return await child.ask();
  } finally {
    child.stop();
  }
}
