import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { Agent } from 'undici';
import { remedyFor } from '../../lib/diagnostics/remedies.js';
import {
  type ClientAuth,
  clientSecretBasic,
  type TokenIntrospectionOptions,
  tokenIntrospection,
} from '../../lib/index.js';
import { USER_AGENT } from '../../lib/introspection/user-agent.js';
import { type Api, createApi } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { type Asked, active, createEndpoint, type Endpoint, json } from '../support/endpoint.js';
import { until } from '../support/until.js';

const OAUTH = '/.well-known/oauth-authorization-server';
const OPENID = '/.well-known/openid-configuration';

type Answer = object | ((res: ServerResponse, asked: Asked) => unknown);

/** An authorization server with configurable metadata per path. Every introspection response is active. */
interface Server {
  readonly issuer: string;
  readonly endpoint: Endpoint;
  published: Record<string, Answer>;
  /** Requested metadata paths, in order. */
  looked(): (string | undefined)[];
  /** Paths of introspection requests, in order. */
  asked(): (string | undefined)[];
}

async function createServer(path = '', publish?: (issuer: string) => Record<string, Answer>): Promise<Server> {
  const endpoint = await createEndpoint((asked, res) => {
    if (asked.method === 'POST') return active({ exp: undefined });
    const answer = server.published[asked.url ?? ''];
    if (answer === undefined) json(res, { error: 'not_found' }, 404);
    else if (typeof answer === 'function') return answer(res, asked);
    else json(res, answer);
    return undefined;
  });
  const { origin } = new URL(endpoint.url);
  const issuer = `${origin}${path}`;
  const pathsOf = (method: string) => () =>
    endpoint.asked.filter((asked) => asked.method === method).map(({ url }) => url);
  const server: Server = {
    issuer,
    endpoint,
    published: publish?.(issuer) ?? { [OAUTH]: metadataOf(issuer) },
    looked: pathsOf('GET'),
    asked: pathsOf('POST'),
  };
  return server;
}

function metadataOf(issuer: string, more: object = {}): object {
  return { issuer, introspection_endpoint: `${new URL(issuer).origin}/ask`, ...more };
}

function createDiscovering(server: { readonly issuer: string }, options: Partial<TokenIntrospectionOptions> = {}): Api {
  return createApi({ url: '' }, { endpoint: undefined, authorizationServer: server.issuer, ...options });
}

/** Code and detail of each reported outage. */
function told({ errors }: Api): (string | undefined)[] {
  return errors.map((error) => (error as { message: string }).message.match(/\((.*)\)$/)?.[1]);
}

const silent = () => jest.spyOn(process, 'emitWarning').mockImplementation(() => {});

afterEach(() => jest.restoreAllMocks());

describe('authorizationServer', () => {
  it('asks the introspection endpoint from the metadata, which are fetched once', async () => {
    const server = await createServer();
    const api = createDiscovering(server);
    for (const token of ['a', 'b', 'c']) await api.get(token).expect(200);
    expect([server.looked(), server.asked()]).toEqual([[OAUTH], ['/ask', '/ask', '/ask']]);
    expect(api.authenticate.stats()).toMatchObject({ endpointCalls: 3 });
  });

  it('fetches no metadata before the first token', async () => {
    const server = await createServer();
    const api = createDiscovering(server);
    await api.get().expect(401);
    expect(server.looked()).toEqual([]);
  });

  it('fetches metadata once for many waiting requests', async () => {
    const server = await createServer();
    const release = createDeferred();
    server.published = {
      [OAUTH]: async (res) => {
        await release.promise;
        json(res, metadataOf(server.issuer));
      },
    };
    const api = createDiscovering(server);
    const requests = Array.from({ length: 10 }, (_, i) => api.get(`token-${i}`).then(({ status }) => status));
    await until(() => server.looked().length === 1);
    release.resolve();
    expect(await Promise.all(requests)).toEqual(Array(10).fill(200));
    expect(server.looked()).toEqual([OAUTH]);
  });

  it('requests the metadata as JSON, without compression and without credentials', async () => {
    const server = await createServer();
    await createDiscovering(server).get('a').expect(200);
    const { host, connection, ...headers } = server.endpoint.asked[0]?.headers ?? {};
    expect(headers).toEqual({
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': USER_AGENT,
    });
    expect(server.endpoint.asked[0]?.body).toBe('');
  });

  it.each([
    ['', [OAUTH, OPENID]],
    ['/', [OAUTH, OPENID]],
    ['/t1', [`${OAUTH}/t1`, `${OPENID}/t1`, `/t1${OPENID}`]],
    ['/t1/', [`${OAUTH}/t1`, `${OPENID}/t1`, `/t1${OPENID}`]],
    ['/a/b', [`${OAUTH}/a/b`, `${OPENID}/a/b`, `/a/b${OPENID}`]],
  ])(
    'with the path %j looks at the well-known URLs in the order of the standards and finds metadata at each',
    async (path, urls) => {
      for (const [index, url] of urls.entries()) {
        const server = await createServer(path, (issuer) => ({ [url]: metadataOf(issuer) }));
        await createDiscovering(server).get('a').expect(200);
        expect(server.looked()).toEqual(urls.slice(0, index + 1));
      }
    },
  );

  it.each<[string, Answer, string]>([
    ['an error', (res) => json(res, {}, 500), 'discovery_failed, HTTP 500'],
    [
      'a page',
      (res) => void res.writeHead(200, { 'content-type': 'text/html' }).end('{}'),
      'discovery_failed, media type',
    ],
    [
      'no JSON',
      (res) => void res.writeHead(200, { 'content-type': 'application/json' }).end('{'),
      'discovery_failed, not JSON',
    ],
    ['a list', [], 'discovery_failed, not metadata'],
    ['no issuer', { introspection_endpoint: 'https://as.example.com' }, 'discovery_failed, not metadata'],
    ['too much', (res) => json(res, { a: 'x'.repeat(300_000) }), 'discovery_failed, too large'],
    [
      'a way elsewhere',
      (res) => void res.writeHead(302, { location: '/elsewhere' }).end(),
      'discovery_failed, HTTP 302',
    ],
  ])('answers 503 and sends no token when a server publishes %s', async (_, answer, message) => {
    const server = await createServer('', () => ({ [OAUTH]: answer, '/elsewhere': {} }));
    const api = createDiscovering(server);
    await api.get('a').expect(503);
    expect(told(api)).toEqual([message]);
    expect([server.looked(), server.asked(), api.reached()]).toEqual([[OAUTH, OPENID], [], 0]);
  });

  it.each<[string, (issuer: string) => object, string]>([
    [
      'another issuer',
      (issuer) => metadataOf(issuer, { issuer: 'https://as.example.com' }),
      'another issuer in the metadata',
    ],
    [
      'its issuer with a slash',
      (issuer) => metadataOf(issuer, { issuer: `${issuer}/` }),
      'another issuer in the metadata',
    ],
    ['no introspection endpoint', (issuer) => ({ issuer }), 'no introspection_endpoint in the metadata'],
    [
      'a null for it',
      (issuer) => ({ issuer, introspection_endpoint: null }),
      'no introspection_endpoint in the metadata',
    ],
    [
      'an http: endpoint',
      (issuer) => ({ issuer, introspection_endpoint: 'http://as.example.com/ask' }),
      'introspection_endpoint is no https URL',
    ],
    [
      'an endpoint that is no URL',
      (issuer) => ({ issuer, introspection_endpoint: '/ask' }),
      'introspection_endpoint is no https URL',
    ],
    [
      'an endpoint with credentials',
      (issuer) => ({ issuer, introspection_endpoint: 'https://a:b@as.example.com/ask' }),
      'introspection_endpoint is no https URL',
    ],
  ])(
    'answers 503 and sends no token when a server publishes %s, and a warning names the remedy',
    async (_, publish, detail) => {
      const emitWarning = silent();
      const server = await createServer('', (issuer) => ({ [OAUTH]: publish(issuer) }));
      const api = createDiscovering(server);
      await api.get('a').expect(503);
      await api.get('b').expect(503);
      expect(new Set(told(api))).toEqual(new Set([`discovery_failed, ${detail}`]));
      expect([server.asked(), api.reached()]).toEqual([[], 0]);
      expect(emitWarning.mock.calls).toEqual([
        [
          `The metadata of the authorization server cannot be used. ${remedyFor('discovery_failed', detail)}`,
          { type: 'TokenIntrospectionWarning', code: 'DISCOVERY_FAILED', detail },
        ],
      ]);
    },
  );

  it('reports a mistake at one URL although the other URL has nothing', async () => {
    silent();
    const server = await createServer('', () => ({ [OAUTH]: metadataOf('https://as.example.com') }));
    const api = createDiscovering(server);
    await api.get('a').expect(503);
    expect(told(api)).toEqual(['discovery_failed, another issuer in the metadata']);
  });

  it('reports a mistake at one URL although the other URL serves a page', async () => {
    silent();
    const server = await createServer('', () => ({
      [OAUTH]: (res: ServerResponse) => void res.writeHead(200, { 'content-type': 'text/html' }).end(),
      [OPENID]: metadataOf('https://as.example.com'),
    }));
    const api = createDiscovering(server);
    await api.get('a').expect(503);
    expect(told(api)).toEqual(['discovery_failed, another issuer in the metadata']);
  });

  it('uses metadata at the second URL when the first names another issuer', async () => {
    const server = await createServer('', (issuer) => ({
      [OAUTH]: metadataOf('https://as.example.com'),
      [OPENID]: metadataOf(issuer),
    }));
    await createDiscovering(server).get('a').expect(200);
  });

  it('reports an unreachable server by its code and does not try another URL', async () => {
    const emitWarning = silent();
    const server = await createServer();
    await server.endpoint.close();
    const api = createDiscovering(server);
    const response = await api.get('a').expect(503);
    expect(response.headers).toMatchObject({ 'retry-after': '1' });
    expect(told(api)).toEqual(['discovery_failed, ECONNREFUSED']);
    expect(emitWarning).not.toHaveBeenCalled();
  });

  it('holds a request no longer than its deadline when the server does not respond', async () => {
    const server = await createServer();
    const release = createDeferred();
    server.published = { [OAUTH]: () => release.promise.then(() => undefined) };
    const api = createDiscovering(server, { timeoutMs: 60 });
    await api.get('a').expect(503);
    expect(told(api)).toEqual([expect.stringMatching(/^(?:timeout|discovery_failed, timeout)$/)]);
    release.resolve();
  });
});

describe('failed discovery', () => {
  it('fails every request for one second, then the next request tries again', async () => {
    const server = await createServer();
    const { published } = server;
    server.published = {};
    const clock = createClock();
    const api = createDiscovering(server, { clock });
    for (const token of ['a', 'b', 'c']) await api.get(token).expect(503);
    expect(server.looked()).toEqual([OAUTH, OPENID]);
    server.published = published;
    clock.advance(0.999);
    await api.get('d').expect(503);
    clock.advance(0.001);
    await api.get('e').expect(200);
    expect(server.looked()).toEqual([OAUTH, OPENID, OAUTH]);
    expect(api.errors.length).toBe(4);
  });
});

describe('discovered metadata', () => {
  it('are used for an hour, then during one refetch', async () => {
    const server = await createServer();
    const clock = createClock();
    const api = createDiscovering(server, { clock });
    await api.get('a').expect(200);
    clock.advance(3599);
    await api.get('b').expect(200);
    expect(server.looked()).toEqual([OAUTH]);
    const release = createDeferred();
    server.published = {
      [OAUTH]: async (res) => {
        await release.promise;
        json(res, { issuer: server.issuer, introspection_endpoint: `${server.issuer}/moved` });
      },
    };
    clock.advance(1);
    for (const token of ['c', 'd']) await api.get(token).expect(200);
    expect([server.looked(), server.asked().slice(2)]).toEqual([
      [OAUTH, OAUTH],
      ['/ask', '/ask'],
    ]);
    release.resolve();
    await until(() => server.endpoint.asked.length === 6);
    for (let asked = ''; asked !== '/moved'; asked = server.asked().at(-1) ?? '') {
      await api.get(`later-${server.asked().length}`).expect(200);
    }
    expect(server.looked()).toEqual([OAUTH, OAUTH]);
  });

  it.each<[string, (server: Server) => Record<string, Answer>]>([
    ['nothing', () => ({})],
    ['another issuer', ({ issuer }) => ({ [OAUTH]: metadataOf(issuer, { issuer: 'https://as.example.com' }) })],
  ])('stay in use when a refetch finds %s, which is tried again a minute later', async (_, publish) => {
    silent();
    const server = await createServer();
    const clock = createClock();
    const api = createDiscovering(server, { clock });
    await api.get('a').expect(200);
    server.published = publish(server);
    clock.advance(3600);
    await api.get('b').expect(200);
    await until(() => server.looked().length === 3);
    for (let i = 0; i < 5; i++) await api.get(`c-${i}`).expect(200);
    expect(server.looked()).toHaveLength(3);
    clock.advance(60);
    await api.get('d').expect(200);
    await until(() => server.looked().length === 5);
    expect(api.errors).toEqual([]);
  });
});

describe('other members of the metadata', () => {
  const BASIC = clientSecretBasic('api', 'secret');
  const own = (more: Partial<ClientAuth>): ClientAuth => ({ identity: 'own', sign() {}, ...more });

  it.each<[string, object, ClientAuth, string[]]>([
    ['nothing of methods', {}, BASIC, []],
    ['the method', { introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'x'] }, BASIC, []],
    [
      'other methods',
      { introspection_endpoint_auth_methods_supported: ['private_key_jwt'] },
      BASIC,
      ['METHOD_NOT_ADVERTISED'],
    ],
    ['no method at all', { introspection_endpoint_auth_methods_supported: [] }, BASIC, ['METHOD_NOT_ADVERTISED']],
    ['methods, and ours has no name', { introspection_endpoint_auth_methods_supported: ['x'] }, own({}), []],
    [
      'one of the names of our method',
      { introspection_endpoint_auth_methods_supported: ['b'] },
      own({ methods: ['a', 'b'] }),
      [],
    ],
  ])(
    'are compared with the client authentication, which is used in any case: %s',
    async (_, more, clientAuth, codes) => {
      const emitWarning = silent();
      const server = await createServer('', (issuer) => ({ [OAUTH]: metadataOf(issuer, more) }));
      const api = createDiscovering(server, { clientAuth });
      for (const token of ['a', 'b']) await api.get(token).expect(200);
      const warnings = emitWarning.mock.calls.map(([, options]) => (options as { code?: string }).code);
      expect(warnings).toEqual(codes);
      expect(server.asked()).toEqual(['/ask', '/ask']);
    },
  );

  it('give client authentication the issuer, the endpoint and the signing algorithms', async () => {
    const server = await createServer('', (issuer) => ({
      [OAUTH]: metadataOf(issuer, { introspection_endpoint_auth_signing_alg_values_supported: ['ES256'] }),
    }));
    const sign = jest.fn<void, Parameters<ClientAuth['sign']>>();
    await createDiscovering(server, { clientAuth: own({ sign }) })
      .get('a')
      .expect(200);
    expect(sign.mock.calls[0]?.[0]).toMatchObject({
      endpoint: `${server.issuer}/ask`,
      issuer: server.issuer,
      signingAlgorithms: ['ES256'],
    });
  });

  it('name another endpoint for clients that present a certificate, and for no others', async () => {
    const server = await createServer('', (issuer) => ({
      [OAUTH]: metadataOf(issuer, { mtls_endpoint_aliases: { introspection_endpoint: `${issuer}/mtls` } }),
    }));
    await createDiscovering(server).get('a').expect(200);
    await createDiscovering(server, { clientAuth: own({ connect: {} }) })
      .get('a')
      .expect(200);
    expect(server.asked()).toEqual(['/ask', '/mtls']);
  });

  it.each([{}, { introspection_endpoint: null }])(
    'do not change the endpoint without an mTLS alias: %j',
    async (aliases) => {
      const server = await createServer('', (issuer) => ({
        [OAUTH]: metadataOf(issuer, { mtls_endpoint_aliases: aliases }),
      }));
      await createDiscovering(server, { clientAuth: own({ connect: {} }) })
        .get('a')
        .expect(200);
      expect(server.asked()).toEqual(['/ask']);
    },
  );

  it('do no harm when they are null or unknown', async () => {
    const server = await createServer('', (issuer) => ({
      [OAUTH]: metadataOf(issuer, { jwks_uri: null, mtls_endpoint_aliases: null, service_documentation: 7 }),
    }));
    await createDiscovering(server).get('a').expect(200);
  });

  it('do no harm when keys that are not needed cannot be fetched', async () => {
    const server = await createServer('', (issuer) => ({
      [OAUTH]: metadataOf(issuer, { jwks_uri: 'http://as.example.com' }),
    }));
    await createDiscovering(server).get('a').expect(200);
  });
});

describe('a middleware that uses discovery', () => {
  it('fetches metadata through the app’s dispatcher', async () => {
    const server = await createServer();
    const agent = new Agent();
    const origins: unknown[] = [];
    const dispatcher = agent.compose((dispatch) => (options, handler) => {
      origins.push(`${options.method} ${options.path}`);
      return dispatch(options, handler);
    });
    await createDiscovering(server, { dispatcher }).get('a').expect(200);
    expect(origins).toEqual([`GET ${OAUTH}`, 'POST /ask']);
    await agent.close();
  });

  it('needs no "issuer" for signed client authentication', () => {
    const clientAuth = { identity: 'own', sign() {}, needsIssuer: true };
    const authorizationServer = 'https://as.example.com';
    expect(() => tokenIntrospection({ authorizationServer, clientAuth, audience: false })).not.toThrow();
  });

  it('rejects metadata that lead from https to http, even on this machine', async () => {
    const issuer = 'https://as.example.com';
    const asked: unknown[] = [];
    const request = (options: { readonly path: string; readonly method: string }) => {
      asked.push(options.method);
      const body = JSON.stringify({ issuer, introspection_endpoint: 'http://127.0.0.1:8080/ask' });
      return Promise.resolve({
        statusCode: 200,
        headers: { 'content-type': 'application/json' },
        body: Readable.from([Buffer.from(body)]),
      });
    };
    silent();
    const api = createDiscovering({ issuer }, { dispatcher: { request } as never });
    await api.get('a').expect(503);
    expect(told(api)).toEqual(['discovery_failed, introspection_endpoint is no https URL']);
    expect(new Set(asked)).toEqual(new Set(['GET']));
  });

  it('waits for the running discovery on close(), and starts no other', async () => {
    const server = await createServer();
    const release = createDeferred();
    server.published = {
      [OAUTH]: async (res) => {
        await release.promise;
        json(res, metadataOf(server.issuer));
      },
    };
    const api = createDiscovering(server);
    const request = api.get('a').then(({ status }) => status);
    await until(() => server.looked().length === 1);
    const closed = api.authenticate.close();
    release.resolve();
    await closed;
    expect([200, 503]).toContain(await request);
    await api.get('b').expect(503);
    expect(server.looked()).toEqual([OAUTH]);
  });
});
