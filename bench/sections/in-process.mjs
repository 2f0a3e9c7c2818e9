import { startChild } from '../child.mjs';
import { compare, estimate } from '../figures.mjs';
import { BASELINES, NOOP, targetsOf } from '../targets/index.mjs';
import { contextOf } from './over-http.mjs';

const BATCH = 1000;
const COLD_REQUESTS = 5000;
const COLD_TOKENS = 10;
/** A new generation that holds everything that a batch allocates, so that nothing is collected while memory is measured. */
const LARGE_NEW_GENERATION = ['--min-semi-space-size=64', '--max-semi-space-size=64'];

/**
 * Measures cache hits without HTTP: the middleware is called directly with real requests. All targets share a process and take turns, so
 * that each round gives one sample of every target. The no-op middleware shows what the harness costs, and is subtracted.
 */
export async function measureInProcess({ groups, tokens, endpoint, plan, report }) {
  const chosen = targetsOf(groups).filter(({ group, onExpress }) => group !== 'miss' && !onExpress);
  const noop = targetsOf(['hit']).find(({ name }) => name === NOOP);
  const measured = chosen.includes(noop) ? chosen : [noop, ...chosen];
  const { harnessRounds } = plan;
  const context = contextOf({ tokens, endpoint });
  const warm = {};
  for (let process = 0; process < plan.processes; process++) {
    report(`in process, process ${process + 1} of ${plan.processes}`);
    const samples = await measure({ targets: measured, context, tokens, harnessRounds }, [], async (child) => {
      await child.send({ command: 'measureRounds', rounds: plan.warmUpRounds, batch: BATCH });
      return child.send({ command: 'measureRounds', rounds: plan.rounds, batch: BATCH });
    });
    append(warm, samples, 'nanoseconds');
  }
  report('in process, allocation');
  const allocation = {};
  const samples = await measure(
    { targets: measured, context, tokens, harnessRounds },
    LARGE_NEW_GENERATION,
    async (child) => {
      await child.send({ command: 'measureRounds', rounds: plan.warmUpRounds, batch: BATCH });
      return child.send({ command: 'measureRounds', rounds: plan.allocationRounds, batch: BATCH });
    },
  );
  append(allocation, samples, 'bytes');
  const cold = await measureCold({ targets: measured.filter(isForCold), context, tokens, plan, report });
  return measured.map(({ name, group }) => ({
    target: name,
    nanoseconds: estimate(warm[name], 0),
    ...compareWithBaseline('timesBaseline', warm, name, group),
    bytes: estimate(allocation[name], 0),
    ...(cold[name] !== undefined && {
      coldNanoseconds: estimate(cold[name], 0),
      ...compareWithBaseline('coldTimesBaseline', cold, name, group),
    }),
  }));
}

function isForCold({ name, group }) {
  return group === 'hit' && !name.includes('floor');
}

/** The first requests of a process, which run before the compiler has optimized the code. Each sample is a new process. */
async function measureCold({ targets, context, tokens, plan, report }) {
  const cold = {};
  const few = Object.fromEntries(['opaque'].map((kind) => [kind, tokens[kind].slice(0, COLD_TOKENS)]));
  for (let process = 0; process < plan.coldProcesses; process++) {
    report(`in process, cold, ${process + 1} of ${plan.coldProcesses}`);
    for (const target of targets) {
      const samples = await measure(
        { targets: [target], context, tokens: few, harnessRounds: plan.harnessRounds },
        [],
        (child) => child.send({ command: 'measureRounds', rounds: 1, batch: COLD_REQUESTS }),
      );
      append(cold, samples, 'nanoseconds');
    }
  }
  return cold;
}

async function measure(task, flags, run) {
  const child = await startChild('in-process-child.mjs', { execArgv: ['--expose-gc', ...flags], task });
  try {
    await child.send({ command: 'prepare' });
    return (await run(child)).samples;
  } finally {
    child.stop();
  }
}

function append(figures, samples, figure) {
  for (const [name, list] of Object.entries(samples)) {
    figures[name] = [...(figures[name] ?? []), ...list.map((sample) => sample[figure])];
  }
}

/** Compares a target with the baseline of its group. The no-op middleware of the same round is subtracted from both. */
function compareWithBaseline(key, figures, name, group) {
  const baseline = figures[BASELINES[group]];
  if (name === NOOP || name === BASELINES[group] || baseline === undefined) return {};
  const net = (list) => list.map((value, index) => value - figures[NOOP][index]);
  return { [key]: compare(net(figures[name]), net(baseline)) };
}
