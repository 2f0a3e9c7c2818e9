import request from 'supertest';
import { requireClaim, requireScope, type TokenIntrospectionOptions, tokenIntrospection } from '../../lib/index.js';
import { createApi } from '../support/api.js';
import { BARE, INVALID_REQUEST, INVALID_TOKEN, insufficientScope } from '../support/challenges.js';
import { active, createEndpoint } from '../support/endpoint.js';

describe('RFC 6750 section 2.1: the Authorization header', () => {
  it.each([
    ['one space', 'Bearer x', 'x'],
    ['several spaces', 'Bearer    x', 'x'],
    ['every character of a b64token', 'Bearer AZaz09-._~+/==', 'AZaz09-._~+/=='],
    ['only special characters', 'Bearer -._~+/', '-._~+/'],
    ['much padding', 'Bearer x=======', 'x======='],
  ])('section 2.1: %s', async (_title, authorization, token) => {
    const endpoint = await createEndpoint(active());
    await request(createApi(endpoint).app).get('/').set('Authorization', authorization).expect(200);
    expect(endpoint.asked[0]?.form.get('token')).toBe(token);
  });

  it.each([
    'Bearer',
    'Bearer ',
    'Bearer =',
    'Bearer a=b',
    'Bearer a b',
    'Bearer a,b',
    'Bearer a;b',
    'Bearer é',
    'Bearer (a)',
  ])('section 2.1: %j gets 400 invalid_request without an introspection request', async (authorization) => {
    const endpoint = await createEndpoint(active());
    const { app } = createApi(endpoint);
    const response = await request(app).get('/').set('Authorization', authorization).expect(400);
    expect(response.headers['www-authenticate']).toBe(INVALID_REQUEST);
    expect(endpoint.asked).toHaveLength(0);
  });

  it('section 2.1: a long, almost valid token is rejected in linear time', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint);
    for (const token of [`${'a='.repeat(4000)}`, `${'='.repeat(8000)}`, `${'a'.repeat(8000)}=!`]) {
      await api.get(token).expect(400);
    }
    expect(endpoint.asked).toHaveLength(0);
  });
});

describe('RFC 6750 sections 2.2 and 2.3: other places', () => {
  it.each([
    ['section 2.2: a form body', 'post', '/', 'access_token=x'],
    ['section 2.3: the query', 'get', '/?access_token=x', undefined],
    ['section 2.3: the query, twice', 'get', '/?access_token=x&access_token=y', undefined],
    ['section 1.1: the query, with another case', 'get', '/?Access_Token=x', undefined],
  ] as const)('%s is no credential unless asked for', async (_title, method, path, body) => {
    const endpoint = await createEndpoint(active());
    const response = await request(createApi(endpoint).app)[method](path).send(body).expect(401);
    expect(response.headers['www-authenticate']).toBe(BARE);
    expect(endpoint.asked).toHaveLength(0);
  });
});

type Row = [
  title: string,
  options: Partial<TokenIntrospectionOptions>,
  script: object,
  authorization: string | undefined,
  status: number,
  challenge: string,
];

const CHALLENGES: readonly Row[] = [
  ['no credentials', {}, active(), undefined, 401, BARE],
  ['another scheme', {}, active(), 'Basic dTpw', 401, BARE],
  [
    'no credentials, when scopes are required',
    { scopes: ['a', 'b'] },
    active(),
    undefined,
    401,
    `${BARE}, scope="a b"`,
  ],
  [
    'no credentials, with metadata',
    { scopes: ['a'], resourceMetadata: 'https://api.test/.well-known/oauth-protected-resource?a=b' },
    active(),
    undefined,
    401,
    `${BARE}, scope="a", resource_metadata="https://api.test/.well-known/oauth-protected-resource?a=b"`,
  ],
  ['a malformed token', { scopes: ['a'] }, active(), 'Bearer a b', 400, INVALID_REQUEST],
  ['an inactive token', {}, { active: false }, 'Bearer x', 401, INVALID_TOKEN],
  [
    'an inactive token, when scopes are required',
    { scopes: ['a'] },
    { active: false },
    'Bearer x',
    401,
    `${INVALID_TOKEN}, scope="a"`,
  ],
  ['an expired token', {}, active({ exp: 1 }), 'Bearer x', 401, INVALID_TOKEN],
  ['insufficient scope', { scopes: ['a', 'read'] }, active(), 'Bearer x', 403, insufficientScope('a read')],
  ['a scope named twice', { scopes: ['a', 'a'] }, active(), 'Bearer x', 403, insufficientScope('a')],
  ['an empty realm', { realm: '' }, active(), undefined, 401, 'Bearer realm=""'],
  ['every character of a scope', { scopes: ["!#[]~/:.-_'"] }, active(), undefined, 401, `${BARE}, scope="!#[]~/:.-_'"`],
];

describe('RFC 6750 section 3: the challenge', () => {
  it.each<Row>([...CHALLENGES])(
    'sections 3 and 3.1: %s',
    async (_title, options, script, authorization, status, challenge) => {
      const endpoint = await createEndpoint(script);
      const test = request(createApi(endpoint, options).app).get('/');
      if (authorization !== undefined) test.set('Authorization', authorization);
      const response = await test.expect(status);
      expect(response.headers['www-authenticate']).toBe(challenge);
      const [, code] = /error="([^"]*)"/.exec(challenge) ?? [];
      expect(response.body.error).toBe(code);
    },
  );

  it.each<Row>([...CHALLENGES])(
    'section 3: is well formed for %s',
    (_title, _options, _script, _authorization, _status, challenge) => {
      const parameters = parseChallenge(challenge);
      expect(parameters.size).toBeGreaterThan(0);
      expect(parameters.get('scope') ?? 'a').toMatch(/^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/);
      for (const name of ['error', 'error_description']) {
        expect(parameters.get(name) ?? '').toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/);
      }
    },
  );

  it.each<[string, Partial<TokenIntrospectionOptions>]>([
    ['a quote in a scope', { scopes: ['sco"pe'] }],
    ['a backslash in a scope', { scopes: ['sco\\pe'] }],
    ['a space in a scope', { scopes: ['a b'] }],
    ['an empty scope', { scopes: [''] }],
    ['a letter beyond ASCII in a scope', { scopes: ['é'] }],
    ['a line end in a scope', { scopes: ['a\n'] }],
    ['a string of scopes', { scopes: 'a' as never }],
  ])('section 3: %s throws at start-up', (_title, options) => {
    const required = {
      endpoint: 'https://as.test',
      clientAuth: { identity: 'x', sign() {} },
      audience: false,
    } as const;
    expect(() => tokenIntrospection({ ...required, ...options })).toThrow(/"scopes"/);
    expect(() => tokenIntrospection(required).with(options)).toThrow(/"scopes"/);
  });

  it('section 3: has the scopes that the resource requires, not those of the token', async () => {
    const endpoint = await createEndpoint(active({ scope: 'read secret-scope' }));
    const { headers } = await createApi(endpoint, {}, requireScope('admin')).get('token').expect(403);
    expect(headers['www-authenticate']).toBe(insufficientScope('admin'));
  });

  it('section 3.1: has no scope when another scope would not help', async () => {
    const endpoint = await createEndpoint(active());
    const { headers } = await createApi(endpoint, { scopes: ['read'] }, requireClaim('tenant', 'a'))
      .get('x')
      .expect(403);
    expect(parseChallenge(headers['www-authenticate'] ?? '').has('scope')).toBe(false);
  });
});

/** `Bearer` and at least one parameter, each quoted and used once (RFC 9110 section 11). Rejects anything else. */
function parseChallenge(challenge: string): Map<string, string> {
  const [, rest = ''] = /^Bearer (.+)$/.exec(challenge) ?? [];
  const parameters = new Map<string, string>();
  const parameter = /([a-z_]+)="((?:[^"\\]|\\.)*)"(?:, (?=[a-z])|$)/y;
  while (parameter.lastIndex < rest.length) {
    const match = parameter.exec(rest);
    if (match === null) throw new Error(`not a challenge: ${challenge}`);
    const [, name = '', value = ''] = match;
    if (parameters.has(name)) throw new Error(`${name} twice: ${challenge}`);
    parameters.set(name, value.replace(/\\(.)/g, '$1'));
  }
  return parameters;
}
