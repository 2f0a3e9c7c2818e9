/** Sends requests, in its own process. */
import autocannon from 'autocannon';
import { handleCommands } from './commands.mjs';
import { INVALID, randomToken } from './tokens.mjs';

handleCommands({ run });
process.send({});

/** Sends requests for some `seconds`, or a number of them (`amount`). Without `tokens`, each has a random invalid token. */
async function run({ url, tokens, connections, seconds, amount, rate, expect = 200 }) {
  let next = 0;
  const result = await autocannon({
    url,
    connections,
    sampleInt: 50,
    ...(amount === undefined ? { duration: seconds } : { amount }),
    ...(rate !== undefined && { overallRate: rate }),
    // Each connection uses its own share of the tokens, so that all tokens are in use at any time.
    setupClient(client) {
      const share = next++ % Math.min(connections, tokens?.length ?? 1);
      const ownTokens = tokens?.filter((_, index) => index % connections === share);
      client.setRequests(ownTokens === undefined ? [{ setupRequest: withRandomToken }] : ownTokens.map(withToken));
    },
  });
  const total = result.requests.total;
  const unexpected = total - (result.statusCodeStats[expect]?.count ?? 0) + result.errors + result.timeouts;
  if (unexpected > 0)
    throw new Error(
      `${unexpected} of ${total} responses were not ${expect}: ${JSON.stringify(result.statusCodeStats)}`,
    );
  const { p50, p90, p99 } = result.latency;
  return { total, perSecond: total / ((result.finish - result.start) / 1000), latency: { p50, p90, p99 } };
}

function withToken(token) {
  return { method: 'GET', path: '/', headers: { authorization: `Bearer ${token}` } };
}

function withRandomToken(request) {
  return { ...request, headers: { authorization: `Bearer ${INVALID}${randomToken(42)}` } };
}
