import { startChild } from '../child.mjs';
import { compare, estimate, round, shuffle } from '../figures.mjs';
import { BASELINES, NOOP, targetsOf } from '../targets/index.mjs';
import { INVALID } from '../tokens.mjs';

const CONNECTIONS = 32;
const BARE = 'without authentication';

/** Two slices that differ by less than this are steady. */
const STEADY = 0.05;

/**
 * Measures requests per second and CPU time of every target over HTTP. One process serves the same app once for each target, and once
 * without authentication. These apps get load in turn, in random order, so that each round gives one sample of every target.
 */
export async function measureOverHttp({ host, groups, tokens, endpoint, load, plan, report }) {
  const chosen = targetsOf(groups).filter(
    ({ onExpress, module }) => host === 'express' || (!onExpress && module !== 'alternatives'),
  );
  const samples = Object.fromEntries([BARE, ...chosen.map(({ name }) => name)].map((name) => [name, []]));
  for (let process = 0; process < plan.processes; process++) {
    const server = await startServer({ host, targets: chosen, tokens, endpoint });
    try {
      const { bare, urls } = server.firstMessage;
      const apps = [
        { name: BARE, url: bare, tokens: tokens.opaque },
        ...chosen.map(({ name, token }) => ({ name, url: urls[name], tokens: tokens[token] })),
      ];
      for (const target of chosen) await checkResponses(target, bare, urls[target.name], tokens[target.token][0]);
      const run = (app) => measureSlice({ server, load, app, seconds: plan.seconds });
      for (const app of apps) {
        report(`${host}, process ${process + 1} of ${plan.processes}, warm-up: ${app.name}`);
        await warmUp(() => run(app), plan.maxWarmUps);
      }
      for (let round = 0; round < plan.rounds; round++) {
        report(`${host}, process ${process + 1} of ${plan.processes}, round ${round + 1} of ${plan.rounds}`);
        for (const app of shuffle(apps)) samples[app.name].push(await run(app));
      }
    } finally {
      server.stop();
    }
  }
  return chosen.map((target) => ({ target: target.name, ...summarize(samples, target) }));
}

async function measureSlice({ server, load, app, seconds }) {
  const before = await server.send();
  const { total, perSecond } = await load.send({
    ...{ command: 'run', tokens: app.tokens, connections: CONNECTIONS, url: app.url, seconds },
  });
  const after = await server.send();
  return { perSecond, cpu: (after.cpuMicros - before.cpuMicros) / total };
}

/** Sends load until the rate is steady. */
async function warmUp(run, maxCount) {
  let last = await run();
  for (let count = 1; count < maxCount; count++) {
    const { perSecond } = await run();
    if (Math.abs(perSecond / last.perSecond - 1) < STEADY) return;
    last = { perSecond };
  }
}

/** The figures of a target. CPU time is that of the whole process, minus that of the app without authentication in the same round. */
function summarize(samples, { name, group }) {
  const list = (target, figure) => samples[target].map((sample) => sample[figure]);
  const extraCpu = (target) => list(target, 'cpu').map((value, index) => value - samples[BARE][index].cpu);
  const baseline = BASELINES[group];
  return {
    perSecond: round(estimate(list(name, 'perSecond')).median, 0),
    ratioToBare: compare(list(name, 'perSecond'), list(BARE, 'perSecond')),
    extraCpuMicros: estimate(extraCpu(name), 2),
    ...(name !== NOOP &&
      name !== baseline && {
        perSecondTimesBaseline: compare(list(name, 'perSecond'), list(baseline, 'perSecond')),
        cpuTimesBaseline: compare(extraCpu(name), extraCpu(baseline)),
      }),
  };
}

export function contextOf({ tokens, endpoint }) {
  return {
    endpoint: endpoint.url,
    jwksUri: `${endpoint.url}/jwks`,
    clientId: 'reports-api',
    clientSecret: 'a-secret',
    issuer: tokens.issuer,
    audience: tokens.audience,
    keys: tokens.keys,
    tokens: tokens.opaque,
  };
}

export function startServer({ host, targets, tokens, endpoint }) {
  return startChild('server.mjs', { task: { host, targets, context: contextOf({ tokens, endpoint }) } });
}

/** Checks that a target accepts and rejects tokens, because one that does nothing would be fast. */
async function checkResponses({ name, protects }, bare, url, token) {
  const statusOf = async (requested, authorization) => {
    const response = await fetch(requested, { headers: authorization === undefined ? {} : { authorization } });
    await response.arrayBuffer();
    return response.status;
  };
  const seen = [
    await statusOf(bare),
    await statusOf(url, `Bearer ${token}`),
    ...(protects ? [await statusOf(url), await statusOf(url, `Bearer ${INVALID}${token}`)] : []),
  ];
  const expected = protects ? [200, 200, 401, 401] : [200, 200];
  if (seen.join() !== expected.join()) throw new Error(`${name} responded with ${seen}, not ${expected}`);
}
