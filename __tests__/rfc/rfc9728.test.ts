import { generateKeyPairSync } from 'node:crypto';
import request from 'supertest';
import { type Guard, requireAuthentication, requireScope, type TokenIntrospectionOptions } from '../../lib/index.js';
import { type PublishingOptions, protectedResourceMetadata, type ResourceMetadata } from '../../lib/metadata/index.js';
import { metadataUrlOf } from '../../lib/options/metadata-url.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { BARE } from '../support/challenges.js';
import { createDpopSetup } from '../support/dpop.js';
import { active, createEndpoint } from '../support/endpoint.js';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';
const RESOURCE = 'https://api.example.com';
const PARAMETER = `resource_metadata="${RESOURCE}${WELL_KNOWN}"`;

async function createSetup(
  metadata: ResourceMetadata = {},
  options: Partial<TokenIntrospectionOptions> = {},
  publishing: PublishingOptions = {},
  ...guards: Guard[]
) {
  const endpoint = await createEndpoint(active({ aud: RESOURCE, scope: 'read', exp: undefined }));
  const resourceMetadata = metadata.resource === undefined ? true : metadataUrlOf(metadata.resource);
  const authenticate = createAuthenticate(endpoint, { audience: RESOURCE, resourceMetadata, ...options });
  const handler = protectedResourceMetadata(
    authenticate,
    { authorization_servers: ['https://as.example.com'], ...metadata },
    publishing,
  );
  return { endpoint, authenticate, handler, app: createApp(handler, authenticate, ...guards) };
}

async function documentOf(...setup: Parameters<typeof createSetup>): Promise<Record<string, unknown>> {
  const { app, handler } = await createSetup(...setup);
  const { pathname, search } = new URL(handler.url);
  return (await get(app, undefined, pathname + search).expect(200)).body;
}

describe('RFC 9728 section 1.2: the resource identifier', () => {
  it.each(['http://api.example.com', 'https://api.example.com/#part', 'https://api.example.com/#', 'urn:example:api'])(
    'section 1.2: %s throws at start-up, because an https URL without fragment is required',
    async (resource) => {
      await expect(createSetup({ resource })).rejects.toThrow(
        new TypeError(
          'Option "metadata.resource" is a string that cannot be used; write the URL of this API, such as \'https://api.example.com/v1\': https:, and no fragment',
        ),
      );
    },
  );
});

describe('RFC 9728 section 2: the metadata', () => {
  it.each([{}, { scopes_supported: ['read'] }])('section 2: resource is always present', async (metadata) => {
    expect((await documentOf(metadata)).resource).toBe(RESOURCE);
  });

  const all: ResourceMetadata = {
    resource: 'https://api.example.com/v1',
    authorization_servers: ['https://as.example.com', 'https://as.example.org/tenant'],
    jwks_uri: 'https://api.example.com/keys',
    scopes_supported: ['reports:read'],
    resource_signing_alg_values_supported: ['ES256'],
    resource_name: 'Reports',
    resource_documentation: 'https://docs.example.com/#start',
    resource_policy_uri: 'https://example.com/policy',
    resource_tos_uri: 'http://example.com/tos',
    authorization_details_types_supported: ['payment_initiation'],
    dpop_bound_access_tokens_required: false,
  };

  it('section 2: every configured member is published unchanged', async () => {
    expect(await documentOf(all)).toEqual({ ...all, bearer_methods_supported: ['header'] });
  });

  it('section 2: scopes_supported has the scopes of the middleware and the configured ones, each once', async () => {
    const options = { scopes: ['read', 'api'] };
    expect((await documentOf({}, options)).scopes_supported).toEqual(['read', 'api']);
    const metadata = { scopes_supported: ['write', 'read'] };
    expect((await documentOf(metadata, options)).scopes_supported).toEqual(['read', 'api', 'write']);
  });

  it('section 2.1: human-readable members may have several languages', async () => {
    const metadata = { resource_name: 'Reports', 'resource_name#de': 'Berichte', 'resource_tos_uri#pt-BR': RESOURCE };
    expect(await documentOf(metadata)).toMatchObject(metadata);
  });

  it.each<[keyof ResourceMetadata, unknown]>([
    ['resource', ['https://api.example.com']],
    ['authorization_servers', []],
    ['authorization_servers', 'https://as.example.com'],
    ['authorization_servers', ['http://as.example.com']],
    ['authorization_servers', ['https://as.example.com?tenant=1']],
    ['jwks_uri', 'http://api.example.com/keys'],
    ['scopes_supported', 'read write'],
    ['scopes_supported', ['read write']],
    ['resource_signing_alg_values_supported', ['none']],
    ['resource_name', 7],
    ['resource_name#de', ''],
    ['resource_documentation', '/docs'],
    ['resource_policy_uri', 'javascript:alert(1)'],
    ['resource_tos_uri#de', 'tos'],
    ['authorization_details_types_supported', [7]],
    ['dpop_bound_access_tokens_required', 'yes'],
  ])('section 2: a %s of another type throws at start-up', async (name, value) => {
    await expect(createSetup({ [name]: value } as ResourceMetadata)).rejects.toThrow(TypeError);
    await expect(createSetup({ [name]: value } as ResourceMetadata)).rejects.toThrow(`Option "metadata.${name}" is `);
  });

  it.each<[string, Partial<TokenIntrospectionOptions>, string[] | undefined]>([
    ['the header by default', {}, ['header']],
    ['the body too with tokenFromBody', { tokenFromBody: true }, ['header', 'body']],
    ['absent with getToken', { getToken: () => null }, undefined],
  ])('section 2: bearer_methods_supported is %s', async (_, options, expected) => {
    expect((await documentOf({}, options)).bearer_methods_supported).toEqual(expected);
  });

  it('section 2: bearer_methods_supported may be empty', async () => {
    const metadata = { bearer_methods_supported: [] };
    expect((await documentOf(metadata, { getToken: () => null })).bearer_methods_supported).toEqual([]);
  });

  it('section 2: DPoP and certificates are published if they are supported', async () => {
    expect(await documentOf({}, { dpop: { algorithms: ['ES256', 'PS256'] }, mtls: true })).toMatchObject({
      dpop_signing_alg_values_supported: ['ES256', 'PS256'],
      tls_client_certificate_bound_access_tokens: true,
    });
    const plain = await documentOf();
    expect(plain).not.toHaveProperty('dpop_signing_alg_values_supported');
    expect(plain).not.toHaveProperty('tls_client_certificate_bound_access_tokens');
  });
});

describe('RFC 9728 section 2.2: signed metadata', () => {
  it('section 2.2: they are signed, name their issuer, and do not contain signed_metadata', async () => {
    const { jwtVerify } = await import('jose');
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { signed_metadata, ...plain } = await documentOf({}, {}, { signed: { key: privateKey, keyId: 'k-1' } });
    const { payload, protectedHeader } = await jwtVerify(signed_metadata as string, publicKey);
    expect(payload).toEqual({ ...plain, iss: RESOURCE, iat: expect.any(Number) });
    expect(protectedHeader).toEqual({ alg: 'ES256', kid: 'k-1' });
  });
});

describe('RFC 9728 section 3: location of the metadata', () => {
  it.each([
    ['https://api.example.com', WELL_KNOWN],
    ['https://api.example.com/', WELL_KNOWN],
    ['https://api.example.com/v1', `${WELL_KNOWN}/v1`],
    ['https://api.example.com/v1/', `${WELL_KNOWN}/v1/`],
    ['https://api.example.com/v1/reports', `${WELL_KNOWN}/v1/reports`],
    ['https://api.example.com/v1?k=1', `${WELL_KNOWN}/v1?k=1`],
    ['https://api.example.com?k=1', `${WELL_KNOWN}?k=1`],
    ['https://api.example.com/?k=1', `${WELL_KNOWN}?k=1`],
    ['HTTPS://API.example.com:443/v1', `${WELL_KNOWN}/v1`],
  ])('section 3.1: those of %s are only at %s of its host', async (resource, target) => {
    const { app, handler } = await createSetup({ resource });
    expect(handler.url).toBe(`https://api.example.com${target}`);
    expect((await get(app, undefined, target).expect(200)).body.resource).toBe(resource);
    for (const elsewhere of [`${target}x`, `/v1${target}`, target.replace(/.$/, ''), '/', '/v1']) {
      await get(app, undefined, elsewhere).expect(401);
    }
  });

  it('section 3.1: they are served only for GET and HEAD', async () => {
    const {
      app: { app },
    } = await createSetup();
    const [whole, head] = [await request(app).get(WELL_KNOWN), await request(app).head(WELL_KNOWN)];
    expect([whole.status, head.status, head.text]).toEqual([200, 200, undefined]);
    expect(head.headers['content-length']).toBe(whole.headers['content-length']);
    for (const method of ['post', 'put', 'patch', 'delete'] as const) {
      const { status, headers } = await request(app)[method](WELL_KNOWN);
      expect([status, headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
    }
  });

  it('section 3.2: the response is 200 and JSON, without empty members', async () => {
    const { app } = await createSetup({ authorization_details_types_supported: [], scopes_supported: [] });
    const { status, headers, body } = await get(app, undefined, WELL_KNOWN);
    expect([status, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
    expect(Object.keys(body)).toEqual(['resource', 'authorization_servers', 'bearer_methods_supported']);
  });

  it.each(['https://api.example.com', 'https://api.example.com/', 'HTTPS://API.Example.com/%7ea/../b'])(
    'section 3.3: resource is %s, exactly as configured',
    async (resource) => {
      expect((await documentOf({ resource })).resource).toBe(resource);
      expect((await documentOf({}, { audience: resource })).resource).toBe(resource);
    },
  );

  it('section 7.10: they need no credentials, are open to other origins, and may be cached', async () => {
    const { app, endpoint } = await createSetup();
    for (const test of [get(app, undefined, WELL_KNOWN), get(app, 'any', WELL_KNOWN)]) {
      const { headers } = await test.expect(200);
      expect(headers).toMatchObject({ 'access-control-allow-origin': '*', 'cache-control': 'public, max-age=3600' });
      expect(headers).not.toHaveProperty('www-authenticate');
    }
    expect(endpoint.asked).toHaveLength(0);
  });
});

describe('RFC 9728 section 5: challenges', () => {
  it('section 5.1: resource_metadata has their URL, also without an error', async () => {
    const { app } = await createSetup();
    expect((await get(app).expect(401)).headers['www-authenticate']).toBe(`${BARE}, ${PARAMETER}`);
  });

  it('section 5.1: it is combined with the parameters of other specifications', async () => {
    const { app } = await createSetup({}, {}, {}, requireAuthentication({ maxAgeSeconds: 60 }));
    const { headers } = await get(app, 'good').expect(401);
    expect(headers['www-authenticate']).toMatch(
      new RegExp(`error="insufficient_user_authentication", .*max_age="60", ${PARAMETER}$`),
    );
  });

  it('section 5.1: it is in the challenges of both schemes', async () => {
    const { api, send } = await createDpopSetup({}, { audience: RESOURCE, resourceMetadata: true });
    for (const { headers } of [await api.get().expect(401), await send(401, { claims: { htm: 'POST' } })]) {
      expect(headers['www-authenticate']).toMatch(new RegExp(`^Bearer .*${PARAMETER}.*, DPoP .*${PARAMETER}`));
    }
  });

  it.each<[string, string | undefined, number]>([
    ['no credentials', undefined, 401],
    ['a malformed token', 'a b', 400],
    ['an invalid token', 'bad', 401],
    ['a missing scope', 'good', 403],
  ])('section 5.2: it is in the response to %s', async (_, token, status) => {
    const { app, endpoint } = await createSetup({}, {}, {}, requireScope('write'));
    if (token === 'bad') endpoint.script = { active: false };
    expect((await get(app, token).expect(status)).headers['www-authenticate']).toContain(PARAMETER);
  });
});

describe('additional requirements of MCP authorization', () => {
  it('a 401 has the URL of metadata that name an authorization server', async () => {
    const options = { endpoint: undefined, authorizationServer: 'https://as.example.com' };
    const { app } = await createSetup({ authorization_servers: undefined }, options);
    const { headers } = await get(app).expect(401);
    const url = new URL(/resource_metadata="([^"]+)"/.exec(headers['www-authenticate'] as string)?.[1] as string);
    const { body } = await get(app, undefined, url.pathname).expect(200);
    expect(body.authorization_servers).toEqual(['https://as.example.com']);
  });

  it('a 403 has error, scope and metadata in one challenge', async () => {
    const { app } = await createSetup({}, { scopes: ['read'] }, {}, requireScope('write'));
    const { headers } = await get(app, 'good').expect(403);
    expect(headers['www-authenticate']).toMatch(
      new RegExp(`error="insufficient_scope", .*scope="read write", ${PARAMETER}$`),
    );
  });
});
