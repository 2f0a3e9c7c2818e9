import { createClient } from 'redis';
import type { RootTokenIntrospection } from '../../lib/index.js';
import { redisStore } from '../../lib/redis/index.js';
import { getSocketAuth, type KeepOptions } from '../../lib/websocket/index.js';
import { createAuthenticate } from '../support/api.js';
import { active, createEndpoint, type Endpoint } from '../support/endpoint.js';
import { describeWithRedis, startRedis } from '../support/redis-server.js';
import { type Connection, createSharedMemory } from '../support/shared-memory.js';
import { serveSockets } from '../support/sockets.js';
import { until } from '../support/until.js';

const SECRETS = ['shared-secret-of-the-fleet-0123456789'];
const TOKEN_REJECTED = [1008, 'invalid_token'];

type Store = Connection | ReturnType<typeof redisStore>;

/** One process of the fleet and its socket server. */
async function join(endpoint: Endpoint, store: Store, keep: KeepOptions = {}, ttlSeconds = 60) {
  const authenticate = createAuthenticate(endpoint, { cache: { store, secrets: SECRETS, ttlSeconds } });
  return { authenticate, server: await serveSockets(authenticate, keep) };
}

/** Waits until the process has read the revocation log: until then it uses no cached response. */
async function settle(endpoint: Endpoint, authenticate: RootTokenIntrospection): Promise<void> {
  let isKnown = false;
  while (!isKnown) {
    await authenticate.introspect('warm-up').catch(() => {});
    const before = endpoint.asked.length;
    await authenticate.introspect('warm-up').catch(() => {});
    isKnown = endpoint.asked.length === before;
  }
}

async function expectClosedElsewhere(stores: readonly [Store, Store], criterion: object): Promise<void> {
  const endpoint = await createEndpoint(({ form }) =>
    form.get('token') === 'abc'
      ? active({ sid: 'one', jti: 'two' })
      : active({ sub: 'bob', client_id: 'other', sid: 'three' }),
  );
  const [here, there] = await Promise.all(stores.map((store) => join(endpoint, store)));
  if (here === undefined || there === undefined) throw new Error('There are two');
  await Promise.all([settle(endpoint, here.authenticate), settle(endpoint, there.authenticate)]);
  const clients = await Promise.all([here.server.connect('abc'), there.server.connect('abc')]);
  const other = await there.server.connect('def');
  await here.authenticate.invalidate(criterion);
  for (const { closed } of clients) expect(await closed).toEqual(TOKEN_REJECTED);
  other.socket.send('still there');
  await until(() => other.messages.length > 0);
}

describe('sockets of several processes', () => {
  it.each([{ token: 'abc' }, { sub: 'alice' }, { client_id: 'app' }, { sid: 'one' }, { jti: 'two' }])(
    'are closed in all of them when one process invalidates %j, and other sockets stay open',
    async (criterion) => {
      const memory = createSharedMemory();
      await expectClosedElsewhere([memory.connect(), memory.connect()], criterion);
    },
  );

  it('stay open when an invalidation older than their response is read again', async () => {
    const memory = createSharedMemory();
    const endpoint = await createEndpoint(active());
    const connection = memory.connect();
    const { authenticate, server } = await join(endpoint, connection);
    await settle(endpoint, authenticate);
    await authenticate.invalidate({ sub: 'alice' });
    await settle(endpoint, authenticate);
    const client = await server.connect('abc');
    const [socket] = server.wss.clients;
    // After a lost connection, a process reads the log from its beginning.
    const again = memory.log.map(({ position, entry }) => ({ position, entry }));
    for (const reader of connection.readers) reader.onEntries(again);
    expect(getSocketAuth(socket as never).sub).toBe('alice');
    client.socket.send('still there');
    await until(() => client.messages.length > 0);
    await authenticate.invalidate({ sub: 'alice' });
    expect(await client.closed).toEqual(TOKEN_REJECTED);
  });

  it('use a response of their own when the shared one may be too old for recheckSeconds', async () => {
    const memory = createSharedMemory();
    const endpoint = await createEndpoint(active());
    const { authenticate, server } = await join(endpoint, memory.connect(), { recheckSeconds: 1 }, 300);
    await settle(endpoint, authenticate);
    const client = await server.connect('abc');
    endpoint.script = { active: false };
    expect(await client.closed).toEqual(TOKEN_REJECTED);
  });
});

describeWithRedis('sockets of two processes over one Redis', () => {
  it('are closed in both when one process invalidates their user', async () => {
    const redis = await startRedis();
    const clients = [createClient({ url: redis.url }), createClient({ url: redis.url })] as const;
    for (const client of clients) client.on('error', () => {});
    await Promise.all(clients.map((client) => client.connect()));
    const [first, second] = clients;
    try {
      await expectClosedElsewhere([redisStore({ client: first }), redisStore({ client: second })], { sub: 'alice' });
    } finally {
      for (const client of clients) client.destroy();
    }
  });
});
