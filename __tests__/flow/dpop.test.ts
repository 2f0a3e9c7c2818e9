import express, { type Express } from 'express';
import { Agent, fetch as undiciFetch } from 'undici';
import {
  clientSecretBasic,
  getAuth,
  requireScope,
  type TokenIntrospectionOptions,
  tokenIntrospection,
} from '../../lib/index.js';
import type { Certificate } from '../support/certificates.js';
import { SECRET, type Setup, startSetup } from '../support/client-auth-methods.js';
import { getTls, serveTls } from '../support/serve-tls.js';

const CLIENT = 'bound-app';
const SCOPE = 'reports:read';

let setup: Setup;
let oauth: typeof import('oauth4webapi');
const agents: Agent[] = [];
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  [setup, oauth] = await Promise.all([startSetup(), import('oauth4webapi')]);
  await setup.as.register({ client_id: CLIENT, client_secret: SECRET, scope: SCOPE });
}, 30_000);

afterEach(async () => {
  await Promise.all([...agents.splice(0).map((agent) => agent.close()), ...closing.splice(0).map((close) => close())]);
});

afterAll(() => setup?.dispatcher.close());

/** The client's connections: it trusts the servers' certificates, and presents its own if it has one. */
function fetchWith(certificate?: Certificate) {
  const own = certificate === undefined ? {} : { cert: certificate.cert, key: certificate.key };
  const dispatcher = new Agent({ connect: { ca: setup.certificates.authority.cert, ...own } });
  agents.push(dispatcher);
  return {
    [oauth.customFetch]: (url: string, options: object) =>
      undiciFetch(url, { ...options, dispatcher }) as unknown as Promise<Response>,
  };
}

/** An Express 5 app over TLS that introspects tokens at the real server. */
async function createApi(options: Partial<TokenIntrospectionOptions>): Promise<string> {
  const authenticate = tokenIntrospection({
    endpoint: setup.as.introspectionEndpoint,
    clientAuth: clientSecretBasic('basic', SECRET),
    audience: false,
    issuer: setup.as.issuer,
    dispatcher: setup.dispatcher,
    ...options,
  });
  closing.push(() => authenticate.close());
  const app: Express = express();
  app.set('env', 'test');
  app.get('/api/reports', authenticate, requireScope(SCOPE), (req, res) => void res.json(getAuth(req)));
  return (await serveTls(app as never, setup.certificates.server)).url;
}

async function metadata() {
  const issuer = new URL(setup.as.issuer);
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...fetchWith() });
  return oauth.processDiscoveryResponse(issuer, response);
}

type Handle = ReturnType<typeof oauth.DPoP>;

/** A client with a key pair and a token that is bound to it. */
async function createBoundClient(): Promise<{ token: string; handle: Handle }> {
  const client: import('oauth4webapi').Client = { client_id: CLIENT };
  const handle = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
  const as = await metadata();
  const ask = async () => {
    const options = { DPoP: handle, ...fetchWith() };
    const auth = oauth.ClientSecretBasic(SECRET);
    const response = await oauth.clientCredentialsGrantRequest(as, client, auth, { scope: SCOPE }, options);
    return oauth.processClientCredentialsResponse(as, client, response);
  };
  const answer = await again(ask);
  expect(answer.token_type).toBe('dpop');
  return { token: answer.access_token, handle };
}

/** Sends the request again if the server requires a nonce. */
async function again<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return ask();
  }
}

function call(url: string, token: string, handle?: Handle): Promise<Response> {
  const options = { ...(handle && { DPoP: handle }), ...fetchWith() };
  return oauth.protectedResourceRequest(
    token,
    'GET',
    new URL(`${url}/api/reports?year=2026`),
    undefined,
    null,
    options,
  );
}

/** Errors of the challenges, by scheme. */
async function refusalOf(request: Promise<Response>): Promise<Record<string, string | undefined>> {
  const error = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const { cause } = error as { cause: { scheme: string; parameters: { error?: string } }[] };
  return Object.fromEntries(cause.map(({ scheme, parameters }) => [scheme, parameters.error]));
}

describe('a client with a token that is bound to its key', () => {
  it('is accepted with a new proof for each request', async () => {
    const { token, handle } = await createBoundClient();
    const url: string = await createApi({ dpop: { origin: () => url } });
    for (let i = 0; i < 3; i++) {
      const response = await call(url, token, handle);
      const auth = (await response.json()) as Record<string, unknown>;
      expect([response.status, auth.token_type, auth.client_id]).toEqual([200, 'DPoP', CLIENT]);
      expect(auth.cnf).toEqual({ jkt: await handle.calculateThumbprint() });
    }
  });

  it('gets a nonce if one is required, and is accepted with it', async () => {
    const { token, handle } = await createBoundClient();
    const url: string = await createApi({ dpop: { origin: () => url, nonce: true } });
    expect(await refusalOf(call(url, token, handle))).toEqual({ bearer: undefined, dpop: 'use_dpop_nonce' });
    expect((await call(url, token, handle)).status).toBe(200);
    const other = await createBoundClient();
    expect((await again(() => call(url, other.token, other.handle))).status).toBe(200);
  });

  it('is rejected without a proof, with another key, and by an API without DPoP', async () => {
    const { token, handle } = await createBoundClient();
    const other = await createBoundClient();
    const url: string = await createApi({ dpop: { origin: () => url } });
    expect(await refusalOf(call(url, token))).toEqual({ bearer: 'invalid_token', dpop: undefined });
    expect(await refusalOf(call(url, token, other.handle))).toEqual({ bearer: undefined, dpop: 'invalid_token' });
    const unaware = await createApi({});
    expect(await refusalOf(call(unaware, token))).toEqual({ bearer: 'invalid_token' });
    expect(await refusalOf(call(unaware, token, handle))).toEqual({ bearer: undefined });
  });

  it('is rejected with a token that is not bound', async () => {
    const { handle } = await createBoundClient();
    const url: string = await createApi({ dpop: { origin: () => url } });
    const token = await setup.as.issue('alice');
    expect(await refusalOf(call(url, token, handle))).toEqual({ bearer: undefined, dpop: 'invalid_token' });
    expect((await call(url, token)).status).toBe(200);
  });
});

describe('a client with a token that is bound to its certificate', () => {
  /** Registers a client for bound tokens, and requests one over mutual TLS. */
  async function createBoundToken(certificate: Certificate): Promise<string> {
    const client = { client_id: 'certified-app', use_mtls_endpoint_aliases: true };
    await setup.as.register({
      client_id: client.client_id,
      client_secret: SECRET,
      scope: SCOPE,
      tls_client_certificate_bound_access_tokens: true,
    });
    const as = await metadata();
    const auth = oauth.ClientSecretBasic(SECRET);
    const options = fetchWith(certificate);
    const response = await oauth.clientCredentialsGrantRequest(as, client, auth, { scope: SCOPE }, options);
    return (await oauth.processClientCredentialsResponse(as, client, response)).access_token;
  }

  it('is accepted with that certificate, and rejected with another or none', async () => {
    const { selfSigned, otherSelfSigned, authority } = setup.certificates;
    const token = await createBoundToken(selfSigned);
    const url = await createApi({ mtls: true });
    const get = (certificate?: Certificate) =>
      getTls(`${url}/api/reports`, { authorization: `Bearer ${token}` }, certificate, authority.cert);
    const served = await get(selfSigned);
    expect(served.status).toBe(200);
    expect(JSON.parse(served.body).cnf).toEqual({ 'x5t#S256': expect.stringMatching(/^[\w-]{43}$/) });
    for (const certificate of [otherSelfSigned, undefined]) {
      const { status, headers } = await get(certificate);
      expect([status, headers['www-authenticate']]).toEqual([401, expect.stringContaining('error="invalid_token"')]);
    }
    const unaware = await createApi({});
    const refused = await getTls(
      `${unaware}/api/reports`,
      { authorization: `Bearer ${token}` },
      selfSigned,
      authority.cert,
    );
    expect(refused.status).toBe(401);
  });
});
