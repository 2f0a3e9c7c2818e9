import { IntrospectionError } from '../../lib/core/errors.js';
import { UnknownKeyError } from '../../lib/introspection/key-set.js';
import type { SignalSettings } from '../../lib/signals/options.js';
import { createSignalVerifier } from '../../lib/signals/signal-verifier.js';
import { createClock } from '../support/clock.js';
import { CLIENT, ISSUER } from '../support/signals.js';

const clock = createClock();
const NOW = clock.seconds();
const CLAIMS = { iss: ISSUER, aud: CLIENT, iat: NOW, jti: 'jti-1' };
const HEADER = { alg: 'ES256', typ: 'secevent+jwt' };

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value)).toString(
    'base64url',
  );

const toJwt = (claims: unknown = {}, header: unknown = {}) =>
  [
    encode(typeof header === 'string' ? header : { ...HEADER, ...(header as object) }),
    encode(typeof claims === 'string' || Buffer.isBuffer(claims) ? claims : { ...CLAIMS, ...(claims as object) }),
    'AA',
  ].join('.');

/** A verifier with keys that accept every signature, or fail with an error. */
function createVerifier({ allowJwtType = false, failure }: { allowJwtType?: boolean; failure?: unknown } = {}) {
  const asked: (readonly [string, readonly string[]])[] = [];
  const keys = {
    async verify(jwt: string, algorithms: readonly string[]) {
      asked.push([jwt, algorithms]);
      if (failure !== undefined) throw failure;
      return { payload: Buffer.from(String(jwt.split('.')[1]), 'base64url') };
    },
  };
  const settings = {
    ...{ issuer: ISSUER, audience: [CLIENT, 'other'], keys, algorithms: ['ES256', 'RS256'], clock },
    ...{ maxAgeMs: 300_000, toleranceMs: 5000 },
  };
  const verify = createSignalVerifier(settings as unknown as SignalSettings, 'secevent+jwt', allowJwtType);
  return { asked, verify };
}

describe('a verified signal', () => {
  it('has its claims, its jti and its payload as it was signed', async () => {
    const { asked, verify } = createVerifier();
    const payload = JSON.stringify(CLAIMS, null, 2);
    const jwt = toJwt(payload);
    expect(await verify(jwt)).toEqual({ claims: CLAIMS, jti: 'jti-1', payload });
    expect(asked).toEqual([[jwt, ['ES256', 'RS256']]]);
  });

  it.each<[string, object]>([
    ['aud in a list', { aud: ['x', CLIENT] }],
    ['the second audience', { aud: 'other' }],
    ['the earliest iat', { iat: NOW - 305 }],
    ['the latest iat', { iat: NOW + 5 }],
    ['an exp that has passed within the tolerance', { exp: NOW - 4.999 }],
    ['an nbf that comes within the tolerance', { nbf: NOW + 5 }],
    ['an exp in the future and an nbf in the past', { exp: NOW + 60, nbf: NOW - 60 }],
  ])('may have %s', async (_name, claims) => {
    expect((await createVerifier().verify(toJwt(claims))).claims).toEqual({ ...CLAIMS, ...claims });
  });

  it.each<[string, object, boolean]>([
    ['its type in upper case', { typ: 'SECEVENT+JWT' }, false],
    ['its type with a prefix', { typ: 'application/secevent+jwt' }, false],
    ['its type, although other types are allowed', {}, true],
    ['the type JWT, if it is allowed', { typ: 'JWT' }, true],
    ['no type, if that is allowed', { typ: undefined }, true],
    ['the second algorithm', { alg: 'RS256' }, false],
  ])('may have %s', async (_name, header, allowJwtType) => {
    expect((await createVerifier({ allowJwtType }).verify(toJwt({}, header))).jti).toBe('jti-1');
  });
});

describe('a signal is rejected before a key is used', () => {
  const jwt = toJwt();
  const [header, payload, signature] = jwt.split('.') as [string, string, string];

  it.each<[string, string]>([
    ['is empty', ''],
    ['begins with a space', ` ${jwt}`],
    ['ends with a space', `${jwt} `],
    ['ends with a line', `${jwt}\n`],
    ['has four parts', `${jwt}.AA`],
    ['has two parts', `${header}.${payload}`],
    ['has no header', `.${payload}.${signature}`],
    ['has no payload', `${header}..${signature}`],
    ['has no signature', `${header}.${payload}.`],
    ['has padding', `${header}=.${payload}.${signature}`],
    ['has a list as header', toJwt({}, '[]')],
    ['has a header that repeats a member', toJwt({}, '{"alg":"ES256","typ":"secevent+jwt","typ":"secevent+jwt"}')],
    ['has a critical extension', toJwt({}, { crit: ['b64'] })],
    ['has null as critical extensions', toJwt({}, { crit: null })],
  ])('as malformed if it %s', async (_name, text) => {
    const { asked, verify } = createVerifier();
    await expect(verify(text)).rejects.toMatchObject({ reason: 'malformed_token' });
    expect(asked).toEqual([]);
  });

  it.each<[unknown, boolean]>([
    ['JWT', false],
    [undefined, false],
    ['at+jwt', true],
    ['', true],
    [null, true],
    [['secevent+jwt'], true],
    ['secevent+application/jwt', false],
    ['text/secevent+jwt', false],
  ])('if its typ is %j (allowJwtType: %s)', async (typ, allowJwtType) => {
    const { asked, verify } = createVerifier({ allowJwtType });
    await expect(verify(toJwt({}, { typ }))).rejects.toMatchObject({ reason: 'wrong_type' });
    expect(asked).toEqual([]);
  });

  it.each([['none'], ['HS256'], [undefined], [['ES256']], ['']])('if its alg is %j', async (alg) => {
    const { asked, verify } = createVerifier();
    await expect(verify(toJwt({}, { alg }))).rejects.toMatchObject({ reason: 'wrong_algorithm' });
    expect(asked).toEqual([]);
  });
});

describe('a signal with a valid signature is rejected', () => {
  it.each<[string, unknown]>([
    ['is not UTF-8', Buffer.from(JSON.stringify({ ...CLAIMS, name: 'ü' }), 'latin1')],
    ['is not JSON', '{'],
    ['is a list', '[]'],
    ['repeats a member', `{"iss":"x",${JSON.stringify(CLAIMS).slice(1)}`],
  ])('as malformed if its payload %s', async (_name, payload) => {
    await expect(createVerifier().verify(toJwt(payload))).rejects.toMatchObject({ reason: 'malformed_token' });
  });

  it.each<[string, object]>([
    ['wrong_issuer', { iss: undefined }],
    ['wrong_issuer', { iss: `${ISSUER}/` }],
    ['wrong_issuer', { iss: [ISSUER] }],
    ['wrong_audience', { aud: undefined }],
    ['wrong_audience', { aud: 'x' }],
    ['wrong_audience', { aud: [] }],
    ['wrong_audience', { aud: [[CLIENT]] }],
    ['wrong_audience', { aud: { [CLIENT]: true } }],
    ['wrong_time', { iat: undefined }],
    ['wrong_time', { iat: null }],
    ['wrong_time', { iat: `${NOW}` }],
    ['wrong_time', { iat: NOW - 305.001 }],
    ['wrong_time', { iat: NOW + 5.001 }],
    ['wrong_time', { nbf: NOW + 5.001 }],
    ['wrong_time', { nbf: null }],
    ['wrong_time', { nbf: `${NOW}` }],
    ['expired', { exp: NOW - 5 }],
    ['expired', { exp: null }],
    ['expired', { exp: `${NOW + 60}` }],
    ['expired', { exp: 0 }],
    ['missing_jti', { jti: undefined }],
    ['missing_jti', { jti: '' }],
    ['missing_jti', { jti: 7 }],
  ])('as %s with the claims %j', async (reason, claims) => {
    await expect(createVerifier().verify(toJwt(claims))).rejects.toMatchObject({ reason });
  });

  it.each([
    ['wrong_time', 'iat', '1e999'],
    ['wrong_time', 'nbf', '-1e999'],
    ['expired', 'exp', '1e999'],
  ])('as %s if its %s is too large for a number', async (reason, name, number) => {
    const payload = `{"${name}":${number},${JSON.stringify({ ...CLAIMS, [name]: undefined }).slice(1)}`;
    await expect(createVerifier().verify(toJwt(payload))).rejects.toMatchObject({ reason });
  });
});

it.each<[string, unknown, object]>([
  ['recently fetched keys', new UnknownKeyError(7), { reason: 'keys_unavailable', retryAfterSeconds: 7 }],
  [
    'keys that cannot be fetched',
    new IntrospectionError('discovery_failed', 'jwks_uri: HTTP 500', 9),
    { reason: 'keys_unavailable', retryAfterSeconds: 9 },
  ],
  [
    'keys that do not fit',
    Object.assign(new Error('hush'), { code: 'ERR_JWKS_NO_MATCHING_KEY' }),
    { reason: 'unknown_key', retryAfterSeconds: 1 },
  ],
  ['any other failure', new Error('hush'), { reason: 'wrong_signature', retryAfterSeconds: 1 }],
])('a signal is rejected, or cannot be verified now, because of %s', async (_name, failure, expected) => {
  await expect(createVerifier({ failure }).verify(toJwt())).rejects.toMatchObject(expected);
});
