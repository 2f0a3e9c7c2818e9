import { channel } from 'node:diagnostics_channel';
import request from 'supertest';
import { CHANNELS } from '../../lib/diagnostics/channels.js';
import { publishAccepted, publishRejected } from '../../lib/diagnostics/decisions.js';
import { type Decision, requireFresh, requireScope, type TokenIntrospectionOptions } from '../../lib/index.js';
import { createApi } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';

const DIGEST = expect.stringMatching(/^[\w-]{12}$/);
const TOKEN = 'aVery.Secret-Token_42';

describe('the decision channel', () => {
  it('keeps its name, because subscribers rely on it', () => {
    expect(CHANNELS.decision).toBe('express-token-introspection:decision');
  });

  it('has outcome, author and reason, and only the start of the token digest', () => {
    const decisions = recordDecisions();
    publishRejected('rejected', 'requireScope', 'abcdefghijklmnopqrstuvwxyz', {
      status: 403,
      reason: 'claim_mismatch',
    });
    publishAccepted('anonymous', 'tokenIntrospection', undefined, undefined);
    expect(decisions).toStrictEqual([
      {
        outcome: 'rejected',
        by: 'requireScope',
        status: 403,
        reason: 'claim_mismatch',
        tokenDigest: 'abcdefghijkl',
      },
      { outcome: 'anonymous', by: 'tokenIntrospection' },
    ]);
  });

  it('publishes nothing without subscribers', () => {
    const publish = jest.spyOn(channel(CHANNELS.decision), 'publish');
    publishAccepted('accepted', 'tokenIntrospection', 'key', undefined);
    expect(publish).not.toHaveBeenCalled();
    publish.mockRestore();
  });
});

describe('the decision about a request', () => {
  const accepted = (by: string): Decision => ({ outcome: 'accepted', by, tokenDigest: DIGEST as unknown as string });

  it('is published by the middleware and by each guard', async () => {
    const decisions = recordDecisions();
    const api = createApi(
      await createEndpoint(active()),
      {},
      requireScope('read'),
      requireFresh({ maxAgeSeconds: 60 }),
    );
    await api.get(TOKEN).expect(200);
    expect(decisions).toStrictEqual(['tokenIntrospection', 'requireScope', 'requireFresh'].map(accepted));
    expect(new Set(decisions.map(({ tokenDigest }) => tokenDigest)).size).toBe(1);
    await api.get(TOKEN).expect(200);
    expect(decisions.slice(3)).toStrictEqual(decisions.slice(0, 3));
  });

  it('has the same digest for the same token, and different digests for different tokens', async () => {
    const decisions = recordDecisions();
    const api = createApi(await createEndpoint(active()));
    await api.get(TOKEN);
    await api.get(TOKEN);
    await api.get('another');
    const [first, second, third] = decisions.map(({ tokenDigest }) => tokenDigest);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  it('is anonymous with "optional", and rejected by a guard after it', async () => {
    const decisions = recordDecisions();
    const api = createApi(await createEndpoint(active()), { optional: true }, requireScope('read'));
    await api.get().expect(401);
    expect(decisions).toStrictEqual([
      { outcome: 'anonymous', by: 'tokenIntrospection' },
      { outcome: 'rejected', by: 'requireScope', status: 401, reason: 'no_credentials' },
    ]);
  });

  it('names the guard that rejected the request', async () => {
    const decisions = recordDecisions();
    const api = createApi(await createEndpoint(active()), {}, requireScope('read'), requireScope('admin'));
    await api.get(TOKEN).expect(403);
    expect(decisions).toStrictEqual([
      accepted('tokenIntrospection'),
      accepted('requireScope'),
      { outcome: 'rejected', by: 'requireScope', status: 403, reason: 'insufficient_scope', tokenDigest: DIGEST },
    ]);
  });

  it.each<[string | undefined, number, string]>([
    [undefined, 401, 'no_credentials'],
    ['Bearer', 400, 'malformed_credentials'],
    ['Bearer,a', 400, 'malformed_credentials'],
    [`Bearer ${'a'.repeat(8193)}`, 400, 'token_too_long'],
  ])('has no digest without a valid token: %.12s', async (authorization, status, reason) => {
    const decisions = recordDecisions();
    const api = createApi(await createEndpoint(active()));
    const test = request(api.app).get('/');
    await (authorization === undefined ? test : test.set('Authorization', authorization)).expect(status);
    expect(decisions).toStrictEqual([{ outcome: 'rejected', by: 'tokenIntrospection', status, reason }]);
  });

  it.each(['a b', 'a"b', 'p@ssw0rd!'])(
    'has no digest of an invalid token, which may be a password: %s',
    async (token) => {
      const decisions = recordDecisions();
      const api = createApi(await createEndpoint(active()));
      await api.get(token).expect(400);
      expect(decisions).toStrictEqual([
        { outcome: 'rejected', by: 'tokenIntrospection', status: 400, reason: 'malformed_credentials' },
      ]);
    },
  );

  const NOW = 1_800_000_000;

  it.each<[string, object, Partial<TokenIntrospectionOptions>, number]>([
    ['inactive', { active: false }, {}, 401],
    ['refresh_token', { active: true, token_type: 'refresh_token' }, {}, 401],
    ['expired', { active: true, exp: NOW - 60 }, {}, 401],
    ['not_yet_valid', { active: true, nbf: NOW + 60 }, {}, 401],
    ['issuer_mismatch', { active: true }, { issuer: 'https://as.example.com' }, 401],
    ['audience_mismatch', { active: true }, { audience: 'https://api.example.com' }, 401],
    ['sender_constrained', { active: true, cnf: { jkt: 'x' } }, {}, 401],
    ['insufficient_scope', { active: true }, { scopes: ['read'] }, 403],
  ])('has the reason and the digest of a token that is rejected as %s', async (reason, body, options, status) => {
    const decisions = recordDecisions();
    const api = createApi(await createEndpoint(body), { clock: createClock(NOW), ...options });
    await api.get(TOKEN).expect(status);
    expect(decisions).toStrictEqual([
      { outcome: 'rejected', by: 'tokenIntrospection', status, reason, tokenDigest: DIGEST },
    ]);
  });

  it.each<[string, Script]>([
    ['server_error', (_, res) => json(res, {}, 500)],
    ['rate_limited', (_, res) => json(res, {}, 429)],
    ['client_rejected', (_, res) => json(res, {}, 401)],
    ['bad_response', (_, res) => json(res, {})],
    ['unreachable', (asked) => void asked.socket.destroy()],
  ])('is an outage when the endpoint fails: %s', async (reason, script) => {
    const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const decisions = recordDecisions();
    const api = createApi(await createEndpoint(script));
    await api.get(TOKEN).expect(503);
    expect(decisions).toStrictEqual([
      { outcome: 'outage', by: 'tokenIntrospection', status: 503, reason, tokenDigest: DIGEST },
    ]);
    emitWarning.mockRestore();
  });

  it('is not published for an error in the code of the app', async () => {
    const decisions = recordDecisions();
    const api = createApi(await createEndpoint(active()), {
      getToken() {
        throw new Error('of the app');
      },
    });
    await api.get().expect(500);
    expect(decisions).toEqual([]);
  });

  it('never holds the token, a claim or a secret', async () => {
    const decisions = recordDecisions();
    const endpoint = await createEndpoint(active({ sub: 'alice@example.com', scope: 'read' }));
    const api = createApi(endpoint, {}, requireScope('admin'));
    await api.get(TOKEN).expect(403);
    await request(api.app).get('/').set('Authorization', `Bearer ${TOKEN} x`).expect(400);
    await endpoint.close();
    await api.get(`${TOKEN}2`).expect(503);
    expect(decisions).toHaveLength(4);
    const text = JSON.stringify(decisions);
    for (const part of [TOKEN, 'alice', 'secret', endpoint.url, '127.0.0.1']) expect(text).not.toContain(part);
  });
});
