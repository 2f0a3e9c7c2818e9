// Runs an authorization server (oidc-provider) over TLS, in a process of its own: it is an ES module, the tests are not.
// The first line of standard input is JSON: `{ tls: { key, cert, ca }, clients: [metadata] }`. Then it prints `{ issuer, … }`.
// Each further line is a command, `{ issue: subject }` or `{ register: metadata }`, answered by one line of JSON.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

const HOST = 'localhost';
const APP = 'reports-app';
const SCOPE = 'reports:read';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { tls, clients } = JSON.parse((await lines.next()).value);
const registered = new Map();

/** Clients can be registered anew while the server runs; all else that it stores is in memory as well. */
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
    id_token_signed_response_alg: 'ES256',
    ...metadata,
  });
}

function createProvider(issuer) {
  return new Provider(issuer, {
    adapter: Storage,
    scopes: [SCOPE],
    clientAuthMethods: [
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'private_key_jwt',
      'tls_client_auth',
      'self_signed_tls_client_auth',
      'none',
    ],
    jwks: { keys: [{ ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }) }] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      mTLS: {
        enabled: true,
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
    ttl: { AccessToken: 3600, ClientCredentials: 3600, Grant: 3600 },
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  });
}

async function issue(provider, accountId) {
  const client = await provider.Client.find(APP);
  const grant = new provider.Grant({ accountId, clientId: APP });
  grant.addOIDCScope(SCOPE);
  const grantId = await grant.save();
  return new provider.AccessToken({ accountId, client, grantId, scope: SCOPE, gty: 'test', claims: {} }).save();
}

const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false });
await new Promise((resolve) => server.listen(0, HOST, resolve));
const issuer = `https://${HOST}:${server.address().port}`;
const provider = createProvider(issuer);
server.on('request', provider.callback());

register({ client_id: APP, client_secret: randomBytes(24).toString('base64url') });
for (const metadata of clients) register(metadata);
console.log(JSON.stringify({ issuer, introspectionEndpoint: `${issuer}/token/introspection` }));

let commands = 0;
for await (const line of lines) {
  const command = JSON.parse(line);
  commands++;
  if ('issue' in command) {
    console.log(JSON.stringify({ commands, token: await issue(provider, command.issue) }));
  } else {
    register(command.register);
    console.log(JSON.stringify({ commands }));
  }
}
server.close();
server.closeAllConnections();
