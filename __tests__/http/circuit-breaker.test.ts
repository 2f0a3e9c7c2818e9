import { createApi, createApp, createAuthenticate, get } from '../support/api.js';
import { recordEvents } from '../support/channels.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';
import { serve } from '../support/serve.js';
import { until } from '../support/until.js';
import { recordWarnings } from '../support/warnings.js';

const answer =
  (status: number, headers: Record<string, string> = {}): Script =>
  (_asked, res) =>
    void res.writeHead(status, headers).end();

beforeEach(() => {
  jest.spyOn(Math, 'random').mockReturnValue(0.5);
});

afterEach(() => jest.restoreAllMocks());

/** An app whose endpoint has failed for five tokens. Only the token `known` is cached. */
async function createBroken(options: Parameters<typeof createApi>[1] = {}) {
  const clock = createClock(Date.now() / 1000);
  const endpoint = await createEndpoint(active());
  const api = createApi(endpoint, { clock, cache: { refreshAhead: false }, ...options });
  await api.get('known').expect(200);
  endpoint.script = answer(500);
  for (const token of ['a', 'b', 'c', 'd', 'e']) await api.get(token).expect(503);
  const asked = endpoint.asked.length;
  return { clock, endpoint, api, notBefore: () => endpoint.asked.length - asked };
}

describe('an open circuit breaker, after five tokens for which the endpoint failed', () => {
  it('answers 503 to further tokens at once, with the seconds to wait, and asks nothing', async () => {
    const { api, clock, notBefore } = await createBroken();
    const response = await api.get('x').expect(503);
    expect(response.headers).toMatchObject({ 'retry-after': '1', 'cache-control': 'no-store' });
    expect(response.headers['www-authenticate']).toBeUndefined();
    expect(api.errors.at(-1)).toMatchObject({ code: 'circuit_open', status: 503, retryAfterSeconds: 1 });
    clock.advance(0.999);
    await api.get('a').expect(503);
    expect([notBefore(), api.reached()]).toEqual([0, 1]);
  });

  it('rejects no token that is cached, or malformed', async () => {
    const { api, notBefore } = await createBroken();
    await api.get('known').expect(200);
    await api.get('a b').expect(400);
    await api.get().expect(401);
    expect(notBefore()).toBe(0);
  });

  it('asks about a token of our own after the pause, for one request, and answers 503 to the others', async () => {
    const { api, clock, endpoint, notBefore } = await createBroken();
    const reply = createDeferred<object>();
    endpoint.script = () => reply.promise;
    clock.advance(1);
    const { url } = await serve(api.app);
    const ask = (token: string) => fetch(url, { headers: { authorization: `Bearer ${token}` } });
    const probe = ask('probe');
    await until(() => notBefore() === 1);
    const others = await Promise.all(['a', 'b', 'c'].map(ask));
    expect(others.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual(
      Array(3).fill([503, '1']),
    );
    reply.resolve(active());
    expect((await probe).status).toBe(200);
    expect((await ask('f')).status).toBe(200);
    expect(endpoint.asked.slice(-3).map(({ form }) => form.get('token'))).toEqual([
      expect.stringMatching(/^[\w-]{43}$/),
      'probe',
      'f',
    ]);
  });

  it('waits twice as long when that probe fails too', async () => {
    const { api, clock, endpoint, notBefore } = await createBroken();
    endpoint.script = answer(503, { 'retry-after': '2' });
    clock.advance(1);
    await api.get('probe').expect(503);
    expect((await api.get('x').expect(503)).headers['retry-after']).toBe('2');
    clock.advance(1.999);
    await api.get('x').expect(503);
    expect(notBefore()).toBe(1);
    clock.advance(0.001);
    await api.get('x').expect(503);
    expect(notBefore()).toBe(2);
  });

  it('holds for every derived middleware, and for no other middleware', async () => {
    const { api, clock, endpoint, notBefore } = await createBroken();
    await get(createApp(api.authenticate.with({ scopes: ['read'] })), 'x').expect(503);
    await expect(api.authenticate.introspect('x')).rejects.toMatchObject({ code: 'circuit_open' });
    expect(notBefore()).toBe(0);
    endpoint.script = active();
    await get(createApp(createAuthenticate(endpoint, { clock })), 'x').expect(200);
  });

  it('works without a cache', async () => {
    const { api, notBefore } = await createBroken({ cache: false });
    await api.get('known').expect(503);
    expect([api.errors.at(-1), notBefore()]).toEqual([expect.objectContaining({ code: 'circuit_open' }), 0]);
  });

  it('does not stop verifyConfiguration(), which does not change it', async () => {
    const { api, endpoint, notBefore } = await createBroken();
    expect(await api.authenticate.verifyConfiguration()).toMatchObject({ ok: false });
    endpoint.script = { active: false };
    expect(await api.authenticate.verifyConfiguration()).toMatchObject({ ok: true });
    await api.get('x').expect(503);
    expect([notBefore(), api.errors.at(-1)]).toEqual([2, expect.objectContaining({ code: 'circuit_open' })]);
  });

  it('shows in decisions and in the circuit channel', async () => {
    const decisions = recordDecisions();
    const circuit = recordEvents('circuit');
    const { api, clock, endpoint } = await createBroken();
    await api.get('x').expect(503);
    expect(decisions.at(-1)).toMatchObject({ outcome: 'outage', status: 503, reason: 'circuit_open' });
    endpoint.script = active();
    clock.advance(1);
    await api.get('x').expect(200);
    expect(circuit).toEqual([
      { state: 'open', reason: 'server_error', retryAfterSeconds: 1 },
      { state: 'half_open' },
      { state: 'closed' },
    ]);
  });
});

describe('an endpoint that asks for a pause', () => {
  it.each<[string, Script]>([
    ['with 429', answer(429, { 'retry-after': '30' })],
    ['with 503', answer(503, { 'retry-after': '30' })],
  ])('%s gets it, and clients see how much of it is left', async (_, script) => {
    const clock = createClock(Date.now() / 1000);
    const endpoint = await createEndpoint(script);
    const api = createApi(endpoint, { clock });
    const seconds = async () => (await api.get('x').expect(503)).headers['retry-after'];
    expect([await seconds(), await seconds()]).toEqual(['30', '30']);
    clock.advance(20);
    expect(await seconds()).toBe('10');
    clock.advance(9.999);
    expect([await seconds(), endpoint.asked.length]).toEqual(['1', 2]);
    clock.advance(0.001);
    endpoint.script = active();
    await api.get('x').expect(200);
  });
});

describe('an endpoint whose responses are odd but no outage', () => {
  it.each<[string, Script]>([
    ['that rejects our credentials', (_asked, res) => json(res, { error: 'invalid_client' }, 401)],
    ['that rejects the introspection request', (_asked, res) => json(res, { error: 'invalid_request' }, 400)],
    ['that sends 404', answer(404)],
    ['that sends no introspection response', { active: 'yes' }],
    ['that calls all tokens inactive', { active: false }],
  ])('%s is asked about each token', async (_, script) => {
    recordWarnings();
    const endpoint = await createEndpoint(script);
    const api = createApi(endpoint);
    for (let token = 0; token < 20; token++) await api.get(`token${token}`);
    expect(endpoint.asked).toHaveLength(20);
  });

  it('as it fails for one token twice, is asked about other tokens, and about that one only after three seconds', async () => {
    const clock = createClock(Date.now() / 1000);
    const endpoint = await createEndpoint(answer(500));
    const api = createApi(endpoint, { clock });
    for (let request = 0; request < 20; request++) await api.get('odd').expect(503);
    expect(endpoint.asked).toHaveLength(2);
    expect(api.errors.at(-1)).toMatchObject({ code: 'server_error', detail: 'HTTP 500', retryAfterSeconds: 3 });
    endpoint.script = active();
    await api.get('good').expect(200);
    clock.advance(2.999);
    await api.get('odd').expect(503);
    clock.advance(0.001);
    await api.get('odd').expect(200);
    expect(endpoint.asked).toHaveLength(4);
  });
});
