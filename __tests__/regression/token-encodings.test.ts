import { generateKeyPairSync, sign } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { CHANNELS } from '../../lib/diagnostics/channels.js';
import { createApi, createAuthenticate } from '../support/api.js';
import { recordDecisions } from '../support/decisions.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { createSharedMemory } from '../support/shared-memory.js';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');

/** All base64url texts that decode to the same bytes when the decoder ignores unused bits. */
function twinsOf(text: string): string[] {
  const unused = { 2: 4, 3: 2 }[text.length % 4] ?? 0;
  const last = DIGITS.indexOf(text.at(-1) as string);
  const twins = Array.from({ length: 2 ** unused - 1 }, (_, bits) => DIGITS[last + bits + 1] as string);
  return twins.map((digit) => text.slice(0, -1) + digit);
}

describe('a JWT with an encoding that no issuer produces', () => {
  const header = part({ alg: 'ES256' });
  const payload = part({ sub: 'alice', jti: 'j1' });
  const signature = Buffer.alloc(64, 7).toString('base64url');
  const jwt = `${header}.${payload}.${signature}`;

  it.each([
    ['unused bits in the signature', twinsOf(signature).map((twin) => `${header}.${payload}.${twin}`)],
    [
      'unused bits in the payload',
      [`${header}.${payload.slice(0, -1)}${twinsOf(`a${payload}`.slice(1))[0]?.at(-1) ?? '='}.x`],
    ],
    ['padding', [`${jwt}=`, `${jwt}==`]],
    ['the alphabet of base64', [`${header}.${payload}.ab+/`]],
    ['a character that lenient decoders skip', [`${header}.${payload}.${signature}~`, `~${jwt}`, `ey~${jwt.slice(2)}`]],
    ['one character too many', [`${header}.${payload}.${Buffer.alloc(96, 7).toString('base64url')}A`]],
    [
      'a JWE with unused bits in its tag',
      twinsOf('AA').map((twin) => `${part({ alg: 'dir', enc: 'A128GCM' })}..AAAA.AAAA.${twin}`),
    ],
    ['white space before the header', [`${Buffer.from(' {"alg":"none"}').toString('base64url')}.e30.AB`]],
  ])('is malformed: %s', async (_what, tokens) => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint);
    expect(tokens).not.toHaveLength(0);
    for (const token of tokens) await api.get(token).expect(400);
    expect(endpoint.asked).toEqual([]);
    expect(api.authenticate.stats().entries).toBe(0);
  });

  it.each([
    ['a JWS', jwt],
    ['an unsigned JWT', `${header}.${payload}.`],
    ['a JWE without an encrypted key', `${part({ alg: 'dir' })}..AAAA.AAAA.AA`],
    ['an opaque token of three parts', 'SG.abcdefghB.ijklmnopB'],
    ['an opaque token of a version, a purpose and a payload', 'v4.public.abcdefghB'],
    ['an opaque token of two parts', `${header}.abB`],
    ['an opaque token of five parts', 'a.b.c.d.e'],
    ['an opaque token with padding', 'abcdefghB==='],
    ['an opaque token whose first part has a brace later', `${Buffer.from('a{"b"').toString('base64url')}.b.c`],
  ])('is not confused with a valid token: %s', async (_what, token) => {
    const endpoint = await createEndpoint(active());
    await createApi(endpoint).get(token).expect(200);
    expect(endpoint.asked[0]?.form.get('token')).toBe(token);
  });
});

describe('invalidate({ token })', () => {
  /** RFC 7518 section 3.4: `(r, n - s)` is as valid a signature as `(r, s)`, and both are canonical. */
  function twinSignature(signature: Buffer): Buffer {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = BigInt(`0x${signature.subarray(32).toString('hex')}`);
    const twin = Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex');
    return Buffer.concat([signature.subarray(0, 32), twin]);
  }

  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const content = `${part({ alg: 'ES256' })}.${part({ jti: 'j1' })}`;
  const signature = sign('sha256', Buffer.from(content), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const [victim, thief] = [signature, twinSignature(signature)].map(
    (bytes) => `${content}.${bytes.toString('base64url')}`,
  ) as [string, string];

  it('also removes the other encodings, whose records have the same jti', async () => {
    const endpoint = await createEndpoint(active({ jti: 'j1' }));
    const api = createApi(endpoint);
    await api.get(victim).expect(200);
    await api.get(thief).expect(200);
    endpoint.script = { active: false };
    await api.authenticate.invalidate({ token: victim });
    await api.get(victim).expect(401);
    await api.get(thief).expect(401);
  });

  it('keeps other tokens and those without a jti', async () => {
    const endpoint = await createEndpoint(({ form }) =>
      active(form.get('token') === 'without' ? {} : { jti: form.get('token') }),
    );
    const api = createApi(endpoint);
    for (const token of ['mine', 'other', 'without']) await api.get(token).expect(200);
    await api.authenticate.invalidate({ token: 'mine' });
    await api.authenticate.invalidate({ token: 'without' });
    for (const token of ['mine', 'other', 'without']) await api.get(token).expect(200);
    expect(endpoint.asked.map(({ form }) => form.get('token'))).toEqual([
      'mine',
      'other',
      'without',
      'mine',
      'without',
    ]);
  });

  it.each([
    ['where this process knows the token', true],
    ['where only the store knows it', false],
  ])('removes the encodings that other processes cached, %s', async (_where, knows) => {
    const endpoint = await createEndpoint(active({ jti: 'j1' }));
    const memory = createSharedMemory();
    const join = () => createAuthenticate(endpoint, { cache: { store: memory.connect(), secrets: ['s'.repeat(32)] } });
    const [here, there] = [join(), join()];
    await there.introspect(victim);
    await there.introspect(thief);
    if (knows) await here.introspect(victim);
    endpoint.script = { active: false };
    await here.invalidate({ token: victim });
    for (const token of [victim, thief]) {
      for (const process of [here, there]) {
        await expect(process.introspect(token)).rejects.toMatchObject({ reason: 'inactive' });
      }
    }
  });
});

describe('many encodings of one token', () => {
  it('take two places in memory when a server ignores padding', async () => {
    const endpoint = await createEndpoint(({ form }) => active({ sub: form.get('token')?.replace(/=+$/, '') }));
    const api = createApi(endpoint, { cache: { maxEntries: 20 } });
    for (let user = 0; user < 10; user++) await api.get(`user${user}`).expect(200);
    for (let length = 0; length < 40; length++) await api.get(`thief${'='.repeat(length)}`).expect(200);
    expect(api.authenticate.stats().entries).toBe(12);
    const asked = endpoint.asked.length;
    for (let user = 0; user < 10; user++) await api.get(`user${user}`).expect(200);
    expect(endpoint.asked).toHaveLength(asked);
  });

  it('take few places of a full memory when the record has a jti', async () => {
    const endpoint = await createEndpoint(({ form }) => active({ jti: form.get('token')?.toLowerCase() }));
    const api = createApi(endpoint, { cache: { maxEntries: 20 } });
    for (let user = 0; user < 12; user++) await api.get(`user${user}`).expect(200);
    for (let bits = 0; bits < 64; bits++) {
      const spelling = [...'thieff'].map((letter, at) => (bits & (1 << at) ? letter.toUpperCase() : letter)).join('');
      await api.get(spelling).expect(200);
    }
    const asked = endpoint.asked.length;
    for (let user = 0; user < 12; user++) await api.get(`user${user}`).expect(200);
    expect(endpoint.asked).toHaveLength(asked);
  });
});

describe('a malformed token', () => {
  const PASSWORD = 'correct horse battery';

  it.each([
    ['under Bearer', {}, `Bearer ${PASSWORD}`],
    ['under Bearer, without a cache', { cache: false as const }, `Bearer ${PASSWORD}`],
    ['under DPoP, without a proof', { dpop: { origin: 'https://api.example.com' } }, `DPoP ${PASSWORD}`],
  ])('is not published, not even as a digest: %s', async (_where, options, authorization) => {
    const events: unknown[] = [];
    const note = (event: unknown) => void events.push(event);
    const decisions = recordDecisions();
    subscribe(CHANNELS.cache, note);
    try {
      const endpoint = await createEndpoint(active());
      await createApi(endpoint, options).get().set('Authorization', authorization).expect(400);
    } finally {
      unsubscribe(CHANNELS.cache, note);
    }
    expect(events).toEqual([]);
    expect(decisions).toMatchObject([{ outcome: 'rejected', reason: 'malformed_credentials' }]);
    expect(decisions[0]).not.toHaveProperty('tokenDigest');
  });
});
