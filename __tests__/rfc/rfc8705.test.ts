import { createHash, X509Certificate } from 'node:crypto';
import { createApi } from '../support/api.js';
import { SELF_SIGNED } from '../support/certificate.js';
import { type Certificate, createCertificate } from '../support/certificates.js';
import { INVALID_TOKEN } from '../support/challenges.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { getTls, serveTls } from '../support/serve-tls.js';

let renewed: Certificate;

beforeAll(async () => {
  renewed = await createCertificate('client', 'localhost');
}, 30_000);

const THUMBPRINT = createHash('sha256').update(new X509Certificate(SELF_SIGNED.cert).raw).digest('base64url');

async function createSetup(thumbprint: unknown = THUMBPRINT, mtls = true) {
  const endpoint = await createEndpoint(active({ cnf: { 'x5t#S256': thumbprint } }));
  const { url } = await serveTls(createApi(endpoint, { mtls }).app as never);
  const get = (certificate?: Certificate, headers: Record<string, string> = {}) =>
    getTls(url, { authorization: 'Bearer abc', ...headers }, certificate);
  return { endpoint, get };
}

describe('RFC 8705 section 3: certificate-bound tokens', () => {
  it('section 3, 3.2: the certificate of the connection is compared with cnf of the response', async () => {
    const { get } = await createSetup();
    expect((await get(SELF_SIGNED)).status).toBe(200);
    expect((await get(renewed)).status).toBe(401);
  });

  it('section 3: another certificate, or none, gets 401 invalid_token', async () => {
    const { get } = await createSetup();
    for (const certificate of [renewed, undefined]) {
      const { status, headers } = await get(certificate);
      expect([status, headers['www-authenticate']]).toEqual([401, INVALID_TOKEN]);
    }
  });

  it.each([
    ['padded', `${THUMBPRINT}=`],
    ['in hexadecimal', Buffer.from(THUMBPRINT, 'base64url').toString('hex')],
    ['in capitals', THUMBPRINT.toUpperCase()],
    ['of SHA-1', createHash('sha1').update(new X509Certificate(SELF_SIGNED.cert).raw).digest('base64url')],
    ['of the PEM', createHash('sha256').update(SELF_SIGNED.cert).digest('base64url')],
  ])('section 3.1: a thumbprint %s does not match the certificate', async (_, thumbprint) => {
    const { get } = await createSetup(thumbprint);
    expect((await get(SELF_SIGNED)).status).toBe(401);
  });

  it('section 3: the certificate is checked for every request, also after a cache hit', async () => {
    const { get, endpoint } = await createSetup();
    expect((await get(SELF_SIGNED)).status).toBe(200);
    expect((await get(renewed)).status).toBe(401);
    expect(endpoint.asked).toHaveLength(1);
  });

  it('section 3: a bound token is rejected when certificates are not checked', async () => {
    const { get } = await createSetup(THUMBPRINT, false);
    const { status, headers } = await get(SELF_SIGNED);
    expect([status, headers['www-authenticate']]).toEqual([401, INVALID_TOKEN]);
  });
});

describe('RFC 8705 section 6: implementation considerations', () => {
  it('section 6.2: the certificate may be self-signed', async () => {
    const { get } = await createSetup();
    expect((await get(SELF_SIGNED)).status).toBe(200);
  });

  it('section 6.3: another certificate for the same name ends the binding', async () => {
    const { get } = await createSetup();
    expect((await get(renewed)).status).toBe(401);
  });

  it('section 6.5: a certificate in a header is ignored unless the app enables it', async () => {
    const { get } = await createSetup();
    const header = `:${new X509Certificate(SELF_SIGNED.cert).raw.toString('base64')}:`;
    expect((await get(undefined, { 'client-cert': header })).status).toBe(401);
    expect((await get(renewed, { 'client-cert': header })).status).toBe(401);
  });
});
