import { type GlobalTokenRevocationOptions, globalTokenRevocation } from '../../lib/signals/index.js';
import { recordEvents } from '../support/channels.js';
import { createClock } from '../support/clock.js';
import { exchange } from '../support/serve.js';
import { bearerClaims, createRecorder, ENDPOINT, ISSUER, postRevocation, SUBJECT } from '../support/signals.js';
import { createIssuerKey, signToken, toJwk } from '../support/transmitter.js';

const KEY = createIssuerKey();
const clock = createClock();
const email = { sub_id: { format: 'email', email: 'alice@example.com' } };

function createRevocation(authenticate = createRecorder(), more: Partial<GlobalTokenRevocationOptions> = {}) {
  const options = { authenticate, issuer: ISSUER, audience: ENDPOINT, keys: { keys: [toJwk(KEY)] }, clock };
  return { authenticate, handler: globalTokenRevocation({ ...options, ...more }) };
}

const sign = (claims: object = {}, header: object = { typ: 'global-token-revocation+jwt' }) =>
  signToken(KEY, header, bearerClaims(clock.seconds(), claims));

describe('globalTokenRevocation', () => {
  it.each<[object, boolean]>([
    [{ typ: 'global-token-revocation+jwt' }, false],
    [{ typ: 'application/Global-Token-Revocation+JWT' }, false],
    [{ typ: 'JWT' }, true],
    [{}, true],
  ])('responds 204 to a JWT with the header %j and allowJwtType %s', async (header, allowJwtType) => {
    const { authenticate, handler } = createRevocation(createRecorder(), { allowJwtType });
    const response = await postRevocation(handler, await sign({}, header));
    expect([response.status, response.text, response.headers['cache-control']]).toEqual([204, '', 'no-store']);
    expect(authenticate.invalidated).toEqual([{ sub: 'alice' }]);
  });

  it.each([[{ typ: 'JWT' }], [{}], [{ typ: 'at+jwt' }]])(
    'responds 401 to an access token with the header %j, although a client got it for the URL of the handler',
    async (header) => {
      const { authenticate, handler } = createRevocation();
      const token = await sign({ sub: 'mallory', client_id: 'app', scope: 'openid' }, header);
      expect((await postRevocation(handler, token)).status).toBe(401);
      expect(authenticate.invalidated).toEqual([]);
    },
  );

  it('responds 204 for an e-mail address that the option subject knows', async () => {
    const { authenticate, handler } = createRevocation(createRecorder(), {
      subject: ({ format, email }) => (format === 'email' ? { sub: `id of ${email}` } : undefined),
    });
    expect((await postRevocation(handler, await sign(), email)).status).toBe(204);
    expect(authenticate.invalidated).toEqual([{ sub: 'id of alice@example.com' }]);
  });

  it.each([
    ['an unknown e-mail address', 'unmapped', email],
    ['a subject of another issuer', 'foreign', { sub_id: { ...SUBJECT.sub_id, iss: 'https://other.example.com' } }],
  ])('responds 404 for %s', async (_name, outcome, body) => {
    const { authenticate, handler } = createRevocation(createRecorder(), { subject: () => undefined });
    const events = recordEvents('signal');
    const response = await postRevocation(handler, await sign(), body);
    expect([response.status, response.body]).toEqual([404, { error: 'not_found' }]);
    expect(authenticate.invalidated).toEqual([]);
    expect(events).toEqual([{ by: 'globalTokenRevocation', outcome }]);
  });

  it('responds 204 to a repeated request, and 401 to the same JWT with another subject', async () => {
    const { authenticate, handler } = createRevocation();
    const events = recordEvents('signal');
    const token = await sign();
    const other = { sub_id: { ...SUBJECT.sub_id, sub: 'bob' } };
    const statuses = [];
    for (const body of [SUBJECT, SUBJECT, other]) statuses.push((await postRevocation(handler, token, body)).status);
    expect(statuses).toEqual([204, 204, 401]);
    expect(authenticate.invalidated).toEqual([{ sub: 'alice' }]);
    expect(events.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['applied', undefined],
      ['repeated', undefined],
      ['rejected', 'replayed'],
    ]);
  });

  it('responds 503 if the fleet was not told, and accepts the same JWT again', async () => {
    const outcomes = [() => Promise.reject(new Error('hush')), async () => {}];
    const { handler } = createRevocation(createRecorder(() => (outcomes.shift() as () => Promise<void>)()));
    const token = await sign();
    const failed = await postRevocation(handler, token);
    expect([failed.status, failed.headers['retry-after']]).toEqual([503, '1']);
    expect((await postRevocation(handler, token)).status).toBe(204);
  });

  it.each<[string, object]>([
    ['no subject', {}],
    ['a malformed subject', { sub_id: { format: 'iss_sub', iss: ISSUER } }],
  ])('says in 400 that a request has %s', async (_name, body) => {
    const { handler } = createRevocation();
    const response = await postRevocation(handler, await sign(), body);
    expect([response.status, response.body]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'the subject is missing, malformed or contradictory' },
    ]);
  });

  it.each([
    ['bearer', (token: string) => [`Authorization: bearer ${token}`], 204],
    ['two spaces', (token: string) => [`Authorization: Bearer  ${token}`], 204],
    ['two tokens', (token: string) => [`Authorization: Bearer ${token} x`], 401],
    ['text before the scheme', (token: string) => [`Authorization: x Bearer ${token}`], 401],
    ['no space', (token: string) => [`Authorization: Bearer${token}`], 401],
    ['another scheme', (token: string) => [`Authorization: DPoP ${token}`], 401],
    ['two headers', (token: string) => [`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`], 401],
  ])('reads the JWT from Authorization with %s: %#', async (_name, lines, status) => {
    const { handler } = createRevocation();
    const body = JSON.stringify(SUBJECT);
    const head = ['POST / HTTP/1.1', 'Content-Type: application/json', ...lines(await sign())];
    const response = await exchange((req, res) => handler(req, res), head, body);
    expect([response.status, response.header('www-authenticate')]).toEqual([status, status === 204 ? [] : ['Bearer']]);
    if (status === 401) expect(response.body).toBe('{}');
  });

  it('challenges with invalid_token only if there was a token', async () => {
    const { handler } = createRevocation();
    const challenges = ['', await sign({ aud: 'other' })].map(
      async (token) => (await postRevocation(handler, token)).headers['www-authenticate'],
    );
    expect(await Promise.all(challenges)).toEqual(['Bearer', 'Bearer error="invalid_token"']);
  });

  it.each(['reports-api', ['https://api.example.com', 'reports-api']])('throws for the audience %j', (audience) => {
    expect(() => createRevocation(createRecorder(), { audience })).toThrow(
      /^Option "audience" is .*; write the URL of this handler, or a list of URLs$/,
    );
  });
});
