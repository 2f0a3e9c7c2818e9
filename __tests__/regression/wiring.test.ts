import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import httpMocks from 'node-mocks-http';
import { type Guard, getAuth, requireScope } from '../../lib/index.js';
import { protectedResourceMetadata } from '../../lib/metadata/index.js';
import { byHost, byPathSegment } from '../../lib/selectors/index.js';
import { fakeAuthorizationServer } from '../../lib/testing/index.js';
import { getSocketAuth, keepAuthenticated } from '../../lib/websocket/index.js';
import { createAuthenticate } from '../support/api.js';

const ANOTHER = /another copy of express-token-introspection made it; see `npm ls express-token-introspection`/;

type Library = Pick<typeof import('../../lib/index.js'), 'requireScope' | 'getAuth' | 'tokenIntrospection'>;
type Sockets = Pick<typeof import('../../lib/websocket/index.js'), 'getSocketAuth' | 'keepAuthenticated'>;

/** Loads the library again, like a second installation of it. */
function loadAgain(): Library &
  Sockets &
  Pick<typeof import('../../lib/metadata/index.js'), 'protectedResourceMetadata'> {
  let loaded = {};
  jest.isolateModules(() => {
    loaded = {
      ...require('../../lib/index'),
      ...require('../../lib/websocket/index'),
      ...require('../../lib/metadata/index'),
    };
  });
  return loaded as ReturnType<typeof loadAgain>;
}

function createSetup() {
  const server = fakeAuthorizationServer();
  const options = { dispatcher: server.dispatcher, scopes: ['read'] };
  const authenticate = createAuthenticate({ url: 'https://as.example.com/introspect' }, options);
  return { server, authenticate };
}

const run = (guard: Guard, req: object): Promise<unknown> =>
  new Promise((resolve) => {
    const res = httpMocks.createResponse({ eventEmitter: EventEmitter });
    res.on('end', () => resolve(res.statusCode));
    guard(req as IncomingMessage, res as unknown as ServerResponse, (error) => resolve(error ?? 'passed'));
  });

const mock = (headers: Record<string, string>, more: object = {}) =>
  Object.assign(httpMocks.createRequest({ headers }), more);

describe('a mock request without rawHeaders', () => {
  it('is authenticated', async () => {
    const { server, authenticate } = createSetup();
    const statusOf = (authorization: string) => run(authenticate, mock({ authorization }));
    expect(mock({})).not.toHaveProperty('rawHeaders');
    expect(await statusOf(`Bearer ${server.issue({ scope: 'read' })}`)).toBe('passed');
    expect(await statusOf(`Bearer ${server.issue()}`)).toBe(403);
    expect(await statusOf('Bearer unknown')).toBe(401);
    expect(await statusOf('Bearer a b')).toBe(400);
    expect(await run(authenticate, mock({}))).toBe(401);
  });

  it('whose rawHeaders repeat a line is still rejected', async () => {
    const { server, authenticate } = createSetup();
    const authorization = `Bearer ${server.issue({ scope: 'read' })}`;
    const rawHeaders = ['Authorization', authorization, 'authorization', authorization];
    expect(await run(authenticate, mock({ authorization }, { rawHeaders }))).toBe(400);
  });

  it.each([
    {},
    { rawHeaders: [['host', 'a.example']] },
    { headers: undefined },
    { url: null },
    { headers: { host: ['a'] } },
  ])('selects a server or none, and does not throw: %j', (more) => {
    const req = { headers: { host: 'a.example' }, url: '/a', ...more } as unknown as IncomingMessage;
    expect(['a', undefined]).toContain(byHost({ 'a.example': 'a' })(req, 'token'));
    expect(['a', undefined]).toContain(byPathSegment({ a: 'a' })(req, 'token'));
    expect(byHost({ 'a.example': 'a' })({ headers: { host: 'a.example' }, url: '/' } as IncomingMessage, 't')).toBe(
      'a',
    );
  });
});

describe('a second copy of the package', () => {
  it('is reported by its guards, getAuth() and metadata', async () => {
    const { server, authenticate } = createSetup();
    const other = loadAgain();
    const req = mock({ authorization: `Bearer ${server.issue({ scope: 'read' })}` });
    expect(await run(authenticate, req)).toBe('passed');
    expect(await run(requireScope('read'), req)).toBe('passed');
    expect(await run(other.requireScope('read'), req)).toMatchObject({
      status: 500,
      message: expect.stringMatching(ANOTHER),
    });
    expect(() => other.getAuth(req as never)).toThrow(ANOTHER);
    expect(() => other.protectedResourceMetadata(authenticate)).toThrow(ANOTHER);
    expect(() => protectedResourceMetadata((() => {}) as never)).toThrow(
      'write the middleware that tokenIntrospection() returned',
    );
  });

  it('is reported when its middleware is given to getAuth()', async () => {
    const { server, authenticate } = createSetup();
    const other = loadAgain();
    const foreign = other.tokenIntrospection({
      endpoint: 'https://as.example.com',
      clientAuth: { identity: 'a', sign() {} },
      audience: false,
    });
    const req = mock({ authorization: `Bearer ${server.issue({ scope: 'read' })}` });
    await run(authenticate, req);
    expect(() => getAuth(req as never, foreign)).toThrow(ANOTHER);
    await foreign.close();
  });

  it('is reported when sockets are kept', async () => {
    const { server, authenticate } = createSetup();
    const other = loadAgain();
    const auth = await authenticate.introspect(server.issue({ scope: 'read' }));
    const createSocket = () => ({ readyState: 1, close() {}, addEventListener() {} });
    expect(() => other.keepAuthenticated(createSocket(), auth)).toThrow(ANOTHER);
    const kept = createSocket();
    keepAuthenticated(kept, auth);
    expect(getSocketAuth(kept)).toEqual(auth);
    expect(() => other.getSocketAuth(kept)).toThrow(ANOTHER);
  });
});

describe('a wrapped request', () => {
  it('causes another message than a replaced req.auth', async () => {
    const { server, authenticate } = createSetup();
    const req = mock({ authorization: `Bearer ${server.issue({ scope: 'read' })}` });
    await run(authenticate, req);
    expect(() => getAuth(Object.create(req))).toThrow(/on another object; pass the request itself/);
    expect(() => getAuth(Object.assign(req, { auth: { sub: 'bob' } }) as never)).toThrow(/leave that object in place/);
  });
});
