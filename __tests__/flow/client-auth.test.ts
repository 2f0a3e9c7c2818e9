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

/** An API with this client authentication. Without client certificates, it gets a dispatcher that trusts the server. */
function createApiOf(clientAuth: ClientAuth, options: Partial<TokenIntrospectionOptions> = {}): Api {
  const { dispatcher } = setup;
  const [url, trust] =
    clientAuth.connect === undefined ? [as.introspectionEndpoint, { dispatcher }] : [as.mtlsIntrospectionEndpoint, {}];
  return createApi({ url }, { clientAuth, issuer: as.issuer, ...trust, ...options });
}

describe.each(METHODS)('$name with a running oidc-provider', ({ right, wrong }) => {
  it('is accepted: responds with 200 and the claims for an issued token, 401 for another', async () => {
    const api = createApiOf(right(setup));
    const { body } = await api.get(await as.issue('alice')).expect(200);
    expect(body.auth).toMatchObject({ active: true, sub: 'alice', client_id: 'reports-app', iss: as.issuer });
    await api.get(await as.issue('bob')).expect(200);
    await api.get('made-up').expect(401);
    expect([api.authenticate.stats().endpointCalls, api.errors]).toEqual([3, []]);
  });

  it('is rejected if it is wrong: responds with 503 client_rejected, whatever the token is', async () => {
    const decisions = recordDecisions();
    const api = createApiOf(wrong(setup));
    const response = await api.get(await as.issue('alice')).expect(503);
    expect(response.headers).not.toHaveProperty('www-authenticate');
    expect(decisions).toMatchObject([{ outcome: 'outage', status: 503, reason: 'client_rejected' }]);
    expect(api.reached()).toBe(0);
  });
});

describe('client authentication with a running oidc-provider', () => {
  it('rejects an unknown client', async () => {
    const api = createApiOf(noClientAuth());
    await api.get(await as.issue('alice')).expect(503);
    expect(api.errors).toMatchObject([{ code: 'client_rejected' }]);
  });

  it('rejects a client that must present a certificate but has none', async () => {
    const api = createApiOf(named('tls'), { endpoint: as.mtlsIntrospectionEndpoint });
    await api.get(await as.issue('alice')).expect(503);
    expect(api.errors).toMatchObject([{ code: 'client_rejected' }]);
  });

  it('rejects an assertion with an algorithm that the server does not accept', async () => {
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

describe('credentials that change while the server runs', () => {
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

  it('uses a new key of private_key_jwt within one request if the function returns it in time', async () => {
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

  it('presents a new certificate with the next connection', async () => {
    const { selfSigned, otherSelfSigned } = setup.certificates;
    await as.register(withCertificate('rotating-tls', selfSigned));
    let current = selfSigned;
    const api = createApiOf(mutual('rotating-tls', () => current, setup.certificates));
    await api.get(await as.issue('alice')).expect(200);
    await as.register(withCertificate('rotating-tls', otherSelfSigned));
    current = otherSelfSigned;
    // The open connection still has the old certificate. It is closed when the server rejects it.
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

/** Sends the parameters of an earlier request again. */
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
