import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { JWTHeaderParameters } from 'jose';
import { type JwtResponseOptions, requireScope, type TokenIntrospectionOptions } from '../../lib/index.js';
import { type Api, createApi } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { active, createEndpoint, type Endpoint, json } from '../support/endpoint.js';

const ISSUER = 'https://as.example.com';
const SIGNED = 'application/token-introspection+jwt';

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const OTHER_RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const OWN = generateKeyPairSync('rsa', { modulusLength: 2048 });

interface Reply {
  readonly header?: Record<string, unknown>;
  readonly payload?: object;
  readonly key?: KeyObject | Uint8Array;
}

/** A response as in RFC 9701 section 5, except for the given parts. */
async function sign({ header, payload, key = RSA.privateKey }: Reply = {}): Promise<string> {
  const { CompactSign } = await import('jose');
  const claims = { iss: ISSUER, aud: 'api', iat: Math.floor(Date.now() / 1000), token_introspection: active() };
  return new CompactSign(Buffer.from(JSON.stringify({ ...claims, ...payload })))
    .setProtectedHeader({ alg: 'RS256', typ: 'token-introspection+jwt', ...(header as Partial<JWTHeaderParameters>) })
    .sign(key);
}

async function encrypt(
  text: string,
  header: object = {},
  key: KeyObject | Uint8Array = OWN.publicKey,
): Promise<string> {
  const { CompactEncrypt } = await import('jose');
  return new CompactEncrypt(Buffer.from(text))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', ...header })
    .encrypt(key);
}

function answer(res: ServerResponse, body: string, contentType = SIGNED): void {
  res.writeHead(200, { 'content-type': contentType }).end(body);
}

function createSigned(
  endpoint: { readonly url: string },
  jwtResponse: JwtResponseOptions = {},
  more: Partial<TokenIntrospectionOptions> = {},
): Api {
  return createApi(endpoint, { jwtResponse: { issuer: ISSUER, keys: RSA.publicKey, ...jwtResponse }, ...more });
}

/** An endpoint that sends this text for every introspection request. */
function answering(text: string, contentType?: string): Promise<Endpoint> {
  return createEndpoint((_asked, res) => answer(res, text, contentType));
}

function told({ errors }: Api): (string | undefined)[] {
  return errors.map((error) => (error as { message: string }).message.match(/\((.*)\)$/)?.[1]);
}

describe('a signed response', () => {
  it('is requested, and the handler gets its claims', async () => {
    const endpoint = await answering(
      await sign({ payload: { sub: 'envelope', scope: 'admin', token_introspection: active({ sub: 'bob' }) } }),
    );
    const response = await createSigned(endpoint).get('a').expect(200);
    expect(response.body.auth).toMatchObject({ active: true, sub: 'bob', scope: 'read write' });
    expect(endpoint.asked[0]?.headers.accept).toBe(SIGNED);
  });

  it('is verified once and then cached like any other', async () => {
    const endpoint = await answering(await sign());
    const api = createSigned(endpoint);
    for (let i = 0; i < 3; i++) await api.get('a').expect(200);
    expect(endpoint.asked).toHaveLength(1);
  });

  it.each([
    ['a charset', `${SIGNED}; charset=utf-8`, {}],
    ['another case', 'Application/Token-Introspection+JWT', { typ: 'Token-Introspection+JWT' }],
    ['its full type', SIGNED, { typ: 'application/token-introspection+jwt' }],
    ['a key id', SIGNED, { kid: 'k1' }],
  ])('may have %s', async (_, contentType, header) => {
    const endpoint = await answering(await sign({ header }), contentType);
    await createSigned(endpoint).get('a').expect(200);
  });

  it.each([
    ['a list of audiences', { aud: ['other', 'api'] }, {}],
    ['an audience of our choice', { aud: 'https://api.example.com' }, { audience: ['https://api.example.com'] }],
    ['an end of its own, which is not the token’s', { exp: 1 }, {}],
  ])('may have %s', async (_, payload, options) => {
    await createSigned(await answering(await sign({ payload })), options)
      .get('a')
      .expect(200);
  });

  it('may say that a token is not active: 401', async () => {
    const payload = { active: true, scope: 'admin', token_introspection: { active: false } };
    const api = createSigned(await answering(await sign({ payload })));
    const response = await api.get('a').expect(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    expect([api.errors, api.reached()]).toEqual([[], 0]);
  });

  it('is checked like any other: exp, audience and scope', async () => {
    const of = async (more: object) =>
      answering(await sign({ payload: { token_introspection: active(more as Record<string, unknown>) } }));
    await createSigned(await of({ exp: 1 }))
      .get('a')
      .expect(401);
    await createSigned(await of({ aud: 'b' }), {}, { audience: 'c' })
      .get('a')
      .expect(401);
    const endpoint = await of({ scope: 'read' });
    const guarded = createApi(
      endpoint,
      { jwtResponse: { issuer: ISSUER, keys: RSA.publicKey } },
      requireScope('admin'),
    );
    await guarded.get('a').expect(403);
  });

  it.each<[string, Reply, JwtResponseOptions, string]>([
    ['another issuer', { payload: { iss: 'https://evil.example.com' } }, {}, 'iss'],
    ['no issuer', { payload: { iss: undefined } }, {}, 'member iss'],
    ['another audience', { payload: { aud: 'other' } }, {}, 'aud'],
    ['no audience', { payload: { aud: undefined } }, {}, 'member aud'],
    ['audiences without ours', { payload: { aud: ['other', 'another'] } }, {}, 'aud'],
    ['no audience of our choice', {}, { audience: 'https://api.example.com' }, 'aud'],
    ['no time', { payload: { iat: undefined } }, {}, 'member iat'],
    ['a time long past', { payload: { iat: Math.floor(Date.now() / 1000) - 90 } }, {}, 'iat'],
    ['a time to come', { payload: { iat: Math.floor(Date.now() / 1000) + 90 } }, {}, 'iat'],
    ['the type of an access token', { header: { typ: 'at+jwt' } }, {}, 'typ'],
    ['the type of any JWT', { header: { typ: 'JWT' } }, {}, 'typ'],
    ['no type', { header: { typ: undefined } }, {}, 'typ'],
    ['another key’s signature', { key: OTHER_RSA.privateKey }, {}, 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'],
    ['an algorithm that was not chosen', { header: { alg: 'RS512' } }, {}, 'ERR_JOSE_ALG_NOT_ALLOWED'],
    ['the default algorithm where another was chosen', {}, { algorithms: ['PS256'] }, 'ERR_JOSE_ALG_NOT_ALLOWED'],
    [
      'a signature made with the public key as a secret',
      { header: { alg: 'HS256' }, key: Buffer.from(RSA.publicKey.export({ type: 'spki', format: 'pem' })) },
      {},
      'ERR_JOSE_ALG_NOT_ALLOWED',
    ],
    [
      'nothing of the token',
      { payload: { token_introspection: undefined, active: true } },
      {},
      'member token_introspection',
    ],
    ['a list in its place', { payload: { token_introspection: [active()] } }, {}, 'member token_introspection'],
  ])('with %s causes 503 and says nothing about the token', async (_, reply, options, detail) => {
    const api = createSigned(await answering(await sign(reply)), options);
    const response = await api.get('a').expect(503);
    expect(response.headers).not.toHaveProperty('www-authenticate');
    expect([told(api), api.reached()]).toEqual([[`bad_response, signed reply: ${detail}`], 0]);
  });

  it.each<[string, () => Promise<string>, string]>([
    [
      'without a signature',
      async () => `${(await sign()).split('.').slice(0, 2).join('.')}.`,
      'ERR_JOSE_ALG_NOT_ALLOWED|ERR_JWS',
    ],
    [
      'with "alg": "none"',
      async () => {
        const header = Buffer.from('{"alg":"none","typ":"token-introspection+jwt"}').toString('base64url');
        return `${header}.${(await sign()).split('.')[1]}.`;
      },
      'ERR_JOSE_ALG_NOT_ALLOWED|ERR_JWS',
    ],
    [
      'of another text',
      async () => (await sign()).replace(/\.[^.]+\./, `.${Buffer.from('{}').toString('base64url')}.`),
      'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    ],
    ['that is no JWT', async () => 'hush', 'ERR_JWS_INVALID'],
    ['that is empty', async () => '', 'ERR_JWS_INVALID'],
    ['that is JSON', async () => JSON.stringify(active()), 'ERR_JWS_INVALID'],
    ['that is encrypted, where no key was given', async () => encrypt(await sign()), 'ERR_JWS_INVALID'],
  ])('%s causes 503, and none of it is revealed', async (_, create, detail) => {
    const api = createSigned(await answering(await create()));
    await api.get('a').expect(503);
    expect(told(api)).toEqual([expect.stringMatching(`^bad_response, signed reply: (?:${detail})`)]);
    expect(api.reached()).toBe(0);
  });

  it('whose text is not UTF-8 causes 503', async () => {
    const { CompactSign } = await import('jose');
    const jws = await new CompactSign(Buffer.from([0x7b, 0xff, 0x7d]))
      .setProtectedHeader({ alg: 'RS256', typ: 'token-introspection+jwt' })
      .sign(RSA.privateKey);
    const api = createSigned(await answering(jws));
    await api.get('a').expect(503);
  });

  it('may deviate from the clock by one minute at most', async () => {
    const clock = createClock(Math.floor(Date.now() / 1000));
    for (const [iat, status] of [
      [-60, 200],
      [60, 200],
      [-61, 503],
      [61, 503],
    ] as const) {
      const endpoint = await answering(await sign({ payload: { iat: clock.seconds() + iat } }));
      await createSigned(endpoint, {}, { clock }).get('a').expect(status);
    }
  });
});

describe('an unsigned response', () => {
  it.each([
    ['JSON', 'application/json'],
    ['a JWT of another kind', 'application/jwt'],
    ['of no kind', ''],
  ])('causes 503, whatever it says: %s', async (_, contentType) => {
    const text = contentType === 'application/json' ? JSON.stringify(active()) : await sign();
    const api = createSigned(await answering(text, contentType));
    await api.get('a').expect(503);
    expect([told(api), api.reached()]).toEqual([['bad_response, signed reply: not signed'], 0]);
  });

  it('causes 503 even when it says that a token is not active', async () => {
    const api = createSigned(await createEndpoint({ active: false }));
    await api.get('a').expect(503);
  });

  it.each([
    [400, { error: 'unsupported_token_type' }, 401],
    [400, { error: 'invalid_request' }, 503],
    [401, { error: 'invalid_client' }, 503],
    [500, {}, 503],
  ])('with status %d and %j means the same as without signatures', async (status, body, expected) => {
    jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const endpoint = await createEndpoint((_asked, res) => json(res, body, status));
    await createSigned(endpoint).get('a').expect(expected);
    jest.restoreAllMocks();
  });
});

describe('an encrypted response', () => {
  const decryptionKey = OWN.privateKey;

  it('is decrypted, then verified', async () => {
    const endpoint = await answering(await encrypt(await sign()));
    await createSigned(endpoint, { decryptionKey }).get('a').expect(200);
  });

  it('may be encrypted for an elliptic curve', async () => {
    const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const endpoint = await answering(await encrypt(await sign(), { alg: 'ECDH-ES' }, own.publicKey));
    await createSigned(endpoint, { decryptionKey: own.privateKey }).get('a').expect(200);
  });

  it.each<[string, () => Promise<string>, string]>([
    [
      'that holds claims without a signature',
      () => encrypt(JSON.stringify({ token_introspection: active() })),
      'ERR_JWS_INVALID',
    ],
    [
      'that holds another issuer’s word',
      async () => encrypt(await sign({ key: OTHER_RSA.privateKey })),
      'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    ],
    [
      'that is for someone else',
      async () => encrypt(await sign(), {}, OTHER_RSA.publicKey),
      'ERR_JWE_DECRYPTION_FAILED',
    ],
    [
      'that rests on a shared secret',
      async () => encrypt(await sign(), { alg: 'dir', enc: 'A256GCM' }, Buffer.alloc(32)),
      'ERR_JOSE_ALG_NOT_ALLOWED',
    ],
    ['that is only signed', () => sign(), 'ERR_JWE_INVALID'],
  ])('%s causes 503', async (_, create, detail) => {
    const api = createSigned(await answering(await create()), { decryptionKey });
    await api.get('a').expect(503);
    expect([told(api), api.reached()]).toEqual([[`bad_response, signed reply: ${detail}`], 0]);
  });
});

describe('the keys of the authorization server', () => {
  const jwk = (key: KeyObject, kid?: string) => ({ ...key.export({ format: 'jwk' }), ...(kid && { kid }) });

  /** A server that publishes metadata and keys and signs with a given key. */
  async function createServer() {
    const server = {
      keys: [jwk(RSA.publicKey, 'k1')] as object[],
      reply: { header: { kid: 'k1' } } as Reply,
      jwksStatus: 200,
      more: {} as object,
      /** Its issuer identifier. */
      issuer: '',
      looked: (): number => endpoint.asked.filter(({ url }) => url === '/jwks').length,
      accepts: (): (string | undefined)[] =>
        endpoint.asked.filter(({ url }) => url === '/jwks').map(({ headers }) => headers.accept),
    };
    const endpoint = await createEndpoint(async (asked, res) => {
      const { issuer } = server;
      if (asked.method === 'POST') {
        const { payload, ...reply } = server.reply;
        answer(res, await sign({ ...reply, payload: { iss: issuer, ...payload } }));
      } else if (asked.url === '/jwks') {
        json(res, { keys: server.keys }, server.jwksStatus);
      } else {
        json(res, { issuer, introspection_endpoint: `${issuer}/ask`, jwks_uri: `${issuer}/jwks`, ...server.more });
      }
    });
    server.issuer = new URL(endpoint.url).origin;
    return server;
  }

  function createDiscovering(
    { issuer }: { readonly issuer: string },
    jwtResponse: TokenIntrospectionOptions['jwtResponse'] = true,
    more: Partial<TokenIntrospectionOptions> = {},
  ): Api {
    return createApi({ url: '' }, { endpoint: undefined, authorizationServer: issuer, jwtResponse, ...more });
  }

  it('come from its metadata and are fetched once', async () => {
    const server = await createServer();
    const api = createDiscovering(server);
    for (const token of ['a', 'b', 'c']) await api.get(token).expect(200);
    expect(server.looked()).toBe(1);
    expect(server.accepts()).toEqual(['application/jwk-set+json, application/json']);
  });

  it('are fetched once for many concurrent requests', async () => {
    const server = await createServer();
    const api = createDiscovering(server);
    const crowd = Array.from({ length: 30 }, (_, i) => api.get(`token-${i}`).then(({ status }) => status));
    expect(await Promise.all(crowd)).toEqual(Array(30).fill(200));
    expect(server.looked()).toBe(1);
  });

  it('are each tried, while there are two, for a response without a key identifier', async () => {
    const server = await createServer();
    server.keys = [jwk(OTHER_RSA.publicKey, 'k0'), jwk(RSA.publicKey, 'k1')];
    server.reply = {};
    const api = createDiscovering(server);
    await api.get('a').expect(200);
    server.reply = { key: OTHER_RSA.privateKey };
    await api.get('b').expect(200);
    server.reply = { key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey };
    await api.get('c').expect(503);
    expect(told(api)).toEqual(['bad_response, signed reply: ERR_JWS_SIGNATURE_VERIFICATION_FAILED']);
  });

  it('may come from a given address, without metadata', async () => {
    const server = await createServer();
    const { issuer } = server;
    const jwtResponse = { issuer, keys: `${issuer}/jwks` };
    await createApi({ url: `${issuer}/ask` }, { jwtResponse })
      .get('a')
      .expect(200);
    expect(server.looked()).toBe(1);
  });

  it.each<[string, JwtResponseOptions['keys']]>([
    ['a JWK Set', { keys: [jwk(P256.publicKey, 'k0'), jwk(RSA.publicKey, 'k1')] }],
    ['a JWK', jwk(RSA.publicKey)],
    ['PEM', String(RSA.publicKey.export({ type: 'spki', format: 'pem' }))],
  ])('may be given as %s, and are not fetched then', async (_, keys) => {
    const server = await createServer();
    const api = createDiscovering(server, { keys });
    for (const token of ['a', 'b']) await api.get(token).expect(200);
    expect(server.looked()).toBe(0);
  });

  it('may be given in a set that holds other keys', async () => {
    const server = Object.assign(await createServer(), { reply: {} });
    const keys = { keys: [RSA.publicKey, {}, { kty: 'RSA', toString() {} }] as never };
    await createDiscovering(server, { keys }).get('a').expect(200);
  });

  it('are fetched again once for an unknown key, so that the server can rotate its keys', async () => {
    let passedMs = 0;
    const clock = { now: () => Date.now(), monotonic: () => performance.now() + passedMs };
    const server = await createServer();
    const api = createDiscovering(server, true, { clock });
    await api.get('a').expect(200);
    server.keys = [jwk(OTHER_RSA.publicKey, 'k2')];
    server.reply = { header: { kid: 'k2' }, key: OTHER_RSA.privateKey };
    passedMs += 1000;
    await api.get('b').expect(200);
    expect(server.looked()).toBe(2);
    server.reply = { header: { kid: 'k3' }, key: OTHER_RSA.privateKey };
    for (const token of ['c', 'd', 'e']) await api.get(token).expect(503);
    expect(server.looked()).toBe(2);
    passedMs += 1000;
    for (const token of ['f', 'g', 'h']) await api.get(token).expect(503);
    expect(server.looked()).toBe(3);
    expect(new Set(told(api))).toEqual(new Set(['bad_response, signed reply: ERR_JWKS_NO_MATCHING_KEY']));
  });

  it.each<[string, Partial<{ jwksStatus: number; more: object; keys: object[] }>, string]>([
    ['cannot be fetched', { jwksStatus: 500 }, 'discovery_failed, jwks_uri: HTTP 500'],
    ['have no URL in the metadata', { more: { jwks_uri: undefined } }, 'discovery_failed, no jwks_uri in the metadata'],
    [
      'have an http URL',
      { more: { jwks_uri: 'http://as.example.com/jwks' } },
      'discovery_failed, no jwks_uri in the metadata',
    ],
    [
      'have an unreachable URL',
      { more: { jwks_uri: 'http://127.0.0.1:1/jwks' } },
      'discovery_failed, jwks_uri: ECONNREFUSED',
    ],
    ['are an empty list', { keys: [] }, 'bad_response, signed reply: ERR_JWKS_NO_MATCHING_KEY'],
    ['are malformed', { keys: 'hush' as never }, 'discovery_failed, jwks_uri: not a JWK Set'],
  ])('%s: no token is accepted', async (_, change, detail) => {
    const server = Object.assign(await createServer(), change);
    const api = createDiscovering(server);
    await api.get('a').expect(503);
    expect([told(api), api.reached()]).toEqual([[detail], 0]);
  });

  it('are available again as soon as a fetch succeeds', async () => {
    const server = Object.assign(await createServer(), { jwksStatus: 503 });
    const api = createDiscovering(server);
    await api.get('a').expect(503);
    server.jwksStatus = 200;
    await api.get('a').expect(200);
  });
});
