import type { RequestListener } from 'node:http';
import express from 'express';
import request from 'supertest';
import { requireFresh, requireScope, type TokenIntrospectionOptions } from '../../lib/index.js';
import { protectedResourceMetadata } from '../../lib/metadata/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { BARE } from '../support/challenges.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { echoAuth, HOSTS } from '../support/hosts.js';
import { createMultiServerMiddleware, serverOptions } from '../support/multi-server-api.js';
import { exchange } from '../support/serve.js';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';
const AUDIENCE = 'https://api.example.com/v1';
const URL_OF_V1 = `https://api.example.com${WELL_KNOWN}/v1`;
const METADATA = { authorization_servers: ['https://as.example.com'] };
const NAMES_V1 = `${BARE}, resource_metadata="${URL_OF_V1}"`;

async function createSetup(options: Partial<TokenIntrospectionOptions> = {}) {
  const endpoint = await createEndpoint(active({ aud: AUDIENCE, scope: 'read', exp: undefined }));
  return {
    endpoint,
    authenticate: createAuthenticate(endpoint, { audience: AUDIENCE, resourceMetadata: true, ...options }),
  };
}

const challengeOf = async (...middlewares: Parameters<typeof createApp>) =>
  (await get(createApp(...middlewares)).expect(401)).headers['www-authenticate'];

describe.each(HOSTS)('protectedResourceMetadata on %s', (_name, host) => {
  it('answers before authentication and passes every other request on', async () => {
    const { authenticate } = await createSetup();
    const app = host([protectedResourceMetadata(authenticate, METADATA), authenticate], echoAuth);
    const { body, headers } = await request(app).get(`${WELL_KNOWN}/v1`).expect(200);
    expect(body).toEqual({ resource: AUDIENCE, ...METADATA, bearer_methods_supported: ['header'] });
    expect(headers).toMatchObject({ 'access-control-allow-origin': '*', 'cache-control': 'public, max-age=3600' });
    await request(app).post(`${WELL_KNOWN}/v1`).expect(405);
    const { headers: of401 } = await request(app).get('/v1').expect(401);
    expect(of401['www-authenticate']).toBe(NAMES_V1);
    await request(app).get('/v1').set('Authorization', 'Bearer good').expect(200);
  });

  it('answers 500 when signing fails, and tries again on the next request', async () => {
    const { authenticate } = await createSetup();
    const sign = jest
      .fn<Promise<string>, []>()
      .mockRejectedValueOnce(undefined)
      .mockResolvedValue(jwt({ iss: 'me' }));
    const app = host([protectedResourceMetadata(authenticate, METADATA, { signed: sign })], echoAuth);
    await request(app).get(`${WELL_KNOWN}/v1`).expect(500);
    for (let time = 0; time < 2; time++) {
      const { body } = await request(app).get(`${WELL_KNOWN}/v1`).expect(200);
      expect(body).toEqual({
        ...METADATA,
        resource: AUDIENCE,
        bearer_methods_supported: ['header'],
        signed_metadata: jwt({ iss: 'me' }),
      });
    }
    expect(sign).toHaveBeenCalledTimes(2);
  });
});

describe('protectedResourceMetadata', () => {
  it('finds its path where Express shortens the URL', async () => {
    const { authenticate } = await createSetup();
    const app = express().use('/.well-known', protectedResourceMetadata(authenticate, METADATA)).use(authenticate);
    await request(app).get(`${WELL_KNOWN}/v1`).expect(200);
    await request(app).get(`/.well-known${WELL_KNOWN}/v1`).expect(401);
  });

  it('finds its path in an absolute-form target', async () => {
    const { authenticate } = await createSetup();
    const app = createApp(protectedResourceMetadata(authenticate, METADATA), authenticate).app as RequestListener;
    const statusOf = async (target: string) => (await exchange(app, [`GET ${target} HTTP/1.1`])).status;
    expect(await statusOf(`http://api.test${WELL_KNOWN}/v1`)).toBe(200);
    expect(await statusOf(`http://api.test/x?http://api.test${WELL_KNOWN}/v1`)).toBe(401);
  });

  it('answers 404 to everything else on a bare server', async () => {
    const { authenticate } = await createSetup();
    const listener: RequestListener = protectedResourceMetadata(authenticate, METADATA);
    await request(listener).get(`${WELL_KNOWN}/v1`).expect(200);
    await request(listener).get('/').expect(404);
    const failing: RequestListener = protectedResourceMetadata(authenticate, METADATA, { signed: () => 'no JWT' });
    const { text } = await request(failing).get(`${WELL_KNOWN}/v1`).expect(500);
    expect(text).toBe('{"error":"server_error"}');
  });

  it('answers CORS preflights, whatever headers the request will have', async () => {
    const { authenticate } = await createSetup();
    const app = createApp(protectedResourceMetadata(authenticate, METADATA), authenticate);
    const { headers, text } = await request(app.app)
      .options(`${WELL_KNOWN}/v1`)
      .set('Origin', 'https://app.example.com')
      .set('Access-Control-Request-Method', 'GET')
      .set('Access-Control-Request-Headers', 'mcp-protocol-version')
      .expect(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
      'access-control-allow-headers': '*',
      allow: 'GET, HEAD, OPTIONS',
    });
    expect(headers).not.toHaveProperty('content-type');
    expect(text).toBe('');
  });

  it('may be cached as long as configured', async () => {
    const { authenticate } = await createSetup();
    const app = createApp(protectedResourceMetadata(authenticate, METADATA, { maxAgeSeconds: 0 }));
    const { headers } = await get(app, undefined, `${WELL_KNOWN}/v1`).expect(200);
    expect(headers['cache-control']).toBe('public, max-age=0');
  });

  it('does not change with the object it was made from', async () => {
    const { authenticate } = await createSetup();
    const servers = ['https://as.example.com'];
    const app = createApp(protectedResourceMetadata(authenticate, { authorization_servers: servers }));
    servers.push('https://as.example.org');
    expect((await get(app, undefined, `${WELL_KNOWN}/v1`)).body).toMatchObject(METADATA);
  });

  it('is signed once for many concurrent requests', async () => {
    const { authenticate } = await createSetup();
    const signed = jest.fn(async (metadata: Record<string, unknown>) => jwt({ ...metadata, iss: 'me' }));
    const app = createApp(protectedResourceMetadata(authenticate, METADATA, { signed }));
    await Promise.all([1, 2, 3].map(() => get(app, undefined, `${WELL_KNOWN}/v1`).expect(200)));
    expect(signed).toHaveBeenCalledTimes(1);
  });
});

describe('challenges with the metadata URL', () => {
  it('appear once metadata are published, in every middleware with that audience and its guards', async () => {
    const { authenticate } = await createSetup();
    const derived = authenticate.with({ realm: 'derived', optional: true });
    const child = derived.with({ realm: 'child', optional: false });
    const parameter = `resource_metadata="${URL_OF_V1}"`;
    expect(await challengeOf(authenticate)).toBe(`${BARE}, ${parameter}`);
    expect(await challengeOf(child)).toBe(`Bearer realm="child", ${parameter}`);
    expect(await challengeOf(derived, requireScope('x'))).toBe(`Bearer realm="derived", scope="x", ${parameter}`);
    const app = createApp(authenticate, requireFresh({ maxAgeSeconds: 0 }), requireScope('write'));
    expect((await get(app, 'good').expect(403)).headers['www-authenticate']).toContain(parameter);
  });

  it('appear outside the middleware too', async () => {
    const { authenticate } = await createSetup();
    const failure = await authenticate.introspect('a b').catch((error) => error);
    expect(failure.headers['WWW-Authenticate']).toContain(`resource_metadata="${URL_OF_V1}"`);
  });

  it('only if the option says so', async () => {
    const { authenticate } = await createSetup({ resourceMetadata: undefined });
    expect(await challengeOf(authenticate)).toBe(BARE);
    expect(() => protectedResourceMetadata(authenticate, METADATA)).toThrow(
      `Option "resourceMetadata" is missing; write '${URL_OF_V1}' in tokenIntrospection()`,
    );
  });

  it('of the new audience in a derived middleware with another one', async () => {
    const { authenticate } = await createSetup();
    const admin = authenticate.with({ audience: 'https://api.example.com/admin' });
    const { url } = protectedResourceMetadata(admin, METADATA);
    expect(url).toBe(`https://api.example.com${WELL_KNOWN}/admin`);
    expect(await challengeOf(admin)).toBe(`${BARE}, resource_metadata="${url}"`);
    expect(await challengeOf(admin.with({ audience: AUDIENCE }))).toBe(NAMES_V1);
    expect(() => authenticate.with({ audience: false })).toThrow('Option "resourceMetadata" is true; write the URL');
    expect(() => authenticate.with({ audience: ['a', 'b'] })).toThrow('Option "resourceMetadata" is true');
  });

  it('are replaced by the "resourceMetadata" of a derived middleware', async () => {
    const { authenticate } = await createSetup();
    const own = authenticate.with({ resourceMetadata: 'https://api.example.com/metadata' });
    expect(await challengeOf(own)).toBe(`${BARE}, resource_metadata="https://api.example.com/metadata"`);
    expect(await challengeOf(own.with({ scopes: [] }))).toContain('https://api.example.com/metadata');
  });
});

describe('protectedResourceMetadata with several authorization servers', () => {
  const ISSUERS = { acme: { issuer: 'https://as.acme.example' }, beta: { issuer: 'https://as.beta.example' } };

  async function createServers(
    more: { acme?: object; beta?: object } = ISSUERS,
    common: object = { resourceMetadata: URL_OF_V1 },
  ) {
    const [acme, beta] = [await createEndpoint({ active: false }), await createEndpoint({ active: false })];
    return createMultiServerMiddleware(
      { acme: serverOptions(acme, more.acme), beta: serverOptions(beta, more.beta) },
      common,
    );
  }

  it('lists all of them, and every challenge names the metadata, whichever server was selected', async () => {
    const authenticate = await createServers();
    const app = createApp(protectedResourceMetadata(authenticate, { resource: AUDIENCE }), authenticate as never);
    const derived = createApp(authenticate.with({ scopes: ['read'] }) as never);
    const { body } = await request(app.app).get(`${WELL_KNOWN}/v1`).expect(200);
    expect(body.authorization_servers).toEqual(['https://as.acme.example', 'https://as.beta.example']);
    for (const token of ['a', 'b', 'nobody']) {
      const { headers } = await get(app, token).expect(401);
      expect(headers['www-authenticate']).toMatch(new RegExp(`invalid_token.*, resource_metadata="${URL_OF_V1}"$`));
      expect((await get(derived, token).expect(401)).headers['www-authenticate']).toContain(URL_OF_V1);
    }
    expect((await get(app).expect(401)).headers['www-authenticate']).toBe(NAMES_V1);
  });

  it('lists a server only once', async () => {
    const authenticate = await createServers({ acme: ISSUERS.acme, beta: ISSUERS.acme });
    const app = createApp(protectedResourceMetadata(authenticate, { resource: AUDIENCE }));
    const { body } = await request(app.app).get(`${WELL_KNOWN}/v1`).expect(200);
    expect(body.authorization_servers).toEqual(['https://as.acme.example']);
  });

  it('needs "authorization_servers" when not all issuers are known', async () => {
    const authenticate = await createServers({ acme: ISSUERS.acme });
    expect(() => protectedResourceMetadata(authenticate, { resource: AUDIENCE })).toThrow(
      '"metadata.authorization_servers"',
    );
  });

  it('uses the common audience as resource', async () => {
    const authenticate = await createServers(
      { acme: { ...ISSUERS.acme, audience: AUDIENCE }, beta: { ...ISSUERS.beta, audience: AUDIENCE } },
      { resourceMetadata: true },
    );
    expect(protectedResourceMetadata(authenticate).url).toBe(URL_OF_V1);
    const { url } = protectedResourceMetadata(authenticate.with({ audience: 'https://api.example.com/admin' }));
    expect(url).toBe(`https://api.example.com${WELL_KNOWN}/admin`);
  });
});

/** A JWT as a function of the app might return it. */
function jwt(claims: object): string {
  return [{ alg: 'ES256' }, claims, 'signature']
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
}
