import express from 'express';
import request from 'supertest';
import { clientSecretBasic, tokenIntrospection } from '../../lib/index.js';
import { backChannelLogout } from '../../lib/signals/index.js';
import { type RunningAuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js';
import { recordEvents } from '../support/channels.js';
import { type Child, startChild } from '../support/child.js';
import { active, createEndpoint, type Endpoint } from '../support/endpoint.js';
import { eventually, join, type Member, SECRETS, untilAllShare } from '../support/redis-fleet.js';
import { describeWithRedis, type RedisServer, startRedis } from '../support/redis-server.js';
import { serve } from '../support/serve.js';
import { eventClaims, logoutClaims } from '../support/signals.js';
import { createTransmitter, POLL_TOKEN } from '../support/transmitter.js';
import { createUserAgent } from '../support/user-agent.js';

const PATIENCE_MS = 60_000;
const REDIRECT_URI = 'http://127.0.0.1:9/callback';
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';

describe('back-channel logout of a running oidc-provider', () => {
  let as: RunningAuthorizationServer;

  beforeAll(async () => {
    as = await startAuthorizationServer();
  }, 30_000);

  /** Registers a client whose logout URL is a handler of this API. */
  async function register(logoutUrl: string): Promise<string> {
    const response = await fetch(`${as.issuer}/reg`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        redirect_uris: [REDIRECT_URI],
        grant_types: ['authorization_code'],
        token_endpoint_auth_method: 'none',
        backchannel_logout_uri: logoutUrl,
        backchannel_logout_session_required: true,
      }),
    });
    const { client_id } = (await response.json()) as { client_id: string };
    return client_id;
  }

  /** Logs alice in as a browser does, and gets a token for the API. */
  async function logIn(agent: ReturnType<typeof createUserAgent>, clientId: string): Promise<string> {
    const url = new URL(`${as.issuer}/auth`);
    url.search = new URLSearchParams({
      ...{ client_id: clientId, redirect_uri: REDIRECT_URI, response_type: 'code', scope: 'openid profile:read' },
      ...{ resource: as.audience, code_challenge: CHALLENGE, code_challenge_method: 'S256' },
    }).toString();
    const { searchParams } = await agent.authorize(url, 'alice');
    const response = await fetch(as.tokenEndpoint, {
      method: 'POST',
      body: new URLSearchParams({
        ...{ grant_type: 'authorization_code', client_id: clientId, redirect_uri: REDIRECT_URI },
        ...{ code: String(searchParams.get('code')), code_verifier: VERIFIER },
      }),
    });
    const { access_token } = (await response.json()) as { access_token: string };
    return access_token;
  }

  it(
    'ends the use of cached responses when the user logs out there',
    async () => {
      const events = recordEvents('signal');
      const { clientId, clientSecret } = as.resourceServer;
      const authenticate = tokenIntrospection({
        endpoint: as.introspectionEndpoint,
        clientAuth: clientSecretBasic(clientId, clientSecret),
        audience: as.audience,
        cache: { ttlSeconds: 3600 },
      });
      const app = express();
      const { url } = await serve(app);
      const audience = await register(`${url}/backchannel-logout`);
      app.post('/backchannel-logout', backChannelLogout({ authenticate, issuer: as.issuer, audience }));
      app.use('/api', authenticate, (_req, res) => void res.json({}));
      const call = async (token: string) =>
        (await request(app).get('/api').set('Authorization', `Bearer ${token}`)).status;

      const agent = createUserAgent();
      const other = await logIn(createUserAgent(), audience);
      const token = await logIn(agent, audience);
      expect([await call(token), await call(other)]).toEqual([200, 200]);
      await agent.logOut(as.issuer);
      expect(events).toEqual([{ by: 'backChannelLogout', outcome: 'applied' }]);
      expect([await call(token), await call(other)]).toEqual([401, 200]);
      await authenticate.close();
    },
    PATIENCE_MS,
  );
});

describeWithRedis('signals to one of several processes over one Redis', () => {
  const AUDIENCE = 'https://api.example.com';

  let redis: RedisServer;
  let endpoint: Endpoint;
  let transmitter: Awaited<ReturnType<typeof createTransmitter>>;
  const revoked = new Set<string>();
  const children: Child[] = [];

  beforeEach(async () => {
    revoked.clear();
    redis = await startRedis();
    transmitter = await createTransmitter();
    endpoint = await createEndpoint(({ form }: { readonly form: URLSearchParams }) => {
      const user = (form.get('token') ?? '').replace(/^token-of-/, '');
      return revoked.has(user) ? { active: false } : active({ sub: user });
    });
  });

  afterEach(async () => {
    for (const { process: child } of children.splice(0)) child.kill('SIGKILL');
    await redis.kill();
  });

  function start(more: object = {}): Child {
    const settings = { endpoint: endpoint.url, redisPort: redis.port, secrets: SECRETS, audience: AUDIENCE };
    const task = JSON.stringify({ ...settings, issuer: transmitter.issuer, ...more });
    const child = startChild('__tests__/support/run-signals-instance.mjs', [task]);
    children.push(child);
    return child;
  }

  async function startApi() {
    const child = start();
    const { url } = JSON.parse(await child.line((line) => line.startsWith('{"url"')));
    return {
      call: async (user: string) =>
        (await fetch(url, { headers: { authorization: `Bearer token-of-${user}` } })).status,
      post: async (path: string, type: string, body: string) =>
        (await fetch(url + path, { method: 'POST', headers: { 'content-type': type }, body })).status,
    };
  }

  const seconds = () => Math.floor(Date.now() / 1000);
  const common = () => ({ iss: transmitter.issuer, aud: AUDIENCE });
  const eventOf = (user: string) => {
    const sub_id = { format: 'iss_sub', iss: transmitter.issuer, sub: user };
    return eventClaims(seconds(), { ...common(), sub_id });
  };

  it(
    'make all of them reject the tokens of the user',
    async () => {
      const fleet = await Promise.all([startApi(), startApi(), startApi(), startApi()]);
      const callAll = (user: string) => Promise.all(fleet.map((api) => api.call(user)));
      // A process that has just started does not use a response that it asked for before it had read the log.
      const isCachedByAll = async (user: string) => {
        const askedBefore = endpoint.asked.length;
        const statuses = await callAll(user);
        return statuses.every((status) => status === 200) && endpoint.asked.length === askedBefore;
      };
      const senders = [
        async (user: string) => {
          const claims = logoutClaims(seconds(), { ...common(), sub: user, sid: undefined });
          const jwt = await transmitter.sign({ typ: 'logout+jwt' }, claims);
          const form = 'application/x-www-form-urlencoded';
          return fleet[1]?.post('/backchannel-logout', form, `logout_token=${jwt}`);
        },
        async (user: string) => {
          const jwt = await transmitter.sign({ typ: 'secevent+jwt' }, eventOf(user));
          return fleet[2]?.post('/security-events', 'application/secevent+jwt', jwt);
        },
      ];
      for (const [index, send] of senders.entries()) {
        const user = `user-${index}`;
        await eventually(() => isCachedByAll(user));
        revoked.add(user);
        expect(await callAll(user)).toEqual([200, 200, 200, 200]);
        expect(await send(user)).toBe([200, 202][index]);
        await eventually(async () => (await callAll(user)).every((status) => status === 401));
      }
      expect(await callAll('another-user')).toEqual([200, 200, 200, 200]);
    },
    PATIENCE_MS,
  );

  it(
    'get 503 while Redis does not take the invalidation, and are accepted later',
    async () => {
      const api = await startApi();
      const jwt = await transmitter.sign({ typ: 'secevent+jwt' }, eventOf('alice'));
      const post = () => api.post('/security-events', 'application/secevent+jwt', jwt);
      redis.freeze();
      expect(await post()).toBe(503);
      redis.thaw();
      await eventually(async () => (await post()) === 202);
    },
    PATIENCE_MS,
  );

  it(
    'are not lost when a poller is killed at any point',
    async () => {
      const kills = 8;
      const { stream } = transmitter;
      const observer: Member = await join(endpoint, redis.url, 'redis 6', {
        cache: { ttlSeconds: 3600 },
      });
      await untilAllShare(endpoint, [observer]);
      const users = Array.from({ length: kills * 2 }, (_, index) => `user-${index}`);
      for (const user of users) expect(await observer.check(`token-of-${user}`)).toBe('accepted');
      for (const user of users) revoked.add(user);

      for (let kill = 0; kill < kills; kill++) {
        const before = stream.requests.length;
        const poller = start({ pollToken: POLL_TOKEN });
        await eventually(async () => stream.requests.length > before, 20_000);
        for (const user of users.splice(0, 2)) {
          const claims = eventOf(user);
          stream.add(claims.jti, await transmitter.sign({ typ: 'secevent+jwt' }, claims));
        }
        // From before the event arrives until after it is acknowledged.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 25));
        poller.process.kill('SIGKILL');
        await poller.exit;
      }
      start({ pollToken: POLL_TOKEN });
      await eventually(async () => stream.pending.size === 0, 20_000);
      expect(stream.acknowledged).toHaveLength(kills * 2);
      expect([stream.violations, stream.errors]).toEqual([[], {}]);
      for (let index = 0; index < kills * 2; index++) {
        await eventually(async () => (await observer.check(`token-of-user-${index}`)) === 'inactive');
      }
    },
    PATIENCE_MS,
  );
});
