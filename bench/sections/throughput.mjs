import { startChild } from '../child.mjs';
import { median, round, summarize } from '../figures.mjs';
import { targets } from '../targets/index.mjs';
import { BAD } from '../tokens.mjs';

const CONNECTIONS = 32;

/**
 * Requests per second and CPU time of every target, each beside a bare route of the same process: bare and target are
 * loaded in turn, every sample is a new process, and the targets take turns within a round.
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
    await checkAnswers(target, server.hello, presented[0]);
    const order = { tokens: presented, connections: CONNECTIONS };
    const run = async (url, seconds) => {
      const before = await server.ask();
      const result = await load.ask({ ...order, url, seconds });
      const after = await server.ask();
      return { perSecond: result.perSecond, cpu: (after.cpuMicros - before.cpuMicros) / result.total };
    };
    const { bare, own } = server.hello;
    await run(own, plan.warmUpSeconds);
    await run(bare, plan.warmUpSeconds / 2);
    const pairs = [];
    for (let turn = 0; turn < plan.turns; turn++) {
      const pair = {};
      const sides = [
        ['bare', bare],
        ['own', own],
      ];
      for (const [side, url] of turn % 2 === 0 ? sides : sides.reverse()) pair[side] = await run(url, plan.seconds);
      pairs.push(pair);
    }
    return {
      perSecond: median(pairs.map((pair) => pair.own.perSecond)),
      ratio: median(pairs.map((pair) => pair.own.perSecond / pair.bare.perSecond)),
      extraCpu: median(pairs.map((pair) => pair.own.cpu - pair.bare.cpu)),
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
    // Only those that look tokens up in a table of their own need to be told them.
    ...(/Map$/.test(target.name) && { tokens: tokens.opaque }),
  };
  return startChild('server.mjs', { task: { host, target, context } });
}

/** A target that lets everything through, or nothing, would be fast. */
async function checkAnswers({ name, protects }, { bare, own }, token) {
  const statusOf = async (url, authorization) => {
    const response = await fetch(url, { headers: authorization === undefined ? {} : { authorization } });
    await response.arrayBuffer();
    return response.status;
  };
  const seen = [
    await statusOf(bare),
    await statusOf(own, `Bearer ${token}`),
    ...(protects ? [await statusOf(own), await statusOf(own, `Bearer ${BAD}${token}`)] : []),
  ];
  const expected = protects ? [200, 200, 401, 401] : [200, 200];
  if (seen.join() !== expected.join()) throw new Error(`${name} answered ${seen}, not ${expected}`);
}

function summarizeSamples(samples) {
  const of = (figure, digits) => {
    const { median, min, max } = summarize(samples.map((one) => one[figure]));
    return { median: round(median, digits), min: round(min, digits), max: round(max, digits) };
  };
  return {
    perSecond: of('perSecond', 0),
    ratioToBare: of('ratio', 3),
    extraCpuMicros: of('extraCpu', 2),
    bareCpuMicros: of('bareCpu', 2),
    samples: samples.length,
  };
}
