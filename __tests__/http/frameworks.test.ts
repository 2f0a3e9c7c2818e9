import { BARE, INVALID_REQUEST, INVALID_TOKEN, insufficientScope } from '../support/challenges.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';
import { removeGuides, startGuide } from '../support/frameworks.js';

const AUDIENCE = { aud: 'https://api.example.com' };

/** What is known about the tokens of these tests. */
const ANSWERS: Readonly<Record<string, Script>> = {
  good: active({ ...AUDIENCE, scope: 'reports:read' }),
  weak: active({ ...AUDIENCE, scope: 'profile:read' }),
  stranger: active({ aud: 'https://other.example.com', scope: 'reports:read' }),
  bad: { active: false },
};

const PATIENCE_MS = 5000;

afterAll(removeGuides);

describe.each(['Fastify', 'Koa', 'NestJS', "Node's own server"])('the app of the guide for %s', (heading) => {
  let url: string;
  let read: () => string;

  const get = (authorization?: string, path = '/api/reports') =>
    fetch(`${url}${path}`, {
      headers: authorization === undefined ? {} : { authorization },
      // None may hang.
      signal: AbortSignal.timeout(PATIENCE_MS),
    });

  beforeEach(async () => {
    const endpoint = await createEndpoint(({ form }, res) => {
      const answer = ANSWERS[form.get('token') ?? ''];
      if (answer === undefined) json(res, { why: 'db-12 is down' }, 500);
      return answer;
    });
    const guide = await startGuide(heading, endpoint.url);
    url = guide.url;
    read = () => guide.child.lines.join('\n') + guide.child.errorOutput();
  }, 30_000);

  it('answers as the middleware would, and lets only a good token with the scope to its handler', async () => {
    const seen: unknown[] = [];
    for (const [authorization, status, challenge] of [
      ['Bearer good', 200, null],
      ['Bearer good', 200, null],
      [undefined, 401, BARE],
      ['Basic YTpi', 401, BARE],
      ['Bearer a b', 400, INVALID_REQUEST],
      ['Bearer bad', 401, INVALID_TOKEN],
      ['Bearer stranger', 401, INVALID_TOKEN],
      ['Bearer weak', 403, insufficientScope('reports:read')],
      ['Bearer down', 503, null],
    ] as const) {
      const response = await get(authorization);
      const text = await response.text();
      expect([authorization, response.status, response.headers.get('www-authenticate')]).toEqual([
        authorization,
        status,
        challenge,
      ]);
      if (status === 200) {
        expect(JSON.parse(text)).toEqual({ sub: 'alice', scope: 'reports:read' });
      } else {
        expect(response.headers.get('cache-control')).toBe('no-store');
        expect(text).not.toContain('alice');
        expect(text).not.toContain('db-12');
      }
      if (status === 503) expect(response.headers.get('retry-after')).toBe('1');
      seen.push(status);
    }
    expect(seen).toHaveLength(9);
    for (const secret of ['good', 'weak', 'stranger', 'db-12']) expect(read()).not.toContain(secret);
  }, 30_000);

  it('lets no spelling of the path past', async () => {
    for (const path of [
      '/api//reports',
      '//api/reports',
      '/api/reports/',
      '/API/reports',
      '/%61pi/reports',
      '/api/./reports;a',
    ]) {
      const response = await get('Bearer bad', path);
      expect([401, 404]).toContain(response.status);
    }
  }, 30_000);
});
