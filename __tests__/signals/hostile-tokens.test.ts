import { createHmac, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import request from 'supertest';
import {
  backChannelLogout,
  globalTokenRevocation,
  type SignalHandler,
  securityEvents,
} from '../../lib/signals/index.js';
import { createClock, type FakeClock } from '../support/clock.js';
import { serve } from '../support/serve.js';
import {
  bearerClaims,
  CAEP,
  CLIENT,
  createRecorder,
  ENDPOINT,
  eventClaims,
  ISSUER,
  LOGOUT_EVENT,
  logoutClaims,
  postEvent,
  postLogout,
  postRevocation,
  RISC,
} from '../support/signals.js';
import { createIssuerKey, type IssuerKey, signToken, toJwk } from '../support/transmitter.js';

const KEY = createIssuerKey('ES256', 'key');
const RSA = createIssuerKey('RS256', 'rsa');
const STRANGER = createIssuerKey('ES256', 'key');

const CLOCK = createClock();
const NOW = CLOCK.seconds();

/** One kind of signal: the handler, a valid token for it, and how it is sent. */
interface Kind {
  readonly type: string;
  readonly claims: (more?: object) => object;
  readonly create: (authenticate: ReturnType<typeof createRecorder>) => SignalHandler;
  readonly send: (handler: SignalHandler, token: string) => Promise<request.Response>;
  readonly accepted: number;
}

const common = { issuer: ISSUER, keys: { keys: [toJwk(KEY), toJwk(RSA)] }, clock: CLOCK as FakeClock };

const KINDS: Readonly<Record<string, Kind>> = {
  'logout token': {
    type: 'logout+jwt',
    claims: (more) => logoutClaims(NOW, more),
    create: (authenticate) => backChannelLogout({ ...common, authenticate, audience: CLIENT }),
    send: postLogout,
    accepted: 200,
  },
  'security event token': {
    type: 'secevent+jwt',
    claims: (more) => eventClaims(NOW, more),
    create: (authenticate) => securityEvents({ ...common, authenticate, audience: CLIENT }),
    send: postEvent,
    accepted: 202,
  },
  'JWT of a global token revocation': {
    type: 'global-token-revocation+jwt',
    claims: (more) => bearerClaims(NOW, more),
    create: (authenticate) => globalTokenRevocation({ ...common, authenticate, audience: ENDPOINT }),
    send: postRevocation,
    accepted: 204,
  },
};

const encode = (value: object | string) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Signs with HMAC, with the text of a public key as secret. */
function signWithPublicKey(alg: string, header: object, payload: object, { publicKey }: IssuerKey): string {
  const input = `${encode({ ...header, alg })}.${encode(payload)}`;
  const secret = publicKey.export({ type: 'spki', format: 'pem' });
  return `${input}.${createHmac(`sha${alg.slice(2)}`, secret)
    .update(input)
    .digest('base64url')}`;
}

type Forge = (kind: Kind) => Promise<string> | string;

const sign = (kind: Kind, header: object, claims: object | string, key = KEY) =>
  signToken(key, { typ: kind.type, ...header }, claims);

const withClaims =
  (more: object): Forge =>
  (kind) =>
    sign(kind, {}, kind.claims(more));

const withHeader =
  (header: object, key = KEY): Forge =>
  (kind) =>
    sign(kind, header, kind.claims(), key);

/** The valid payload, changed as text. */
const withText =
  (change: (json: string) => string): Forge =>
  (kind) =>
    sign(kind, {}, change(JSON.stringify(kind.claims())));

const encrypted: Forge = async (kind) => {
  const { CompactEncrypt } = await import('jose');
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const inner = await sign(kind, {}, kind.claims());
  return new CompactEncrypt(Buffer.from(inner))
    .setProtectedHeader({ alg: 'RSA-OAEP', enc: 'A256GCM', cty: 'JWT' })
    .encrypt(publicKey);
};

/** Forgeries of every kind of token. */
const COMMON: readonly (readonly [name: string, forge: Forge])[] = [
  ['is empty', () => ''],
  ['is a word', () => 'token'],
  ['has two parts', () => 'e30.e30'],
  ['is JSON', () => '{"payload":"e30","signatures":[]}'],
  ['is encrypted', encrypted],
  ['has alg none and no signature', (kind) => `${encode({ alg: 'none', typ: kind.type })}.${encode(kind.claims())}.`],
  ['has alg none and a signature', (kind) => `${encode({ alg: 'none', typ: kind.type })}.${encode(kind.claims())}.AA`],
  ['has no alg', (kind) => `${encode({ typ: kind.type })}.${encode(kind.claims())}.AA`],
  ['has a list as alg', (kind) => `${encode({ alg: ['ES256'], typ: kind.type })}.${encode(kind.claims())}.AA`],
  ['has alg NONE in upper case', (kind) => `${encode({ alg: 'NONE', typ: kind.type })}.${encode(kind.claims())}.AA`],
  [
    'is signed by HS256 with the public key',
    (kind) => signWithPublicKey('HS256', { typ: kind.type, kid: 'key' }, kind.claims(), KEY),
  ],
  [
    'is signed by HS512 with the public RSA key',
    (kind) => signWithPublicKey('HS512', { typ: kind.type, kid: 'rsa' }, kind.claims(), RSA),
  ],
  ['is signed by a stranger', withHeader({}, STRANGER)],
  ['is signed by a stranger without kid', withHeader({ kid: undefined }, STRANGER)],
  ['has the key of a stranger in jwk', withHeader({ jwk: toJwk(STRANGER) }, STRANGER)],
  ['has an unknown kid', withHeader({ kid: 'other' })],
  ['has the kid of another key', withHeader({ kid: 'rsa' })],
  ['has a changed signature', async (kind) => `${(await withHeader({})(kind)).slice(0, -4)}AAAA`],
  [
    'has the signature of another payload',
    async (kind) => {
      const [header, , signature] = (await withHeader({})(kind)).split('.');
      return `${header}.${encode(kind.claims({ jti: 'x' }))}.${signature}`;
    },
  ],
  ['has a critical extension', withHeader({ crit: ['b64'], b64: true })],
  [
    'has an unknown critical extension',
    (kind) => `${encode({ alg: 'ES256', typ: kind.type, crit: ['x'], x: 1 })}.${encode(kind.claims())}.AA`,
  ],
  ['has the typ of an access token', withHeader({ typ: 'at+jwt' })],
  ['has the typ of a DPoP proof', withHeader({ typ: 'dpop+jwt' })],
  ['has a list as typ', (kind) => `${encode({ alg: 'ES256', typ: [kind.type] })}.${encode(kind.claims())}.AA`],
  ['has a typ that begins like the expected one', (kind) => sign(kind, { typ: `${kind.type}x` }, kind.claims())],
  ['has a repeated member in its header', (kind) => repeatedHeader(kind)],
  ['has no iss', withClaims({ iss: undefined })],
  ['has another iss', withClaims({ iss: 'https://evil.example.com' })],
  ['has an iss with a slash at the end', withClaims({ iss: `${ISSUER}/` })],
  ['has an iss in upper case', withClaims({ iss: ISSUER.toUpperCase() })],
  ['has a list as iss', withClaims({ iss: [ISSUER] })],
  ['has no aud', withClaims({ aud: undefined })],
  ['has another aud', withClaims({ aud: 'other' })],
  ['has an empty list as aud', withClaims({ aud: [] })],
  ['has an aud in a nested list', withClaims({ aud: [[CLIENT, ENDPOINT]] })],
  ['has an object as aud', withClaims({ aud: { [CLIENT]: true, [ENDPOINT]: true } })],
  ['has no iat', withClaims({ iat: undefined })],
  ['has an iat in the past', withClaims({ iat: NOW - 306 })],
  ['has an iat in the future', withClaims({ iat: NOW + 6 })],
  ['has an iat in milliseconds', withClaims({ iat: NOW * 1000 })],
  ['has a text as iat', withClaims({ iat: `${NOW}` })],
  ['has an iat that is too large for a number', withText((json) => json.replace(/"iat":\d+/, '"iat":1e999'))],
  ['has expired', withClaims({ exp: NOW - 6 })],
  ['has a text as exp', withClaims({ exp: `${NOW + 60}` })],
  ['has null as exp', withClaims({ exp: null })],
  ['is not valid yet', withClaims({ nbf: NOW + 6 })],
  ['has no jti', withClaims({ jti: undefined })],
  ['has an empty jti', withClaims({ jti: '' })],
  ['has a number as jti', withClaims({ jti: 7 })],
  ['inherits its claims', withText((json) => `{"__proto__":${json}}`)],
  ['has a list as payload', withText((json) => `[${json}]`)],
  ['has a payload that is not JSON', withText((json) => json.slice(1))],
  ['repeats its iss', withText((json) => json.replace('{', '{"iss":"https://evil.example.com",'))],
  ['repeats its jti with an escape', withText((json) => json.replace('{', '{"\\u006ati":"x",'))],
  ['repeats a nested member', withText((json) => json.replace('{', '{"x":[{"a":1,"b":{"a":1},"a":2}],'))],
  ['has more values than a token may have', withText((json) => json.replace('{', `{"x":[${'0,'.repeat(10_001)}0],`))],
  ['is larger than 64 kB', withText((json) => json.replace('{', `{"x":"${'x'.repeat(65_536)}",`))],
];

function repeatedHeader(kind: Kind): string {
  const header = encode(`{"alg":"none","alg":"ES256","typ":"${kind.type}"}`);
  return `${header}.${encode(kind.claims())}.AA`;
}

const event = (name: string, value: unknown = {}) => ({ events: { [name]: value } });
const subject = (sub_id: unknown) => withClaims({ sub_id });
const ours = { format: 'iss_sub', iss: ISSUER, sub: 'alice' };

/** Forgeries of one kind of token, and tokens that are valid but mean nothing here. */
const SPECIAL: Readonly<Record<string, readonly (readonly [name: string, forge: Forge, status?: number])[]>> = {
  'logout token': [
    ['has no typ', withHeader({ typ: undefined })],
    ['has typ JWT', withHeader({ typ: 'JWT' })],
    ['is a security event token', (kind) => sign(kind, { typ: 'secevent+jwt' }, kind.claims())],
    ['has a nonce', withClaims({ nonce: 'n' })],
    ['has null as nonce', withClaims({ nonce: null })],
    ['has no events', withClaims({ events: undefined })],
    ['has another event', withClaims(event(`${CAEP}/session-revoked`))],
    ['has a list as events', withClaims({ events: [LOGOUT_EVENT] })],
    ['has null as event', withClaims(event(LOGOUT_EVENT, null))],
    ['has true as event', withClaims(event(LOGOUT_EVENT, true))],
    ['has a list as event', withClaims(event(LOGOUT_EVENT, []))],
    [
      'inherits its event',
      withText((json) => json.replace('"events":{', '"events":{"__proto__":{').replace('{}}', '{}}}')),
    ],
    ['names nobody', withClaims({ sub: undefined, sid: undefined })],
    ['has a list as sub', withClaims({ sub: ['alice'] })],
    ['has an empty sid', withClaims({ sid: '' })],
    ['has null as sub', withClaims({ sub: null })],
  ],
  'security event token': [
    ['has no typ', withHeader({ typ: undefined })],
    ['has typ JWT', withHeader({ typ: 'JWT' })],
    ['is a logout token', (kind) => sign(kind, { typ: 'logout+jwt' }, kind.claims())],
    ['has no events', withClaims({ events: undefined })],
    ['has no event', withClaims({ events: {} })],
    ['has a list as events', withClaims({ events: [`${CAEP}/session-revoked`] })],
    ['has a text as event', withClaims(event(`${CAEP}/session-revoked`, 'x'))],
    ['has an unknown event', withClaims(event('https://example.com/event')), 202],
    ['has an event that begins like a known one', withClaims(event(`${CAEP}/session-revoked/`)), 202],
    ['has the event session-presented', withClaims(event(`${CAEP}/session-presented`)), 202],
    ['has the event account-enabled', withClaims(event(`${RISC}/account-enabled`)), 202],
    ['has the event of a logout token', withClaims(event(LOGOUT_EVENT)), 202],
    ['has the event toString', withClaims(event('toString')), 202],
    ['has the event __proto__', withText((json) => json.replace(/"events":\{".*?":/, '"events":{"__proto__":')), 202],
    ['has the event constructor', withClaims(event('constructor')), 202],
    ['names nobody', subject(undefined)],
    ['has a text as subject', subject('alice')],
    ['has a list as subject', subject([ours])],
    ['has null as subject', subject(null)],
    ['has a subject of another issuer', subject({ ...ours, iss: 'https://evil.example.com' }), 202],
    ['has a JWT of another issuer', subject({ format: 'jwt_id', iss: 'https://evil.example.com', jti: 'a' }), 202],
    ['has a subject without sub', subject({ ...ours, sub: undefined })],
    ['has a list as sub', subject({ ...ours, sub: ['alice'] })],
    ['has an opaque subject without id', subject({ format: 'opaque' })],
    ['has an e-mail address', subject({ format: 'email', email: 'alice@example.com' }), 202],
    ['has a subject without format', subject({ iss: ISSUER, sub: 'alice' }), 202],
    ['has the format toString', subject({ format: 'toString' }), 202],
    [
      'has an inherited subject',
      withText((json) => json.replace('"sub_id":{', '"sub_id":{"__proto__":{').replace('"},"events"', '"}},"events"')),
      202,
    ],
    ['has no aliases', subject({ format: 'aliases', identifiers: [] })],
    ['has too many aliases', subject({ format: 'aliases', identifiers: Array(17).fill(ours) })],
    [
      'has nested aliases',
      subject({ format: 'aliases', identifiers: [ours, { format: 'aliases', identifiers: [ours] }] }),
    ],
    ['has a text as alias', subject({ format: 'aliases', identifiers: [ours, 'alice'] })],
    ['has a complex alias', subject({ format: 'aliases', identifiers: [{ format: 'complex', user: ours }] })],
    ['has a complex subject in a complex one', subject({ format: 'complex', user: { format: 'complex', user: ours } })],
    ['has a session that is a text', subject({ format: 'complex', session: 'a', user: ours })],
    [
      'has a foreign user of a session',
      subject({
        format: 'complex',
        session: { format: 'opaque', id: 'a' },
        user: { ...ours, iss: 'https://evil.example.com' },
      }),
      202,
    ],
    ['has only a device', subject({ format: 'complex', device: { format: 'opaque', id: 'a' } }), 202],
    [
      'has two subjects that disagree',
      withClaims(event(`${CAEP}/session-revoked`, { subject: { ...ours, sub: 'bob' } })),
    ],
    [
      'has two events about two subjects',
      withClaims({
        sub_id: undefined,
        events: {
          [`${CAEP}/session-revoked`]: { subject: ours },
          [`${RISC}/account-disabled`]: { subject: { ...ours, sub: 'bob' } },
        },
      }),
    ],
    ['has a sub that disagrees', withClaims({ sub: 'bob' })],
    ['has a list as sub beside the subject', withClaims({ sub: ['alice'] })],
  ],
  'JWT of a global token revocation': [
    ['is a logout token', (kind) => sign(kind, { typ: 'logout+jwt' }, kind.claims())],
    ['is a security event token', (kind) => sign(kind, { typ: 'secevent+jwt' }, kind.claims())],
  ],
};

const CASES = Object.entries(KINDS).flatMap(([name, kind]) =>
  [...COMMON, ...(SPECIAL[name] ?? [])].map(([what, forge, status]) => [name, what, kind, forge, status] as const),
);

describe('a hostile signal', () => {
  it('is one of more than 200', () => expect(CASES.length).toBeGreaterThan(200));

  it.each(CASES)('invalidates nothing: a %s that %s', async (_name, _what, kind, forge, status) => {
    const authenticate = createRecorder();
    const handler = kind.create(authenticate);
    const response = await kind.send(handler, await forge(kind));
    expect(authenticate.invalidated).toEqual([]);
    // Node itself refuses headers of more than 16 kB.
    expect([status ?? (kind.accepted === 204 ? 401 : 400), 431]).toContain(response.status);
    // The same handler accepts the token without the forgery.
    const valid = await sign(kind, {}, kind.claims());
    expect((await kind.send(handler, valid)).status).toBe(kind.accepted);
    expect(authenticate.invalidated.length).toBeGreaterThan(0);
  });

  it.each(Object.entries(KINDS))(
    'invalidates nothing and fetches nothing: a %s with jku and x5u of a stranger',
    async (_name, kind) => {
      let asked = 0;
      const { url } = await serve((_req, res) => {
        asked++;
        res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [toJwk(STRANGER)] }));
      });
      const authenticate = createRecorder();
      const token = await sign(kind, { jku: `${url}/jwks`, x5u: `${url}/x5u` }, kind.claims(), STRANGER);
      expect((await kind.send(kind.create(authenticate), token)).status).toBeGreaterThanOrEqual(400);
      expect([asked, authenticate.invalidated]).toEqual([0, []]);
    },
  );
});

describe('a signal with one changed character', () => {
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=%\u0000é';

  it.each(Object.entries(KINDS))('invalidates nothing: a %s', async (_name, kind) => {
    const authenticate = createRecorder();
    const handler = kind.create(authenticate);
    const valid = await sign(kind, {}, kind.claims());
    await fc.assert(
      // The last character of a signature has bits without meaning.
      fc.asyncProperty(fc.nat(valid.length - 2), fc.constantFrom(...ALPHABET), async (position, character) => {
        fc.pre(valid[position] !== character);
        const changed = valid.slice(0, position) + character + valid.slice(position + 1);
        // Node's client refuses to send some characters in a header.
        const response = await Promise.resolve()
          .then(() => kind.send(handler, changed))
          .catch(() => undefined);
        const status = response?.status ?? 400;
        expect([400, 401]).toContain(status);
      }),
      { numRuns: 150 },
    );
    expect(authenticate.invalidated).toEqual([]);
  });
});

/** Requests with a valid token, in a form that is not allowed. */
const REQUESTS: readonly (readonly [
  name: string,
  kind: string,
  send: (test: ReturnType<typeof request>, token: string) => request.Test,
  status: number,
])[] = [
  ['GET', 'logout token', (test, token) => test.get(`/?logout_token=${token}`), 405],
  ['PUT', 'logout token', (test, token) => test.put('/').type('form').send({ logout_token: token }), 405],
  ['JSON', 'logout token', (test, token) => test.post('/').send({ logout_token: token }), 400],
  [
    'two tokens',
    'logout token',
    (test, token) => test.post('/').type('form').send(`logout_token=${token}&logout_token=${token}`),
    400,
  ],
  ['another parameter', 'logout token', (test, token) => test.post('/').type('form').send({ token }), 400],
  ['the bare token', 'logout token', (test, token) => test.post('/').type('text').send(token), 400],
  [
    'a compressed body',
    'logout token',
    (test, token) =>
      test
        .post('/')
        .type('form')
        .set('Content-Encoding', 'gzip')
        .serialize((body) => body)
        .send(gzipSync(`logout_token=${token}`) as never),
    400,
  ],
  ['GET', 'security event token', (test) => test.get('/'), 405],
  [
    'DELETE',
    'security event token',
    (test, token) => test.delete('/').type('application/secevent+jwt').send(token),
    405,
  ],
  [
    'another media type',
    'security event token',
    (test, token) => test.post('/').type('application/jwt').send(token),
    400,
  ],
  ['JSON', 'security event token', (test, token) => test.post('/').send({ token }), 400],
  ['a form', 'security event token', (test, token) => test.post('/').type('form').send({ token }), 400],
  [
    'two tokens',
    'security event token',
    (test, token) => test.post('/').type('application/secevent+jwt').send(`${token} ${token}`),
    400,
  ],
  [
    'a compressed body',
    'security event token',
    (test, token) => test.post('/').type('application/secevent+jwt').set('Content-Encoding', 'deflate').send(token),
    400,
  ],
  ['GET', 'JWT of a global token revocation', (test, token) => test.get('/').auth(token, { type: 'bearer' }), 405],
  ['no credentials', 'JWT of a global token revocation', (test) => test.post('/').send({ sub_id: ours }), 401],
  [
    'basic credentials',
    'JWT of a global token revocation',
    (test, token) => test.post('/').auth('a', token).send({ sub_id: ours }),
    401,
  ],
  ['no body', 'JWT of a global token revocation', (test, token) => test.post('/').auth(token, { type: 'bearer' }), 400],
  [
    'a form',
    'JWT of a global token revocation',
    (test, token) => test.post('/').auth(token, { type: 'bearer' }).type('form').send({ sub_id: 'alice' }),
    400,
  ],
  [
    'a list',
    'JWT of a global token revocation',
    (test, token) =>
      test
        .post('/')
        .auth(token, { type: 'bearer' })
        .send([{ sub_id: ours }]),
    400,
  ],
  [
    'no subject',
    'JWT of a global token revocation',
    (test, token) => test.post('/').auth(token, { type: 'bearer' }).send({ subject: ours }),
    400,
  ],
  [
    'a text as subject',
    'JWT of a global token revocation',
    (test, token) => test.post('/').auth(token, { type: 'bearer' }).send({ sub_id: 'alice' }),
    400,
  ],
  [
    'a foreign subject',
    'JWT of a global token revocation',
    (test, token) =>
      test
        .post('/')
        .auth(token, { type: 'bearer' })
        .send({ sub_id: { ...ours, iss: 'https://evil.example.com' } }),
    404,
  ],
  [
    'an inherited subject',
    'JWT of a global token revocation',
    (test, token) =>
      test
        .post('/')
        .auth(token, { type: 'bearer' })
        .type('json')
        .send(`{"__proto__":{"sub_id":${JSON.stringify(ours)}}}`),
    400,
  ],
];

it.each(REQUESTS)('a request with %s for a %s invalidates nothing', async (_name, name, send, status) => {
  const kind = KINDS[name] as Kind;
  const authenticate = createRecorder();
  const server = createServer(kind.create(authenticate));
  const response = await send(request(server), await sign(kind, {}, kind.claims()));
  expect([response.status, response.headers['cache-control'], authenticate.invalidated]).toEqual([
    status,
    'no-store',
    [],
  ]);
});
