import type { DpopOptions } from '../../lib/index.js';
import { createApp } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { boundTo, sendBound } from '../support/dpop.js';
import { createSender, ORIGIN } from '../support/dpop-sender.js';
import { createEndpoint } from '../support/endpoint.js';
import { byFirstLetter, createMultiServerMiddleware, serverOptions } from '../support/multi-server-api.js';
import { createSharedMemory } from '../support/shared-memory.js';

/** An app behind two servers, of which only `acme` has a store. */
async function create(dpop: DpopOptions = {}, select = byFirstLetter) {
  const [sender, clock] = [await createSender(), createClock()];
  const endpoint = await createEndpoint(boundTo(sender));
  const cache = { store: createSharedMemory().connect(), secrets: ['s'.repeat(32)] };
  const authenticate = createMultiServerMiddleware(
    { acme: serverOptions(endpoint, { cache }), beta: serverOptions(endpoint) },
    { clock, dpop: { origin: ORIGIN, ...dpop } },
    select,
  );
  const proof = (token: string, claims: object = {}) => sender.proof(token, clock, { claims: { ...claims } });
  return { ...createApp(authenticate as never), proof };
}

describe('a DPoP proof for one of several servers', () => {
  it.each([
    ['acme', 'beta'],
    ['beta', 'acme'],
  ])('is accepted once, although only one of them has a store: by %s, then not by %s', async (first, second) => {
    let name = first;
    const app = await create({}, () => name);
    const proof = await app.proof('abc');
    await sendBound(app, 'abc', proof).expect(200);
    await sendBound(app, 'abc', proof).expect(401);
    name = second;
    await sendBound(app, 'abc', proof).expect(401);
    await sendBound(app, 'abc', await app.proof('abc')).expect(200);
  });

  it('may carry a nonce that any of them has sent', async () => {
    const app = await create({ nonce: true });
    const { headers } = await sendBound(app, 'a1', await app.proof('a1')).expect(401);
    for (const token of ['b1', 'a1', 'b1']) {
      await sendBound(app, token, await app.proof(token, { nonce: headers['dpop-nonce'] })).expect(200);
    }
  });
});
