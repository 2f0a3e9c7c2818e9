import { createServer, type RequestListener } from 'node:http';
import express, { type RequestHandler } from 'express';
import express4 from 'express4';
import request from 'supertest';
import {
  type BackChannelLogoutOptions,
  backChannelLogout,
  globalTokenRevocation,
  invalidationEndpoint,
  type SignalHandler,
  securityEvents,
} from '../../lib/signals/index.js';
import { createAuthenticate } from '../support/api.js';
import { recordEvents } from '../support/channels.js';
import { createClock } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { CLIENT, createRecorder, ISSUER, LOGOUT_EVENT, logoutClaims, postLogout } from '../support/signals.js';
import { createIssuerKey, createTransmitter, signToken, toJwk } from '../support/transmitter.js';
import { until } from '../support/until.js';

const KEY = createIssuerKey();
const HEADER = { typ: 'logout+jwt' };

const clock = createClock();

function createLogout(
  authenticate: BackChannelLogoutOptions['authenticate'],
  more: Partial<BackChannelLogoutOptions> = {},
) {
  const keys = { keys: [toJwk(KEY)] };
  return backChannelLogout({ authenticate, issuer: ISSUER, audience: CLIENT, keys, clock, ...more });
}

const sign = (claims: object = {}, header: object = HEADER) =>
  signToken(KEY, header, logoutClaims(clock.seconds(), claims));

type Mount = (handler: SignalHandler) => RequestListener;

const MOUNTS: readonly (readonly [name: string, mount: Mount])[] = [
  ['node:http', (handler) => (req, res) => handler(req, res)],
  ['Express 5', (handler) => express().use(handler)],
  ['Express 5 behind a parser', (handler) => express().use(express.urlencoded({ extended: true }), handler)],
  ['Express 5 behind a parser of text', (handler) => express().use(express.text({ type: '*/*' }), handler)],
  ['Express 4', (handler) => express4().use(handler as never) as RequestListener],
  [
    'Express 4 behind parsers',
    (handler) =>
      express4().use(
        express4.json() as never,
        express4.urlencoded({ extended: true }) as RequestHandler as never,
        handler as never,
      ) as never,
  ],
];

describe('backChannelLogout', () => {
  it.each(MOUNTS)('responds 200 with no-store on %s', async (_name, mount) => {
    const authenticate = createRecorder();
    const response = await postLogout(mount(createLogout(authenticate)), await sign());
    expect([response.status, response.text, response.headers['content-length']]).toEqual([200, '', '0']);
    expect(response.headers['cache-control']).toBe('no-store');
    expect(authenticate.invalidated).toEqual([{ sid: 'session-1' }, { sub: 'alice' }]);
  });

  it.each<[string, object, BackChannelLogoutOptions['scope'], object[]]>([
    ['session and user', {}, undefined, [{ sid: 'session-1' }, { sub: 'alice' }]],
    ['session and user', {}, 'subject', [{ sid: 'session-1' }, { sub: 'alice' }]],
    ['session and user', {}, 'session', [{ sid: 'session-1' }]],
    ['only the session', { sub: undefined }, 'subject', [{ sid: 'session-1' }]],
    ['only the user', { sid: undefined }, 'session', [{ sub: 'alice' }]],
  ])('invalidates, for a token that names %s (%j, scope %s), %j', async (_name, claims, scope, expected) => {
    const authenticate = createRecorder();
    await postLogout(createLogout(authenticate, { scope }), await sign(claims));
    expect(authenticate.invalidated).toEqual(expected);
  });

  it.each([
    ['one of several audiences', { aud: ['other', CLIENT] }, HEADER],
    ['a type with its prefix, in upper case', {}, { typ: 'application/LOGOUT+JWT' }],
    ['an iat at the end of its age', { iat: clock.seconds() - 305, exp: undefined }, HEADER],
    ['an iat that is a little in the future', { iat: clock.seconds() + 5 }, HEADER],
    [
      'other events beside its own',
      { events: { 'http://schemas.openid.net/event/backchannel-logout': {}, x: 1 } },
      HEADER,
    ],
    ['unknown claims', { trace: { a: [1] } }, HEADER],
  ])('accepts a token with %s', async (_name, claims, header) => {
    expect((await postLogout(createLogout(createRecorder()), await sign(claims, header))).status).toBe(200);
  });

  it.each([[{ typ: 'JWT' }], [{}]])('accepts the header %j only with allowJwtType', async (header) => {
    const token = await sign({}, header);
    expect((await postLogout(createLogout(createRecorder()), token)).status).toBe(400);
    expect((await postLogout(createLogout(createRecorder(), { allowJwtType: true }), token)).status).toBe(200);
  });

  it('says in 400 what is wrong, without a word of the token', async () => {
    const response = await postLogout(createLogout(createRecorder()), await sign({ iss: 'https://hush.example.com' }));
    expect([response.status, response.body, response.headers['cache-control']]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'the token has another iss' },
      'no-store',
    ]);
  });

  it.each<[string, object]>([
    ['wrong_events', { events: undefined }],
    ['wrong_events', { events: {} }],
    ['wrong_events', { events: { [LOGOUT_EVENT]: undefined, other: {} } }],
    ['wrong_events', { events: { [LOGOUT_EVENT]: null } }],
    ['wrong_events', { events: { [LOGOUT_EVENT]: true } }],
    ['wrong_events', { events: { [LOGOUT_EVENT]: [] } }],
    ['nonce_present', { nonce: 'n' }],
    ['nonce_present', { nonce: null }],
    ['wrong_subject', { sub: undefined, sid: undefined }],
    ['wrong_subject', { sub: '' }],
    ['wrong_subject', { sub: ['alice'] }],
    ['wrong_subject', { sid: '' }],
    ['wrong_subject', { sid: 7 }],
  ])('rejects as %s a token with %j', async (reason, claims) => {
    const events = recordEvents('signal');
    const authenticate = createRecorder();
    expect((await postLogout(createLogout(authenticate), await sign(claims))).status).toBe(400);
    expect([authenticate.invalidated, events]).toEqual([
      [],
      [{ by: 'backChannelLogout', outcome: 'rejected', reason }],
    ]);
  });

  it.each<[string, object]>([
    ['no logout token', { token: 'x' }],
    ['two logout tokens', { logout_token: ['x', 'y'] }],
  ])('says in 400 that a request with %s does not have the expected form', async (_name, form) => {
    const events = recordEvents('signal');
    const response = await request(createServer(createLogout(createRecorder())))
      .post('/')
      .type('form')
      .send(form);
    expect([response.status, response.body]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'the request does not have the expected form' },
    ]);
    expect(events).toEqual([{ by: 'backChannelLogout', outcome: 'rejected', reason: 'malformed_request' }]);
  });

  it('responds 200 to a repeated token as long as it would be accepted', async () => {
    const own = createClock();
    const authenticate = createRecorder();
    const handler = createLogout(authenticate, { clock: own });
    const claims = logoutClaims(own.seconds(), { iat: own.seconds() + 5, exp: undefined });
    const token = await signToken(KEY, HEADER, claims);
    expect((await postLogout(handler, token)).status).toBe(200);
    own.advance(309.999);
    expect([(await postLogout(handler, token)).status, authenticate.invalidated.length]).toEqual([200, 2]);
    own.advance(0.002);
    expect((await postLogout(handler, token)).status).toBe(400);
  });

  it('responds after the whole fleet has been told', async () => {
    const told = createDeferred();
    const authenticate = createRecorder(() => told.promise);
    let isDone = false;
    const response = postLogout(createLogout([authenticate, createRecorder()]), await sign()).finally(() => {
      isDone = true;
    });
    await until(() => authenticate.invalidated.length === 2);
    expect(isDone).toBe(false);
    told.resolve();
    expect((await response).status).toBe(200);
  });

  it('responds 503 with Retry-After if the fleet was not told, and applies the same token then', async () => {
    let isFailing = true;
    const authenticate = createRecorder(async () => {
      if (isFailing) throw new TypeError('hush');
    });
    const handler = createLogout(authenticate);
    const token = await sign();
    const failed = await postLogout(handler, token);
    expect([failed.status, failed.headers['retry-after'], failed.text]).toEqual([
      503,
      '1',
      '{"error":"temporarily_unavailable"}',
    ]);
    isFailing = false;
    expect((await postLogout(handler, token)).status).toBe(200);
    expect(authenticate.invalidated).toHaveLength(4);
  });

  it('responds 200 to a repeated token, and invalidates nothing again', async () => {
    const authenticate = createRecorder();
    const handler = createLogout(authenticate);
    const events = recordEvents('signal');
    const token = await sign();
    const statuses = await Promise.all([1, 2, 3].map(async () => (await postLogout(handler, token)).status));
    expect([statuses, authenticate.invalidated.length]).toEqual([[200, 200, 200], 2]);
    expect(events.map(({ by, outcome }) => `${by} ${outcome}`).sort()).toEqual([
      'backChannelLogout applied',
      'backChannelLogout repeated',
      'backChannelLogout repeated',
    ]);
  });

  it('does not take another token with the same jti for a repeated one', async () => {
    const authenticate = createRecorder();
    const handler = createLogout(authenticate);
    for (const sub of ['alice', 'bob']) await postLogout(handler, await sign({ jti: 'same', sid: undefined, sub }));
    expect(authenticate.invalidated).toEqual([{ sub: 'alice' }, { sub: 'bob' }]);
  });

  it('makes the middleware ask again about the tokens of the session', async () => {
    const endpoint = await createEndpoint(active({ sid: 'session-1' }));
    const authenticate = createAuthenticate(endpoint);
    const handler = createLogout(authenticate, { scope: 'session' });
    await authenticate.introspect('abc');
    await postLogout(handler, await sign());
    await authenticate.introspect('abc');
    expect(endpoint.asked).toHaveLength(2);
  });
});

describe('the keys of a handler', () => {
  it.each(['ES256', 'RS256'] as const)('come from the metadata of the issuer: %s', async (alg) => {
    const transmitter = await createTransmitter(alg, '/.well-known/openid-configuration');
    const { issuer } = transmitter;
    const handler = createLogout(createRecorder(), { issuer, keys: undefined });
    const token = await transmitter.sign(HEADER, logoutClaims(clock.seconds(), { iss: issuer }));
    expect((await postLogout(handler, token)).status).toBe(200);
  });

  it('are fetched once for a flood of forged tokens, and only after the header was checked', async () => {
    const transmitter = await createTransmitter();
    const { issuer } = transmitter;
    const authenticate = createRecorder();
    const handler = createLogout(authenticate, { issuer, keys: undefined });
    const claims = logoutClaims(clock.seconds(), { iss: issuer });
    for (const typ of ['at+jwt', undefined]) await postLogout(handler, await signToken(KEY, { typ }, claims));
    const header = Buffer.from('{"alg":"HS256","typ":"logout+jwt"}').toString('base64url');
    await postLogout(handler, `${header}.e30.AA`);
    expect(transmitter.asked).toEqual([]);
    const statuses = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const token = await signToken(KEY, { ...HEADER, kid: `kid-${i}` }, claims);
      statuses.add((await postLogout(handler, token)).status);
    }
    expect([transmitter.fetches(), [...statuses], authenticate.invalidated]).toEqual([1, [400, 503], []]);
  });

  it('are fetched again for a new key, after a 503 with the seconds to wait', async () => {
    const transmitter = await createTransmitter();
    const { issuer } = transmitter;
    const own = createClock();
    const handler = createLogout(createRecorder(), { issuer, keys: undefined, clock: own });
    const send = async () =>
      postLogout(handler, await transmitter.sign(HEADER, logoutClaims(own.seconds(), { iss: issuer })));
    expect((await send()).status).toBe(200);
    transmitter.rotate('RS256');
    own.advance(3);
    const early = await send();
    expect([early.status, early.headers['retry-after']]).toEqual([503, '7']);
    own.advance(7);
    expect((await send()).status).toBe(200);
    expect(transmitter.fetches()).toBe(2);
  });

  it('are not fetched for each token while the issuer fails: 503', async () => {
    const transmitter = Object.assign(await createTransmitter(), { jwksStatus: 500 });
    const { issuer } = transmitter;
    const handler = createLogout(createRecorder(), { issuer, keys: undefined });
    const events = recordEvents('signal');
    for (let i = 0; i < 5; i++) {
      const token = await transmitter.sign(HEADER, logoutClaims(clock.seconds(), { iss: issuer }));
      expect((await postLogout(handler, token)).status).toBe(503);
    }
    expect(transmitter.fetches()).toBe(1);
    expect(events[0]).toEqual({ by: 'backChannelLogout', outcome: 'failed', reason: 'keys_unavailable' });
  });
});

describe('the options of a handler', () => {
  it.each<[string, unknown, RegExp]>([
    ['authenticate', undefined, /^Option "authenticate" is missing; write what tokenIntrospection\(\) returned$/],
    ['authenticate', [], /^Option "authenticate" is an empty list/],
    ['issuer', undefined, /^Option "issuer" is missing/],
    ['issuer', '', /^Option "issuer" is an empty string/],
    ['issuer', 'as', /^Option "issuer" is a string that cannot be used/],
    ['issuer', 'http://as.example.com', /^Option "issuer" is .*dangerouslyAllowHttp/],
    ['audience', undefined, /^Option "audience" is missing/],
    ['audience', [], /^Option "audience" is an empty list/],
    ['keys', 'x', /^Option "keys" is .*; write the public key of the issuer/],
    ['keys', 'http://as.example.com/jwks', /^Option "keys" is .*https/],
    ['algorithms', ['HS256'], /^Option "algorithms" is .*private key/],
    ['algorithms', ['none'], /^Option "algorithms" is .*private key/],
    ['maxAgeSeconds', 0, /^Option "maxAgeSeconds" is 0; write a number of seconds from 1 to 86400$/],
    ['maxAgeSeconds', 86_401, /^Option "maxAgeSeconds" is 86401/],
    ['clockToleranceSeconds', 301, /^Option "clockToleranceSeconds" is 301/],
    ['allowJwtType', 1, /^Option "allowJwtType" is 1; write true or false$/],
    ['scope', 'user', /^Option "scope" is .*; write 'session' or 'subject'$/],
    ['subject', () => undefined, /^Option "subject" is not known here/],
    ['maxAge', 1, /^Option "maxAge" is not known here; did you mean "maxAgeSeconds"\?$/],
  ])('throw when %s is %j', (name, value, message) => {
    const options = { authenticate: createRecorder(), issuer: 'https://as.example.com', audience: CLIENT };
    expect(() => backChannelLogout({ ...options, [name]: value })).toThrow(message);
  });

  it.each<[string, (options: never) => unknown]>([
    ['backChannelLogout', backChannelLogout],
    ['securityEvents', securityEvents],
    ['globalTokenRevocation', globalTokenRevocation],
    ['invalidationEndpoint', invalidationEndpoint],
  ])('are missing when %s was mounted without being called', (name, create) => {
    expect(() => create({ pipe() {} } as never)).toThrow(
      `${name} was mounted without being called; write app.post('/path', ${name}({ … }))`,
    );
  });

  it('may be an issuer over http with dangerouslyAllowHttp, or any issuer with keys', () => {
    const options = { authenticate: createRecorder(), audience: CLIENT };
    expect(
      backChannelLogout({ ...options, issuer: 'http://as.example.com', dangerouslyAllowHttp: true }),
    ).toBeInstanceOf(Function);
    expect(backChannelLogout({ ...options, issuer: 'as', keys: KEY.publicKey })).toBeInstanceOf(Function);
  });
});

it('passes errors to next, or responds 500', async () => {
  const handler = createLogout(createRecorder());
  const listener: RequestListener = (req, res) => {
    req.on('error', () => {});
    handler(
      req,
      Object.assign(res, {
        setHeader: () => {
          throw new Error('hush');
        },
      }),
      (error) => {
        delete (res as { setHeader?: unknown }).setHeader;
        res.writeHead(500).end(String(error));
      },
    );
  };
  const response = await request(createServer(listener)).post('/').send('x');
  expect([response.status, response.text]).toEqual([500, 'Error: hush']);
});
