import type { TokenIntrospectionOptions } from '../../lib/index.js';
import { createApi } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { type Asked, active, createEndpoint, type Endpoint, json } from '../support/endpoint.js';

/** 60 seconds after the time of the clock, in each format. */
const FORMS: Readonly<Record<string, string>> = {
  seconds: '60',
  'IMF-fixdate': 'Fri, 15 Jan 2027 08:01:00 GMT',
  'rfc850-date': 'Friday, 15-Jan-27 08:01:00 GMT',
  'asctime-date': 'Fri Jan 15 08:01:00 2027',
};

/** An authorization server whose endpoint, metadata or keys reject requests for a while. */
async function createServer(refused: (asked: Asked) => boolean, status: number, retryAfter?: string) {
  const server: Endpoint & { isWell?: boolean } = await createEndpoint((asked, res) => {
    const issuer = new URL(server.url).origin;
    if (!server.isWell && refused(asked)) {
      if (retryAfter !== undefined) res.setHeader('retry-after', retryAfter);
      json(res, {}, status);
      return undefined;
    }
    if (asked.url === '/keys') return { keys: [] };
    if (asked.method === 'POST') return active({ exp: undefined });
    return { issuer, introspection_endpoint: `${issuer}/introspect`, jwks_uri: `${issuer}/keys` };
  });
  return server;
}

function createDiscovering(server: Endpoint, options: Partial<TokenIntrospectionOptions> = {}) {
  const clock = createClock();
  const authorizationServer = new URL(server.url).origin;
  return { clock, api: createApi(server, { endpoint: undefined, authorizationServer, clock, ...options }) };
}

const looksUp = ({ method }: Asked) => method === 'GET';

describe.each(Object.entries(FORMS))('Retry-After as %s', (_, value) => {
  it('from the introspection endpoint is passed to clients, and the endpoint is not asked meanwhile', async () => {
    const server = await createServer(({ method }) => method === 'POST', 503, value);
    const clock = createClock();
    const api = createApi(server, { clock });
    expect((await api.get('a').expect(503)).headers['retry-after']).toBe('60');
    clock.advance(1.1);
    await api.get('b').expect(503);
    // The second introspection request is the probe of the circuit breaker.
    expect(server.asked).toHaveLength(2);
  });

  it('from the metadata is passed to clients, and they are not fetched meanwhile', async () => {
    const server = await createServer(looksUp, 503, value);
    const { api, clock } = createDiscovering(server);
    expect((await api.get('a').expect(503)).headers['retry-after']).toBe('60');
    clock.advance(59.5);
    expect((await api.get('b').expect(503)).headers['retry-after']).toBe('1');
    expect(server.asked).toHaveLength(1);
    server.isWell = true;
    clock.advance(0.5);
    await api.get('c').expect(200);
  });

  it('from the keys is passed to clients, and they are not fetched meanwhile', async () => {
    const server = await createServer(({ url }) => url === '/keys', 503, value);
    const script = server.script as (asked: Asked, res: unknown) => object | undefined;
    server.script = (asked, res) => {
      if (asked.method !== 'POST') return script(asked, res);
      const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
      res.setHeader('content-type', 'application/token-introspection+jwt');
      res.end(`${part({ alg: 'RS256', typ: 'token-introspection+jwt' })}.${part({})}.AAAA`);
      return undefined;
    };
    const { api, clock } = createDiscovering(server, { jwtResponse: true });
    const keys = () => server.asked.filter(({ url }) => url === '/keys').length;
    expect((await api.get('a').expect(503)).headers['retry-after']).toBe('60');
    clock.advance(59.5);
    expect((await api.get('b').expect(503)).headers['retry-after']).toBe('1');
    expect(keys()).toBe(1);
    clock.advance(0.5);
    await api.get('c').expect(503);
    expect(keys()).toBe(2);
  });
});

describe('metadata behind a 429', () => {
  it('are fetched from one URL, once a second', async () => {
    const server = await createServer(looksUp, 429);
    const { api, clock } = createDiscovering(server);
    for (const token of ['a', 'b', 'c']) await api.get(token).expect(503);
    clock.advance(0.999);
    await api.get('d').expect(503);
    expect(server.asked).toHaveLength(1);
    clock.advance(0.001);
    await api.get('e').expect(503);
    expect(server.asked).toHaveLength(2);
  });

  it('stay in use when they are known, and are fetched again when the server allows it', async () => {
    const server = await createServer(looksUp, 429, '120');
    server.isWell = true;
    const { api, clock } = createDiscovering(server);
    await api.get('a').expect(200);
    server.isWell = false;
    const looks = () => server.asked.filter(looksUp).length;
    for (const [seconds, expected] of [
      [3600, 2],
      [119, 2],
      [1, 3],
    ] as const) {
      clock.advance(seconds);
      await api.get(`token-${seconds}`).expect(200);
      // The refetch in the background has begun before this response, over another connection.
      await api.authenticate.verifyConfiguration();
      expect(looks()).toBe(expected);
    }
  });
});
