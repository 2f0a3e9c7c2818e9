import { generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { Agent, request } from 'undici';
import {
  type ClientAuth,
  clientSecretBasic,
  clientSecretJwt,
  clientSecretPost,
  noClientAuth,
  privateKeyJwt,
  type TokenIntrospectionOptions,
  tlsClientAuth,
} from '../../lib/index.js';
import { type Api, createApi } from '../support/api.js';
import { type Certificate, createCertificate } from '../support/certificates.js';
import { type ClientAuthServer, type ClientMetadata, startClientAuthServer } from '../support/client-auth-server.js';
import { recordDecisions } from '../support/decisions.js';

const SECRET = randomBytes(32).toString('base64url');
const OTHER_SECRET = randomBytes(32).toString('base64url');

const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const OTHER_P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ED25519 = generateKeyPairSync('ed25519');

/** Made anew for each run of the tests. */
interface Certificates {
  readonly authority: Certificate;
  readonly server: Certificate;
  readonly signed: Certificate;
  readonly stranger: Certificate;
  readonly selfSigned: Certificate;
  readonly otherSelfSigned: Certificate;
}

let as: ClientAuthServer;
let certificates: Certificates;
let dispatcher: Agent;

beforeAll(async () => {
  const authority = await createCertificate('authority', 'authority');
  const [server, signed, stranger, selfSigned, otherSelfSigned] = await Promise.all([
    createCertificate('server', 'localhost', authority),
    createCertificate('client', 'reports-api', authority),
    createCertificate('client', 'stranger', authority),
    createCertificate('client', 'reports-api'),
    createCertificate('client', 'reports-api'),
  ]);
  certificates = { authority, server, signed, stranger, selfSigned, otherSelfSigned };
  dispatcher = new Agent({ connect: { ca: authority.cert } });
  as = await startClientAuthServer({ ...server, ca: authority.cert }, [
    { client_id: 'basic', token_endpoint_auth_method: 'client_secret_basic', client_secret: SECRET },
    { client_id: 'post', token_endpoint_auth_method: 'client_secret_post', client_secret: SECRET },
    { client_id: 'secret-jwt', token_endpoint_auth_method: 'client_secret_jwt', client_secret: SECRET },
    withKeys('key-jwt-ec', P256.publicKey),
    withKeys('key-jwt-rsa', RSA.publicKey),
    withKeys('key-jwt-ed25519', ED25519.publicKey),
    { client_id: 'tls', token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=reports-api' },
    withCertificate('self-signed-tls', selfSigned),
    { client_id: 'public', token_endpoint_auth_method: 'none', grant_types: [] },
  ]);
}, 30_000);

beforeEach(() => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});

afterEach(() => {
  jest.restoreAllMocks();
});

afterAll(() => dispatcher?.close());

function withKeys(client_id: string, ...keys: KeyObject[]): ClientMetadata {
  const jwks = { keys: keys.map((key, i) => ({ ...key.export({ format: 'jwk' }), kid: `key-${i}`, use: 'sig' })) };
  return { client_id, token_endpoint_auth_method: 'private_key_jwt', jwks };
}

function withCertificate(client_id: string, { cert }: Certificate): ClientMetadata {
  const { publicKey, raw } = new X509Certificate(cert);
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), x5c: [raw.toString('base64')] }] };
  return { client_id, token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks };
}

/** An API whose client authentication is this; without certificates of its own it is told whom to trust. */
function createApiOf(clientAuth: ClientAuth, options: Partial<TokenIntrospectionOptions> = {}): Api {
  const trust = clientAuth.connect === undefined ? { dispatcher } : {};
  return createApi({ url: as.introspectionEndpoint }, { clientAuth, issuer: as.issuer, ...trust, ...options });
}

function mutual(clientId: string, of: () => Certificate): ClientAuth {
  return tlsClientAuth({ clientId, cert: () => of().cert, key: () => of().key, ca: certificates.authority.cert });
}

function fixed(clientId: string, { cert, key }: Certificate): ClientAuth {
  return tlsClientAuth({ clientId, cert, key, ca: certificates.authority.cert });
}

/** A client without credentials that says who it is. */
function named(clientId: string): ClientAuth {
  return {
    identity: `client:${clientId}`,
    sign({ parameters }) {
      parameters.client_id = clientId;
    },
  };
}

const METHODS: [method: string, right: () => ClientAuth, wrong: () => ClientAuth][] = [
  ['client_secret_basic', () => clientSecretBasic('basic', SECRET), () => clientSecretBasic('basic', OTHER_SECRET)],
  ['client_secret_post', () => clientSecretPost('post', SECRET), () => clientSecretPost('post', OTHER_SECRET)],
  [
    'client_secret_jwt',
    () => clientSecretJwt({ clientId: 'secret-jwt', clientSecret: SECRET }),
    () => clientSecretJwt({ clientId: 'secret-jwt', clientSecret: OTHER_SECRET }),
  ],
  [
    'private_key_jwt with ES256',
    () => privateKeyJwt({ clientId: 'key-jwt-ec', key: P256.privateKey, keyId: 'key-0' }),
    () => privateKeyJwt({ clientId: 'key-jwt-ec', key: OTHER_P256.privateKey, keyId: 'key-0' }),
  ],
  [
    'private_key_jwt with RS256',
    () => privateKeyJwt({ clientId: 'key-jwt-rsa', key: RSA.privateKey }),
    () => privateKeyJwt({ clientId: 'key-jwt-rsa', key: RSA.privateKey, alg: 'RS512' }),
  ],
  [
    'private_key_jwt with PS256',
    () => privateKeyJwt({ clientId: 'key-jwt-rsa', key: RSA.privateKey, alg: 'PS256' }),
    () => privateKeyJwt({ clientId: 'key-jwt-rsa', key: P256.privateKey }),
  ],
  [
    'private_key_jwt with EdDSA',
    () => privateKeyJwt({ clientId: 'key-jwt-ed25519', key: ED25519.privateKey }),
    () => privateKeyJwt({ clientId: 'key-jwt-ed25519', key: ED25519.privateKey, keyId: 'unknown' }),
  ],
  [
    'private_key_jwt for the endpoint instead of the issuer',
    () => privateKeyJwt({ clientId: 'key-jwt-ec', key: P256.privateKey, audience: as.introspectionEndpoint }),
    () => privateKeyJwt({ clientId: 'key-jwt-ec', key: P256.privateKey, audience: 'https://elsewhere.example.com' }),
  ],
  ['tls_client_auth', () => fixed('tls', certificates.signed), () => fixed('tls', certificates.stranger)],
  [
    'tls_client_auth with functions',
    () => mutual('tls', () => certificates.signed),
    () => mutual('tls', () => certificates.selfSigned),
  ],
  [
    'self_signed_tls_client_auth',
    () => fixed('self-signed-tls', certificates.selfSigned),
    () => fixed('self-signed-tls', certificates.otherSelfSigned),
  ],
  ['none', () => named('public'), () => named('unknown')],
];

describe.each(METHODS)('at a running oidc-provider, %s', (_, right, wrong) => {
  it('is accepted: 200 with the claims of a token it issued, 401 for one nobody issued', async () => {
    const api = createApiOf(right());
    const { body } = await api.get(await as.issue('alice')).expect(200);
    expect(body.auth).toMatchObject({ active: true, sub: 'alice', client_id: 'reports-app', iss: as.issuer });
    await api.get(await as.issue('bob')).expect(200);
    await api.get('made-up').expect(401);
    expect([api.authenticate.stats().endpointCalls, api.errors]).toEqual([3, []]);
  });

  it('is refused when it is wrong: 503 client_rejected, and nothing is said of the token', async () => {
    const decisions = recordDecisions();
    const api = createApiOf(wrong());
    const response = await api.get(await as.issue('alice')).expect(503);
    expect(response.headers).not.toHaveProperty('www-authenticate');
    expect(decisions).toMatchObject([{ outcome: 'outage', status: 503, reason: 'client_rejected' }]);
    expect(api.reached()).toBe(0);
  });
});

describe('at a running oidc-provider', () => {
  it('a client of which nothing is known is refused', async () => {
    const api = createApiOf(noClientAuth());
    await api.get(await as.issue('alice')).expect(503);
    expect(api.errors).toMatchObject([{ code: 'client_rejected' }]);
  });

  it('a client that should present a certificate is refused without one', async () => {
    const api = createApiOf(named('tls'));
    await api.get(await as.issue('alice')).expect(503);
    expect(api.errors).toMatchObject([{ code: 'client_rejected' }]);
  });

  it.each([
    ['client_secret_jwt', () => clientSecretJwt({ clientId: 'secret-jwt', clientSecret: SECRET })],
    ['private_key_jwt', () => privateKeyJwt({ clientId: 'key-jwt-ec', key: P256.privateKey })],
  ])('an assertion of %s can be used once, so that each question needs its own', async (_, create) => {
    const clientAuth = create();
    const token = await as.issue('alice');
    const used = await parametersOf(clientAuth, token);
    expect(await send(used)).toMatchObject({ status: 200, body: { active: true, sub: 'alice' } });
    expect(await send(used)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    const fresh = await parametersOf(clientAuth, token);
    expect(await send(fresh)).toMatchObject({ status: 200, body: { active: true } });
    const api = createApiOf(replaying(used));
    await api.get(token).expect(503);
    expect(api.errors).toMatchObject([{ code: 'client_rejected' }]);
    expect(api.authenticate.stats().endpointCalls).toBe(1);
  });
});

describe('what is renewed while the server runs', () => {
  const METADATA = { client_id: 'rotating', token_endpoint_auth_method: 'client_secret_basic' };

  it.each<[string, (secret: () => string) => ClientAuth]>([
    ['client_secret_basic', (secret) => clientSecretBasic('rotating', secret)],
    ['client_secret_post', (secret) => clientSecretPost('rotating', secret)],
    ['client_secret_jwt', (clientSecret) => clientSecretJwt({ clientId: 'rotating', clientSecret })],
  ])('is a secret of %s', async (method, create) => {
    const metadata = { ...METADATA, token_endpoint_auth_method: method };
    await as.register({ ...metadata, client_secret: SECRET });
    let current = SECRET;
    const api = createApiOf(create(() => current));
    await api.get(await as.issue('alice')).expect(200);
    await as.register({ ...metadata, client_secret: OTHER_SECRET });
    await api.get(await as.issue('alice')).expect(503);
    current = OTHER_SECRET;
    await api.get(await as.issue('alice')).expect(200);
    expect(api.errors).toMatchObject([{ code: 'client_rejected' }]);
  });

  it('is a key of private_key_jwt, within one request when the function finds the new one in time', async () => {
    await as.register(withKeys('rotating-key', P256.publicKey));
    const keys = [P256.privateKey, P256.privateKey, OTHER_P256.privateKey];
    const api = createApiOf(
      privateKeyJwt({ clientId: 'rotating-key', key: () => keys.shift() ?? OTHER_P256.privateKey }),
    );
    await api.get(await as.issue('alice')).expect(200);
    await as.register(withKeys('rotating-key', OTHER_P256.publicKey));
    await api.get(await as.issue('alice')).expect(200);
    expect(api.authenticate.stats().endpointCalls).toBe(3);
    await api.get(await as.issue('alice')).expect(200);
    expect([api.authenticate.stats().endpointCalls, api.errors]).toEqual([4, []]);
  });

  it('is a certificate, which the next connection presents', async () => {
    const { selfSigned, otherSelfSigned } = certificates;
    await as.register(withCertificate('rotating-tls', selfSigned));
    let current = selfSigned;
    const api = createApiOf(mutual('rotating-tls', () => current));
    await api.get(await as.issue('alice')).expect(200);
    await as.register(withCertificate('rotating-tls', otherSelfSigned));
    current = otherSelfSigned;
    // The connection that was kept still has the old certificate; being refused is what ends it.
    await api.get(await as.issue('alice'));
    await api.get(await as.issue('alice')).expect(200);
  });
});

async function parametersOf(clientAuth: ClientAuth, token: string): Promise<Record<string, string>> {
  const parameters = { token };
  const { issuer, introspectionEndpoint: endpoint } = as;
  await clientAuth.sign({ endpoint, issuer, refused: false, headers: {}, parameters });
  return parameters;
}

/** Sends what was sent before. */
function replaying(used: Record<string, string>): ClientAuth {
  return {
    identity: 'client:replaying',
    sign({ parameters }) {
      Object.assign(parameters, used);
    },
  };
}

async function send(form: Record<string, string>): Promise<{ readonly status: number; readonly body: unknown }> {
  const { statusCode: status, body } = await request(as.introspectionEndpoint, {
    dispatcher,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });
  return { status, body: await body.json() };
}
