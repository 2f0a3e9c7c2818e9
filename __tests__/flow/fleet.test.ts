import { type Child, startChild } from '../support/child.js';
import { active, createEndpoint, type Endpoint } from '../support/endpoint.js';
import { describeWithRedis, type RedisServer, startRedis } from '../support/redis-server.js';

const PATIENCE_MS = 30_000;

interface Instance {
  get(token: string): Promise<string>;
  invalidate(target: { readonly token: string } | { readonly sub: string }): Promise<void>;
}

describeWithRedis('several processes over one Redis', () => {
  let redis: RedisServer;
  let endpoint: Endpoint;
  const revoked = new Set<string>();
  const children: Child[] = [];

  beforeEach(async () => {
    redis = await startRedis();
    endpoint = await createEndpoint(({ form }: { readonly form: URLSearchParams }) => {
      const token = form.get('token') ?? '';
      return revoked.has(token) ? { active: false } : active({ sub: `of-${token}` });
    });
  });

  afterEach(async () => {
    for (const { process: child } of children.splice(0)) child.kill('SIGKILL');
  });

  async function start(): Promise<Instance> {
    const child = startChild('__tests__/support/run-fleet-instance.mjs', [endpoint.url, String(redis.port)]);
    children.push(child);
    const { url } = JSON.parse(await child.line((line) => line.startsWith('{"url"')));
    let orders = 0;
    return {
      async get(token) {
        const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
        return `${response.status} ${response.status === 200 ? await response.text() : ''}`.trim();
      },
      async invalidate(target) {
        orders++;
        const told = JSON.stringify({ told: orders });
        child.process.stdin?.write(`${JSON.stringify(target)}\n`);
        await child.line((line) => line === told);
      },
    };
  }

  const calls = (token: string) => endpoint.asked.filter(({ form }) => form.get('token') === token).length;

  it(
    'send one introspection request for a token, and all reject it once one of them invalidates it',
    async () => {
      const fleet = await Promise.all([start(), start(), start()]);
      const all = async (token: string) => {
        const responses = [];
        for (const instance of fleet) responses.push(await instance.get(token));
        return responses;
      };
      for (const token of ['first', 'second', 'third']) {
        expect(await all(token)).toEqual([`200 of-${token}`, `200 of-${token}`, `200 of-${token}`]);
        expect(calls(token)).toBe(1);
      }
      const late = await start();
      expect([await late.get('first'), calls('first')]).toEqual(['200 of-first', 1]);
      fleet.push(late);

      const orders = [{ token: 'first' }, { sub: 'of-second' }] as const;
      for (const [index, order] of orders.entries()) {
        const token = ['first', 'second'][index] as string;
        revoked.add(token);
        await fleet[index]?.invalidate(order);
        await Promise.all(fleet.map((instance) => untilRejected(instance, token)));
        expect(await all(token)).toEqual(fleet.map(() => '401'));
      }
      expect(await all('third')).toEqual(fleet.map(() => '200 of-third'));
      expect(calls('third')).toBe(1);
    },
    PATIENCE_MS,
  );
});

/** The invalidation reaches the other processes after a moment, long before the response expires. */
async function untilRejected(instance: Instance, token: string): Promise<void> {
  const deadline = performance.now() + 5000;
  while ((await instance.get(token)) !== '401') {
    if (performance.now() > deadline) throw new Error(`${token} is still accepted`);
  }
}
