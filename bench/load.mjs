/** Makes requests, in a process of its own. */
import autocannon from 'autocannon';
import { BAD, randomToken } from './tokens.mjs';

process.on('message', async ({ id, ...order }) => {
  try {
    process.send({ id, ...(await run(order)) });
  } catch (error) {
    process.send({ id, failure: String(error) });
  }
});
process.send({});

/** For some `seconds` or a number of requests (`amount`); without `tokens`, each request presents a random bad one. */
async function run({ url, tokens, connections, seconds, amount, rate, expect = 200 }) {
  let next = 0;
  const result = await autocannon({
    url,
    connections,
    sampleInt: 50,
    ...(amount === undefined ? { duration: seconds } : { amount }),
    ...(rate !== undefined && { overallRate: rate }),
    // Each connection walks through a share of its own, so that all tokens are in use at any time.
    setupClient(client) {
      const share = next++ % Math.min(connections, tokens?.length ?? 1);
      const own = tokens?.filter((_, index) => index % connections === share);
      client.setRequests(own === undefined ? [{ setupRequest: withRandomToken }] : own.map(withToken));
    },
  });
  const total = result.requests.total;
  const unexpected = total - (result.statusCodeStats[expect]?.count ?? 0) + result.errors + result.timeouts;
  if (unexpected > 0)
    throw new Error(`${unexpected} of ${total} replies were not ${expect}: ${JSON.stringify(result.statusCodeStats)}`);
  const { p50, p90, p99 } = result.latency;
  return { total, perSecond: total / ((result.finish - result.start) / 1000), latency: { p50, p90, p99 } };
}

function withToken(token) {
  return { method: 'GET', path: '/', headers: { authorization: `Bearer ${token}` } };
}

function withRandomToken(request) {
  return { ...request, headers: { authorization: `Bearer ${BAD}${randomToken(42)}` } };
}
process.on('disconnect', () => process.exit());
