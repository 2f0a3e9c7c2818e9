import {
  bearerToken,
  type ClientAuth,
  clientSecretBasic,
  clientSecretPost,
  noClientAuth,
  type TokenIntrospectionOptions,
  tokenIntrospection,
} from '../../lib/index.js';
import { USER_AGENT } from '../../lib/introspection/user-agent.js';
import { createApi } from '../support/api.js';
import { INSUFFICIENT_SCOPE, INVALID_TOKEN } from '../support/challenges.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { exchange } from '../support/serve.js';

const JSON_TYPE = { 'content-type': 'application/json' };

describe('RFC 7662 section 2: the endpoint is protected by TLS', () => {
  it.each<[string, boolean, boolean]>([
    ['https://as.test/introspect', false, true],
    ['http://as.test/introspect', false, false],
    ['http://as.test/introspect', true, true],
    ['http://localhost:4000/introspect', false, true],
    ['http://127.0.0.1:4000/introspect', false, true],
    ['http://[::1]:4000/introspect', false, true],
    ['http://localhost.as.test/introspect', false, false],
    ['http://127.0.0.1.as.test/introspect', false, false],
    ['http://0.0.0.0/introspect', false, false],
    ['ftp://as.test/introspect', true, false],
    ['https://as.test/introspect#fragment', false, false],
  ])('section 2: accepts %s (dangerouslyAllowHttp: %p) or throws: %p', (endpoint, dangerouslyAllowHttp, taken) => {
    const create = () => tokenIntrospection({ ...REQUIRED, endpoint, dangerouslyAllowHttp });
    if (taken) expect(create().name).toBe('tokenIntrospectionMiddleware');
    else expect(create).toThrow(/"endpoint"/);
  });
});

describe('RFC 7662 section 2.1: the introspection request', () => {
  it('section 2.1: is one POST of a form with the exact token and nothing else of the incoming request', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint);
    const token = 'AZaz09-._~+/==';
    const response = await exchange(api.app, [
      'GET /r?x=1 HTTP/1.1',
      `Authorization: Bearer ${token}`,
      'Cookie: sid=1',
      'X-Forwarded-For: 10.0.0.1',
      'Traceparent: 00-x',
    ]);
    expect(response.status).toBe(200);
    const [asked] = endpoint.asked;
    expect([asked?.method, asked?.url]).toEqual(['POST', '/introspect']);
    expect(asked?.body).toBe('token=AZaz09-._%7E%2B%2F%3D%3D');
    expect(asked?.form.getAll('token')).toEqual([token]);
    expect(asked?.headers).toEqual({
      accept: 'application/json',
      'accept-encoding': 'identity',
      authorization: `Basic ${Buffer.from('api:secret').toString('base64')}`,
      connection: 'keep-alive',
      'content-length': String(asked?.body.length),
      'content-type': 'application/x-www-form-urlencoded',
      host: new URL(endpoint.url).host,
      'user-agent': USER_AGENT,
    });
  });

  it.each<[string, ClientAuth, string | undefined, Record<string, string>]>([
    ['client_secret_basic', clientSecretBasic('rs', 's'), `Basic ${Buffer.from('rs:s').toString('base64')}`, {}],
    ['client_secret_post', clientSecretPost('rs', 's'), undefined, { client_id: 'rs', client_secret: 's' }],
    ['a bearer token', bearerToken('own'), 'Bearer own', {}],
    ['a bearer token that is fetched', bearerToken(async () => 'own'), 'Bearer own', {}],
    ['noClientAuth()', noClientAuth(), undefined, {}],
  ])('section 2.1: is authenticated by %s', async (_title, clientAuth, authorization, parameters) => {
    const endpoint = await createEndpoint(active());
    await createApi(endpoint, { clientAuth }).get('token').expect(200);
    expect(endpoint.asked[0]?.headers.authorization).toBe(authorization);
    expect(Object.fromEntries(endpoint.asked[0]?.form ?? [])).toEqual({ token: 'token', ...parameters });
  });

  it('section 2.1: must be authenticated', () => {
    const { clientAuth: _left, ...options } = REQUIRED;
    expect(() => tokenIntrospection(options as TokenIntrospectionOptions)).toThrow(/"clientAuth" is missing/);
  });

  it('section 2.1: may have additional parameters and headers', async () => {
    const endpoint = await createEndpoint(active());
    const options = { parameters: { token_type_hint: 'access_token' }, headers: { 'X-Tenant': 'acme' } };
    await createApi(endpoint, options).get('token').expect(200);
    expect(endpoint.asked[0]?.body).toBe('token=token&token_type_hint=access_token');
    expect(endpoint.asked[0]?.headers['x-tenant']).toBe('acme');
  });

  it.each(['token', 'client_id', 'client_secret', 'client_assertion', 'client_assertion_type'])(
    'section 2.1: cannot have its %s overridden',
    (name) => {
      expect(() => tokenIntrospection({ ...REQUIRED, parameters: { [name]: 'x' } })).toThrow(`"parameters.${name}"`);
    },
  );

  it.each(['Authorization', 'content-type', 'Content-Length', 'Host', 'Accept-Encoding'])(
    'section 2.1: cannot have its %s header overridden',
    (name) => {
      expect(() => tokenIntrospection({ ...REQUIRED, headers: { [name]: 'x' } })).toThrow(TypeError);
    },
  );

  it('section 2.1: has the presented token when the client authentication writes another one', async () => {
    const endpoint = await createEndpoint(active());
    const sign: ClientAuth['sign'] = ({ parameters, headers }) => {
      parameters.token = 'other';
      headers['content-type'] = 'text/plain';
    };
    await createApi(endpoint, { clientAuth: { identity: 'own', sign } })
      .get('presented')
      .expect(200);
    expect(endpoint.asked[0]?.form.getAll('token')).toEqual(['presented']);
    expect(endpoint.asked[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded');
  });
});

describe('RFC 7662 section 2.2: the response', () => {
  it.each<[string, string, number]>([
    ['a boolean true', '{"active":true}', 200],
    ['a boolean false', '{"active":false}', 401],
    ['a string', '{"active":"true"}', 503],
    ['a number', '{"active":1}', 503],
    ['null', '{"active":null}', 503],
    ['a list', '{"active":[]}', 503],
    ['an object', '{"active":{}}', 503],
    ['missing', '{}', 503],
    ['missing from an error', '{"error":"invalid_client"}', 503],
    ['in another case (section 1.1)', '{"Active":true}', 503],
    ['inherited', '{"__proto__":{"active":true}}', 503],
    ['contradicted later', '{"active":true,"active":false}', 401],
    ['in a list', '[{"active":true}]', 503],
    ['in a string', '"{\\"active\\":true}"', 503],
    ['after a byte order mark', '\uFEFF{"active":true}', 200],
  ])('section 2.2: active that is %s', async (_title, body, status) => {
    const endpoint = await createEndpoint((_asked, res) => void res.writeHead(200, JSON_TYPE).end(body));
    const api = createApi(endpoint);
    await api.get('token').expect(status);
    expect([api.reached(), endpoint.asked.length]).toEqual([status === 200 ? 1 : 0, 1]);
  });

  it.each(['null', 'true', '1', '"x"', '[]', ''])(
    'section 2.2: a body of %j is not an introspection response',
    async (body) => {
      const endpoint = await createEndpoint((_asked, res) => void res.writeHead(200, JSON_TYPE).end(body));
      await createApi(endpoint).get('token').expect(503);
    },
  );

  it.each<[string, string, number]>([
    ['a string', '"read write"', 200],
    ['in another order', '"write read"', 200],
    ['a list of strings', '["write","read"]', 200],
    ['a longer name', '"readwrite write"', 403],
    ['of another case', '"READ write"', 403],
    ['part of another', '"bread write"', 403],
    ['an empty string', '""', 403],
    ['null', 'null', 403],
    ['an empty list', '[]', 403],
    ['a list of lists', '[["read","write"]]', 503],
    ['a list with a space in a name', '["read write"]', 503],
    ['a list with an empty name', '["read","write",""]', 503],
    ['an object', '{"read":true,"write":true}', 503],
    ['true', 'true', 503],
    ['a number', '0', 503],
  ])('section 2.2: scope that is %s', async (_title, scope, status) => {
    const endpoint = await createEndpoint((_asked, res) => {
      res.writeHead(200, JSON_TYPE).end(`{"active":true,"scope":${scope}}`);
    });
    const response = await createApi(endpoint, { scopes: ['read', 'write'] })
      .get('token')
      .expect(status);
    if (status === 403) expect(response.headers['www-authenticate']).toBe(`${INSUFFICIENT_SCOPE}, scope="read write"`);
    if (status === 200) expect(typeof response.body.auth.scope).toBe('string');
  });

  it.each<[string, string, number]>([
    ['exp', '4000000000', 200],
    ['exp', '4000000000.5', 200],
    ['exp', '4e9', 200],
    ['exp', 'null', 200],
    ['exp', '0', 401],
    ['exp', '-1', 401],
    ['exp', '"4000000000"', 503],
    ['exp', '1e400', 503],
    ['exp', 'true', 503],
    ['exp', '[4000000000]', 503],
    ['exp', '{}', 503],
    ['nbf', '0', 200],
    ['nbf', '4000000000', 401],
    ['nbf', '"0"', 503],
    ['nbf', '-1e400', 503],
    ['iat', '1800000000000', 200],
    ['iat', '"now"', 503],
    ['sub', '""', 200],
    ['sub', '12345', 503],
    ['username', 'null', 200],
    ['username', '{}', 503],
    ['client_id', '7', 503],
    ['token_type', '7', 503],
    ['iss', '["https://as.test"]', 503],
    ['jti', 'null', 200],
    ['jti', '1', 503],
    ['aud', '"api"', 200],
    ['aud', '["x","api"]', 200],
    ['aud', '"API"', 401],
    ['aud', '[]', 401],
    ['aud', 'null', 401],
    ['aud', '7', 503],
    ['aud', '["api",7]', 503],
    ['aud', '[["api"]]', 503],
    ['aud', '{"api":true}', 503],
  ])('section 2.2: %s %s', async (name, value, status) => {
    const endpoint = await createEndpoint((_asked, res) => {
      res.writeHead(200, JSON_TYPE).end(`{"active":true,"${name}":${value}}`);
    });
    const api = createApi(endpoint, { audience: name === 'aud' ? 'api' : false });
    const response = await api.get('token').expect(status);
    expect(response.headers['www-authenticate']).toBe(status === 401 ? INVALID_TOKEN : undefined);
    if (value === 'null' && status === 200) expect(response.body.auth).toEqual({ active: true, scope: '' });
  });

  it('section 2.2: every member but active may be absent', async () => {
    const endpoint = await createEndpoint({ active: true });
    expect((await createApi(endpoint).get('token').expect(200)).body).toEqual({ auth: { active: true, scope: '' } });
  });

  it('section 2.2: other members are allowed, and replace nothing', async () => {
    const claims = { active: true, scope: 'read', scopes: ['admin'], token: 'x', tenant: 't1', hasScope: true };
    const endpoint = await createEndpoint(claims);
    expect((await createApi(endpoint).get('token').expect(200)).body.auth).toEqual(claims);
    await createApi(endpoint, { scopes: ['admin'] })
      .get('token')
      .expect(403);
  });

  it('section 2.2: other members of an inactive token are ignored', async () => {
    const endpoint = await createEndpoint({ active: false, sub: 'leak-1', reason: 'leak-2', scope: 'leak-3' });
    const response = await createApi(endpoint).get('token').expect(401);
    expect(response.text + JSON.stringify(response.headers)).not.toContain('leak');
  });

  it.each(['Application/JSON; charset=utf-8', 'application/json;charset=UTF-8', 'application/json ; x=y'])(
    'section 2.2: the media type may be written as %s',
    async (type) => {
      const endpoint = await createEndpoint((_asked, res) => {
        res.writeHead(200, { 'content-type': type }).end('{"active":true}');
      });
      await createApi(endpoint).get('token').expect(200);
    },
  );

  it('section 2.2: a token that looks like a JWT is never read instead of the response', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const jwt = `${part({ alg: 'none' })}.${part({ scope: 'admin', active: true, exp: 4e9 })}.eA`;
    const endpoint = await createEndpoint(active({ scope: 'read' }));
    expect((await createApi(endpoint).get(jwt).expect(200)).body.auth.scope).toBe('read');
    await createApi(endpoint, { scopes: ['admin'] })
      .get(jwt)
      .expect(403);
    endpoint.script = { active: false };
    await createApi(endpoint).get(jwt).expect(401);
  });
});

describe('RFC 7662 section 2.3: errors', () => {
  it('section 2.3: unsupported_token_type rejects the token with 401, and is cached', async () => {
    const endpoint = await createEndpoint((_asked, res) => {
      res.writeHead(400, JSON_TYPE).end('{"error":"unsupported_token_type"}');
    });
    const api = createApi(endpoint);
    expect((await api.get('token').expect(401)).headers['www-authenticate']).toBe(INVALID_TOKEN);
    await api.get('token').expect(401);
    expect(endpoint.asked).toHaveLength(1);
  });

  it.each([
    [401, 'application/json', '{"error":"unsupported_token_type"}'],
    [400, 'text/plain', '{"error":"unsupported_token_type"}'],
    [400, 'application/json', '["unsupported_token_type"]'],
    [400, 'application/json', '{"error_description":"unsupported_token_type"}'],
    [400, 'application/json', 'null'],
  ])('section 2.3: %d as %s with %s is an outage', async (status, type, body) => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const endpoint = await createEndpoint((_asked, res) => {
      res.writeHead(status, { 'content-type': type }).end(body);
    });
    await createApi(endpoint).get('token').expect(503);
    warned.mockRestore();
  });

  it('section 2.3: inactive is no error: it causes one request and no warning', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const endpoint = await createEndpoint({ active: false });
    const api = createApi(endpoint);
    await api.get('token').expect(401);
    expect([endpoint.asked.length, api.errors, warned.mock.calls]).toEqual([1, [], []]);
    warned.mockRestore();
  });
});

describe('RFC 7662 section 4: security', () => {
  it('section 4: no malformed token reaches the endpoint', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint);
    for (let attempt = 0; attempt < 100; attempt++) await api.get(`a ${attempt}`).expect(400);
    expect(endpoint.asked).toHaveLength(0);
  });

  it('section 4: no URL contains the token', async () => {
    const endpoint = await createEndpoint(active());
    await createApi({ url: `${endpoint.url}?tenant=a` })
      .get('tok-1234')
      .expect(200);
    expect(endpoint.asked[0]?.url).toBe('/introspect?tenant=a');
  });
});

const REQUIRED: TokenIntrospectionOptions = {
  endpoint: 'https://as.test/introspect',
  clientAuth: clientSecretBasic('rs', 's'),
  audience: false,
};
