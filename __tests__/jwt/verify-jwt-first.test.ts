import { createSecretKey } from 'node:crypto';
import type { TokenIntrospectionOptions } from '../../lib/index.js';
import { type VerifyJwtOptions, verifyJwtFirst } from '../../lib/jwt/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { INVALID_TOKEN } from '../support/challenges.js';
import { recordEvents } from '../support/channels.js';
import { createClock } from '../support/clock.js';
import {
  createSigningPair,
  issueJwt,
  type JwtIssuer,
  type SigningPair,
  startJwtIssuer,
} from '../support/jwt-issuer.js';

const KEY = createSigningPair('first');
const NEXT = createSigningPair('second');
const FORGED = createSigningPair('first');

/** After the keys were fetched, they are fetched again for a bad signature only after this many seconds. */
const COOLDOWN = 5;

function create(
  server: JwtIssuer,
  options: Partial<VerifyJwtOptions> = {},
  more: Partial<TokenIntrospectionOptions> = {},
) {
  const clock = createClock(Math.floor(Date.now() / 1000));
  const authenticate = createAuthenticate(
    { url: server.introspectionEndpoint },
    {
      clock,
      cache: { ttlSeconds: 0, inactiveTtlSeconds: 3600 },
      precheck: verifyJwtFirst({ issuer: server.issuer, clock, ...options }),
      ...more,
    },
  );
  const outcomeOf = (token: string) =>
    authenticate.introspect(token).then(
      () => 'accepted',
      (error: { reason?: string; code: string }) => error.reason ?? error.code,
    );
  return { authenticate, clock, outcomeOf, app: createApp(authenticate) };
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('verifyJwtFirst', () => {
  it('lets the endpoint decide about a genuine JWT, also when it is revoked', async () => {
    const server = await startJwtIssuer(KEY);
    const { app } = create(server);
    const [good, revoked] = await Promise.all([issueJwt(server, KEY), issueJwt(server, KEY, { jti: 'revoked' })]);
    server.revoked.add(revoked as string);
    await get(app, good).expect(200);
    const response = await get(app, revoked).expect(401);
    expect(response.headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(server.introspected).toEqual([good, revoked]);
  });

  it.each<[string, (server: JwtIssuer) => string | Promise<string>, string]>([
    ['with a signature of another key', (server) => issueJwt(server, FORGED), 'signature'],
    ['with an unknown kid', (server) => issueJwt(server, createSigningPair('unknown')), 'unknown_key'],
    ['of another issuer', () => issueJwt({ issuer: 'https://other.example.com' }, KEY), 'issuer'],
    ['of the issuer with a slash at the end', ({ issuer }) => issueJwt({ issuer: `${issuer}/` }, KEY), 'issuer'],
    ['without iss', (server) => issueJwt(server, KEY, { iss: undefined }), 'issuer'],
    ['with a list as iss', (server) => issueJwt(server, KEY, { iss: [server.issuer] as never }), 'issuer'],
    ['that has expired', (server) => issueJwt(server, KEY, { exp: 1 }), 'expired'],
    ['with exp: 0', (server) => issueJwt(server, KEY, { exp: 0 }), 'expired'],
    ['with a text as exp', ({ issuer }) => tampered(KEY, { iss: issuer, exp: '9999999999' }), 'expired'],
    ['with null as exp', ({ issuer }) => tampered(KEY, { iss: issuer, exp: null }), 'expired'],
    ['that is not valid yet', (server) => issueJwt(server, KEY, { nbf: 9_999_999_999 }), 'not_yet_valid'],
    ['with another algorithm', ({ issuer }) => unsigned({ alg: 'none' }, { iss: issuer }), 'algorithm'],
    ['with the public key as a secret', ({ issuer }) => signedWithPublicKey(issuer), 'algorithm'],
    ['with a list as payload', () => `${encode({ alg: 'ES256' })}.${encode([])}.c2ln`, 'malformed'],
    ['with null as payload', () => `${encode({ alg: 'ES256' })}.${encode(null)}.c2ln`, 'malformed'],
    ['without a payload', () => `${encode({ alg: 'ES256' })}..c2ln`, 'malformed'],
    ['with a truncated signature', async (server) => (await issueJwt(server, KEY)).slice(0, -2), 'signature'],
    ['with a changed claim', async (server) => withClaims(await issueJwt(server, KEY), { sub: 'admin' }), 'signature'],
    ['with an unknown critical header', (server) => critical(server), 'malformed'],
  ])('rejects a JWT %s, without an introspection request', async (_title, forge, fault) => {
    const server = await startJwtIssuer(KEY);
    const events = recordEvents('jwt');
    const { app } = create(server);
    const response = await get(app, await forge(server)).expect(401);
    expect(response.headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(server.introspected).toEqual([]);
    expect(events).toMatchObject([{ outcome: 'rejected', fault, tokenDigest: expect.stringMatching(/^[\w-]{12}$/) }]);
  });

  it.each<[string, string]>([
    ['an opaque token', 'opaque-token'],
    ['an opaque token with two dots', 'ory_at_a.b.c'],
    ['three parts whose first is no JSON', `${Buffer.from('{').toString('base64url')}.c2ln.c2ln`],
    ['a header without alg', `${encode({ typ: 'JWT' })}.${encode({})}.c2ln`],
    ['a header whose alg is no text', `${encode({ alg: ['ES256'] })}.${encode({})}.c2ln`],
    ['a list as header', `${encode(['ES256'])}.${encode({})}.c2ln`],
    ['an encrypted JWT', `${encode({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.c2ln.c2ln.c2ln.c2ln`],
  ])('lets the endpoint decide about %s', async (_title, token) => {
    const server = await startJwtIssuer(KEY);
    const events = recordEvents('jwt');
    await get(create(server).app, token).expect(200);
    expect([server.introspected, server.fetches(), events]).toEqual([[token], 0, []]);
  });

  it('accepts a JWT without exp and nbf, and leaves its life to the endpoint', async () => {
    const server = await startJwtIssuer(KEY);
    const token = await issueJwt(server, KEY, { exp: undefined });
    expect(await create(server).outcomeOf(token)).toBe('accepted');
  });

  it.each<[number, number | undefined, string]>([
    [4, undefined, 'accepted'],
    [6, undefined, 'invalid_jwt'],
    [1, 0, 'invalid_jwt'],
    [50, 60, 'accepted'],
  ])('tolerates clocks that differ: %d seconds with clockToleranceSeconds %p: %s', async (late, tolerance, outcome) => {
    const server = await startJwtIssuer(KEY);
    const { clock, outcomeOf } = create(server, { clockToleranceSeconds: tolerance });
    const now = clock.seconds();
    const expired = await issueJwt(server, KEY, { exp: now - late });
    const early = await issueJwt(server, KEY, { nbf: now + late });
    expect([await outcomeOf(expired), await outcomeOf(early)]).toEqual([outcome, outcome]);
  });

  it.each<[string, string | undefined, string | undefined, string]>([
    ['the same type', 'at+jwt', 'at+jwt', 'accepted'],
    ['the type with a prefix', 'at+jwt', 'application/at+jwt', 'accepted'],
    ['the type in upper case', 'application/at+jwt', 'AT+JWT', 'accepted'],
    ['another type', 'at+jwt', 'JWT', 'invalid_jwt'],
    ['no type', 'at+jwt', undefined, 'invalid_jwt'],
    ['any type if none is required', undefined, 'id+jwt', 'accepted'],
  ])('with typ set, decides about %s', async (_title, typ, sent, outcome) => {
    const server = await startJwtIssuer(KEY);
    const token = await issueJwt(server, KEY, {}, sent === undefined ? {} : { typ: sent });
    expect(await create(server, { typ }).outcomeOf(token)).toBe(outcome);
  });

  it('accepts only the algorithms of the option', async () => {
    const server = await startJwtIssuer(KEY);
    const token = await issueJwt(server, KEY);
    expect(await create(server, { algorithms: ['RS256'] }).outcomeOf(token)).toBe('invalid_jwt');
    expect(await create(server, { algorithms: ['RS256', 'ES256'] }).outcomeOf(token)).toBe('accepted');
  });

  it('uses keys of the option, without a request for metadata', async () => {
    const server = await startJwtIssuer();
    const jwk = { ...KEY.publicKey.export({ format: 'jwk' }), kid: KEY.kid };
    for (const keys of [KEY.publicKey, { keys: [jwk] }, jwk]) {
      const { outcomeOf } = create(server, { issuer: 'urn:issuer', keys });
      expect(await outcomeOf(await issueJwt({ issuer: 'urn:issuer' }, KEY))).toBe('accepted');
      expect(await outcomeOf(await issueJwt({ issuer: 'urn:issuer' }, FORGED))).toBe('invalid_jwt');
    }
    expect(server.fetches()).toBe(0);
  });

  it('verifies again what memory no longer holds, and nothing that it holds', async () => {
    const server = await startJwtIssuer(KEY);
    const events = recordEvents('jwt');
    const { outcomeOf } = create(server, {}, { cache: {} });
    const token = await issueJwt(server, KEY);
    for (let request = 0; request < 3; request++) expect(await outcomeOf(token)).toBe('accepted');
    expect(events).toMatchObject([{ outcome: 'verified' }]);
  });

  it('can be called by a precheck of your own, with any signal', async () => {
    const server = await startJwtIssuer(KEY);
    const verify = verifyJwtFirst({ issuer: server.issuer });
    const [good, forged] = await Promise.all([issueJwt(server, KEY), issueJwt(server, FORGED)]);
    const { signal } = new AbortController();
    await expect(verify(good, { signal })).resolves.toBeUndefined();
    await expect(verify(forged, { signal })).rejects.toMatchObject({ reason: 'invalid_jwt' });
    expect(verify('opaque', { signal })).toBeUndefined();
  });

  it('leaves the decision to the endpoint when the signal aborts, also before the call', async () => {
    const server = await startJwtIssuer(KEY);
    server.keysMode = 'hanging';
    const verify = verifyJwtFirst({ issuer: server.issuer });
    const forged = await issueJwt(server, FORGED);
    const controller = new AbortController();
    const verifying = verify(forged, { signal: controller.signal });
    controller.abort();
    await expect(verifying).resolves.toBeUndefined();
    await expect(verify(forged, { signal: AbortSignal.abort() })).resolves.toBeUndefined();
  });

  it.each<[unknown, string]>([
    [{}, '"issuer"'],
    [{ issuer: '' }, '"issuer"'],
    [{ issuer: 'as.example.com' }, '"issuer"'],
    [{ issuer: 'http://as.example.com' }, '"issuer"'],
    [{ issuer: 'https://as.example.com', algorithms: ['HS256'] }, '"jwtResponse.algorithms"'],
    [{ issuer: 'https://as.example.com', algorithms: ['none'] }, 'algorithms'],
    [{ issuer: 'https://as.example.com', algorithms: [] }, 'algorithms'],
    [{ issuer: 'https://as.example.com', typ: '' }, '"typ"'],
    [{ issuer: 'https://as.example.com', keys: 'no key' }, '"keys"'],
    [{ issuer: 'https://as.example.com', keys: { keys: [] } }, '"keys"'],
    [{ issuer: 'https://as.example.com', keys: 'http://as.example.com/jwks' }, '"keys"'],
    [{ issuer: 'https://as.example.com', clockToleranceSeconds: 301 }, '"clockToleranceSeconds"'],
    [{ issuer: 'https://as.example.com', dispatcher: {} }, '"dispatcher"'],
    [{ issuer: 'https://as.example.com', clock: {} }, '"clock"'],
    [{ issuer: 'https://as.example.com', audience: 'a' }, '"audience"'],
    [undefined, '"options"'],
  ])('throws for %j, and names the option', (options, name) => {
    expect(() => verifyJwtFirst(options as VerifyJwtOptions)).toThrow(TypeError);
    expect(() => verifyJwtFirst(options as VerifyJwtOptions)).toThrow(name.replace('jwtResponse.', ''));
  });
});

describe('a flood of forged JWTs', () => {
  it.each<[string, (i: number) => SigningPair]>([
    ['with a known kid', () => FORGED],
    ['with random kids', (i) => ({ ...FORGED, kid: `random-${i}` })],
    ['without a kid', () => ({ ...FORGED, kid: undefined })],
  ])('%s causes no introspection request, and one request for the keys in each cooldown', async (_title, pairOf) => {
    const server = await startJwtIssuer(KEY);
    const { clock, outcomeOf } = create(server, {}, { timeoutMs: 60_000 });
    const tokens = await Promise.all(
      Array.from({ length: 750 }, (_, i) => issueJwt(server, pairOf(i), { jti: `${i}` })),
    );
    for (const round of [0, 1, 2]) {
      const outcomes = await Promise.all(tokens.slice(round * 250, round * 250 + 250).map(outcomeOf));
      expect(new Set(outcomes)).toEqual(new Set(['invalid_jwt']));
      clock.advance(COOLDOWN);
    }
    expect(server.introspected).toEqual([]);
    expect(server.fetches()).toBeLessThanOrEqual(3);
    expect(await outcomeOf(await issueJwt(server, KEY))).toBe('accepted');
  });
});

/** Makes `verifyJwtFirst` fetch the keys now, as a forged JWT does. */
async function fetchKeys(server: JwtIssuer, outcomeOf: (token: string) => Promise<string>): Promise<void> {
  await outcomeOf(await issueJwt(server, createSigningPair('random'), { jti: String(Math.random()) }));
}

describe('when the issuer replaces its key', () => {
  const KINDS: readonly (readonly [string, SigningPair, SigningPair])[] = [
    ['by one with another kid', KEY, NEXT],
    ['by one with the same kid', KEY, { ...NEXT, kid: KEY.kid }],
    ['by one, both without a kid', { ...KEY, kid: undefined }, { ...NEXT, kid: undefined }],
  ];

  it.each(KINDS)('%s, a token of the new key is accepted at once', async (_title, before, after) => {
    const server = await startJwtIssuer(before);
    const { clock, outcomeOf } = create(server);
    expect(await outcomeOf(await issueJwt(server, before))).toBe('accepted');
    clock.advance(COOLDOWN);
    server.published = [after];
    expect(await outcomeOf(await issueJwt(server, after))).toBe('accepted');
    expect(server.fetches()).toBe(2);
  });

  it.each(KINDS)(
    '%s right after a fetch, a token of the new key is refused until the cooldown ends',
    async (_title, before, after) => {
      const server = await startJwtIssuer(before);
      const { clock, outcomeOf } = create(server);
      expect(await outcomeOf(await issueJwt(server, before))).toBe('accepted');
      server.published = [after];
      const token = await issueJwt(server, after);
      clock.advance(COOLDOWN - 1);
      expect(await outcomeOf(token)).toBe('invalid_jwt');
      clock.advance(0.9);
      expect(await outcomeOf(token)).toBe('invalid_jwt');
      clock.advance(0.1);
      expect(await outcomeOf(token)).toBe('accepted');
      expect(server.introspected).toHaveLength(2);
    },
  );

  it.each(KINDS)('%s, tokens of both keys are accepted while both are published', async (_title, before, after) => {
    const server = await startJwtIssuer(before, after);
    const { outcomeOf } = create(server);
    expect(await outcomeOf(await issueJwt(server, before))).toBe('accepted');
    expect(await outcomeOf(await issueJwt(server, after))).toBe('accepted');
  });

  it('and forged tokens arrive all the time, a token of the new key is refused for the cooldown at most', async () => {
    const server = await startJwtIssuer(KEY);
    const { clock, outcomeOf } = create(server);
    await fetchKeys(server, outcomeOf);
    server.published = [NEXT];
    const token = await issueJwt(server, NEXT);
    let waited = 0;
    while ((await outcomeOf(token)) !== 'accepted') {
      clock.advance(1);
      waited++;
      await fetchKeys(server, outcomeOf);
    }
    expect(waited).toBeLessThanOrEqual(COOLDOWN);
  });
});

describe.each(['down', 'hanging', 'html', 'empty', 'unavailable'] as const)('while the keys are %s', (keysMode) => {
  it('the endpoint decides about good, revoked and forged tokens, and an event says so', async () => {
    const server = await startJwtIssuer(KEY);
    server.keysMode = keysMode;
    const events = recordEvents('jwt');
    const { outcomeOf } = create(server, {}, { timeoutMs: keysMode === 'hanging' ? 300 : 60_000 });
    const [good, revoked, forged] = (await Promise.all(
      [KEY, KEY, FORGED].map((pair, i) => issueJwt(server, pair, { jti: `${i}` })),
    )) as [string, string, string];
    server.revoked.add(revoked).add(forged);
    expect([await outcomeOf(good), await outcomeOf(revoked), await outcomeOf(forged)]).toEqual([
      'accepted',
      'inactive',
      'inactive',
    ]);
    expect(events.map(({ outcome }) => outcome)).toEqual(Array(3).fill('keys_unavailable'));
    expect(server.introspected).toEqual([good, revoked, forged]);
  });

  it('keys that are known stay in use', async () => {
    const server = await startJwtIssuer(KEY);
    const { clock, outcomeOf } = create(server, {}, { timeoutMs: 60_000 });
    expect(await outcomeOf(await issueJwt(server, KEY))).toBe('accepted');
    server.keysMode = keysMode;
    expect(await outcomeOf(await issueJwt(server, FORGED))).toBe('invalid_jwt');
    clock.advance(COOLDOWN);
    expect(await outcomeOf(await issueJwt(server, KEY, { jti: 'other' }))).toBe('accepted');
    expect(server.introspected).toHaveLength(2);
  });

  it('they are requested again after a pause, and then forged tokens cost nothing again', async () => {
    const server = await startJwtIssuer(KEY);
    server.keysMode = keysMode;
    const { clock, outcomeOf } = create(server, {}, { timeoutMs: keysMode === 'hanging' ? 300 : 60_000 });
    const forged = await issueJwt(server, FORGED);
    server.revoked.add(forged);
    expect(await outcomeOf(forged)).toBe('inactive');
    server.keysMode = 'up';
    // A fetch that hangs ends after 3 seconds; the pause begins then.
    if (keysMode === 'hanging') return;
    clock.advance(COOLDOWN);
    const other = await issueJwt(server, FORGED, { jti: 'other' });
    expect(await outcomeOf(other)).toBe('invalid_jwt');
    expect(server.introspected).toEqual([forged]);
  });
});

async function tampered(pair: SigningPair, claims: object): Promise<string> {
  const { CompactSign } = await import('jose');
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: pair.alg, ...(pair.kid !== undefined && { kid: pair.kid }) })
    .sign(pair.privateKey);
}

function unsigned(header: object, claims: object): string {
  return `${encode(header)}.${encode(claims)}.`;
}

async function signedWithPublicKey(issuer: string): Promise<string> {
  const { SignJWT } = await import('jose');
  const secret = createSecretKey(KEY.publicKey.export({ type: 'spki', format: 'pem' }) as string, 'utf8');
  return new SignJWT({ iss: issuer }).setProtectedHeader({ alg: 'HS256', kid: 'first' }).sign(secret);
}

function withClaims(token: string, claims: object): string {
  const [header, payload = '', signature] = token.split('.');
  const changed = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), ...claims };
  return [header, encode(changed), signature].join('.');
}

async function critical({ issuer }: JwtIssuer): Promise<string> {
  const token = await tampered(KEY, { iss: issuer });
  const [, payload, signature] = token.split('.');
  return [encode({ alg: 'ES256', kid: 'first', crit: ['urn:x'], 'urn:x': true }), payload, signature].join('.');
}
