import { generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { Agent } from 'undici';
import {
  type ClientAuth,
  clientAssertion,
  clientSecretBasic,
  clientSecretJwt,
  clientSecretPost,
  privateKeyJwt,
  tlsClientAuth,
} from '../../lib/index.js';
import { issueAssertion } from './assertion.js';
import { type Certificate, createCertificate } from './certificates.js';
import {
  type ClientMetadata,
  type Question,
  startTlsAuthorizationServer,
  type TlsAuthorizationServer,
} from './tls-authorization-server.js';

export const SECRET = randomBytes(32).toString('base64url');
export const OTHER_SECRET = randomBytes(32).toString('base64url');

export const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const OTHER_P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ED25519 = generateKeyPairSync('ed25519');

/** Keys and certificates, created for each test run. */
export interface Certificates {
  readonly authority: Certificate;
  readonly server: Certificate;
  readonly signed: Certificate;
  readonly stranger: Certificate;
  readonly selfSigned: Certificate;
  readonly otherSelfSigned: Certificate;
}

/** A server with one client for each method, and the dispatchers that trust it. */
export interface Setup {
  readonly as: TlsAuthorizationServer;
  readonly certificates: Certificates;
  /** A dispatcher that trusts the server, for clients without certificates. */
  readonly dispatcher: Agent;
}

export interface Method {
  readonly name: string;
  right(setup: Setup): ClientAuth;
  wrong(setup: Setup): ClientAuth;
  /** The parts of an introspection request that it adds. */
  readonly carries: Partial<Pick<Question, 'authorization' | 'certificate'>>;
  /** Its parameters, without the token. */
  readonly parameters: readonly string[];
}

/** The parameters of a client assertion (RFC 7521 section 4.2). */
const ASSERTION = ['client_assertion', 'client_assertion_type', 'client_id'];

export const METHODS: readonly Method[] = [
  {
    name: 'client_secret_basic',
    right: () => clientSecretBasic('basic', SECRET),
    wrong: () => clientSecretBasic('basic', OTHER_SECRET),
    carries: { authorization: 'Basic' },
    parameters: [],
  },
  {
    name: 'client_secret_post',
    right: () => clientSecretPost('post', SECRET),
    wrong: () => clientSecretPost('post', OTHER_SECRET),
    carries: {},
    parameters: ['client_id', 'client_secret'],
  },
  {
    name: 'client_secret_jwt',
    right: () => clientSecretJwt({ clientId: 'secret-jwt', clientSecret: SECRET }),
    wrong: () => clientSecretJwt({ clientId: 'secret-jwt', clientSecret: OTHER_SECRET }),
    carries: {},
    parameters: ASSERTION,
  },
  {
    name: 'private_key_jwt with ES256',
    right: () => privateKeyJwt({ clientId: 'key-jwt-ec', key: P256.privateKey, keyId: 'key-0' }),
    wrong: () => privateKeyJwt({ clientId: 'key-jwt-ec', key: OTHER_P256.privateKey, keyId: 'key-0' }),
    carries: {},
    parameters: ASSERTION,
  },
  {
    name: 'private_key_jwt with RS256',
    right: () => privateKeyJwt({ clientId: 'key-jwt-rsa', key: RSA.privateKey }),
    wrong: () => privateKeyJwt({ clientId: 'key-jwt-rsa', key: RSA.privateKey, keyId: 'unknown' }),
    carries: {},
    parameters: ASSERTION,
  },
  {
    name: 'private_key_jwt with PS256',
    right: () => privateKeyJwt({ clientId: 'key-jwt-rsa', key: RSA.privateKey, alg: 'PS256' }),
    wrong: () => privateKeyJwt({ clientId: 'key-jwt-rsa', key: P256.privateKey }),
    carries: {},
    parameters: ASSERTION,
  },
  {
    name: 'private_key_jwt with EdDSA',
    right: () => privateKeyJwt({ clientId: 'key-jwt-ed25519', key: ED25519.privateKey }),
    wrong: () => privateKeyJwt({ clientId: 'key-jwt-ed25519', key: ED25519.privateKey, keyId: 'unknown' }),
    carries: {},
    parameters: ASSERTION,
  },
  {
    name: 'private_key_jwt for the endpoint instead of the issuer',
    right: ({ as }) =>
      privateKeyJwt({ clientId: 'key-jwt-ec', key: P256.privateKey, audience: as.introspectionEndpoint }),
    wrong: () =>
      privateKeyJwt({ clientId: 'key-jwt-ec', key: P256.privateKey, audience: 'https://elsewhere.example.com' }),
    carries: {},
    parameters: ASSERTION,
  },
  {
    name: 'private_key_jwt with an assertion that a function returns',
    right: ({ as }) => issued('key-jwt-ec', P256.privateKey, as.issuer),
    wrong: ({ as }) => issued('key-jwt-ec', OTHER_P256.privateKey, as.issuer),
    carries: {},
    parameters: ASSERTION,
  },
  {
    name: 'tls_client_auth',
    right: ({ certificates }) => fixed('tls', certificates.signed, certificates),
    wrong: ({ certificates }) => fixed('tls', certificates.stranger, certificates),
    carries: { certificate: 'CN=reports-api' },
    parameters: ['client_id'],
  },
  {
    name: 'tls_client_auth with functions',
    right: ({ certificates }) => mutual('tls', () => certificates.signed, certificates),
    wrong: ({ certificates }) => mutual('tls', () => certificates.selfSigned, certificates),
    carries: { certificate: 'CN=reports-api' },
    parameters: ['client_id'],
  },
  {
    name: 'self_signed_tls_client_auth',
    right: ({ certificates }) => fixed('self-signed-tls', certificates.selfSigned, certificates),
    wrong: ({ certificates }) => fixed('self-signed-tls', certificates.otherSelfSigned, certificates),
    carries: { certificate: 'CN=reports-api' },
    parameters: ['client_id'],
  },
  {
    name: 'none',
    right: () => named('public'),
    wrong: () => named('unknown'),
    carries: {},
    parameters: ['client_id'],
  },
];

/** Starts the server with a client for each method, and with these other clients. */
export async function startSetup(...more: readonly ClientMetadata[]): Promise<Setup> {
  const certificates = await createCertificates();
  const { authority, server, selfSigned } = certificates;
  const as = await startTlsAuthorizationServer({ ...server, ca: authority.cert }, [
    { client_id: 'basic', token_endpoint_auth_method: 'client_secret_basic', client_secret: SECRET },
    { client_id: 'post', token_endpoint_auth_method: 'client_secret_post', client_secret: SECRET },
    { client_id: 'secret-jwt', token_endpoint_auth_method: 'client_secret_jwt', client_secret: SECRET },
    withKeys('key-jwt-ec', P256.publicKey),
    withKeys('key-jwt-rsa', RSA.publicKey),
    withKeys('key-jwt-ed25519', ED25519.publicKey),
    { client_id: 'tls', token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=reports-api' },
    withCertificate('self-signed-tls', selfSigned),
    { client_id: 'public', token_endpoint_auth_method: 'none', grant_types: [] },
    ...more,
  ]);
  const dispatcher = new Agent({ connect: { ca: authority.cert } });
  return { as, certificates, dispatcher };
}

async function createCertificates(): Promise<Certificates> {
  const authority = await createCertificate('authority', 'authority');
  const [server, signed, stranger, selfSigned, otherSelfSigned] = await Promise.all([
    createCertificate('server', 'localhost', authority),
    createCertificate('client', 'reports-api', authority),
    createCertificate('client', 'stranger', authority),
    createCertificate('client', 'reports-api'),
    createCertificate('client', 'reports-api'),
  ]);
  return { authority, server, signed, stranger, selfSigned, otherSelfSigned };
}

/** Metadata of a client that signs its assertions. */
export function withKeys(client_id: string, ...keys: KeyObject[]): ClientMetadata {
  const jwks = { keys: keys.map((key, i) => ({ ...key.export({ format: 'jwk' }), kid: `key-${i}`, use: 'sig' })) };
  return { client_id, token_endpoint_auth_method: 'private_key_jwt', jwks };
}

/** Metadata of a client that is identified by this certificate. */
export function withCertificate(client_id: string, { cert }: Certificate): ClientMetadata {
  const { publicKey, raw } = new X509Certificate(cert);
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), x5c: [raw.toString('base64')] }] };
  return { client_id, token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks };
}

export function mutual(clientId: string, of: () => Certificate, { authority }: Certificates): ClientAuth {
  return tlsClientAuth({ clientId, cert: () => of().cert, key: () => of().key, ca: authority.cert });
}

export function fixed(clientId: string, { cert, key }: Certificate, { authority }: Certificates): ClientAuth {
  return tlsClientAuth({ clientId, cert, key, ca: authority.cert });
}

/** A client whose assertions another party issues, here the test. */
function issued(clientId: string, key: KeyObject, audience: string): ClientAuth {
  return clientAssertion({ clientId, assertion: () => issueAssertion(key, { sub: clientId, audience }) });
}

/** A client that sends only its `client_id`, without credentials. */
export function named(clientId: string): ClientAuth {
  return {
    identity: `client:${clientId}`,
    sign({ parameters }) {
      parameters.client_id = clientId;
    },
  };
}
