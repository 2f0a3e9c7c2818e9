import type { IncomingMessage } from 'node:http';
import request from 'supertest';
import { type AuthError, clientSecretBasic, getAuthDetails, requireFresh, requireScope } from '../../lib/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { BARE, INVALID_REQUEST, INVALID_TOKEN } from '../support/challenges.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { boundTo, CHALLENGES, sendBound } from '../support/dpop.js';
import { createSender, ORIGIN } from '../support/dpop-sender.js';
import { active, createEndpoint, type Endpoint } from '../support/endpoint.js';
import { createMultiServerApi, createMultiServerMiddleware, serverOptions } from '../support/multi-server-api.js';
import { Thenable } from '../support/thenable.js';
import { recordWarnings } from '../support/warnings.js';

const twoEndpoints = () =>
  Promise.all([createEndpoint(active({ sub: 'of acme' })), createEndpoint(active({ sub: 'of beta' }))]);
const tokensOf = ({ asked }: Endpoint) => asked.map(({ form }) => form.get('token'));

describe('a token with several authorization servers', () => {
  it('is introspected only at the selected server, with its credentials, and yields its claims', async () => {
    const [acme, beta] = await twoEndpoints();
    const authenticate = createMultiServerMiddleware({
      acme: serverOptions(acme, { clientAuth: clientSecretBasic('api-at-acme', 'one') }),
      beta: serverOptions(beta, { clientAuth: clientSecretBasic('api-at-beta', 'two') }),
    });
    const app = createApp(authenticate as never);
    for (const [token, sub] of [
      ['a1', 'of acme'],
      ['b1', 'of beta'],
      ['a2', 'of acme'],
      ['b1', 'of beta'],
    ] as const) {
      expect((await get(app, token).expect(200)).body.auth.sub).toBe(sub);
    }
    expect([tokensOf(acme), tokensOf(beta)]).toEqual([['a1', 'a2'], ['b1']]);
    const credentials = [acme, beta].map(({ asked }) => atob(asked[0]?.headers.authorization?.slice(6) ?? ''));
    expect(credentials).toEqual(['api-at-acme:one', 'api-at-beta:two']);
  });

  it('is answered 401 by the selected server even when another would accept it', async () => {
    const [acme, beta] = await twoEndpoints();
    beta.script = { active: false };
    const api = createMultiServerApi(acme, beta);
    expect((await api.get('b').expect(401)).headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect([tokensOf(acme), tokensOf(beta), api.reached()]).toEqual([[], ['b'], 0]);
  });

  it('has a response of its own at each server, whichever is asked first', async () => {
    const [acme, beta] = await twoEndpoints();
    let name = 'acme';
    const api = createMultiServerApi(acme, beta, {}, () => name);
    for (const server of ['acme', 'beta', 'acme', 'beta']) {
      name = server;
      expect((await api.get('same').expect(200)).body.auth.sub).toBe(`of ${server}`);
    }
    expect([tokensOf(acme), tokensOf(beta)]).toEqual([['same'], ['same']]);
  });

  it('that is inactive at one server may be active at another', async () => {
    const [acme, beta] = await twoEndpoints();
    acme.script = { active: false };
    let name = 'acme';
    const api = createMultiServerApi(acme, beta, {}, () => name);
    await api.get('same').expect(401);
    name = 'beta';
    await api.get('same').expect(200);
    name = 'acme';
    await api.get('same').expect(401);
    expect([tokensOf(acme), tokensOf(beta)]).toEqual([['same'], ['same']]);
  });

  it('must match the audience and issuer of the selected server', async () => {
    const [acme, beta] = await twoEndpoints();
    const claims = active({ aud: 'one', iss: 'https://as.acme.example' });
    acme.script = claims;
    beta.script = claims;
    const app = createApp(
      createMultiServerMiddleware(
        {
          acme: serverOptions(acme, { audience: undefined }),
          beta: serverOptions(beta, { audience: 'two', issuer: 'https://as.acme.example' }),
        },
        { audience: 'one' },
      ) as never,
    );
    const decisions = recordDecisions();
    await get(app, 'a').expect(200);
    await get(app, 'b').expect(401);
    beta.script = active({ aud: 'two', iss: 'https://as.beta.example' });
    await get(app, 'b2').expect(401);
    expect(decisions.map(({ reason }) => reason)).toEqual([undefined, 'audience_mismatch', 'issuer_mismatch']);
  });

  it('must satisfy the common options, unless the server has its own', async () => {
    const [acme, beta] = await twoEndpoints();
    acme.script = beta.script = active({ scope: 'read' });
    const app = createApp(
      createMultiServerMiddleware(
        { acme: serverOptions(acme), beta: serverOptions(beta, { scopes: ['read'] }) },
        { scopes: ['admin'], realm: 'shop' },
      ) as never,
    );
    const refused = await get(app, 'a').expect(403);
    expect(refused.headers['www-authenticate']).toMatch(/^Bearer realm="shop", .*scope="admin"$/);
    await get(app, 'b').expect(200);
    expect((await get(app).expect(401)).headers['www-authenticate']).toBe('Bearer realm="shop", scope="admin"');
  });

  it('depends only on its own server: the circuit breaker of another stays closed', async () => {
    recordWarnings();
    const [acme, beta] = await twoEndpoints();
    acme.script = (_asked: unknown, res: { writeHead(status: number): { end(): void } }) =>
      void res.writeHead(500).end();
    const api = createMultiServerApi(acme, beta);
    for (const token of ['a1', 'a2', 'a3', 'a4', 'a5', 'a6']) await api.get(token).expect(503);
    expect(api.errors.at(-1)).toMatchObject({ code: 'circuit_open' });
    await api.get('b1').expect(200);
    expect([new Set(tokensOf(acme)).has('a6'), tokensOf(beta)]).toEqual([false, ['b1']]);
  });

  it('is accepted in the same tick once its response is cached', async () => {
    const [acme, beta] = await twoEndpoints();
    const api = createMultiServerApi(acme, beta);
    await api.get('a').expect(200);
    let called = false;
    const req = { headers: { authorization: 'Bearer a' }, rawHeaders: [], method: 'GET' } as unknown as IncomingMessage;
    api.authenticate(req, {} as never, () => {
      called = true;
    });
    expect(called).toBe(true);
  });
});

describe('select', () => {
  it('leads to 401 invalid_token and no introspection request when it returns no server', async () => {
    const [acme, beta] = await twoEndpoints();
    const api = createMultiServerApi(acme, beta);
    const decisions = recordDecisions();
    const { headers, body } = await api.get('other').expect(401);
    expect([headers['www-authenticate'], body.error]).toEqual([INVALID_TOKEN, 'invalid_token']);
    expect(decisions).toMatchObject([{ outcome: 'rejected', status: 401, reason: 'no_authorization_server' }]);
    expect([acme.asked, beta.asked, api.reached()]).toEqual([[], [], 0]);
  });

  it.each<[string, () => unknown]>([
    ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'gamma', '', 'Acme', ' acme'].map(
      (name): [string, () => unknown] => [`"${name}"`, () => name],
    ),
    ['0', () => 0],
    ['true', () => true],
    ['false', () => false],
    ['null', () => null],
    ['an object', () => ({})],
    ['a list', () => ['acme']],
    ['a function', () => () => 'acme'],
    ['a symbol', () => Symbol('acme')],
    ['a String object', () => Object('acme')],
    ['a promise', async () => 'acme'],
    ['a promise that fails', () => Promise.reject(new Error('no'))],
    ['a thenable', () => new Thenable('acme')],
  ])('leads to a TypeError and no introspection request when it returns no name (%s)', async (_title, given) => {
    const [acme, beta] = await twoEndpoints();
    const api = createMultiServerApi(acme, beta, { optional: true }, given);
    await api.get('a').expect(500);
    expect(api.errors).toEqual([expect.any(TypeError)]);
    expect(String(api.errors[0])).toContain('"select" returned');
    expect([acme.asked, beta.asked, api.reached()]).toEqual([[], [], 0]);
  });

  it('passes on whatever it throws', async () => {
    const [acme, beta] = await twoEndpoints();
    for (const thrown of [new Error('no tenant'), undefined, null, 'route']) {
      const api = createMultiServerApi(acme, beta, {}, () => {
        throw thrown;
      });
      await api.get('a').expect(500);
      expect([api.errors.length, api.reached()]).toEqual([1, 0]);
    }
    expect([acme.asked, beta.asked]).toEqual([[], []]);
  });

  it('receives the request and the token, once per request with a well-formed token', async () => {
    const [acme, beta] = await twoEndpoints();
    const seen: unknown[] = [];
    const api = createMultiServerApi(acme, beta, {}, (req, token) => {
      seen.push([req.url, token]);
      return 'acme';
    });
    await api.get('abc', '/x?y=1').expect(200);
    await api.get('abc', '/z').expect(200);
    await api.get(undefined).expect(401);
    await request(api.app).get('/').set('Authorization', 'Basic YTpi').expect(401);
    for (const malformed of ['a b', 'a,b', 'ü', 'a'.repeat(8193), '']) {
      const { headers } = await request(api.app).get('/').set('Authorization', `Bearer ${malformed}`).expect(400);
      expect(headers['www-authenticate']).toBe(INVALID_REQUEST);
    }
    expect(seen).toEqual([
      ['/x?y=1', 'abc'],
      ['/z', 'abc'],
    ]);
    expect(tokensOf(acme)).toEqual(['abc']);
  });

  it('cannot change the token after the selection: the token it received is the one that is introspected', async () => {
    const [acme, beta] = await twoEndpoints();
    const select = (req: IncomingMessage) => {
      req.headers.authorization = 'Bearer other';
      return 'acme';
    };
    await createMultiServerApi(acme, beta, {}, select).get('abc').expect(200);
    expect(tokensOf(acme)).toEqual(['abc']);
  });

  it('receives a token from a form body or an extractor when those are enabled', async () => {
    const [acme, beta] = await twoEndpoints();
    const api = createMultiServerApi(acme, beta, { getToken: (req) => req.headers.cookie?.slice(2) });
    const { body, headers } = await request(api.app)
      .get('/')
      .set('Cookie', 't=b1')
      .set('Authorization', 'Bearer a1')
      .expect(200);
    expect([body.auth.sub, headers['cache-control']]).toEqual(['of beta', 'private']);
    expect([tokensOf(acme), tokensOf(beta)]).toEqual([[], ['b1']]);
  });
});

describe('a request without credentials', () => {
  it('is challenged without a selection', async () => {
    const [acme, beta] = await twoEndpoints();
    const api = createMultiServerApi(acme, beta, {}, () => {
      throw new Error('must not be called');
    });
    expect((await api.get().expect(401)).headers['www-authenticate']).toBe(BARE);
  });

  it('is accepted with "optional", and guards behind answer 401', async () => {
    const [acme, beta] = await twoEndpoints();
    const api = createMultiServerApi(acme, beta, { optional: true });
    expect((await api.get().expect(200)).body.auth).toBeNull();
    await api.get('other').expect(401);
    const guarded = createMultiServerApi(
      acme,
      beta,
      { optional: true, scopes: ['read'] },
      undefined,
      requireScope('write'),
    );
    expect((await guarded.get().expect(401)).headers['www-authenticate']).toBe(`${BARE}, scope="read write"`);
  });
});

describe('guards', () => {
  it('use the response of the selected server', async () => {
    const [acme, beta] = await twoEndpoints();
    acme.script = active({ scope: 'read admin' });
    beta.script = active({ scope: 'read' });
    const api = createMultiServerApi(acme, beta, {}, undefined, requireScope('admin'));
    await api.get('a').expect(200);
    await api.get('b').expect(403);
  });

  it('that require a fresh response ask the selected server again, and no other', async () => {
    const clock = createClock();
    const [acme, beta] = await twoEndpoints();
    acme.script = beta.script = active({ exp: undefined });
    const api = createMultiServerApi(acme, beta, { clock }, undefined, requireFresh({ maxAgeSeconds: 0 }));
    await api.get('b').expect(200);
    clock.advance(1);
    await api.get('b').expect(200);
    beta.script = { active: false };
    clock.advance(1);
    await api.get('b').expect(401);
    expect([tokensOf(acme), tokensOf(beta)]).toEqual([[], ['b', 'b', 'b']]);
  });

  it('tell a handler which server was asked', async () => {
    const [acme, beta] = await twoEndpoints();
    const names: unknown[] = [];
    const look = (req: IncomingMessage, _res: unknown, next?: () => void) => {
      names.push(getAuthDetails(req).server);
      next?.();
    };
    const api = createMultiServerApi(acme, beta, {}, undefined, look);
    await api.get('b').expect(200);
    await api.get('a').expect(200);
    await get(createApp(createAuthenticate(acme), look as never), 'a').expect(200);
    expect(names).toEqual(['beta', 'acme', undefined]);
  });
});

describe('two middlewares on one request', () => {
  it('both check the response of the one server they select', async () => {
    const [acme, beta] = await twoEndpoints();
    acme.script = active({ aud: ['one', 'two'], scope: 'read' });
    const authenticate = createMultiServerMiddleware({
      acme: serverOptions(acme, { audience: 'one' }),
      beta: serverOptions(beta),
    });
    const app = (options: object) =>
      createApp(authenticate as never, requireScope('read'), authenticate.with(options) as never);
    await get(app({ audience: 'two' }), 'a').expect(200);
    await get(app({ audience: 'three' }), 'a').expect(401);
    await get(app({ scopes: ['admin'] }), 'a').expect(403);
    expect(tokensOf(acme)).toEqual(['a']);
  });

  it('answer 500 when the second selects another server, which is not asked', async () => {
    const [acme, beta] = await twoEndpoints();
    for (const again of [
      (authenticate: ReturnType<typeof createMultiServerMiddleware>) => authenticate,
      (authenticate: ReturnType<typeof createMultiServerMiddleware>) => authenticate.with({ realm: 'inner' }),
    ]) {
      let calls = 0;
      const authenticate = createMultiServerMiddleware(
        { acme: serverOptions(acme), beta: serverOptions(beta) },
        {},
        () => (calls++ === 0 ? 'acme' : 'beta'),
      );
      const app = createApp(authenticate as never, requireScope('read'), again(authenticate) as never);
      await get(app, 'same').expect(500);
      expect([String(app.errors[0]), app.reached()]).toEqual([
        expect.stringMatching(/^TypeError: "select" returned another name/),
        0,
      ]);
    }
    expect(beta.asked).toEqual([]);
  });

  it('answer 500 too when two names mean one server', async () => {
    const acme = await createEndpoint(active({ aud: 'one' }));
    let calls = 0;
    const names = ['one', 'two'];
    const authenticate = createMultiServerMiddleware(
      {
        one: serverOptions(acme, { audience: 'one' }),
        two: serverOptions(acme, { audience: 'one', scopes: ['read'] }),
      },
      {},
      () => names[calls++],
    );
    await get(createApp(authenticate as never, authenticate as never), 'same').expect(500);
  });

  it('check separately when they read different tokens', async () => {
    const [acme, beta] = await twoEndpoints();
    const authenticate = createMultiServerMiddleware({ acme: serverOptions(acme), beta: serverOptions(beta) });
    const app = createApp(authenticate as never, authenticate.with({ getToken: () => 'b1' }) as never);
    expect((await get(app, 'a1').expect(200)).body.auth.sub).toBe('of beta');
    expect([tokensOf(acme), tokensOf(beta)]).toEqual([['a1'], ['b1']]);
  });
});

describe('a rejection', () => {
  it('goes to the common onReject with the challenge of the middleware', async () => {
    const [acme, beta] = await twoEndpoints();
    beta.script = { active: false };
    const seen: AuthError[] = [];
    const api = createMultiServerApi(acme, beta, {
      resourceMetadata: 'https://api.example.com/.well-known/oauth-protected-resource',
      onReject: (error, _req, res) => {
        seen.push(error);
        res.writeHead(418).end();
      },
    });
    for (const token of [undefined, 'other', 'b']) await api.get(token).expect(418);
    expect(seen.map(({ reason }) => reason)).toEqual(['no_credentials', 'no_authorization_server', 'inactive']);
    for (const { headers } of seen) expect(headers['WWW-Authenticate']).toMatch(/resource_metadata="https:/);
    expect(api.reached()).toBe(0);
  });
});

describe('a token under the DPoP scheme', () => {
  async function createBound() {
    const sender = await createSender();
    const clock = createClock();
    const [acme, beta] = await twoEndpoints();
    acme.script = boundTo(sender);
    beta.script = boundTo(await createSender());
    return { sender, clock, acme, beta };
  }

  it('is introspected at the selected server, and its proof is used up for all', async () => {
    const { sender, clock, acme, beta } = await createBound();
    let name = 'acme';
    const api = createMultiServerApi(acme, beta, { clock, dpop: { origin: ORIGIN } }, () => name);
    const proof = await sender.proof('abc', clock);
    await sendBound(api, 'abc', proof).expect(200);
    const replayed = await sendBound(api, 'abc', proof).expect(401);
    expect(replayed.headers['www-authenticate']).toBe(CHALLENGES.proof);
    name = 'beta';
    await sendBound(api, 'abc', await sender.proof('abc', clock)).expect(401);
    beta.script = boundTo(sender);
    clock.advance(60);
    const one = await sender.proof('abc', clock);
    await sendBound(api, 'abc', one).expect(200);
    name = 'acme';
    await sendBound(api, 'abc', one).expect(401);
    expect(new Set([...tokensOf(acme), ...tokensOf(beta)])).toEqual(new Set(['abc']));
  });

  it('is challenged when no server is selected, and rejected', async () => {
    const { sender, clock, acme, beta } = await createBound();
    const api = createMultiServerApi(acme, beta, { clock, dpop: { origin: ORIGIN } });
    const refused = await sendBound(api, 'xyz', await sender.proof('xyz', clock)).expect(401);
    expect(refused.headers['www-authenticate']).toBe(CHALLENGES.token);
    expect((await api.get().expect(401)).headers['www-authenticate']).toBe(CHALLENGES.none);
    expect([acme.asked, beta.asked]).toEqual([[], []]);
  });

  it('is ignored when DPoP is off, and a bound token is rejected under Bearer', async () => {
    const { sender, clock, acme, beta } = await createBound();
    const api = createMultiServerApi(acme, beta, { clock });
    await sendBound(api, 'abc', await sender.proof('abc', clock)).expect(401);
    await api.get('abc').expect(401);
    expect(acme.asked).toHaveLength(1);
  });
});

describe('a certificate-bound token', () => {
  it('is checked for the selected server, wherever the certificate comes from', async () => {
    const [acme, beta] = await twoEndpoints();
    const thumbprint = 'A'.repeat(43);
    acme.script = active({ cnf: { 'x5t#S256': thumbprint } });
    await createMultiServerApi(acme, beta).get('a').expect(401);
    await createMultiServerApi(acme, beta, { mtls: { certificate: () => Buffer.from('another') } })
      .get('a')
      .expect(401);
    await createMultiServerApi(acme, beta, { mtls: { certificate: () => undefined } })
      .get('a')
      .expect(401);
  });
});

describe('close()', () => {
  it('closes all servers: every request is answered 503', async () => {
    const [acme, beta] = await twoEndpoints();
    const api = createMultiServerApi(acme, beta);
    const derived = createApp(api.authenticate.with({}) as never);
    await api.get('a').expect(200);
    await api.authenticate.close();
    for (const token of ['a', 'b', 'other', undefined]) await api.get(token).expect(503);
    await get(derived, 'a').expect(503);
    expect(api.errors.map((error) => (error as { code?: string }).code)).toEqual(Array(4).fill('closed'));
    expect([tokensOf(acme), tokensOf(beta)]).toEqual([['a'], []]);
  });
});

it('a middleware with one server has no "servers"', async () => {
  const acme = await createEndpoint(active());
  expect(createAuthenticate(acme)).not.toHaveProperty('servers');
});
