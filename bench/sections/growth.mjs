import { estimate, round } from '../figures.mjs';
import { startCache } from './memory.mjs';

const ROUNDS = 30;
const BATCH = 1000;

/** Measures a cache hit, memory and the pauses of the garbage collector with more cached tokens, in one process and in several at a time. */
export async function measureGrowth({ plan, report }) {
  const rows = [];
  for (const { tokens, processCounts } of plan.growth) {
    for (const processes of processCounts) {
      report(`growth: ${tokens} cached tokens in each of ${processes} processes`);
      rows.push({ tokens, processes, ...(await measure(tokens, processes)) });
    }
  }
  return rows;
}

async function measure(count, processes) {
  const children = await Promise.all(Array.from({ length: processes }, () => startCache(count)));
  const ofAll = (command) => Promise.all(children.map((child) => child.send(command)));
  try {
    await ofAll({ command: 'fill', count });
    await ofAll({ command: 'measureHits', rounds: ROUNDS, batch: BATCH });
    const memory = await ofAll({ command: 'measureMemory' });
    const hits = await ofAll({ command: 'measureHits', rounds: ROUNDS, batch: BATCH });
    const pauses = hits.flatMap(({ pausesMs }) => pausesMs).sort((a, b) => a - b);
    return {
      nanoseconds: estimate(
        hits.flatMap(({ nanoseconds }) => nanoseconds),
        0,
      ),
      heapMegabytes: round(Math.max(...memory.map(({ heapUsed }) => heapUsed)) / 1e6, 1),
      rssMegabytes: round(Math.max(...memory.map(({ rss }) => rss)) / 1e6, 0),
      pauses: pauses.length,
      medianPauseMs: round(pauses[pauses.length >> 1] ?? 0, 2),
      longestPauseMs: round(pauses.at(-1) ?? 0, 1),
    };
  } finally {
    for (const child of children) child.stop();
  }
}
