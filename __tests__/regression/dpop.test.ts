import request from 'supertest';
import { mcpTokenVerifier } from '../../lib/mcp/index.js';
import { protectedResourceMetadata } from '../../lib/metadata/index.js';
import { createApi, createApp, createAuthenticate, get } from '../support/api.js';
import { ALGS, CHALLENGES, createDpopSetup, sendBound } from '../support/dpop.js';
import { ORIGIN } from '../support/dpop-sender.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { SDK_ERRORS } from '../support/mcp-sdk.js';
import { published } from '../support/published.js';

const INVALID_TOKEN = 'error="invalid_token", error_description="The access token is not valid for this resource"';

describe('a token under Bearer with a DPoP header', () => {
  it.each(['a good proof', 'x', ''])(
    'is rejected without an introspection request, because nobody checks %j',
    async (given) => {
      const { api, endpoint, sender, clock } = await createDpopSetup();
      endpoint.script = active({ exp: undefined });
      const proof = given === 'a good proof' ? await sender.proof('abc', clock) : given;
      const { headers } = await api.get('abc').set('DPoP', proof).expect(401);
      expect(headers['www-authenticate']).toBe(CHALLENGES.bearerToken);
      await api.get('abc').expect(200);
      expect([endpoint.asked.length, api.reached()]).toEqual([1, 1]);
    },
  );

  it('is rejected when the app reads the token elsewhere, too', async () => {
    const endpoint = await createEndpoint(active());
    const getToken = () => 'abc';
    const api = createApi(endpoint, { dpop: { origin: ORIGIN }, getToken });
    await api.get().set('DPoP', 'x').expect(401);
    await api.get().expect(200);
  });

  it('is accepted when DPoP is off, where the header means nothing', async () => {
    await createApi(await createEndpoint(active()))
      .get('abc')
      .set('DPoP', 'x')
      .expect(200);
  });
});

describe('dpop.required', () => {
  const challenge = (parameters: string) => `DPoP realm="api", ${parameters}${ALGS}`;

  it('rejects a plain token without an introspection request and challenges only DPoP', async () => {
    const { api, endpoint, send } = await createDpopSetup({ required: true });
    expect((await api.get('abc').expect(401)).headers['www-authenticate']).toBe(challenge(`${INVALID_TOKEN}, `));
    expect((await api.get().expect(401)).headers['www-authenticate']).toBe(challenge(''));
    expect((await sendBound(api, 'abc').expect(401)).headers['www-authenticate']).toContain('invalid_dpop_proof');
    expect(endpoint.asked).toHaveLength(0);
    await send(200);
  });

  it('rejects a plain token under the DPoP scheme', async () => {
    const { endpoint, send } = await createDpopSetup({ required: true });
    endpoint.script = active({ exp: undefined });
    expect((await send(401)).headers['www-authenticate']).toBe(challenge(`${INVALID_TOKEN}, `));
  });

  it('does not treat a plain token as anonymous', async () => {
    const { api } = await createDpopSetup({ required: true }, { optional: true });
    await api.get('abc').expect(401);
    await api.get().expect(200);
  });

  it('rejects every token outside a request', async () => {
    const { api, endpoint } = await createDpopSetup({ required: true });
    endpoint.script = active({ exp: undefined });
    await expect(api.authenticate.introspect('abc')).rejects.toMatchObject({ reason: 'sender_constrained' });
    expect(endpoint.asked).toHaveLength(0);
  });

  it('can be set and unset in a derived middleware', async () => {
    const authenticate = createAuthenticate(await createEndpoint(active()), { dpop: { origin: ORIGIN } });
    const strict = authenticate.with({ dpop: { origin: ORIGIN, required: true } });
    await get(createApp(strict), 'abc').expect(401);
    await get(createApp(authenticate, strict), 'abc').expect(401);
    await get(createApp(strict.with({ dpop: { origin: ORIGIN, nonce: true } })), 'abc').expect(401);
    await get(createApp(strict.with({ dpop: { origin: ORIGIN, required: false } })), 'abc').expect(200);
    expect(() => strict.with({ getToken: () => 'abc' })).toThrow('Option "getToken"');
    expect(() => strict.with({ tokenFromBody: true })).toThrow('Option "tokenFromBody"');
  });

  it('is in the metadata, which cannot deny it', async () => {
    const options = {
      audience: ORIGIN,
      dpop: { required: true },
      issuer: 'https://as.example.com',
      resourceMetadata: true,
    } as const;
    const authenticate = createAuthenticate(await createEndpoint(active()), options);
    expect(() => protectedResourceMetadata(authenticate, { dpop_bound_access_tokens_required: false })).toThrow(
      'Option "metadata.dpop_bound_access_tokens_required"',
    );
    const app = createApp(protectedResourceMetadata(authenticate));
    const { body } = await request(app.app).get('/.well-known/oauth-protected-resource').expect(200);
    expect(body).toMatchObject({ dpop_bound_access_tokens_required: true, bearer_methods_supported: [] });
  });

  it('makes mcpTokenVerifier() throw, because it sees no proof', async () => {
    const options = { audience: ORIGIN, dpop: { required: true } };
    const authenticate = published(createAuthenticate(await createEndpoint(active()), options));
    expect(() => mcpTokenVerifier(authenticate, { errors: SDK_ERRORS['version 1'] })).toThrow('Option "dpop.required"');
  });
});

describe('a DPoP proof', () => {
  it.each<[string, number, (now: number) => Record<string, unknown>]>([
    ['with an exp to come', 200, (now) => ({ exp: now + 1 })],
    ['whose exp is now', 401, (now) => ({ exp: now })],
    ['whose exp has passed', 401, (now) => ({ exp: now - 1 })],
    ['whose exp is 0', 401, () => ({ exp: 0 })],
    ['whose exp is a string', 401, (now) => ({ exp: String(now + 60) })],
    ['whose exp is null', 401, () => ({ exp: null })],
    ['with an nbf that has passed', 200, (now) => ({ nbf: now - 1 })],
    ['whose nbf is 10 seconds ahead, like the latest valid iat', 200, (now) => ({ nbf: now + 10 })],
    ['whose nbf is 11 seconds ahead', 401, (now) => ({ nbf: now + 11 })],
    ['whose nbf is a string', 401, () => ({ nbf: '0' })],
    ['whose nbf is null', 401, () => ({ nbf: null })],
  ])('%s is answered %d', async (_, status, claims) => {
    const { clock, send } = await createDpopSetup();
    await send(status, { claims: claims(clock.seconds()) });
  });
});

describe('dpop.origin with a path', () => {
  const sends = async (origin: string, htu: string, status: number) => {
    const { sender, clock, api } = await createDpopSetup({ origin });
    await sendBound(api, 'abc', await sender.proof('abc', clock, { claims: { htu } }), '/reports').expect(status);
  };

  it.each([`${ORIGIN}/v1`, `${ORIGIN}/v1/`])('is prepended to the path of the request: %s', async (origin) => {
    await sends(origin, `${ORIGIN}/v1/reports`, 200);
    await sends(origin, `${ORIGIN}/reports`, 401);
  });

  it.each(['?a', '#a', '?', '#'])('from a function may have no query or fragment: %j', async (more) => {
    const { sender, clock, api } = await createDpopSetup({ origin: () => `${ORIGIN}/v1${more}` });
    const proofs = [`${ORIGIN}/v1`, `${ORIGIN}/v1/`, `${ORIGIN}/v1/reports`];
    for (const htu of proofs) {
      await sendBound(api, 'abc', await sender.proof('abc', clock, { claims: { htu } }), '/reports').expect(401);
    }
    expect(api.reached()).toBe(0);
  });
});
