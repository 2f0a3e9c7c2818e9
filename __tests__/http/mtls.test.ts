import { createHash, X509Certificate } from 'node:crypto';
import request from 'supertest';
import { requireFresh, type TokenIntrospectionOptions } from '../../lib/index.js';
import { type Api, createApi } from '../support/api.js';
import { type Certificate, createCertificate } from '../support/certificates.js';
import { INVALID_TOKEN } from '../support/challenges.js';
import { createClock } from '../support/clock.js';
import { CHALLENGES } from '../support/dpop.js';
import { createSender, ORIGIN } from '../support/dpop-sender.js';
import { active, createEndpoint, type Endpoint } from '../support/endpoint.js';
import { getTls, serveTls } from '../support/serve-tls.js';

let own: Certificate;
let other: Certificate;

beforeAll(async () => {
  [own, other] = await Promise.all([createCertificate('client', 'own'), createCertificate('client', 'other')]);
}, 30_000);

function thumbprint({ cert }: Certificate): string {
  return createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url');
}

function boundTo(certificate: Certificate, claims: Record<string, unknown> = {}): Record<string, unknown> {
  return active({ exp: undefined, cnf: { 'x5t#S256': thumbprint(certificate) }, ...claims });
}

interface Setup {
  readonly endpoint: Endpoint;
  readonly api: Api;
  /** GET over TLS with this certificate and a bearer token. */
  get(certificate?: Certificate, headers?: Record<string, string>): ReturnType<typeof getTls>;
}

async function createSetup(
  options: Partial<TokenIntrospectionOptions> = { mtls: true },
  ...guards: Parameters<typeof createApi>[2][]
): Promise<Setup> {
  const endpoint = await createEndpoint(boundTo(own));
  const api = createApi(endpoint, options, ...(guards as []));
  const { url } = await serveTls(api.app as never);
  return {
    endpoint,
    api,
    get: (certificate, headers = {}) => getTls(url, { authorization: 'Bearer abc', ...headers }, certificate),
  };
}

describe('a certificate-bound token', () => {
  it('is accepted over a connection with that certificate, even a self-signed one', async () => {
    const { get } = await createSetup();
    const { status, body } = await get(own);
    expect([status, JSON.parse(body).auth.sub]).toEqual([200, 'alice']);
  });

  it('is answered 401 invalid_token with another certificate or none', async () => {
    const { get, api } = await createSetup();
    for (const certificate of [other, undefined]) {
      const { status, headers } = await get(certificate);
      expect([status, headers['www-authenticate']]).toEqual([401, INVALID_TOKEN]);
    }
    expect(api.reached()).toBe(0);
  });

  it('is checked on every request, although the response is cached', async () => {
    const { get, endpoint } = await createSetup();
    const statuses = [];
    for (const certificate of [own, other, undefined, own]) statuses.push((await get(certificate)).status);
    expect([statuses, endpoint.asked.length]).toEqual([[200, 401, 401, 200], 1]);
  });

  it('is rejected without TLS', async () => {
    const { api } = await createSetup();
    await api.get('abc').expect(401);
  });

  it('is rejected when mtls is off', async () => {
    for (const mtls of [undefined, false]) {
      const { get } = await createSetup({ mtls });
      expect((await get(own)).status).toBe(401);
    }
  });

  it.each([
    (hash: string) => `${hash}=`,
    (hash: string) => Buffer.from(hash, 'base64url').toString('hex'),
    (hash: string) => hash.toUpperCase(),
    (hash: string) => [hash],
    () => '',
    () => null,
  ])('is rejected when the thumbprint is written in another way: %s', async (write) => {
    const { get, endpoint } = await createSetup();
    endpoint.script = active({ cnf: { 'x5t#S256': write(thumbprint(own)) } });
    expect((await get(own)).status).toBe(401);
  });

  it.each([
    [200, { kid: 'x' }],
    [200, { jwk: {} }],
    [200, { 'x5t#S512': 'x' }],
    [401, { jkt: 'x' }],
  ])('is answered %d when it has another binding besides: %j', async (status, more) => {
    const { get, endpoint } = await createSetup();
    endpoint.script = active({ cnf: { 'x5t#S256': thumbprint(own), ...more } });
    expect((await get(own)).status).toBe(status);
    expect((await get(other)).status).toBe(401);
  });

  it('is checked again on a fresh response', async () => {
    const clock = createClock();
    const { get, endpoint } = await createSetup({ mtls: true, clock }, requireFresh({ maxAgeSeconds: 0 }));
    expect((await get(own)).status).toBe(200);
    clock.advance(1);
    expect((await get(own)).status).toBe(200);
    endpoint.script = boundTo(other);
    clock.advance(1);
    expect([(await get(own)).status, endpoint.asked.length]).toEqual([401, 3]);
  });
});

describe('a token that is not bound', () => {
  it('is accepted with any certificate and with none', async () => {
    const { get, endpoint } = await createSetup();
    endpoint.script = active();
    for (const certificate of [own, other, undefined]) expect((await get(certificate)).status).toBe(200);
  });
});

describe('a certificate in a header', () => {
  /** Header value of a proxy (RFC 9440 section 2.1). */
  const headersOf = ({ cert }: Certificate) => ({
    'client-cert': `:${new X509Certificate(cert).raw.toString('base64')}:`,
    'x-forwarded-client-cert': encodeURIComponent(cert),
    'x-ssl-client-cert': encodeURIComponent(cert),
  });

  it('is ignored by default', async () => {
    const { get, api } = await createSetup();
    for (const certificate of [other, undefined]) {
      expect((await get(certificate, headersOf(own))).status).toBe(401);
    }
    await api.get('abc').set(headersOf(own)).expect(401);
    expect(api.reached()).toBe(0);
  });

  it('is used when the app reads it, and the certificate of the connection is not', async () => {
    const certificate = ({ headers }: { headers: Record<string, unknown> }) => {
      const [, base64] = /^:([A-Za-z0-9+/=]+):$/.exec(String(headers['client-cert'])) ?? [];
      return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
    };
    const { get, api } = await createSetup({ mtls: { certificate } });
    expect((await get(other, headersOf(own))).status).toBe(200);
    expect((await get(own, headersOf(other))).status).toBe(401);
    expect((await get(own)).status).toBe(401);
    await api.get('abc').set(headersOf(own)).expect(200);
    await api.get('abc').set('Client-Cert', ':AAAA:').expect(401);
  });

  it('may be PEM or a certificate object of Node', async () => {
    for (const given of [own.cert, new X509Certificate(own.cert)]) {
      const { api } = await createSetup({ mtls: { certificate: () => given } });
      await api.get('abc').expect(200);
    }
  });

  it.each<[string, () => Promise<string>]>([
    ['promised', async () => own.cert],
    ['promised in vain', () => Promise.reject(new Error('later'))],
  ])('that is %s causes 500', async (_, certificate) => {
    const { api } = await createSetup({ mtls: { certificate: certificate as never } });
    await api.get('abc').expect(500);
    expect(api.errors).toEqual([new TypeError('"mtls.certificate" returned a promise; it has to be synchronous')]);
    expect(api.reached()).toBe(0);
  });

  it('that cannot be read causes 500', async () => {
    const failure = new Error('not from the proxy');
    const fail = () => {
      throw failure;
    };
    const { api } = await createSetup({ mtls: { certificate: fail } });
    await api.get('abc').expect(500);
    expect([api.reached(), api.errors]).toEqual([0, [failure]]);
  });
});

describe('a token that is bound to a key and a certificate', () => {
  it('needs both proofs', async () => {
    const clock = createClock();
    const sender = await createSender();
    const { get, endpoint } = await createSetup({ mtls: true, dpop: { origin: ORIGIN }, clock });
    const cnf = { jkt: sender.jkt, 'x5t#S256': thumbprint(own) };
    endpoint.script = active({ exp: undefined, token_type: 'DPoP', cnf });
    const withProof = async () => ({ authorization: 'DPoP abc', dpop: await sender.proof('abc', clock) });
    expect((await get(own, await withProof())).status).toBe(200);
    const wrong = await get(other, await withProof());
    expect([wrong.status, wrong.headers['www-authenticate']]).toEqual([401, CHALLENGES.token]);
    expect((await get(undefined, await withProof())).status).toBe(401);
    expect((await get(own)).status).toBe(401);
  });

  it('is rejected by a middleware that checks only one of them', async () => {
    const clock = createClock();
    const sender = await createSender();
    const cnf = { jkt: sender.jkt, 'x5t#S256': thumbprint(own) };
    const endpoint = await createEndpoint(active({ exp: undefined, token_type: 'DPoP', cnf }));
    const api = createApi(endpoint, { clock, dpop: { origin: ORIGIN } });
    const proof = await sender.proof('abc', clock);
    await request(api.app).get('/').set({ authorization: 'DPoP abc', dpop: proof }).expect(401);
  });
});
