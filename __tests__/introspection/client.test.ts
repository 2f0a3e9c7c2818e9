import type { ClientAuth } from '../../lib/core/client-auth.js';
import { remedyFor } from '../../lib/diagnostics/remedies.js';
import { bearerToken, tlsClientAuth } from '../../lib/index.js';
import type { IntrospectionClientSettings } from '../../lib/introspection/client.js';
import { USER_AGENT } from '../../lib/introspection/user-agent.js';
import { createClock, since } from '../support/clock.js';
import { active, createEndpoint, type Endpoint, json } from '../support/endpoint.js';
import { createTestClient } from '../support/introspection-client.js';
import { bearerCredentials } from '../support/records.js';

const TOKEN = 'mF_9.B5f-4.1JqM+/==';
const QUESTION = bearerCredentials(TOKEN);

function createClient(endpoint: Pick<Endpoint, 'url'>, settings: Partial<IntrospectionClientSettings> = {}) {
  const { client, clock } = createTestClient(endpoint, settings);
  return { calls: client.calls, ask: async () => client.lookup(QUESTION, since(clock)) };
}

function signing(sign: ClientAuth['sign']): { clientAuth: ClientAuth } {
  return { clientAuth: { identity: 'test', sign } };
}

/** The headers without those of the connection. */
function headersOf(endpoint: Endpoint) {
  const { host, connection, 'content-length': length, ...headers } = endpoint.asked[0]?.headers ?? {};
  return headers;
}

describe('the introspection request', () => {
  it('is a form with only the token', async () => {
    const endpoint = await createEndpoint(active());
    await createClient(endpoint).ask();
    expect(endpoint.asked[0]).toMatchObject({
      method: 'POST',
      url: '/introspect',
      body: 'token=mF_9.B5f-4.1JqM%2B%2F%3D%3D',
    });
    expect(headersOf(endpoint)).toEqual({
      accept: 'application/json',
      'accept-encoding': 'identity',
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': USER_AGENT,
    });
  });

  it('is JSON with requestFormat json', async () => {
    const endpoint = await createEndpoint(active());
    await createClient(endpoint, { requestFormat: 'json', parameters: { hint: 'a"b' } }).ask();
    expect(JSON.parse(endpoint.asked[0]?.body ?? '')).toEqual({ token: TOKEN, hint: 'a"b' });
    expect(headersOf(endpoint)['content-type']).toBe('application/json');
  });

  it('has the configured parameters, headers and token parameter', async () => {
    const endpoint = await createEndpoint(active());
    const settings = { tokenParameter: 'access_token', parameters: { token_type_hint: 'access_token' } };
    await createClient(endpoint, {
      ...settings,
      headers: { 'x-tenant': 'a', accept: 'application/problem+json' },
    }).ask();
    expect([...(endpoint.asked[0]?.form ?? [])]).toEqual([
      ['access_token', TOKEN],
      ['token_type_hint', 'access_token'],
    ]);
    expect(headersOf(endpoint)).toMatchObject({ 'x-tenant': 'a', accept: 'application/problem+json' });
  });

  it('has the credentials, and passes the request to sign()', async () => {
    const endpoint = await createEndpoint(active());
    const sign = jest.fn<void, Parameters<ClientAuth['sign']>>(({ headers, parameters }) => {
      headers.Authorization = 'Signed 1';
      parameters.client_id = 'api';
    });
    const issuer = 'https://as.example.com';
    const location = { endpoint: new URL(endpoint.url), issuer, allowHttp: false };
    await createClient(endpoint, { ...signing(sign), location: location, parameters: { hint: 'x' } }).ask();
    expect(sign).toHaveBeenCalledTimes(1);
    expect(sign.mock.calls[0]?.[0]).toMatchObject({
      endpoint: endpoint.url,
      issuer,
      refused: false,
      headers: { accept: 'application/json' },
      parameters: { token: TOKEN, hint: 'x' },
    });
    expect(headersOf(endpoint).authorization).toBe('Signed 1');
    expect(endpoint.asked[0]?.form.get('client_id')).toBe('api');
  });

  it('keeps the token and the framing when the client authentication writes others', async () => {
    const endpoint = await createEndpoint(active());
    await createClient(
      endpoint,
      signing(({ headers, parameters }) => {
        parameters.token = 'another';
        headers['Content-Type'] = 'text/plain';
        headers['accept-encoding'] = 'gzip';
      }),
    ).ask();
    expect(endpoint.asked[0]?.form.getAll('token')).toEqual([TOKEN]);
    expect(headersOf(endpoint)).toMatchObject({
      'content-type': 'application/x-www-form-urlencoded',
      'accept-encoding': 'identity',
    });
  });

  it('has nothing that the client authentication wrote into an earlier request', async () => {
    const endpoint = await createEndpoint(active());
    let attempts = 0;
    const { ask, calls } = createClient(
      endpoint,
      signing(({ headers, parameters }) => {
        attempts++;
        headers[`x-${attempts}`] = '1';
        parameters[`p${attempts}`] = '1';
      }),
    );
    await ask();
    await ask();
    expect(endpoint.asked[1]?.headers).not.toHaveProperty('x-1');
    expect([...(endpoint.asked[1]?.form.keys() ?? [])]).toEqual(['token', 'p2']);
    expect([calls(), endpoint.asked.length]).toEqual([2, 2]);
  });
});

describe('client authentication that fails', () => {
  it.each<[string, ClientAuth['sign']]>([
    [
      'throw',
      () => {
        throw new Error('vault says hush');
      },
    ],
    ['reject', () => Promise.reject(new Error('vault says hush'))],
    [
      'write a header of two lines',
      ({ headers }) => {
        headers.authorization = 'Bearer a\r\nX-Hush: 1';
      },
    ],
    [
      'write no text into a header',
      ({ headers }) => {
        (headers as Record<string, unknown>).authorization = undefined;
      },
    ],
    [
      'write no text into a parameter',
      ({ parameters }) => {
        (parameters as Record<string, unknown>).client_id = 7;
      },
    ],
  ])('is an outage without details, and sends no request, when it %s', async (_, sign) => {
    const endpoint = await createEndpoint(active());
    const { ask } = createClient(endpoint, signing(sign));
    const error: unknown = await ask().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'IntrospectionError',
      status: 503,
      code: 'credentials_unavailable',
      message:
        'Token introspection failed: the client authentication could not provide its credentials (credentials_unavailable)',
    });
    expect(error).not.toHaveProperty('cause');
    expect(endpoint.asked).toHaveLength(0);
  });
});

describe('credentials that get a 401', () => {
  type Res = Parameters<typeof json>[0];

  /** An endpoint that accepts one bearer token. */
  function createKnowing(token: string) {
    return createEndpoint((asked: { headers: { authorization?: string } }, res: Res) =>
      asked.headers.authorization === `Bearer ${token}`
        ? json(res, active())
        : json(res, { error: 'invalid_token' }, 401),
    );
  }

  beforeEach(() => {
    jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  });

  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('are renewed by a function, which causes one retry and no outage', async () => {
    const endpoint = await createKnowing('new');
    const token = jest.fn<string, [{ readonly refused: boolean }]>(({ refused }) => (refused ? 'new' : 'old'));
    const { ask, calls } = createClient(endpoint, { clientAuth: bearerToken(token) });
    expect(await ask()).toMatchObject({ active: true, claims: { sub: 'alice' } });
    expect(token.mock.calls).toEqual([[{ refused: false }], [{ refused: true }]]);
    expect(endpoint.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
    expect(calls()).toBe(2);
    expect(process.emitWarning).not.toHaveBeenCalled();
  });

  it('cause client_rejected after one request when the credentials stay the same', async () => {
    const endpoint = await createKnowing('new');
    const token = jest.fn<string, []>(() => 'old');
    for (const clientAuth of [bearerToken('old'), bearerToken(token)]) {
      const { ask, calls } = createClient(endpoint, { clientAuth });
      await expect(ask()).rejects.toMatchObject({ code: 'client_rejected', detail: 'HTTP 401' });
      expect(calls()).toBe(1);
    }
    expect(token).toHaveBeenCalledTimes(2);
    expect(endpoint.asked).toHaveLength(2);
  });

  it('cause client_rejected after two requests when the new credentials get a 401 too', async () => {
    const endpoint = await createKnowing('new');
    let tokens = 0;
    const { ask, calls } = createClient(endpoint, { clientAuth: bearerToken(() => `old-${++tokens}`) });
    await expect(ask()).rejects.toMatchObject({ code: 'client_rejected' });
    expect([calls(), endpoint.asked.length, tokens]).toEqual([2, 2, 2]);
    expect(process.emitWarning).toHaveBeenCalledTimes(1);
  });

  it.each([400, 403])('are not renewed after a %i', async (status) => {
    const endpoint = await createEndpoint((_: unknown, res: Res) => json(res, {}, status));
    let tokens = 0;
    const { ask, calls } = createClient(endpoint, { clientAuth: bearerToken(() => `token-${++tokens}`) });
    await expect(ask()).rejects.toMatchObject({ code: 'client_rejected' });
    expect([calls(), tokens]).toEqual([1, 1]);
  });

  it('are not renewed after a 401 that a normalizer handles', async () => {
    const endpoint = await createEndpoint((_: unknown, res: Res) => json(res, {}, 401));
    let tokens = 0;
    const { ask, calls } = createClient(endpoint, {
      clientAuth: bearerToken(() => `token-${++tokens}`),
      normalizer: { statuses: new Set([200, 401]), normalize: () => ({ active: false }), identity: undefined },
    });
    expect(await ask()).toMatchObject({ active: false });
    expect([calls(), tokens]).toEqual([1, 1]);
  });

  it('cause credentials_unavailable when they cannot be renewed', async () => {
    const endpoint = await createKnowing('new');
    const { ask, calls } = createClient(endpoint, {
      clientAuth: bearerToken(({ refused }) => {
        if (refused) throw new Error('the vault says hush');
        return 'old';
      }),
    });
    const error: unknown = await ask().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'credentials_unavailable', status: 503 });
    expect((error as Error).message).not.toContain('hush');
    expect(calls()).toBe(1);
  });

  it('do not extend the deadline', async () => {
    const endpoint = await createKnowing('new');
    const { ask, calls } = createClient(endpoint, {
      timeoutMs: 200,
      clientAuth: bearerToken(({ refused }) => (refused ? new Promise<never>(() => {}) : 'old')),
    });
    await expect(ask()).rejects.toMatchObject({ code: 'timeout' });
    expect(calls()).toBe(1);
  });

  it('date the record by the time of the second request', async () => {
    const clock = createClock(1_800_000_000);
    const endpoint = await createKnowing('new');
    const token = ({ refused }: { readonly refused: boolean }) => {
      clock.advance(10);
      return refused ? 'new' : 'old';
    };
    const { ask } = createClient(endpoint, { clock, clientAuth: bearerToken(token) });
    expect(await ask()).toMatchObject({ askedAt: 1_800_000_020_000, askedMonotonic: 21_000 });
  });
});

describe('TLS material from a function that fails', () => {
  it('is an outage without details', async () => {
    const clientAuth = tlsClientAuth({
      clientId: 'api',
      cert: () => Promise.reject(new Error('the vault says hush')),
      key: 'hush',
    });
    const { ask } = createClient({ url: 'https://127.0.0.1:9/introspect' }, { clientAuth });
    const error: unknown = await ask().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'credentials_unavailable', status: 503, detail: undefined });
    expect((error as Error).message).not.toContain('hush');
  });
});

describe('the date of a record', () => {
  it('is the time just before the request: after signing and before the response', async () => {
    const clock = createClock(1_800_000_000);
    const endpoint = await createEndpoint(() => {
      clock.advance(10);
      return active();
    });
    const { ask } = createClient(endpoint, { clock, ...signing(async () => clock.advance(2)) });
    expect(await ask()).toMatchObject({ askedAt: 1_800_000_002_000, askedMonotonic: 3000 });
  });

  it('is the time of the request that got the response', async () => {
    const clock = createClock(1_800_000_000);
    const endpoint = await createEndpoint((asked: { socket: { resetAndDestroy(): void } }) => {
      if (endpoint.asked.length === 2) asked.socket.resetAndDestroy();
      else return active();
      clock.advance(10);
      return undefined;
    });
    const sign = jest.fn<void, []>();
    const { ask, calls } = createClient(endpoint, { clock, ...signing(sign) });
    await ask();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await ask()).toMatchObject({ askedAt: 1_800_000_010_000, askedMonotonic: 11_000 });
    expect([endpoint.asked.length, sign.mock.calls.length, calls()]).toEqual([3, 3, 3]);
  });
});

describe('an endpoint that rejects our own request', () => {
  it.each([400, 401, 403])('with %i causes one process warning without secrets', async (status) => {
    const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const endpoint = await createEndpoint((_: unknown, res: Parameters<typeof json>[0]) =>
      json(res, { error: 'invalid_client', error_description: `unknown ${TOKEN}` }, status),
    );
    const { ask } = createClient(endpoint);
    for (let i = 0; i < 3; i++) await expect(ask()).rejects.toMatchObject({ code: 'client_rejected', status: 503 });
    expect(emitWarning.mock.calls).toEqual([
      [
        `The introspection endpoint cannot be used, so requests get 503. ${remedyFor('client_rejected', `HTTP ${status}`)}`,
        { type: 'TokenIntrospectionWarning', code: 'CLIENT_REJECTED', detail: `HTTP ${status}` },
      ],
    ]);
    emitWarning.mockRestore();
  });

  it.each([429, 500, 503])('is not assumed after a %i', async (status) => {
    const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const endpoint = await createEndpoint((_: unknown, res: Parameters<typeof json>[0]) => json(res, {}, status));
    await expect(createClient(endpoint).ask()).rejects.toMatchObject({ name: 'IntrospectionError' });
    expect(emitWarning).not.toHaveBeenCalled();
    emitWarning.mockRestore();
  });
});
