import { createApi } from '../support/api.js';
import { recordEvents } from '../support/channels.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';
import { recordWarnings } from '../support/warnings.js';

const blocked: Script = (_asked, res) =>
  void res.writeHead(403, { 'content-type': 'text/html' }).end('<h1>Request blocked</h1>');
const rejected: Script = (_asked, res) => json(res, { error: 'unauthorized_client' }, 403);

/** An API with an expired response in its cache. */
async function createStaleApi() {
  recordWarnings();
  const clock = createClock(Date.now() / 1000);
  const endpoint = await createEndpoint(active());
  const api = createApi(endpoint, { clock, cache: { ttlSeconds: 10, staleIfErrorSeconds: 600, refreshAhead: false } });
  await api.get('known').expect(200);
  clock.advance(60);
  return { api, endpoint };
}

describe('a 403 that is an HTML page', () => {
  it('counts as an outage: a stale response is used', async () => {
    const { api, endpoint } = await createStaleApi();
    endpoint.script = blocked;
    await api.get('known').expect(200);
    expect(api.authenticate.stats().stale).toBe(1);
  });

  it('differs from a 403 of the endpoint itself, which never leads to a stale response', async () => {
    const { api, endpoint } = await createStaleApi();
    endpoint.script = rejected;
    await api.get('known').expect(503);
  });

  it('for tokens of strangers opens no circuit breaker and causes no warning while our own token passes', async () => {
    const warnings = recordWarnings();
    const circuit = recordEvents('circuit');
    const endpoint = await createEndpoint((asked, res, req) =>
      /^odd/.test(asked.form.get('token') ?? '') ? (blocked as CallableFunction)(asked, res, req) : { active: false },
    );
    const api = createApi(endpoint);
    await api.get('anybody').expect(401);
    for (let token = 0; token < 8; token++) await api.get(`odd-${token}`).expect(503);
    await api.get('somebody').expect(401);
    expect(circuit.filter(({ state }) => state !== 'closed')).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it('for every token opens the circuit breaker, and a real token that passes closes it', async () => {
    recordWarnings();
    const clock = createClock(Date.now() / 1000);
    const circuit = recordEvents('circuit');
    const endpoint = await createEndpoint(blocked);
    const api = createApi(endpoint, { clock });
    for (let token = 0; token < 6; token++) await api.get(`token-${token}`).expect(503);
    expect(circuit.at(-1)).toMatchObject({ state: 'open', reason: 'unreachable' });
    endpoint.script = (asked, res, req) =>
      asked.form.get('token') === 'good' ? active() : (blocked as CallableFunction)(asked, res, req);
    clock.advance(10);
    await api.get('good').expect(200);
    expect(circuit.at(-1)).toMatchObject({ state: 'closed' });
  });
});

describe('a token type that the server cannot introspect', () => {
  it('is invalid_token to the client and reported to the operator', async () => {
    recordWarnings();
    const decisions = recordDecisions();
    const endpoint = await createEndpoint((_asked, res) => json(res, { error: 'unsupported_token_type' }, 400));
    const response = await createApi(endpoint).get('a.b.c').expect(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(response.text).not.toContain('unsupported');
    expect(decisions).toMatchObject([{ outcome: 'rejected', status: 401, reason: 'unsupported_token_type' }]);
  });
});
