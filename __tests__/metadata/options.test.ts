import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { clientSecretBasic, type TokenIntrospectionOptions, tokenIntrospection } from '../../lib/index.js';
import { protectedResourceMetadata } from '../../lib/metadata/index.js';

const URL_OF_API = 'https://api.example.com/.well-known/oauth-protected-resource';

type Create = (authenticate: unknown, metadata?: unknown, options?: unknown) => { url: string };

const create = protectedResourceMetadata as unknown as Create;

function authenticateWith(options: Partial<TokenIntrospectionOptions> = {}) {
  return tokenIntrospection({
    endpoint: 'https://as.example.com/introspect',
    issuer: 'https://as.example.com',
    clientAuth: clientSecretBasic('api', 'secret'),
    audience: 'https://api.example.com',
    resourceMetadata: URL_OF_API,
    ...options,
  });
}

/** Message of the TypeError for the metadata of a middleware. */
function errorOf(options: Partial<TokenIntrospectionOptions>, metadata?: unknown, publishing?: unknown): string {
  try {
    create(authenticateWith(options), metadata, publishing);
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
  throw new Error('The metadata were accepted');
}

const RESOURCE = "write the URL of this API, such as 'https://api.example.com/v1': https:, and no fragment";
const SERVERS = "write the issuer identifiers of the authorization servers, such as ['https://as.example.com']";

describe('metadata.resource of protectedResourceMetadata', () => {
  it.each<[string, TokenIntrospectionOptions['audience']]>([
    ['the audience, if it is a URL', 'https://api.example.com'],
    ['the audience, if it is a list of one URL', ['https://api.example.com']],
    ['the audience, if it is an http: URL of a loopback host', 'http://localhost:3000/api'],
  ])('defaults to %s', (_, audience) => {
    expect(create(authenticateWith({ audience, resourceMetadata: true })).url).toContain(
      '/.well-known/oauth-protected-resource',
    );
  });

  it.each<[string, TokenIntrospectionOptions['audience']]>([
    ['a name', 'my-api'],
    ['several', ['https://api.example.com', 'https://api.example.org']],
    ['none', false],
    ['an http: URL', 'http://api.example.com'],
    ['a URL with a fragment', 'https://api.example.com#a'],
  ])('is required when the audience is %s', (_, audience) => {
    expect(errorOf({ audience })).toBe(`Option "metadata.resource" is missing; ${RESOURCE}`);
    expect(create(authenticateWith({ audience }), { resource: 'https://api.example.com' }).url).toBe(
      'https://api.example.com/.well-known/oauth-protected-resource',
    );
  });

  it.each(['https://user:password@api.example.com', ' https://api.example.com', 'https://api.example.com/é', '', 7])(
    'throws for %p',
    (resource) => {
      expect(errorOf({}, { resource })).toMatch(/^Option "metadata\.resource" is .+; write the URL of this API/);
    },
  );

  it('can be another one for a derived middleware', () => {
    const authenticate = authenticateWith();
    const second = { resource: 'https://api.example.com/v2' };
    expect(create(authenticate).url).toBe(create(authenticate).url);
    expect(() => create(authenticate, second)).toThrow(
      `Option "resourceMetadata" is a string that cannot be used; write '${URL_OF_API}/v2' in tokenIntrospection(): the metadata are published there`,
    );
    expect(create(authenticate.with({ resourceMetadata: `${URL_OF_API}/v2` }), second).url).toMatch(/\/v2$/);
  });
});

describe('metadata.authorization_servers of protectedResourceMetadata', () => {
  it.each<[string, Partial<TokenIntrospectionOptions>]>([
    ['there is no issuer', { issuer: undefined }],
    ['the issuer is a name', { issuer: 'accounts' }],
    ['the issuer is an http: URL', { issuer: 'http://as.example.com' }],
  ])('is required when %s', (_, options) => {
    expect(errorOf(options)).toBe(`Option "metadata.authorization_servers" is missing; ${SERVERS}`);
    expect(() => create(authenticateWith(options), { authorization_servers: [] })).toThrow(SERVERS);
    create(authenticateWith(options), { authorization_servers: ['https://as.example.com'] });
  });
});

describe('the option resourceMetadata', () => {
  it.each([true, URL_OF_API] as const)('may be %p for the URL of the metadata', (resourceMetadata) => {
    expect(create(authenticateWith({ resourceMetadata })).url).toBe(URL_OF_API);
  });

  it.each([
    [undefined, 'missing'],
    [`${URL_OF_API}/`, 'a string that cannot be used'],
  ])('throws when it is %p, because challenges must name the URL of the metadata', (resourceMetadata, kind) => {
    expect(errorOf({ resourceMetadata })).toBe(
      `Option "resourceMetadata" is ${kind}; write '${URL_OF_API}' in tokenIntrospection(): the metadata are published there`,
    );
  });

  it.each<TokenIntrospectionOptions['audience']>([false, 'my-api', ['https://a.example.com', 'https://b.example.com']])(
    'throws when it is true and the audience is %p, which is not one URL',
    (audience) => {
      expect(() => authenticateWith({ audience, resourceMetadata: true })).toThrow(
        'Option "resourceMetadata" is true; write the URL of the metadata: "audience" is not one URL',
      );
    },
  );
});

describe('protectedResourceMetadata', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const derived = 'leave it out: it follows from the options of the middleware';
  it.each<[string, unknown, string]>([
    ['scope_supported', ['read'], 'is not known here; did you mean "metadata.scopes_supported"?'],
    ['resource_name#', 'Reports', 'is not known here; '],
    ['resource_name#de#at', 'Reports', 'is not known here; '],
    ['jwks_uri#de', 'https://api.example.com/keys', 'is not known here; '],
    ['dpop_signing_alg_values_supported', ['ES256'], `is a list; ${derived}`],
    ['tls_client_certificate_bound_access_tokens', true, `is true; ${derived}`],
    ['signed_metadata', 'a.b.c', 'is a string that cannot be used; leave it out, and give a key to "signed"'],
    [
      'bearer_methods_supported',
      ['query'],
      'is a list; leave it out: it follows from "tokenFromBody" of the middleware',
    ],
  ])('throws for the member %s', (name, value, expected) => {
    expect(errorOf({}, { [name]: value })).toContain(`Option "metadata.${name}" ${expected}`);
  });

  it.each<[string, unknown, string]>([
    ['maxAge', 1, 'Option "maxAge" is not known here; did you mean "maxAgeSeconds"?'],
    ['later', 1, 'Option "later" is not known here; write one of signed, maxAgeSeconds'],
    ['maxAgeSeconds', -1, 'Option "maxAgeSeconds" is -1; write a whole number of seconds from 0 to 86400'],
    [
      'signed',
      'key',
      'Option "signed" is a string that cannot be used; write { key, … }, or a function that signs the metadata',
    ],
    ['signed', {}, 'Option "signed.key" is missing; write a private key: PEM, JWK, KeyObject or CryptoKey'],
    ['signed', { key: privateKey, kid: 'a' }, 'Option "signed.kid" is not known here; '],
    [
      'signed',
      { key: privateKey, alg: 'HS256' },
      'Option "signed.alg" is a string that cannot be used; this key signs with EdDSA, Ed25519',
    ],
    ['signed', { key: createSecretKey(Buffer.alloc(32)) }, 'Option "signed.key" is an object that cannot be used; '],
    ['signed', { key: privateKey, issuer: '' }, 'Option "signed.issuer" is an empty string; '],
  ])('throws for the option %s: %p', (name, value, expected) => {
    expect(errorOf({}, {}, { [name]: value })).toContain(expected);
  });

  it.each([[7], ['metadata'], [[]], [null]])('throws for %p instead of metadata', (metadata) => {
    expect(errorOf({}, metadata)).toMatch(/^Option "metadata" is .*; write a plain object$/);
  });

  it.each([[undefined], [{}], [() => {}], ['authenticate']])(
    'throws for %p instead of a middleware',
    (authenticate) => {
      expect(() => create(authenticate)).toThrow(
        /^Option "authenticate" is .*; write the middleware that tokenIntrospection\(\) returned$/,
      );
    },
  );

  it('says what to write when it is mounted without being called', () => {
    expect(() => create({ pipe() {} })).toThrow(
      new TypeError(
        'protectedResourceMetadata was mounted without being called; write app.use(protectedResourceMetadata(authenticate))',
      ),
    );
  });
});
