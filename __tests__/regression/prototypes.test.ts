import { join } from 'node:path';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { ROOT, startChild } from '../support/child.js';
import { active, createEndpoint } from '../support/endpoint.js';

const SCRIPT = join(ROOT, '__tests__/support/run-prototype.cjs');
const AUDIENCE = 'https://api.example.com';
const GOOD = { active: true, aud: AUDIENCE, iss: 'https://as.example.com', scope: 'read', exp: 9999999999 };

/** Outcome for each token: a status, an outage, or the claims that the handler sees. */
async function run(mode: string, ...args: string[]): Promise<unknown[]> {
  const { exit, lines, errorOutput } = startChild(SCRIPT, [mode, ...args], { NODE_NO_WARNINGS: '1' });
  expect([await exit, errorOutput()]).toEqual([0, '']);
  return lines.map((line) => JSON.parse(line));
}

const EXPECTED = {
  'no token': 401,
  good: GOOD,
  odd: { ...GOOD, constructor: 'c', toString: 't', valueOf: 1, hasOwnProperty: { constructor: 'd' } },
  noAudience: 401,
  noIssuer: 401,
  noScope: 403,
  bound: 401,
  certificateBound: 401,
  emptyBinding: 401,
  details: { ...GOOD, authorization_details: [{}] },
  inactive: 401,
  empty: 'bad_response',
  error: 'client_rejected',
  requireClaim: 403,
  requireAuthentication: 401,
  requireAuthorizationDetails: 403,
  requireFresh: GOOD,
};

describe('Object.prototype', () => {
  const POLLUTIONS: readonly (readonly [name: string, value: unknown])[] = [
    ['aud', AUDIENCE],
    ['iss', GOOD.iss],
    ['scope', 'read admin'],
    ['active', true],
    ['exp', 1],
    ['nbf', 9_999_999_999],
    ['token_type', 'refresh_token'],
    ['token_use', 'refresh'],
    ['cnf', { jkt: 'x' }],
    ['jkt', 'A'.repeat(43)],
    ['x5t#S256', 'A'.repeat(43)],
    ['x5t', 'A'.repeat(43)],
    ['proven', { jkt: 'A'.repeat(43) }],
    ['dpop', { proof: 'x' }],
    ['acr', 'gold'],
    ['auth_time', 9_999_999_999],
    ['authorization_details', [{ type: 'pay' }]],
    ['type', 'pay'],
    ['org', 'org_1'],
    ['authorization', 'Bearer good'],
    ['body', { access_token: 'good' }],
    ['error', 'unsupported_token_type'],
    ['history', [1, 2]],
    ['context', { history: [1, 2] }],
    ['content-encoding', 'gzip'],
    ['background', true],
    ['stale', true],
    ['mark', 'zzz'],
    ['certificate', 'x'],
    ['acrValues', ['x']],
    ['maxAgeSeconds', 1],
    ['auth', { sub: 'x' }],
    ['originalUrl', '/x'],
    ['size', 'x'],
    ['ttl', 1],
  ];
  let results: unknown[] = [];

  beforeAll(async () => {
    results = await run('set', JSON.stringify(POLLUTIONS));
  });

  it.each(POLLUTIONS.map(([name], index) => [name, index] as const))(
    'with extra members adds nothing to a token or a request: %s',
    (name, index) => {
      // While an inherited `error` is no function, zod can reject a response but cannot give the reason.
      const empty = name === 'error' ? expect.stringContaining('TypeError') : EXPECTED.empty;
      expect(results[index]).toEqual({ ...EXPECTED, empty });
    },
  );

  it.each(['before', 'after'])('may be frozen %s the middleware is loaded', async (when) => {
    expect(await run(`freeze ${when}`)).toEqual([EXPECTED]);
  });

  it('is the prototype of req.auth, so that it can be compared, spread and called', async () => {
    const response = active({ act: { sub: 'service' } });
    const endpoint = await createEndpoint(response);
    let auth: object = {};
    const app = createApp(createAuthenticate(endpoint), (req, _res, next) => {
      auth = (req as { auth?: object }).auth ?? {};
      next();
    });
    await get(app, 'token').expect(200);
    expect(Object.getPrototypeOf(auth)).toBe(Object.prototype);
    expect(auth).toStrictEqual(response);
  });
});
