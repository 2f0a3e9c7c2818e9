import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createIssuerKeys, type IssuerKeysSettings } from '../../lib/introspection/issuer-keys.js';
import { UnknownKeyError } from '../../lib/introspection/key-set.js';
import { createTransport } from '../../lib/introspection/transport.js';
import { createClock } from '../support/clock.js';
import { serve } from '../support/serve.js';

const createPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const FIRST = createPair();
const SECOND = createPair();

const OAUTH = '/.well-known/oauth-authorization-server';
const OPENID = '/.well-known/openid-configuration';
const SSF = '/.well-known/ssf-configuration';

type Document = (issuer: string) => object;
const withKeys: Document = (issuer) => ({ issuer, jwks_uri: `${issuer}/jwks` });

/** An issuer that publishes its metadata at one of the well-known URLs. */
async function createIssuer({ at = OPENID, document = withKeys, path = '' } = {}) {
  const issuer = {
    id: '',
    keys: [jwk(FIRST.publicKey, 'first')] as unknown,
    status: 200,
    headers: {} as Record<string, string>,
    /** URLs that were requested, without the origin. */
    asked: [] as string[],
    fetches: () => issuer.asked.filter((url) => url.endsWith('/jwks')).length,
  };
  const { url } = await serve((req, res) => {
    issuer.asked.push(String(req.url));
    const isJwks = req.url === `${path}/jwks`;
    const body = isJwks ? { keys: issuer.keys } : document(issuer.id);
    const isKnown = isJwks || req.url === at;
    const status = isJwks ? issuer.status : isKnown ? 200 : 404;
    res.writeHead(status, { 'content-type': 'application/json', ...issuer.headers }).end(JSON.stringify(body));
  });
  issuer.id = url + path;
  return issuer;
}

const jwk = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid });

async function sign(kid: string, key = FIRST.privateKey): Promise<string> {
  const { CompactSign } = await import('jose');
  return new CompactSign(Buffer.from('{}')).setProtectedHeader({ alg: 'ES256', kid }).sign(key);
}

function createKeys(issuer: string, more: Partial<IssuerKeysSettings> = {}) {
  const clock = createClock();
  const { get } = createTransport({
    timeoutMs: 10_000,
    dispatcher: undefined,
    connect: undefined,
    readsBody: () => true,
  });
  const keys = createIssuerKeys({
    ...{ issuer, keys: undefined, allowHttp: false, get, clock, cooldownMs: 10_000, failurePauseMs: 10_000 },
    ...more,
  });
  return { clock, verify: async (jws: string | Promise<string>) => keys.verify(await jws, ['ES256']) };
}

describe('the keys of an issuer', () => {
  it.each([
    [OAUTH, ''],
    [OPENID, ''],
    [SSF, ''],
    [`${OAUTH}/tenant`, '/tenant'],
    [`/tenant${OPENID}`, '/tenant'],
    [`${SSF}/tenant`, '/tenant'],
  ])('are found by the metadata at %s', async (at, path) => {
    const issuer = await createIssuer({ at, path });
    await createKeys(issuer.id).verify(sign('first'));
    expect(issuer.asked.slice(-2)).toEqual([at, `${path}/jwks`]);
  });

  it.each<[string, Document, string]>([
    ['name another issuer', () => withKeys('https://other.example.com'), 'another issuer in the metadata'],
    ['have no keys', (issuer) => ({ issuer }), 'no jwks_uri in the metadata'],
    ['have keys that are no URL', (issuer) => ({ issuer, jwks_uri: ['a'] }), 'no jwks_uri in the metadata'],
    [
      'have keys at an http URL',
      (issuer) => ({ issuer, jwks_uri: 'http://as.example.com' }),
      'no jwks_uri in the metadata',
    ],
    ['inherit their issuer', () => JSON.parse('{"__proto__":{"issuer":"x"}}'), 'another issuer in the metadata'],
  ])('are not used when the metadata %s', async (_name, document, detail) => {
    const issuer = await createIssuer({ document });
    await expect(createKeys(issuer.id).verify(sign('first'))).rejects.toMatchObject({
      code: 'discovery_failed',
      detail,
    });
    expect(issuer.fetches()).toBe(0);
  });

  it('are fetched once for many signatures, and again after ten minutes', async () => {
    const issuer = await createIssuer();
    const { verify, clock } = createKeys(issuer.id);
    await Promise.all(Array.from({ length: 30 }, () => verify(sign('first'))));
    clock.advance(600);
    await verify(sign('first'));
    expect(issuer.fetches()).toBe(1);
    clock.advance(1);
    await verify(sign('first'));
    expect(issuer.fetches()).toBe(2);
  });

  it('are fetched again for an unknown key, but not within the cooldown', async () => {
    const issuer = await createIssuer();
    const { verify, clock } = createKeys(issuer.id);
    await verify(sign('first'));
    issuer.keys = [jwk(SECOND.publicKey, 'second')];
    clock.advance(4);
    const rotated = sign('second', SECOND.privateKey);
    await expect(verify(rotated)).rejects.toMatchObject({ retryAfterSeconds: 6 });
    expect(issuer.fetches()).toBe(1);
    clock.advance(6);
    await verify(rotated);
    expect(issuer.fetches()).toBe(2);
    for (const kid of ['a', 'b', 'c']) await expect(verify(sign(kid))).rejects.toThrow(UnknownKeyError);
    expect(issuer.fetches()).toBe(2);
  });

  it('make an unknown key a mistake of the sender when they were fetched for it', async () => {
    const issuer = await createIssuer();
    await expect(createKeys(issuer.id).verify(sign('other'))).rejects.toMatchObject({
      code: 'ERR_JWKS_NO_MATCHING_KEY',
      message: expect.not.stringContaining('recently'),
    });
  });

  it.each([
    ['a failure', 10, { status: 500 }],
    ['a longer pause that the issuer asks for', 60, { status: 429, headers: { 'retry-after': '60' } }],
    ['a shorter pause that the issuer asks for', 10, { status: 503, headers: { 'retry-after': '1' } }],
    ['keys that are no JWK Set', 10, { keys: 'none' }],
  ])('are not fetched again for a while after %s', async (_name, pauseSeconds, change) => {
    const issuer = Object.assign(await createIssuer(), change);
    const { verify, clock } = createKeys(issuer.id);
    for (let i = 0; i < 3; i++) {
      await expect(verify(sign('first'))).rejects.toMatchObject({ code: 'discovery_failed' });
    }
    clock.advance(pauseSeconds - 1);
    await expect(verify(sign('first'))).rejects.toMatchObject({ retryAfterSeconds: 1 });
    expect(issuer.fetches()).toBe(1);
    Object.assign(issuer, { status: 200, headers: {}, keys: [jwk(FIRST.publicKey, 'first')] });
    clock.advance(1);
    await verify(sign('first'));
  });

  it('are looked for once in a while when no metadata can be read', async () => {
    const issuer = await createIssuer({ at: '/elsewhere' });
    const { verify, clock } = createKeys(issuer.id);
    for (let i = 0; i < 3; i++) await expect(verify(sign('first'))).rejects.toMatchObject({ detail: 'HTTP 404' });
    expect(issuer.asked).toHaveLength(3);
    clock.advance(9);
    await expect(verify(sign('first'))).rejects.toMatchObject({ retryAfterSeconds: 1 });
    expect(issuer.asked).toHaveLength(3);
    clock.advance(1);
    await expect(verify(sign('first'))).rejects.toMatchObject({ detail: 'HTTP 404' });
    expect(issuer.asked).toHaveLength(6);
  });

  it('may be given, and cause no request then', async () => {
    const issuer = await createIssuer();
    for (const keys of [FIRST.publicKey, { keys: [jwk(FIRST.publicKey, 'first')] }]) {
      await createKeys(issuer.id, { keys }).verify(sign('first'));
    }
    expect(issuer.asked).toEqual([]);
  });
});
