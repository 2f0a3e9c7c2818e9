import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import type { RootTokenIntrospection, TokenIntrospectionOptions } from '../../lib/index.js';
import { clientSecretBasic } from '../../lib/index.js';
import { redisStore } from '../../lib/redis/index.js';
import { createAuthenticate } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { active, createEndpoint, type Endpoint, type Script } from '../support/endpoint.js';
import { type Connected, REDIS_CLIENTS } from '../support/redis-clients.js';
import { describeWithRedis, type RedisServer, startRedis } from '../support/redis-server.js';

const SECRET = 'shared-secret-of-the-fleet-0123456789';
const KINDS = Object.keys(REDIS_CLIENTS);

describeWithRedis('a fleet with one Redis', () => {
  let redis: RedisServer;
  const clients: Connected[] = [];

  beforeAll(async () => {
    redis = await startRedis('--maxmemory-policy', 'noeviction');
  });

  afterEach(async () => {
    for (const { end } of clients.splice(0)) end();
    await redis.command('FLUSHALL').catch(() => {});
  });

  type Cache = Exclude<TokenIntrospectionOptions['cache'], false | undefined>;

  /** Starts one process of the fleet with its own client. */
  async function join(
    endpoint: Endpoint,
    kind = 'redis 6',
    { cache, ...options }: Partial<Omit<TokenIntrospectionOptions, 'cache'>> & { cache?: Cache } = {},
    url = redis.url,
  ): Promise<RootTokenIntrospection> {
    const connected = await (REDIS_CLIENTS[kind] as (typeof REDIS_CLIENTS)[string])(url);
    clients.push(connected);
    const store = redisStore({ client: connected.client });
    const authenticate = createAuthenticate(endpoint, { ...options, cache: { store, secrets: [SECRET], ...cache } });
    return authenticate;
  }

  const fleet = (endpoint: Endpoint) =>
    Promise.all([...Array(8).keys()].map((each) => join(endpoint, KINDS[each % KINDS.length])));

  const ask = (authenticate: RootTokenIntrospection, token = 'token') =>
    authenticate.introspect(token).then(
      () => 'accepted',
      (error: { reason?: string; code: string }) => error.reason ?? error.code,
    );

  const askAll = (all: readonly RootTokenIntrospection[], token?: string) =>
    Promise.all(all.map((each) => ask(each, token)));

  /** Polls, because revocations take a moment to arrive through the revocation log. */
  async function eventually(condition: () => Promise<boolean>): Promise<void> {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Waits until responses are shared, so that every process has read the revocation log. */
  async function settled(endpoint: Endpoint, all: readonly RootTokenIntrospection[]): Promise<void> {
    let tries = 0;
    await eventually(async () => {
      const token = `warm-up-${tries++}`;
      await ask(all[0] as RootTokenIntrospection, token);
      await new Promise((resolve) => setTimeout(resolve, 10));
      const before = endpoint.asked.length;
      await askAll(all, token);
      return endpoint.asked.length === before;
    });
    endpoint.asked.splice(0);
  }

  const REVOKED = { active: false };

  it.each([
    ['good', active(), 'accepted'],
    ['bad', REVOKED, 'inactive'],
  ])('makes one call for a %s token', async (_, script, outcome) => {
    const endpoint = await createEndpoint(script);
    const all = await fleet(endpoint);
    await settled(endpoint, all);
    expect(new Set(await askAll(all))).toEqual(new Set([outcome]));
    expect(endpoint.asked).toHaveLength(1);
  });

  it.each([{ token: 'token' }, { sub: 'alice' }, { client_id: 'app' }, { jti: 'one' }, { sid: 'session' }])(
    'rejects in all processes what one of them invalidates: %j',
    async (of) => {
      const endpoint = await createEndpoint(active({ jti: 'one', sid: 'session' }));
      const all = await fleet(endpoint);
      await askAll(all);
      endpoint.script = REVOKED;
      await all[3]?.invalidate(of);
      expect(await ask(all[3] as RootTokenIntrospection)).toBe('inactive');
      await eventually(async () => (await askAll(all)).every((outcome) => outcome === 'inactive'));
    },
  );

  it('sends no token, claim or secret to Redis', async () => {
    const socket = connect(redis.port, '127.0.0.1');
    let seen = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      seen += text;
    });
    socket.write('MONITOR\r\n');
    await eventually(async () => seen.startsWith('+OK'));
    const endpoint = await createEndpoint(active({ sub: 'alice-the-user', jti: 'the-identifier' }));
    const all = await fleet(endpoint);
    await settled(endpoint, all);
    await askAll(all, 'the-very-token');
    await all[0]?.invalidate({ token: 'the-very-token' });
    await all[0]?.invalidate({ sub: 'alice-the-user' });
    await all[0]?.invalidate({ jti: 'the-identifier' });
    await redis.command('ECHO', 'the-end');
    await eventually(async () => seen.includes('the-end'));
    socket.destroy();
    expect(seen).toMatch(/"eval".*revocations/i);
    for (const hidden of ['the-very-token', 'alice-the-user', 'the-identifier', SECRET, 'read write', 'active']) {
      expect(seen).not.toContain(hidden);
    }
  });

  it.each([
    ['another namespace', { cache: { namespace: 'other' } }],
    ['another client', { clientAuth: clientSecretBasic('other', 'secret') }],
    ['other parameters', { parameters: { resource: 'other' } }],
    ['another secret', { cache: { secrets: ['another-secret-of-the-fleet-0123456'] } }],
  ])('never shares with %s', async (_, options) => {
    const endpoint = await createEndpoint(active());
    const [one, other] = [await join(endpoint), await join(endpoint, 'ioredis 6', options)];
    await settled(endpoint, [one]);
    await settled(endpoint, [other]);
    await ask(one);
    await ask(other);
    expect(endpoint.asked).toHaveLength(2);
  });

  it('does not share responses with another endpoint', async () => {
    const [good, bad] = [await createEndpoint(active()), await createEndpoint(REVOKED)];
    const [one, other] = [await join(good), await join(bad)];
    await ask(one);
    expect(await ask(other)).toBe('inactive');
  });

  it('shares responses while its secrets are rotated step by step', async () => {
    const next = 'next-secret-of-the-fleet-0123456789';
    const endpoint = await createEndpoint(active());
    const steps = [[SECRET], [SECRET, next], [next, SECRET], [next]];
    for (const [index, secrets] of steps.slice(1).entries()) {
      const one = await join(endpoint, 'redis 5', { cache: { secrets: steps[index] as string[] } });
      const other = await join(endpoint, 'ioredis 5', { cache: { secrets } });
      await settled(endpoint, [one, other]);
      await ask(one, `token-${index}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
      await ask(other, `token-${index}`);
      expect(endpoint.asked).toHaveLength(1);
      endpoint.script = REVOKED;
      await one.invalidate({ sub: 'alice' });
      await eventually(async () => (await ask(other, `token-${index}`)) === 'inactive');
      endpoint.script = active();
    }
  });

  it('responds correctly after Redis was emptied', async () => {
    const endpoint = await createEndpoint(active());
    const all = await fleet(endpoint);
    await askAll(all);
    await redis.command('FLUSHALL');
    expect(new Set(await askAll(all, 'another'))).toEqual(new Set(['accepted']));
    endpoint.script = REVOKED;
    await all[0]?.invalidate({ sub: 'alice' });
    await eventually(async () => (await askAll(all)).every((outcome) => outcome === 'inactive'));
  });

  /** Checks that new tokens get correct responses within the timeout during a fault of Redis. */
  async function expectRight(endpoint: Endpoint, all: readonly RootTokenIntrospection[], name: string): Promise<void> {
    const script: Script = endpoint.script;
    endpoint.script = active();
    expect(new Set(await askAll(all, `good-${name}`))).toEqual(new Set(['accepted']));
    endpoint.script = REVOKED;
    expect(new Set(await askAll(all, `bad-${name}`))).toEqual(new Set(['inactive']));
    endpoint.script = script;
  }

  it('responds correctly while Redis accepts no writes, because it is full or read-only', async () => {
    const endpoint = await createEndpoint(active());
    const all = await fleet(endpoint);
    await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    await expectRight(endpoint, all, 'full');
    await expect(all[0]?.invalidate({ sub: 'alice' })).rejects.toThrow();
    await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    await redis.command('REPLICAOF', '127.0.0.1', '1');
    await expectRight(endpoint, all, 'read-only');
    await redis.command('REPLICAOF', 'NO', 'ONE');
    await eventually(() =>
      (all[0] as RootTokenIntrospection).invalidate({ sub: 'alice' }).then(
        () => true,
        () => false,
      ),
    );
  });

  it('responds correctly while Redis is frozen, killed, and restarted empty', async () => {
    const endpoint = await createEndpoint(active());
    const all = await fleet(endpoint);
    await askAll(all);
    redis.freeze();
    await expectRight(endpoint, all, 'frozen');
    await expect(all[0]?.invalidate({ token: 'x' })).rejects.toThrow();
    redis.thaw();
    await redis.kill();
    await expectRight(endpoint, all, 'killed');
    await expect(all[0]?.invalidate({ token: 'x' })).rejects.toThrow();
    await redis.start();
    await expectRight(endpoint, all, 'anew');
    // invalidate() is repeated until it succeeds. Then all processes know the revocation.
    endpoint.script = REVOKED;
    await eventually(() =>
      (all[1] as RootTokenIntrospection).invalidate({ sub: 'alice' }).then(
        () => true,
        () => false,
      ),
    );
    await eventually(async () => (await askAll(all)).every((outcome) => outcome === 'inactive'));
    endpoint.script = active();
    await settled(endpoint, all);
  }, 15_000);

  /** Sends a command for every stored response. */
  async function ofAnswers(name: string, ...words: string[]): Promise<void> {
    const all = (await redis.command('KEYS', 'token-introspection:*')) as string[];
    const answers = all.filter((key) => !/\.lease$|:revocations$/.test(key));
    expect(answers.length).toBeGreaterThan(0);
    for (const key of answers) await redis.command(name, key, ...words);
  }

  /** Two processes with this client package. The first has stored a response in Redis, and the clock of the second is wrong. */
  async function apart(kind: string, seconds: number) {
    const endpoint = await createEndpoint(active());
    const now = Date.now() / 1000;
    const clock = createClock(now + seconds);
    const cache = { ttlSeconds: 5, refreshAhead: false };
    const one = await join(endpoint, kind, { clock: createClock(now), cache });
    const other = await join(endpoint, kind, { clock, cache });
    await settled(endpoint, [one, other]);
    await ask(one);
    await new Promise((resolve) => setTimeout(resolve, 10));
    return { endpoint, other, clock };
  }

  it.each(KINDS.flatMap((kind) => [0, -30, 600].map((seconds) => [kind, seconds] as const)))(
    'computes the age of a response from the clock of Redis, with %s, in a process whose clock is %d seconds off',
    async (kind, seconds) => {
      const { endpoint, other, clock } = await apart(kind, seconds);
      await new Promise((resolve) => setTimeout(resolve, 120));
      expect([await ask(other), endpoint.asked.length]).toEqual(['accepted', 1]);
      // From now on, only the memory cache of the process has it.
      await ofAnswers('DEL');
      endpoint.script = REVOKED;
      clock.advance(4);
      expect(await ask(other)).toBe('accepted');
      clock.advance(0.95);
      expect(await ask(other)).toBe('inactive');
    },
  );

  it.each(KINDS)('uses no expired entry whose TTL was extended in Redis, with %s', async (kind) => {
    const endpoint = await createEndpoint(active());
    const cache = { ttlSeconds: 1, refreshAhead: false };
    const [one, other] = [await join(endpoint, kind, { cache }), await join(endpoint, kind, { cache })];
    await settled(endpoint, [one, other]);
    await ask(one);
    await eventually(async () => ((await redis.command('KEYS', 'token-introspection:{*}')) as string[]).length > 0);
    await ofAnswers('PERSIST');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    endpoint.script = REVOKED;
    expect(await ask(other)).toBe('inactive');
  });

  it.each(KINDS)('needs only the permissions in the guide, with %s', async (kind) => {
    const [, name = '', rules = ''] =
      /ACL SETUSER (\S+) (.+)/.exec(readFileSync(resolve(__dirname, '../../docs/fleet.md'), 'utf8')) ?? [];
    await redis.command('ACL', 'SETUSER', name, ...rules.replace('>…', '>password').split(' '));
    const url = redis.url.replace('//', `//${name}:password@`);
    const endpoint = await createEndpoint(active());
    const [one, other] = [await join(endpoint, kind, {}, url), await join(endpoint, kind, {}, url)];
    await settled(endpoint, [one, other]);
    await one.invalidate({ sub: 'alice' });
    await one.invalidate({ token: 'warm-up-0' });
    await ask(one);
    await ask(other);
    expect(endpoint.asked).toHaveLength(1);
  });

  it.each(KINDS)('closes its own connection with close(), with %s', async (kind) => {
    const endpoint = await createEndpoint(active());
    const listed = async () =>
      String(await redis.command('CLIENT', 'LIST'))
        .trim()
        .split('\n').length;
    const before = await listed();
    const authenticate = await join(endpoint, kind);
    await eventually(async () => (await listed()) === before + 2);
    await authenticate.close();
    await eventually(async () => (await listed()) === before + 1);
  });
});

describe('redisStore', () => {
  it.each([undefined, null, {}, 'redis://127.0.0.1', { get() {}, set() {} }])(
    'rejects a value that is not a client: %j',
    (client) => {
      expect(() => redisStore({ client: client as never })).toThrow(
        /^Option "client" is .*; write a client of the package "redis" \(5 or 6\) or "ioredis" \(5 or 6\)$/,
      );
    },
  );

  it.each([
    ['prefix', 7],
    ['prefix', null],
  ])('rejects %s %j', (name, value) => {
    const client = { evalBuffer() {}, xread() {}, duplicate() {} } as never;
    expect(() => redisStore({ client, [name]: value })).toThrow(new RegExp(`^Option "${name}" is .*; write `));
  });
});
