import timers from 'node:timers/promises';
import { createClock, since } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { createTestClient } from '../support/introspection-client.js';
import { createRawServer, type RawRequest, response } from '../support/raw-server.js';
import { bearerCredentials } from '../support/records.js';
import { until } from '../support/until.js';

const ACTIVE = response('{"active":true}');
const POOLED = 4;

/** A server that resets each of the first connections when it is reused, like a restarted proxy. */
async function createDyingServer(onNew: (request: RawRequest) => void) {
  const server = await createRawServer((request) => {
    const { socket, number } = request;
    if (number === POOLED) for (const request of server.requests) request.socket.write(ACTIVE);
    if (number <= POOLED) return;
    if (server.sockets.indexOf(socket) < POOLED) socket.resetAndDestroy();
    else onNew(request);
  });
  return server;
}

/** A client with `POOLED` idle connections. */
async function createWarmClient(port: number) {
  const clock = createClock();
  const { client } = createTestClient({ url: `http://127.0.0.1:${port}/` }, { clock });
  const ask = (token: string) => client.lookup(bearerCredentials(token, token), since(clock));
  await Promise.all(Array.from({ length: POOLED }, (_, index) => ask(`warm-${index}`)));
  // A connection is free again one turn of the event loop after its response.
  await new Promise(setImmediate);
  return ask;
}

describe('several idle connections that close together', () => {
  afterEach(() => jest.restoreAllMocks());

  it('fail no introspection request: its retry does not use another of them', async () => {
    const held: RawRequest[] = [];
    const server = await createDyingServer((request) => {
      if (request.body.includes('second')) held.push(request);
      else request.socket.write(ACTIVE);
    });
    const ask = await createWarmClient(server.port);
    const pause = createDeferred();
    const wait = jest.spyOn(timers, 'setTimeout').mockReturnValue(pause.promise);
    const first = ask('first');
    await until(() => wait.mock.calls.length === 1);
    // It uses the pool slot that the first one lost, so that only closing connections are free.
    const second = ask('second');
    await until(() => held.length === 1);
    pause.resolve();
    expect(await first).toMatchObject({ active: true });
    held[0]?.socket.write(ACTIVE);
    expect(await second).toMatchObject({ active: true });
  });

  it('fail none of many concurrent introspection requests', async () => {
    const server = await createDyingServer(({ socket }) => void socket.write(ACTIVE));
    const ask = await createWarmClient(server.port);
    const records = await Promise.all(Array.from({ length: 3 * POOLED }, (_, index) => ask(`token-${index}`)));
    expect(records.every(({ active }) => active)).toBe(true);
  });
});

describe('a connection of a retry', () => {
  it('is closed after the response', async () => {
    const server = await createDyingServer(({ socket }) => void socket.write(ACTIVE));
    const ask = await createWarmClient(server.port);
    await ask('token');
    await until(() => server.sockets[POOLED]?.destroyed === true);
    expect(server.sockets).toHaveLength(POOLED + 1);
  });
});
