import { request } from 'undici';
import {
  type ClientAuth,
  clientSecretBasic,
  clientSecretJwt,
  clientSecretPost,
  noClientAuth,
  privateKeyJwt,
  type TokenIntrospectionOptions,
} from '../../lib/index.js';
import { type Api, createApi } from '../support/api.js';
import {
  METHODS,
  mutual,
  named,
  OTHER_P256,
  OTHER_SECRET,
  P256,
  RSA,
  SECRET,
  type Setup,
  startSetup,
  withCertificate,
  withKeys,
} from '../support/client-auth-methods.js';
import { recordDecisions } from '../support/decisions.js';
import type { TlsAuthorizationServer } from '../support/tls-authorization-server.js';

let setup: Setup;
let as: TlsAuthorizationServer;

beforeAll(async () => {
  setup = await startSetup();
  as = setup.as;
}, 30_000);

beforeEach(() => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});

afterEach(() => {
  jest.restoreAllMocks();
});

afterAll(() => setup?.dispatcher.close());

/** An API whose client authentication is this; without certificates of its own it is told whom to trust. */
function createApiOf(clientAuth: ClientAuth, options: Partial<TokenIntrospectionOptions> = {}): Api {
  const { dispatcher } = setup;
  const [url, trust] =
    clientAuth.connect === undefined ? [as.introspectionEndpoint, { dispatcher }] : [as.mtlsIntrospectionEndpoint, {}];
  return createApi({ url }, { clientAuth, issuer: as.issuer, ...trust, ...options });
}

describe.each(METHODS)('at a running oidc-provider, $name', ({ right, wrong }) => {
  it('is accepted: 200 with the claims of a token it issued, 401 for one nobody issued', async () => {
    const api = createApiOf(right(setup));
    const { body } = await api.get(await as.issue('alice')).expect(200);
    expect(body.auth).toMatchObject({ active: true, sub: 'alice', client_id: 'reports-app', iss: as.issuer });
    await api.get(await as.issue('bob')).expect(200);
    await api.get('made-up').expect(401);
    expect([api.authenticate.stats().endpointCalls, api.errors]).toEqual([3, []]);
  });

  it('is refused when it is wrong: 503 client_rejected, and nothing is said of the token', async () => {
    const decisions = recordDecisions();
    const api = createApiOf(wrong(setup));
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
    const api = createApiOf(named('tls'), { endpoint: as.mtlsIntrospectionEndpoint });
    await api.get(await as.issue('alice')).expect(503);
    expect(api.errors).toMatchObject([{ code: 'client_rejected' }]);
  });

  it('an assertion signed in a way the server does not take is refused', async () => {
    const api = createApiOf(privateKeyJwt({ clientId: 'key-jwt-rsa', key: RSA.privateKey, alg: 'RS512' }));
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
    const { selfSigned, otherSelfSigned } = setup.certificates;
    await as.register(withCertificate('rotating-tls', selfSigned));
    let current = selfSigned;
    const api = createApiOf(mutual('rotating-tls', () => current, setup.certificates));
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
    dispatcher: setup.dispatcher,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });
  return { status, body: await body.json() };
}
