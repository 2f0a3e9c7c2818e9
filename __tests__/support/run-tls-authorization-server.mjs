// Runs an authorization server (oidc-provider) over TLS in its own process, because it is an ES module and the tests are not.
// The issuer's listener requests no client certificates. A second listener does, and is published as the mTLS alias.
// The first line of standard input is JSON: `{ tls: { key, cert, ca }, clients: [metadata] }`. Then it prints `{ issuer, … }`.
// Each further line is a command, an object with one member that is named in COMMANDS. Its result is one line of JSON.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

const HOST = 'localhost';
const PATH = '/token/introspection';
const APP = 'reports-app';
const SCOPE = 'reports:read';
const AUTH_METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
];
const AUTH_ALGORITHMS = ['HS256', 'RS256', 'PS256', 'ES256', 'EdDSA'];

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { tls, clients } = JSON.parse((await lines.next()).value);
const registered = new Map();

/** Introspection requests since the last report. */
let questions = [];
let generation = 0;
let jwks = createSigningKeys();
let signsReplies = true;

/** Clients can be replaced while the server runs. All its data is in memory. */
class Storage {
  static #stores = new Map();
  #store;

  constructor(kind) {
    if (kind === 'Client') this.#store = registered;
    else this.#store = Storage.#stores.get(kind) ?? Storage.#stores.set(kind, new Map()).get(kind);
  }

  upsert = async (id, payload) => void this.#store.set(id, payload);
  find = async (id) => this.#store.get(id);
  destroy = async (id) => void this.#store.delete(id);
  consume = async (id) => void Object.assign(this.#store.get(id), { consumed: Date.now() / 1000 });
  findByUid = async () => undefined;
  findByUserCode = async () => undefined;
  revokeByGrantId = async () => {};
}

function register(metadata) {
  registered.set(metadata.client_id, {
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    ...metadata,
  });
}

function createSigningKeys() {
  generation++;
  const jwk = (kind, options) => ({
    ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }),
    kid: `${kind}-${generation}`,
    use: 'sig',
  });
  return { keys: [jwk('rsa', { modulusLength: 2048 }), jwk('ec', { namedCurve: 'P-256' })] };
}

function createProvider() {
  const provider = new Provider(issuer, {
    adapter: Storage,
    scopes: [SCOPE],
    clientAuthMethods: AUTH_METHODS,
    enabledJWA: { clientAuthSigningAlgValues: AUTH_ALGORITHMS },
    discovery: {
      introspection_endpoint_auth_methods_supported: AUTH_METHODS,
      introspection_endpoint_auth_signing_alg_values_supported: AUTH_ALGORITHMS,
      mtls_endpoint_aliases: { introspection_endpoint: mtlsIntrospectionEndpoint, token_endpoint: `${origin}/token` },
    },
    // Otherwise the introspection endpoint does not know refresh tokens.
    issueRefreshToken: () => true,
    jwks,
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      encryption: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      jwtIntrospection: { enabled: signsReplies },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        selfSignedTlsClientAuth: true,
        getCertificate: ({ socket }) => socket.getPeerX509Certificate(),
        certificateAuthorized: ({ socket }) => socket.authorized,
        certificateSubjectMatches({ socket }, property, expected) {
          if (property !== 'tls_client_auth_subject_dn') throw new Error(`${property} is not looked at`);
          return socket.getPeerX509Certificate().subject === expected;
        },
      },
    },
    ttl: { AccessToken: 3600, ClientCredentials: 3600, RefreshToken: 3600, Grant: 3600 },
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path === PATH) questions.push(questionOf(ctx));
  });
  return provider;
}

/** Creates the server again with the same stored data, so that configuration changes take effect. */
function restart() {
  provider = createProvider();
  answer = provider.callback();
}

/** The parts of a request without tokens and credentials. */
function questionOf({ method, socket, url, headers, oidc }) {
  return {
    url: `https://${HOST}:${socket.localPort}${url}`,
    method,
    contentType: headers['content-type'] ?? null,
    accept: headers.accept ?? null,
    parameters: Object.keys(oidc?.body ?? {}).sort(),
    authorization: headers.authorization?.split(' ')[0] ?? null,
    certificate: socket.getPeerX509Certificate()?.subject ?? null,
  };
}

/** Issues a token for this subject. It can have expired already, if `exp` says so. */
async function issue({ kind = 'AccessToken', subject, audience, exp }) {
  const client = await provider.Client.find(APP);
  const grant = new provider.Grant({ accountId: subject, clientId: APP });
  grant.addOIDCScope(SCOPE);
  const grantId = await grant.save();
  const token = new provider[kind]({ accountId: subject, client, grantId, scope: SCOPE, gty: 'test', claims: {}, exp });
  if (audience !== undefined) token.setAudience(audience);
  return { token: await token.save() };
}

const COMMANDS = {
  issue,
  register,
  revoke: async (token) => (await provider.AccessToken.find(token)).destroy(),
  tellQuestions() {
    const told = questions;
    questions = [];
    return { questions: told };
  },
  changeKeys() {
    jwks = createSigningKeys();
    restart();
  },
  signReplies(whether) {
    signsReplies = whether;
    restart();
  },
};

async function listen(options) {
  const server = createServer(options, (req, res) => answer(req, res));
  await new Promise((resolve) => server.listen(0, HOST, resolve));
  return { server, origin: `https://${HOST}:${server.address().port}` };
}

const { key, cert } = tls;
const { server: own, origin: issuer } = await listen({ key, cert });
const { server: mutual, origin } = await listen({ ...tls, requestCert: true, rejectUnauthorized: false });
const mtlsIntrospectionEndpoint = `${origin}${PATH}`;
let provider;
let answer;
restart();

register({ client_id: APP, client_secret: randomBytes(24).toString('base64url') });
for (const metadata of clients) register(metadata);
const introspectionEndpoint = `${issuer}${PATH}`;
console.log(JSON.stringify({ issuer, introspectionEndpoint, mtlsIntrospectionEndpoint, jwksUri: `${issuer}/jwks` }));

let commands = 0;
for await (const line of lines) {
  const [[name, argument]] = Object.entries(JSON.parse(line));
  const result = await COMMANDS[name](argument);
  commands++;
  console.log(JSON.stringify({ commands, ...result }));
}
for (const server of [own, mutual]) {
  server.close();
  server.closeAllConnections();
}
