import type { IntrospectionError } from '../../lib/errors.js';
import type { IntrospectionClientSettings } from '../../lib/introspection/client.js';
import { since } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { type Asked, active, createEndpoint, type Endpoint, json } from '../support/endpoint.js';
import { createTestClient } from '../support/introspection-client.js';
import { questionOf } from '../support/records.js';
import { until } from '../support/until.js';

const FOREGROUND = 56;
const BACKGROUND = 8;

function createClient(endpoint: Pick<Endpoint, 'url'>, settings: Partial<IntrospectionClientSettings> = {}) {
  const { client, clock } = createTestClient(endpoint, { timeoutMs: 20_000, ...settings });
  return {
    calls: client.calls,
    /** So many questions at once, and what becomes of each. */
    ask: (count: number, prefix = 'token', background = false): Promise<string>[] =>
      Array.from({ length: count }, async (_, index) => {
        const question = questionOf(`${prefix}${index}`, prefix);
        try {
          const record = await client.lookup(question, { ...since(clock), background });
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

describe('questions side by side', () => {
  it('are so many and no more; the others are put in turn, and all are answered', async () => {
    const gate = createDeferred();
    const endpoint = await createEndpoint(() => gate.promise.then(() => active()));
    const { ask, calls } = createClient(endpoint);
    const answers = ask(FOREGROUND + 20);
    await until(() => endpoint.asked.length === FOREGROUND);
    await turns(50);
    expect([endpoint.asked.length, calls()]).toEqual([FOREGROUND, FOREGROUND]);
    gate.resolve();
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['active']));
    expect(endpoint.asked.length).toBe(FOREGROUND + 20);
  });

  it('leave room for early refreshes, which are few and leave room for them', async () => {
    const gate = createDeferred();
    const endpoint = await createEndpoint(() => gate.promise.then(() => active()));
    const { ask } = createClient(endpoint);
    const answers = [...ask(BACKGROUND + 2, 'early', true), ...ask(FOREGROUND + 2), ...ask(1, 'late', true)];
    await until(() => endpoint.asked.length === FOREGROUND + BACKGROUND);
    await turns(50);
    expect([asked(endpoint, 'early').length, asked(endpoint, 'token').length]).toEqual([BACKGROUND, FOREGROUND]);
    gate.resolve();
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['active']));
  });

  it('give way to the next when they fail', async () => {
    const endpoint = await createEndpoint((_asked: Asked, res: Parameters<typeof json>[0]) => json(res, {}, 500));
    const { ask } = createClient(endpoint);
    expect(await Promise.all(ask(3 * FOREGROUND))).toEqual(Array(3 * FOREGROUND).fill('server_error'));
    endpoint.script = active();
    expect(await Promise.all(ask(1))).toEqual(['active']);
  });

  it('have one deadline for the wait and the answer, after which there is room again', async () => {
    const endpoint = await createEndpoint(() => undefined);
    const { ask } = createClient(endpoint, { timeoutMs: 1000 });
    expect(new Set(await Promise.all(ask(FOREGROUND + 20)))).toEqual(new Set(['timeout']));
    await turns(20);
    endpoint.script = active();
    expect(new Set(await Promise.all(ask(FOREGROUND + 1)))).toEqual(new Set(['active']));
  });

  it('whose credentials never come keep nobody else waiting past their deadline', async () => {
    let come = false;
    const endpoint = await createEndpoint(active());
    const sign = () => (come ? undefined : new Promise<void>(() => {}));
    const { ask } = createClient(endpoint, { timeoutMs: 100, clientAuth: { identity: 'test', sign } });
    expect(new Set(await Promise.all(ask(FOREGROUND)))).toEqual(new Set(['timeout']));
    come = true;
    expect(await Promise.all(ask(1))).toEqual(['active']);
  });

  it('that wait in line are not put once the circuit breaker is open', async () => {
    const gate = createDeferred();
    const endpoint = await createEndpoint(async (_asked: Asked, res: Parameters<typeof json>[0]) => {
      await gate.promise;
      json(res, {}, 429);
    });
    const { ask } = createClient(endpoint);
    const answers = ask(FOREGROUND + 20);
    await until(() => endpoint.asked.length === FOREGROUND);
    gate.resolve();
    expect((await Promise.all(answers)).slice(FOREGROUND)).toEqual(Array(20).fill('circuit_open'));
    expect(endpoint.asked.length).toBe(FOREGROUND);
  });
});
