import {
  type ClientAuth,
  clientSecretBasic,
  privateKeyJwt,
  type TokenIntrospectionOptions,
  tlsClientAuth,
} from '../../lib/index.js';
import { type Api, createApi } from '../support/api.js';
import { createCertificate } from '../support/certificates.js';
import {
  fixed,
  METHODS,
  mutual,
  named,
  RSA,
  SECRET,
  type Setup,
  startSetup,
  withCertificate,
} from '../support/client-auth-methods.js';
import { recordDecisions } from '../support/decisions.js';
import type { Question, TlsAuthorizationServer } from '../support/tls-authorization-server.js';

let setup: Setup;
let as: TlsAuthorizationServer;
let warnings: unknown[];

beforeAll(async () => {
  setup = await startSetup();
  as = setup.as;
}, 30_000);

beforeEach(async () => {
  warnings = [];
  jest.spyOn(process, 'emitWarning').mockImplementation((_, options) => {
    warnings.push((options as { code?: string }).code);
  });
  await as.questions();
});

afterEach(() => {
  jest.restoreAllMocks();
});

afterAll(() => setup?.dispatcher.close());

/** An API that is configured with only the issuer identifier and the certificates that it trusts. */
function createDiscovering(clientAuth: ClientAuth, options: Partial<TokenIntrospectionOptions> = {}): Api {
  const trust = clientAuth.connect === undefined ? { dispatcher: setup.dispatcher } : {};
  return createApi(
    { url: '' },
    { endpoint: undefined, authorizationServer: as.issuer, clientAuth, ...trust, ...options },
  );
}

/** The parts of an introspection request that authenticate the client. */
function proofsIn({ authorization, certificate, parameters }: Question): string[] {
  return [
    ...parameters.filter((name) => name === 'client_secret' || name === 'client_assertion'),
    ...(authorization === null ? [] : ['authorization']),
    ...(certificate === null ? [] : ['certificate']),
  ];
}

describe.each(METHODS)('$name with a running oidc-provider found by its issuer', (method) => {
  it('is accepted: responds with 200 and the claims for an issued token, 401 for another', async () => {
    const api = createDiscovering(method.right(setup));
    const { body } = await api.get(await as.issue('alice')).expect(200);
    expect(body.auth).toMatchObject({ active: true, sub: 'alice', client_id: 'reports-app', iss: as.issuer });
    await api.get(await as.issue('bob')).expect(200);
    await api.get('made-up').expect(401);
    expect([api.authenticate.stats().endpointCalls, api.errors, warnings]).toEqual([3, [], []]);
  });

  it('is rejected if it is wrong: responds with 503 client_rejected, whatever the token is', async () => {
    const decisions = recordDecisions();
    const api = createDiscovering(method.wrong(setup));
    const response = await api.get(await as.issue('alice')).expect(503);
    expect(response.headers).not.toHaveProperty('www-authenticate');
    expect(decisions).toMatchObject([{ outcome: 'outage', status: 503, reason: 'client_rejected' }]);
    expect([api.reached(), warnings]).toEqual([0, ['CLIENT_REJECTED']]);
  });

  it('sends requests as RFC 7662 requires, to the right endpoint, with one client authentication', async () => {
    await createDiscovering(method.right(setup))
      .get(await as.issue('alice'))
      .expect(200);
    const questions = await as.questions();
    const usesCertificate = method.carries.certificate !== undefined;
    expect(questions).toEqual([
      {
        url: usesCertificate ? as.mtlsIntrospectionEndpoint : as.introspectionEndpoint,
        method: 'POST',
        contentType: 'application/x-www-form-urlencoded',
        accept: 'application/json',
        authorization: null,
        certificate: null,
        ...method.carries,
        parameters: [...method.parameters, 'token'],
      },
    ]);
    expect(questions.flatMap(proofsIn)).toHaveLength(method.name === 'none' ? 0 : 1);
  });
});

describe('a running oidc-provider found by its issuer', () => {
  it('gets no request from a client whose signing algorithm its metadata do not list', async () => {
    const api = createDiscovering(privateKeyJwt({ clientId: 'key-jwt-rsa', key: RSA.privateKey, alg: 'RS512' }));
    await api.get(await as.issue('alice')).expect(503);
    expect(api.errors).toMatchObject([{ code: 'credentials_unavailable' }]);
    expect(await as.questions()).toEqual([]);
  });

  it('rejects a client without the required certificate at the endpoint for clients without certificates', async () => {
    const api = createDiscovering(named('tls'));
    await api.get(await as.issue('alice')).expect(503);
    expect(api.errors).toMatchObject([{ code: 'client_rejected' }]);
    expect(await as.questions()).toMatchObject([{ url: as.introspectionEndpoint, certificate: null }]);
  });

  it('gets a renewed certificate at its mTLS alias with the next connection', async () => {
    const { selfSigned, otherSelfSigned } = setup.certificates;
    await as.register(withCertificate('rotating-tls', selfSigned));
    let current = selfSigned;
    const api = createDiscovering(mutual('rotating-tls', () => current, setup.certificates));
    await api.get(await as.issue('alice')).expect(200);
    await as.register(withCertificate('rotating-tls', otherSelfSigned));
    current = otherSelfSigned;
    await api.get(await as.issue('alice')).expect(200);
    expect(new Set((await as.questions()).map(({ url }) => url))).toEqual(new Set([as.mtlsIntrospectionEndpoint]));
  });

  it('serves clients with and without certificates at the same time, each at its own endpoint', async () => {
    const plain = createDiscovering(clientSecretBasic('basic', SECRET));
    const withTls = createDiscovering(fixed('tls', setup.certificates.signed, setup.certificates));
    const tokens = await Promise.all(['alice', 'bob', 'carol'].map((subject) => as.issue(subject)));
    const replies = await Promise.all(tokens.flatMap((token) => [plain.get(token), withTls.get(token)]));
    expect(replies.map(({ status }) => status)).toEqual(Array(6).fill(200));
    const arrived = (await as.questions()).map(({ url, certificate }) => [url, certificate]);
    expect(arrived.sort()).toEqual(
      [
        ...Array(3).fill([as.introspectionEndpoint, null]),
        ...Array(3).fill([as.mtlsIntrospectionEndpoint, 'CN=reports-api']),
      ].sort(),
    );
  });

  it('is not used if its certificate is not trusted: 503, and it gets no token', async () => {
    const { signed, authority } = setup.certificates;
    const stranger = await createCertificate('authority', 'authority');
    const clients = [
      createDiscovering(clientSecretBasic('basic', SECRET), { dispatcher: undefined }),
      createDiscovering(tlsClientAuth({ clientId: 'tls', cert: signed.cert, key: signed.key })),
      createDiscovering(fixed('tls', signed, { ...setup.certificates, authority: stranger })),
    ];
    const token = await as.issue('alice');
    for (const api of clients) {
      await api.get(token).expect(503);
      expect(api.errors).toMatchObject([{ code: 'discovery_failed' }]);
    }
    expect(await as.questions()).toEqual([]);
    const both = [stranger.cert, authority.cert];
    const api = createDiscovering(tlsClientAuth({ clientId: 'tls', cert: signed.cert, key: signed.key, ca: both }));
    await api.get(token).expect(200);
  });

  it('is not used for an issuer that differs by a trailing slash: 503, and a warning says what to write', async () => {
    const authorizationServer = `${as.issuer}/`;
    const api = createDiscovering(clientSecretBasic('basic', SECRET), { authorizationServer });
    await api.get(await as.issue('alice')).expect(503);
    expect(api.errors).toMatchObject([{ code: 'discovery_failed' }]);
    expect([await as.questions(), warnings]).toEqual([[], ['DISCOVERY_FAILED']]);
  });
});
