import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { request } from 'undici';
import {
  type ClientAuth,
  clientSecretBasic,
  type JwtResponseOptions,
  type TokenIntrospectionOptions,
} from '../../lib/index.js';
import { type Api, createApi } from '../support/api.js';
import { fixed, OTHER_SECRET, SECRET, type Setup, startSetup } from '../support/client-auth-methods.js';
import { recordDecisions } from '../support/decisions.js';
import type { ClientMetadata, TlsAuthorizationServer } from '../support/tls-authorization-server.js';

const AUDIENCE = 'https://api.example.com';
const SIGNED = 'application/token-introspection+jwt';

/** The minimum interval between two requests for new keys, plus a margin. */
const KEYS_COOLDOWN_MS = 1050;

const OWN_RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const OWN_P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const OTHER_RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });

let setup: Setup;
let as: TlsAuthorizationServer;

beforeAll(async () => {
  setup = await startSetup(
    withReplies('rs256', { signed: 'RS256' }),
    withReplies('es256', { signed: 'ES256' }),
    withReplies('ps256', { signed: 'PS256' }),
    withReplies('rsa-oaep-256', { signed: 'RS256', encrypted: ['RSA-OAEP-256', 'A256GCM'], key: OWN_RSA.publicKey }),
    withReplies('ecdh-es', { signed: 'ES256', encrypted: ['ECDH-ES', 'A128CBC-HS256'], key: OWN_P256.publicKey }),
    {
      client_id: 'tls-rs256',
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: 'CN=reports-api',
      introspection_signed_response_alg: 'RS256',
    },
  );
  as = setup.as;
}, 30_000);

beforeEach(async () => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  await as.questions();
});

afterEach(() => {
  jest.restoreAllMocks();
});

afterAll(() => setup?.dispatcher.close());

interface Replies {
  readonly signed: string;
  readonly encrypted?: readonly [alg: string, enc: string];
  /** The key that responses are encrypted for. */
  readonly key?: KeyObject;
}

/** Metadata of a client that requires signed responses (RFC 9701 section 6). */
function withReplies(client_id: string, { signed, encrypted, key }: Replies): ClientMetadata {
  const [alg, enc] = encrypted ?? [];
  return {
    client_id,
    client_secret: SECRET,
    introspection_signed_response_alg: signed,
    introspection_encrypted_response_alg: alg,
    introspection_encrypted_response_enc: enc,
    jwks: key && { keys: [{ ...key.export({ format: 'jwk' }), kid: 'own', use: 'enc' }] },
  };
}

/** The two ways to configure the server whose responses are accepted. */
const WAYS: [way: string, options: (given?: JwtResponseOptions) => Partial<TokenIntrospectionOptions>][] = [
  ['discovery', (given) => ({ endpoint: undefined, authorizationServer: as.issuer, jwtResponse: given ?? true })],
  [
    'an endpoint and the URL of its keys',
    (given) => ({
      endpoint: as.introspectionEndpoint,
      jwtResponse: { issuer: as.issuer, keys: new URL(as.jwksUri), ...given },
    }),
  ],
];

/** Code and detail of the outage. */
function told({ errors }: Api): (string | undefined)[] {
  return errors.map((error) => (error as { message: string }).message.match(/\((.*)\)$/)?.[1]);
}

describe.each(WAYS)('signed responses of a running oidc-provider, configured with %s,', (_, optionsOf) => {
  function createSigned(
    client: string | ClientAuth,
    jwtResponse?: JwtResponseOptions,
    more: Partial<TokenIntrospectionOptions> = {},
  ): Api {
    const clientAuth = typeof client === 'string' ? clientSecretBasic(client, SECRET) : client;
    const { dispatcher } = setup;
    return createApi({ url: '' }, { clientAuth, dispatcher, ...optionsOf(jwtResponse), ...more });
  }

  it.each<[string, string, JwtResponseOptions | undefined]>([
    ['signed with RS256', 'rs256', undefined],
    ['signed with ES256', 'es256', { algorithms: ['ES256'] }],
    ['signed with PS256', 'ps256', { algorithms: ['ES256', 'PS256'] }],
    ['encrypted with RSA-OAEP-256', 'rsa-oaep-256', { decryptionKey: OWN_RSA.privateKey }],
    ['encrypted with ECDH-ES', 'ecdh-es', { decryptionKey: OWN_P256.privateKey, algorithms: ['ES256'] }],
  ])('are taken when %s: 200 with the claims, 401 for a token nobody issued', async (_, clientId, jwtResponse) => {
    const api = createSigned(clientId, jwtResponse, { audience: AUDIENCE, issuer: as.issuer });
    const { body } = await api.get(await as.issue('alice', { audience: AUDIENCE })).expect(200);
    expect(body.auth).toMatchObject({ active: true, sub: 'alice', client_id: 'reports-app', aud: AUDIENCE });
    expect(body.auth).toMatchObject({ iss: as.issuer, scope: 'reports:read', exp: expect.any(Number) });
    expect(body.auth).not.toHaveProperty('token_introspection');
    await api.get('made-up').expect(401);
    const accepted = (await as.questions()).map(({ method, accept }) => [method, accept]);
    expect([accepted, api.errors]).toEqual([Array(2).fill(['POST', SIGNED]), []]);
  });

  it('about an expired token: respond with 401 invalid_token', async () => {
    const decisions = recordDecisions();
    const api = createSigned('rs256');
    const response = await api.get(await as.issue('alice', { exp: Math.floor(Date.now() / 1000) - 60 })).expect(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(decisions).toMatchObject([{ outcome: 'rejected', status: 401, reason: 'inactive' }]);
    expect([api.errors, api.reached()]).toEqual([[], 0]);
  });

  it.each([
    ['signed', 'rs256', undefined],
    ['encrypted', 'rsa-oaep-256', { decryptionKey: OWN_RSA.privateKey }],
  ])('say, %s, that a token was revoked: 401 at once where nothing is kept', async (_, clientId, jwtResponse) => {
    const api = createSigned(clientId, jwtResponse, { cache: false });
    const token = await as.issue('alice');
    await api.get(token).expect(200);
    await as.revoke(token);
    const response = await api.get(token).expect(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    expect([api.errors, api.reached()]).toEqual([[], 1]);
  });

  it('about a refresh token, which has no audience: respond with 401 invalid_token', async () => {
    const decisions = recordDecisions();
    const api = createSigned('rs256', undefined, { audience: AUDIENCE });
    const response = await api.get(await as.issue('alice', { kind: 'RefreshToken' })).expect(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(decisions).toMatchObject([{ outcome: 'rejected', reason: 'audience_mismatch' }]);
    expect(api.reached()).toBe(0);
  });

  it('are not needed to reject a token that looks like a JWT, which the server does not support: 401', async () => {
    const decisions = recordDecisions();
    const api = createSigned('rs256');
    const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl';
    const response = await api.get(jwt).expect(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(decisions).toMatchObject([{ outcome: 'rejected', reason: 'unsupported_token_type' }]);
    expect([api.errors, api.reached()]).toEqual([[], 0]);
  });

  it.each<[string, string, JwtResponseOptions, string]>([
    ['for someone else', 'rs256', { audience: 'someone-else' }, 'aud'],
    ['for the audience of tokens and not for the client', 'rs256', { audience: AUDIENCE }, 'aud'],
    ['from someone else', 'rs256', { issuer: 'https://elsewhere.example.com' }, 'iss'],
    ['by a key of someone else', 'rs256', { keys: OTHER_RSA.publicKey }, 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'],
    ['with ES256 where RS256 is expected', 'es256', {}, 'ERR_JOSE_ALG_NOT_ALLOWED'],
    ['with PS256 where RS256 is expected', 'ps256', {}, 'ERR_JOSE_ALG_NOT_ALLOWED'],
    ['and encrypted, with no key to decrypt them', 'rsa-oaep-256', {}, 'ERR_JWS_INVALID'],
    [
      'and encrypted for another key',
      'rsa-oaep-256',
      { decryptionKey: OTHER_RSA.privateKey },
      'ERR_JWE_DECRYPTION_FAILED',
    ],
    ['and not encrypted as required', 'rs256', { decryptionKey: OWN_RSA.privateKey }, 'ERR_JWE_INVALID'],
  ])('are outages when signed %s: 503, whatever the token', async (_, clientId, jwtResponse, detail) => {
    const api = createSigned(clientId, jwtResponse);
    for (const token of [await as.issue('alice', { audience: AUDIENCE }), 'made-up']) {
      const response = await api.get(token).expect(503);
      expect(response.headers).not.toHaveProperty('www-authenticate');
    }
    expect(told(api)).toEqual(Array(2).fill(`bad_response, signed reply: ${detail}`));
    expect(api.reached()).toBe(0);
  });

  it('cause 503 for every token when the server no longer signs', async () => {
    const api = createSigned('rs256');
    await api.get(await as.issue('alice')).expect(200);
    await as.signReplies(false);
    try {
      for (const token of [await as.issue('alice'), 'made-up']) await api.get(token).expect(503);
      expect(told(api)).toEqual(Array(2).fill('bad_response, signed reply: not signed'));
    } finally {
      await as.signReplies(true);
    }
    await api.get(await as.issue('alice')).expect(200);
  });

  it('are not sent to a client with wrong credentials: 503 client_rejected', async () => {
    const api = createSigned(clientSecretBasic('rs256', OTHER_SECRET));
    await api.get(await as.issue('alice')).expect(503);
    expect(api.errors).toMatchObject([{ code: 'client_rejected' }]);
  });

  it('are accepted after the server has changed its keys, except by an API with fixed keys', async () => {
    const { body } = await request(as.jwksUri, { dispatcher: setup.dispatcher });
    const old = (await body.json()) as { keys: object[] };
    const following = [createSigned('rs256'), createSigned('es256', { algorithms: ['ES256'] })];
    const holding = createSigned('rs256', { keys: old });
    const before = await as.issue('alice');
    for (const api of [...following, holding]) await api.get(before).expect(200);
    await as.changeKeys();
    await pause(KEYS_COOLDOWN_MS);
    for (const api of following) {
      const { body } = await api.get(await as.issue('bob')).expect(200);
      expect([body.auth.sub, api.errors]).toEqual(['bob', []]);
    }
    await holding.get(await as.issue('bob')).expect(503);
    expect(told(holding)).toEqual(['bad_response, signed reply: ERR_JWKS_NO_MATCHING_KEY']);
  });
});

describe('a running oidc-provider that can sign its responses', () => {
  it('sends them to a client with a certificate, which fetches the keys over separate connections', async () => {
    const clientAuth = fixed('tls-rs256', setup.certificates.signed, setup.certificates);
    const discovering = { endpoint: undefined, authorizationServer: as.issuer, jwtResponse: true };
    const configured = {
      endpoint: as.mtlsIntrospectionEndpoint,
      jwtResponse: { issuer: as.issuer, keys: new URL(as.jwksUri) },
    };
    for (const options of [discovering, configured]) {
      const api = createApi({ url: '' }, { clientAuth, ...options });
      await api.get(await as.issue('alice')).expect(200);
      await api.get('made-up').expect(401);
      expect(api.errors).toEqual([]);
    }
    const where = (await as.questions()).map(({ url, certificate }) => [url, certificate]);
    expect(where).toEqual(Array(4).fill([as.mtlsIntrospectionEndpoint, 'CN=reports-api']));
  });

  it('sends unsigned ones to a client that requests them', async () => {
    const { dispatcher } = setup;
    const clientAuth = clientSecretBasic('rs256', SECRET);
    const api = createApi({ url: as.introspectionEndpoint }, { clientAuth, dispatcher });
    await api.get(await as.issue('alice')).expect(200);
    expect(await as.questions()).toMatchObject([{ accept: 'application/json' }]);
  });

  it('sends no unsigned ones to a client whose responses must be encrypted: 503', async () => {
    const { dispatcher } = setup;
    const clientAuth = clientSecretBasic('rsa-oaep-256', SECRET);
    const api = createApi({ url: as.introspectionEndpoint }, { clientAuth, dispatcher });
    await api.get(await as.issue('alice')).expect(503);
    expect(api.errors).toMatchObject([{ code: 'client_rejected' }]);
  });
});
