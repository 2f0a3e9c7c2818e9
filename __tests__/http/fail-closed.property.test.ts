import { type ServerResponse, STATUS_CODES } from 'node:http';
import fc from 'fast-check';
import { createApi } from '../support/api.js';
import { createEndpoint } from '../support/endpoint.js';
import { mutatedActive, mutations } from '../support/replies.js';
import { serve } from '../support/serve.js';

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

const AUDIENCE = 'https://api.example.com';
const ISSUER = 'https://as.example.com';
const GOOD = { active: true, aud: AUDIENCE, iss: ISSUER, scope: 'read', exp: Math.floor(Date.now() / 1000) + 3600 };
/** Statuses of a gateway that may reach the endpoint the next time. The middleware retries once. */
const TRANSIENT_STATUSES = [502, 503, 504];
const STATUSES = Object.keys(STATUS_CODES).map(Number);

/** Mostly valid responses, so that one part at a time is wrong. */
const replies: fc.Arbitrary<Reply> = fc.record({
  status: fc.oneof(
    { weight: 5, arbitrary: fc.constant(200) },
    { weight: 1, arbitrary: fc.constantFrom(...STATUSES.filter((status) => status >= 200)) },
  ),
  headers: fc.oneof(
    { weight: 6, arbitrary: fc.constant({ 'content-type': 'application/json' }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Record<string, string>>(
        { 'content-type': 'Application/JSON; charset=utf-8' },
        { 'content-type': 'text/html' },
        { 'content-type': 'application/jwt' },
        {},
        { 'content-type': 'application/json', 'content-encoding': 'gzip' },
        { 'content-type': 'application/json', 'content-encoding': 'identity' },
        { 'content-type': 'application/json', location: '/elsewhere', 'cache-control': 'max-age=60' },
      ),
    },
  ),
  text: fc.oneof(
    { weight: 5, arbitrary: mutations.map((wrong) => JSON.stringify({ ...GOOD, ...wrong })) },
    { weight: 1, arbitrary: mutatedActive.map((body) => JSON.stringify(body)) },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.string() },
    { weight: 1, arbitrary: mutatedActive.map((body) => JSON.stringify(body).slice(0, -1)) },
  ),
});

/** Whether a handler may run, written as plainly as possible. */
function mayRun({ status, headers, text }: Reply): boolean {
  if (status !== 200) return false;
  if (headers['content-type']?.toLowerCase().split(';')[0] !== 'application/json') return false;
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') return false;
  let body: Record<string, unknown> | null;
  try {
    body = JSON.parse(text);
  } catch {
    return false;
  }
  if (typeof body !== 'object' || body === null || body.active !== true) return false;
  const { exp, nbf, iss, aud, cnf, scope, token_type: type, token_use: use } = body;
  const now = Date.now() / 1000;
  return (
    (exp === undefined || exp === null || (typeof exp === 'number' && exp > now - 5)) &&
    (nbf === undefined || nbf === null || (typeof nbf === 'number' && nbf < now + 5)) &&
    iss === ISSUER &&
    [aud].flat().includes(AUDIENCE) &&
    (cnf === undefined || cnf === null) &&
    type !== 'refresh_token' &&
    use !== 'refresh' &&
    [scope].flat().join(' ').split(' ').includes('read')
  );
}

describe('any response of the endpoint', () => {
  it('leads to a handler only if it is well-formed and says that an acceptable token is active', async () => {
    let reply: Reply = { status: 500, headers: {}, text: '' };
    const endpoint = await createEndpoint((_: unknown, res: ServerResponse) => {
      res.writeHead(reply.status, reply.headers).end(reply.text);
    });
    const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    let pauses = 0;
    const clock = { now: () => Date.now(), monotonic: () => performance.now() + pauses };
    const api = createApi(endpoint, { audience: AUDIENCE, issuer: ISSUER, scopes: ['read'], clock });
    const { url } = await serve(api.app);
    let asked = 0;
    let retries = 0;
    await fc.assert(
      fc.asyncProperty(replies, async (given) => {
        reply = given;
        pauses += 120_000;
        if (TRANSIENT_STATUSES.includes(given.status)) retries++;
        const before = api.reached();
        const headers = { authorization: `Bearer token${asked++}` };
        const response = await fetch(url, { headers });
        const ran = api.reached() > before;
        expect([200, 401, 403, 503]).toContain(response.status);
        expect(ran).toBe(response.status === 200);
        if (ran) expect(mayRun(given)).toBe(true);
        if (ran) expect(await response.json()).toMatchObject({ auth: { active: true, iss: ISSUER } });
        else expect(await response.text()).toMatch(/^(\{"error":"(invalid_token|insufficient_scope)"|<!DOCTYPE html>)/);
      }),
      { numRuns: 600 },
    );
    emitWarning.mockRestore();
    // The circuit breaker sends introspection requests of its own.
    const ofClients = endpoint.asked.filter(({ form }) => form.get('token')?.startsWith('token'));
    expect(ofClients.length).toBe(asked + retries);
    expect(api.reached()).toBeGreaterThan(20);
    expect(api.reached()).toBeLessThan(asked);
  }, 60_000);
});
