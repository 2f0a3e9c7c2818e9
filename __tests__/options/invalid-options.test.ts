import { bearerToken, clientSecretBasic } from '../../lib/index.js';
import {
  errorOf,
  HUSH,
  INVALID_CACHE,
  INVALID_CASES,
  INVALID_DPOP,
  INVALID_JWT_RESPONSE,
  isDescribed,
  REMEDIES,
  REQUIRED,
  SECRET,
  SIGNED,
  settingsOf,
  shown,
} from '../support/option-cases.js';

describe('an invalid option', () => {
  it.each(INVALID_CASES)('%s throws for %s, with its name and the remedy, and without its value', (name, _, value) => {
    const message = errorOf({ ...REQUIRED, [name]: value });
    expect(message).toMatch(new RegExp(`^Option "${name}" is .+; `));
    expect(message.endsWith(`; ${REMEDIES[name]}`)).toBe(true);
    expect(message).not.toContain(HUSH);
  });

  it.each(
    Object.entries(INVALID_CACHE).flatMap(([name, values]) =>
      values.map((value) => [name, shown(value), value] as const),
    ),
  )('cache.%s throws for %s, by its full name', (name, _, value) => {
    const message = errorOf({ ...REQUIRED, cache: { [name]: value } });
    expect(isDescribed(message, `cache.${name}`)).toBe(true);
    expect(message).not.toContain(HUSH);
  });

  it.each(
    Object.entries(INVALID_JWT_RESPONSE).flatMap(([name, values]) =>
      values.map((value) => [name, shown(value), value] as const),
    ),
  )('jwtResponse.%s throws for %s, by its full name', (name, _, value) => {
    const message = errorOf({ ...SIGNED, jwtResponse: { [name]: value } });
    expect(message).toMatch(new RegExp(`^Option "jwtResponse\\.${name}" is .+; `));
    expect(message.endsWith(`; ${REMEDIES[`jwtResponse.${name}`]}`)).toBe(true);
    expect(message).not.toContain(HUSH);
  });

  it.each(
    Object.entries(INVALID_DPOP).flatMap(([name, values]) =>
      values.map((value) => [name, shown(value), value] as const),
    ),
  )('dpop.%s throws for %s, by its full name', (name, _, value) => {
    const message = errorOf({ ...REQUIRED, dpop: { [name]: value } });
    expect(isDescribed(message, `dpop.${name}`, 'dpop.nonce.secrets')).toBe(true);
    expect(message).not.toContain(HUSH);
  });

  it.each([
    ['undefined is missing', undefined],
    ['null is null', null],
    ['an empty string', ''],
    ['a string that cannot be used', HUSH],
    ['7', 7],
    ['true', true],
    ['a list', [HUSH]],
    ['an empty list', []],
    ['an object that cannot be used', { HUSH }],
    ['a function that cannot be used', () => HUSH],
    ['a bigint that cannot be used', 7n],
    ['a symbol that cannot be used', Symbol(HUSH)],
  ])('is described by its type: %s', (description, value) => {
    const kind = description.replace(/^.* is /, '');
    expect(errorOf({ ...REQUIRED, clientAuth: value })).toBe(`Option "clientAuth" is ${kind}; ${REMEDIES.clientAuth}`);
  });

  it.each(['endpoint', 'clientAuth', 'audience'])('%s is described when it is missing', (name) => {
    expect(errorOf({ ...REQUIRED, [name]: undefined })).toBe(`Option "${name}" is missing; ${REMEDIES[name]}`);
  });

  it.each([
    ['http://as.example.com/a', 'write an https: URL; http: is for loopback hosts, or with dangerouslyAllowHttp'],
    [
      'http://localhost.example.com/a',
      'write an https: URL; http: is for loopback hosts, or with dangerouslyAllowHttp',
    ],
    [
      'http://127.0.0.1.example.com/a',
      'write an https: URL; http: is for loopback hosts, or with dangerouslyAllowHttp',
    ],
    ['http://10.0.0.1/a', 'write an https: URL; http: is for loopback hosts, or with dangerouslyAllowHttp'],
    ['http://[::2]/a', 'write an https: URL; http: is for loopback hosts, or with dangerouslyAllowHttp'],
    ['ftp://as.example.com/a', 'write an https: URL'],
    ['ws://localhost/a', 'write an https: URL'],
    ['data:text/plain,hush-hush', 'write an https: URL'],
    [`https://api:${HUSH}@as.example.com/a`, 'leave the credentials out of the URL and give them to "clientAuth"'],
    [`https://${HUSH}@as.example.com/a`, 'leave the credentials out of the URL and give them to "clientAuth"'],
    ['https://as.example.com/a#b', 'leave the fragment out (RFC 7662 section 2)'],
  ])('endpoint is rejected when it is %s', (endpoint, remedy) => {
    expect(errorOf({ ...REQUIRED, endpoint })).toBe(`Option "endpoint" is a string that cannot be used; ${remedy}`);
    expect(errorOf({ ...REQUIRED, endpoint: new URL(endpoint) })).toBe(
      `Option "endpoint" is an object that cannot be used; ${remedy}`,
    );
  });

  it.each([
    ['ftp://as.example.com/a', 'write an https: URL'],
    ['data:text/plain,a', 'write an https: URL'],
  ])('endpoint is rejected with dangerouslyAllowHttp too when it is %s', (endpoint, remedy) => {
    expect(errorOf({ ...REQUIRED, endpoint, dangerouslyAllowHttp: true })).toContain(remedy);
  });
});

describe('an unknown option', () => {
  const known = Object.keys(REMEDIES).filter((name) => !name.includes('.'));

  it.each([
    ['scope', 'scopes'],
    ['Audience', 'audience'],
    ['cach', 'cache'],
    ['cacheTtl', 'cache'],
    ['endpont', 'endpoint'],
    ['timeout', 'timeoutMs'],
    ['client_auth', 'clientAuth'],
  ])('is rejected with the name that was meant: %s', (name, meant) => {
    const message = errorOf({ ...REQUIRED, [name]: HUSH });
    expect(message).toBe(`Option "${name}" is not known here; did you mean "${meant}"?`);
  });

  it.each(['toString', 'hasOwnProperty', '__defineGetter__', `cache${'e'.repeat(1000)}`])(
    'is rejected with all known names when none is similar: %s',
    (name) => {
      const message = errorOf({ ...REQUIRED, [name]: HUSH });
      expect(message.startsWith(`Option "${name}" is not known here; write one of `)).toBe(true);
      expect(
        message
          .slice(message.indexOf('one of ') + 7)
          .split(', ')
          .sort(),
      ).toEqual([...known].sort());
      expect(message).not.toContain(HUSH);
    },
  );

  it('is rejected within cache, by its full name', () => {
    expect(errorOf({ ...REQUIRED, cache: { ttl: 60 } })).toBe(
      'Option "cache.ttl" is not known here; did you mean "cache.ttlSeconds"?',
    );
  });

  it('is rejected within dpop, by its full name', () => {
    expect(errorOf({ ...REQUIRED, dpop: { maxAge: 60 } })).toBe(
      'Option "dpop.maxAge" is not known here; did you mean "dpop.maxAgeSeconds"?',
    );
  });

  it('is ignored when it is undefined', () => {
    expect(settingsOf({ later: undefined, cache: { later: undefined } }).timeoutMs).toBe(3000);
  });
});

describe('an invalid secret in a list', () => {
  const secretError = (...secrets: unknown[]) => errorOf({ ...REQUIRED, cache: { secrets } });

  it.each([
    [[undefined], 'cache.secrets[0] is undefined; is CACHE_SECRET set?'],
    [[SECRET, ''], 'cache.secrets[1] is an empty string; is CACHE_SECRET set?'],
    [[SECRET, HUSH], 'cache.secrets[1] is too short; write a secret of at least 32 bytes, as a string'],
    [[7], 'cache.secrets[0] is not a string; write a secret of at least 32 bytes, as a string'],
  ])('is named by its position: %j', (secrets, message) => {
    expect(secretError(...secrets)).toBe(message);
  });

  it('is named by its position for nonces too', () => {
    expect(errorOf({ ...REQUIRED, dpop: { nonce: { secrets: [undefined] } } })).toBe(
      'dpop.nonce.secrets[0] is undefined; is NONCE_SECRET set?',
    );
  });
});

describe('a secret', () => {
  it('is not shown by an error of a factory or of the middleware', () => {
    expect(errorOf('id', () => bearerToken(`${HUSH} x`))).not.toContain(HUSH);
    expect(errorOf('id', () => clientSecretBasic('a:b', HUSH, { encode: false }))).not.toContain(HUSH);
    expect(errorOf({ ...REQUIRED, headers: { authorization: `Bearer ${HUSH}` } })).not.toContain(HUSH);
    expect(errorOf({ ...REQUIRED, clientAuth: clientSecretBasic('api', HUSH).identity })).not.toContain(HUSH);
  });
});
