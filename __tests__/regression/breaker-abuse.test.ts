import { createApi } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { type Asked, active, createEndpoint, json } from '../support/endpoint.js';
import { until } from '../support/until.js';
import { recordWarnings } from '../support/warnings.js';

type Response = Parameters<typeof json>[0];

const isOdd = ({ form }: Asked) => form.get('token')?.startsWith('odd') === true;

/** A healthy endpoint, except for `odd…` tokens. */
const healthyBut = (odd: (res: Response) => unknown) => (asked: Asked, res: Response) =>
  isOdd(asked) ? void odd(res) : json(res, active());

const ODD_ANSWERS: [string, (res: Response) => unknown][] = [
  ['500', (res) => json(res, {}, 500)],
  ['500 with Retry-After', (res) => res.writeHead(500, { 'retry-after': '120' }).end()],
  ['503 with Retry-After', (res) => res.writeHead(503, { 'retry-after': '120' }).end()],
  ['429 with Retry-After', (res) => res.writeHead(429, { 'retry-after': '120' }).end()],
  ['a reset connection', (res) => res.socket?.resetAndDestroy()],
  ['a closed connection', (res) => res.destroy()],
  ['half a body', (res) => res.writeHead(200, { 'content-length': '100' }).write('{') && res.destroy()],
];

describe('odd tokens of strangers', () => {
  it.each(ODD_ANSWERS)('for which a healthy endpoint sends %s do not affect valid tokens', async (_, odd) => {
    recordWarnings();
    const endpoint = await createEndpoint(healthyBut(odd));
    const api = createApi(endpoint, { timeoutMs: 10_000 });
    for (let round = 0; round < 6; round++) {
      const all = await Promise.all([
        ...Array.from({ length: 10 }, (_each, index) => api.get(`odd-${round}-${index}`)),
        ...Array.from({ length: 5 }, (_each, index) => api.get(`good-${round}-${index}`)),
      ]);
      expect(all.map(({ status }) => status)).toEqual([...Array(10).fill(503), ...Array(5).fill(200)]);
    }
  });

  it('for which a healthy endpoint hangs do not affect known users and open no circuit breaker', async () => {
    const endpoint = await createEndpoint((asked) => (isOdd(asked) ? undefined : active()));
    const clock = createClock(Date.now() / 1000);
    const api = createApi(endpoint, { clock, timeoutMs: 1000, cache: { ttlSeconds: 1, refreshAhead: false } });
    await api.get('known').expect(200);
    clock.advance(1);
    const odd = Array.from({ length: 60 }, (_, index) => api.get(`odd-${index}`).then(({ status }) => status));
    await api.get('known').expect(200);
    expect(new Set(await Promise.all(odd))).toEqual(new Set([503]));
    expect(new Set(api.errors.map((error) => (error as { code?: unknown }).code))).toEqual(
      new Set(['timeout', 'overloaded']),
    );
    await api.get('new').expect(200);
  });

  it.each(ODD_ANSWERS)(
    'for which the endpoint sends %s cause no stale response for a revoked token',
    async (_, odd) => {
      recordWarnings();
      let isRevoked = false;
      const endpoint = await createEndpoint((asked, res) => {
        if (isOdd(asked)) return void odd(res);
        return json(res, isRevoked ? { active: false } : active());
      });
      const clock = createClock(Date.now() / 1000);
      const cache = { ttlSeconds: 1, staleIfErrorSeconds: 3600, refreshAhead: false };
      const api = createApi(endpoint, { clock, cache, timeoutMs: 10_000 });
      await api.get('stolen').expect(200);
      isRevoked = true;
      for (let round = 0; round < 3; round++) {
        clock.advance(10);
        const strangers = Array.from({ length: 10 }, (_each, index) => api.get(`odd-${round}-${index}`));
        await Promise.all(strangers);
        await api.get('stolen').expect(401);
      }
    },
  );

  it('that fill the queue cause no stale response for a revoked token', async () => {
    let isRevoked = false;
    const endpoint = await createEndpoint((asked, res) => {
      if (asked.form.get('token') !== 'stolen') return undefined;
      return json(res, isRevoked ? { active: false } : active());
    });
    const clock = createClock(Date.now() / 1000);
    const cache = { ttlSeconds: 1, staleIfErrorSeconds: 3600, refreshAhead: false };
    const api = createApi(endpoint, { clock, cache, timeoutMs: 400 });
    await api.get('stolen').expect(200);
    isRevoked = true;
    clock.advance(10);
    const strangers = Array.from({ length: 300 }, (_, index) => api.get(`made-up-${index}`).then(() => {}));
    await api.get('stolen').expect(401);
    await Promise.all(strangers);
  });
});

describe('a token that waits too long for the concurrency limit', () => {
  it('is answered 503, never by a stale response', async () => {
    const endpoint = await createEndpoint(active());
    const clock = createClock(Date.now() / 1000);
    const cache = { ttlSeconds: 1, staleIfErrorSeconds: 3600, refreshAhead: false };
    const api = createApi(endpoint, { clock, cache, timeoutMs: 300 });
    // More known tokens than the concurrency limit allows.
    const tokens = Array.from({ length: 22 }, (_, index) => `known-${index}`);
    for (const token of tokens) await api.get(token).expect(200);
    clock.advance(10);
    endpoint.script = () => undefined;
    const answers = await Promise.all(tokens.map((token) => api.get(token)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(18);
    expect(statuses.filter((status) => status === 503)).toHaveLength(4);
    expect(api.errors.map((error) => (error as { code?: unknown }).code)).toEqual(Array(4).fill('overloaded'));
  });
});

describe('a token for which only the endpoint fails, and for no other', () => {
  it.each<[string, (res: Response) => unknown]>([
    ['500', (res) => json(res, {}, 500)],
    ['429', (res) => json(res, {}, 429)],
    ['a closed connection', (res) => res.destroy()],
    ['nothing', () => undefined],
  ])('by sending %s is not accepted by a stale response', async (_, fail) => {
    let isRevoked = false;
    const endpoint = await createEndpoint((asked, res) =>
      isRevoked && asked.form.get('token') === 'stolen' ? void fail(res) : json(res, active()),
    );
    const clock = createClock(Date.now() / 1000);
    const cache = { ttlSeconds: 1, staleIfErrorSeconds: 3600, refreshAhead: false };
    const api = createApi(endpoint, { clock, cache, timeoutMs: 400 });
    await api.get('stolen').expect(200);
    isRevoked = true;
    for (let request = 0; request < 3; request++) {
      clock.advance(10);
      await api.get('stolen').expect(503);
      await api.get(`good-${request}`).expect(200);
    }
  });
});

describe('known users', () => {
  it('stay known after a failed lookup: they do not wait behind unknown tokens', async () => {
    let isFailing = false;
    const endpoint = await createEndpoint((asked, res) => {
      if (isOdd(asked)) return undefined;
      return isFailing ? json(res, {}, 500) : json(res, active());
    });
    const clock = createClock(Date.now() / 1000);
    const api = createApi(endpoint, { clock, timeoutMs: 1000, cache: { ttlSeconds: 1, refreshAhead: false } });
    await api.get('known').expect(200);
    clock.advance(10);
    isFailing = true;
    await api.get('known').expect(503);
    isFailing = false;
    const odd = Array.from({ length: 40 }, (_, index) => api.get(`odd-${index}`).then(() => {}));
    await until(() => endpoint.asked.filter(isOdd).length >= 10);
    await api.get('known').expect(200);
    await Promise.all(odd);
  });
});
