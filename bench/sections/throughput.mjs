import { startChild } from '../child.mjs';
import { median, round, summarize } from '../figures.mjs';
import { targets } from '../targets/index.mjs';
import { INVALID } from '../tokens.mjs';

const CONNECTIONS = 32;

/**
 * Measures requests per second and CPU time of every target, compared with the same app without authentication. Both run in one
 * process and get load in turn. Every sample is a new process, and the targets take turns within a round.
 */
export async function measureThroughput({ host, tokens, endpoint, load, plan, report }) {
  const mounted = targets.filter(({ hosts, name }) => hosts.includes(host) && plan.wants(name));
  const samples = new Map(mounted.map((target) => [target, []]));
  for (let round = 0; round < plan.rounds; round++) {
    for (const target of rotate(mounted, round)) {
      report(`${host}, round ${round + 1} of ${plan.rounds}: ${target.name}`);
      samples.get(target).push(await sample({ host, target, tokens, endpoint, load, plan }));
    }
  }
  return mounted.map((target) => ({ target: target.name, ...summarizeSamples(samples.get(target)) }));
}

function rotate(list, by) {
  const start = (by * 5) % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

async function sample({ host, target, tokens, endpoint, load, plan }) {
  const presented = tokens[target.token];
  const server = await startServer({ host, target, tokens, endpoint });
  try {
    await checkResponses(target, server.firstMessage, presented[0]);
    const common = { tokens: presented, connections: CONNECTIONS };
    const run = async (url, seconds) => {
      const before = await server.send();
      const result = await load.send({ command: 'run', ...common, url, seconds });
      const after = await server.send();
      return { perSecond: result.perSecond, cpu: (after.cpuMicros - before.cpuMicros) / result.total };
    };
    const { bare, protectedUrl } = server.firstMessage;
    await run(protectedUrl, plan.warmUpSeconds);
    await run(bare, plan.warmUpSeconds / 2);
    const pairs = [];
    for (let turn = 0; turn < plan.turns; turn++) {
      const pair = {};
      const sides = [
        ['bare', bare],
        ['protected', protectedUrl],
      ];
      for (const [side, url] of turn % 2 === 0 ? sides : sides.reverse()) pair[side] = await run(url, plan.seconds);
      pairs.push(pair);
    }
    return {
      perSecond: median(pairs.map((pair) => pair.protected.perSecond)),
      ratio: median(pairs.map((pair) => pair.protected.perSecond / pair.bare.perSecond)),
      extraCpu: median(pairs.map((pair) => pair.protected.cpu - pair.bare.cpu)),
      bareCpu: median(pairs.map((pair) => pair.bare.cpu)),
    };
  } finally {
    server.stop();
  }
}

export async function startServer({ host, target, tokens, endpoint }) {
  const context = {
    endpoint: endpoint.url,
    jwksUri: `${endpoint.url}/jwks`,
    clientId: 'reports-api',
    clientSecret: 'a-secret',
    issuer: tokens.issuer,
    audience: tokens.audience,
    keys: tokens.keys,
    // Only targets with a table of tokens need this.
    ...(/Map$/.test(target.name) && { tokens: tokens.opaque }),
  };
  return startChild('server.mjs', { task: { host, target, context } });
}

/** Checks that a target accepts and rejects tokens, because one that does nothing would be fast. */
async function checkResponses({ name, protects }, { bare, protectedUrl }, token) {
  const statusOf = async (url, authorization) => {
    const response = await fetch(url, { headers: authorization === undefined ? {} : { authorization } });
    await response.arrayBuffer();
    return response.status;
  };
  const seen = [
    await statusOf(bare),
    await statusOf(protectedUrl, `Bearer ${token}`),
    ...(protects ? [await statusOf(protectedUrl), await statusOf(protectedUrl, `Bearer ${INVALID}${token}`)] : []),
  ];
  const expected = protects ? [200, 200, 401, 401] : [200, 200];
  if (seen.join() !== expected.join()) throw new Error(`${name} responded with ${seen}, not ${expected}`);
}

function summarizeSamples(samples) {
  const summarizeFigure = (figure, digits) => {
    const { median, min, max } = summarize(samples.map((sample) => sample[figure]));
    return { median: round(median, digits), min: round(min, digits), max: round(max, digits) };
  };
  return {
    perSecond: summarizeFigure('perSecond', 0),
    ratioToBare: summarizeFigure('ratio', 3),
    extraCpuMicros: summarizeFigure('extraCpu', 2),
    bareCpuMicros: summarizeFigure('bareCpu', 2),
    samples: samples.length,
  };
}
