import type { IntrospectionError } from '../../lib/core/errors.js';
import type { IntrospectionClientSettings } from '../../lib/introspection/client.js';
import { since } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { type Asked, active, createEndpoint, type Endpoint, json } from '../support/endpoint.js';
import { createTestClient } from '../support/introspection-client.js';
import { bearerCredentials } from '../support/records.js';
import { until } from '../support/until.js';

const AT_FIRST = 10;
const FOREGROUND = 56;
const KNOWN = 8;

function createClient(endpoint: Pick<Endpoint, 'url'>, settings: Partial<IntrospectionClientSettings> = {}) {
  const { client, clock } = createTestClient(endpoint, { timeoutMs: 20_000, ...settings });
  return {
    calls: client.calls,
    /** The outcomes of `count` concurrent lookups. `isOne`: they count as one token, so that the circuit breaker stays closed. */
    ask: (count: number, prefix = 'token', isKnown = false, isOne = false): Promise<string>[] =>
      Array.from({ length: count }, async (_, index) => {
        const question = bearerCredentials(`${prefix}${index}`, isOne ? prefix : `${prefix}${index}`);
        try {
          const record = await client.lookup(question, { ...since(clock), isKnown });
          return record.active ? 'active' : 'inactive';
        } catch (error) {
          return (error as IntrospectionError).code;
        }
      }),
  };
}

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

const asked = (endpoint: Endpoint, prefix: string) =>
  endpoint.asked.map(({ form }) => form.get('token')).filter((token) => token?.startsWith(prefix));

describe('concurrent lookups', () => {
  it('run ten at a time at first, while the others wait', async () => {
    const reply = createDeferred();
    const endpoint = await createEndpoint(() => reply.promise.then(() => active()));
    const { ask, calls } = createClient(endpoint);
    const answers = ask(FOREGROUND + 20);
    await until(() => endpoint.asked.length === AT_FIRST);
    await turns(50);
    expect([endpoint.asked.length, calls()]).toEqual([AT_FIRST, AT_FIRST]);
    reply.resolve();
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['active']));
    expect(endpoint.asked.length).toBe(FOREGROUND + 20);
  });

  it('have reserved places for known tokens', async () => {
    const reply = createDeferred();
    const endpoint = await createEndpoint(() => reply.promise.then(() => active()));
    const { ask } = createClient(endpoint);
    const answers = [...ask(AT_FIRST + 20), ...ask(KNOWN + 2, 'known', true), ...ask(1, 'late', true)];
    await until(() => endpoint.asked.length === AT_FIRST + KNOWN);
    await turns(50);
    expect([asked(endpoint, 'known').length, asked(endpoint, 'token').length]).toEqual([KNOWN, AT_FIRST]);
    reply.resolve();
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['active']));
  });

  it('for known tokens use free places of unknown tokens', async () => {
    const reply = createDeferred();
    const endpoint = await createEndpoint(() => reply.promise.then(() => active()));
    const { ask } = createClient(endpoint);
    const answers = [...ask(KNOWN + AT_FIRST + 2, 'known', true)];
    await until(() => endpoint.asked.length === KNOWN + AT_FIRST);
    await turns(50);
    expect(endpoint.asked).toHaveLength(KNOWN + AT_FIRST);
    reply.resolve();
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['active']));
  });

  it('free their places when they fail', async () => {
    const endpoint = await createEndpoint(({ form }: Asked, res: Parameters<typeof json>[0]) =>
      form.get('token')?.startsWith('odd') ? json(res, {}, 500) : json(res, active()),
    );
    const { ask } = createClient(endpoint);
    expect(await Promise.all(ask(3 * FOREGROUND, 'odd'))).toEqual(Array(3 * FOREGROUND).fill('server_error'));
    expect(await Promise.all(ask(1))).toEqual(['active']);
  });

  it('end with timeout when they were sent, with overloaded when they waited, and free their places', async () => {
    const endpoint = await createEndpoint(() => undefined);
    const { ask } = createClient(endpoint, { timeoutMs: 500 });
    expect(await Promise.all(ask(AT_FIRST + 20, 'token', false, true))).toEqual([
      ...Array(AT_FIRST).fill('timeout'),
      ...Array(20).fill('overloaded'),
    ]);
    await turns(20);
    endpoint.script = active();
    expect(new Set(await Promise.all(ask(FOREGROUND + 1)))).toEqual(new Set(['active']));
  });

  it('end with overloaded when they waited for a large part of their deadline', async () => {
    const first = createDeferred<object>();
    const endpoint = await createEndpoint(() => (endpoint.asked.length <= AT_FIRST ? first.promise : undefined));
    const { ask } = createClient(endpoint, { timeoutMs: 600 });
    const answers = ask(AT_FIRST + 1);
    const start = performance.now();
    await until(() => performance.now() - start > 200);
    first.resolve(active());
    expect(await Promise.all(answers)).toEqual([...Array(AT_FIRST).fill('active'), 'overloaded']);
    expect(endpoint.asked).toHaveLength(AT_FIRST + 1);
  });

  it('free their places at their deadline when their credentials never come', async () => {
    let come = false;
    const endpoint = await createEndpoint(active());
    const sign = () => (come ? undefined : new Promise<void>(() => {}));
    const { ask } = createClient(endpoint, { timeoutMs: 100, clientAuth: { identity: 'test', sign } });
    expect(new Set(await Promise.all(ask(AT_FIRST, 'token', false, true)))).toEqual(new Set(['timeout']));
    come = true;
    expect(await Promise.all(ask(1))).toEqual(['active']);
  });

  it('are not sent after a wait when the circuit breaker has opened', async () => {
    const reply = createDeferred();
    const endpoint = await createEndpoint(async (_asked: Asked, res: Parameters<typeof json>[0]) => {
      await reply.promise;
      json(res, {}, 429);
    });
    const { ask } = createClient(endpoint);
    const answers = ask(AT_FIRST + 20);
    await until(() => endpoint.asked.length === AT_FIRST);
    reply.resolve();
    expect((await Promise.all(answers)).slice(AT_FIRST)).toEqual(Array(20).fill('circuit_open'));
    expect(endpoint.asked.length).toBe(AT_FIRST + 1);
  });
});
