import { createMemoryStore } from '../../lib/cache/memory-store.js';
import { sizeOf } from '../../lib/cache/record-size.js';
import { REVOCABLE_CLAIMS } from '../../lib/cache/shared/revocations.js';
import { requireClaim } from '../../lib/index.js';
import { createReplayMemory } from '../../lib/verification/sender/replay.js';
import { createApi } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { active, createEndpoint, type Script } from '../support/endpoint.js';
import { activeRecord, inactiveRecord } from '../support/records.js';

describe('a response of at most 256 kB', () => {
  const many = (count: number) => `{"active":true,"x":[${Array(count).fill('{}').join(',')}]}`;
  const send =
    (text: string): Script =>
    (_asked, res) =>
      void res.writeHead(200, { 'content-type': 'application/json' }).end(text);

  it.each([
    ['objects', many(80_000)],
    ['lists', many(80_000).replaceAll('{}', '[]')],
    ['numbers', `{"active":true,"x":[${'1,'.repeat(100_000)}1]}`],
    ['members', `{"active":true,${Array.from({ length: 12_000 }, (_, i) => `"k${i}":1`).join(',')}}`],
    ['scopes', `{"active":true,"scope":"${'a '.repeat(12_000)}"}`],
    ['objects after a text with quotes and commas', many(80_000).replace('{', '{"s":"\\\\\\",{[",')],
  ])('is rejected with more than 10,000 %s', async (_what, text) => {
    const api = createApi(await createEndpoint(send(text)));
    await api.get('token').expect(503);
    expect(api.errors).toMatchObject([{ code: 'bad_response' }]);
    expect(api.authenticate.stats().entries).toBe(0);
  });

  it.each([
    ['4,000 objects', many(4000)],
    ['9,000 groups', JSON.stringify(active({ groups: Array.from({ length: 9000 }, (_, i) => `group-${i}`) }))],
    ['a text of 20,000 commas and brackets', JSON.stringify(active({ x: '",[{\\'.repeat(20_000) }))],
  ])('is accepted with %s', async (_what, text) => {
    await createApi(await createEndpoint(send(text)))
      .get('token')
      .expect(200);
  });

  it('is rejected with more than 10,000 chunks, none of which is kept', async () => {
    const endpoint = await createEndpoint((_asked, res) => {
      res.writeHead(200, { 'content-type': 'application/json' });
      res.flushHeaders();
      res.socket?.write(`${'1\r\n \r\n'.repeat(12_000)}`);
    });
    const api = createApi(endpoint);
    await api.get('token').expect(503);
    expect(api.errors).toMatchObject([{ code: 'bad_response', detail: 'too many chunks' }]);
  });

  it('is read completely, however it is split', async () => {
    const text = JSON.stringify(active({ name: 'Zoë €', list: 'x'.repeat(5000) }));
    const endpoint = await createEndpoint((_asked, res) => {
      res.writeHead(200, { 'content-type': 'application/json' });
      for (const byte of Buffer.from(text)) res.write(Buffer.of(byte));
      res.end();
    });
    const { body } = await createApi(endpoint).get('token').expect(200);
    expect(body.auth).toEqual({ ...JSON.parse(text), scope: body.auth.scope });
  });
});

describe('memory store', () => {
  const large = (letter: string) => activeRecord({ sub: letter, text: letter.repeat(30_000) });

  it('stays within its byte limit, even with few entries', () => {
    const store = createMemoryStore(10, 100_000);
    for (const key of ['a', 'b', 'c', 'd']) store.set(key, large(key));
    expect([store.size, store.get('a'), store.get('d')]).toEqual([3, undefined, large('d')]);
  });

  it('stores no record larger than the limit and drops the older record of that token', () => {
    const store = createMemoryStore(10, 65_536);
    store.set('a', activeRecord());
    store.set('a', activeRecord({ text: 'a'.repeat(70_000) }));
    expect([store.size, store.get('a')]).toEqual([0, undefined]);
  });

  it('limits inactive records to a tenth of the bytes', () => {
    const store = createMemoryStore(1000, 100_000);
    for (let i = 0; i < 100; i++) store.set(String(i), inactiveRecord());
    expect(store.size).toBe(Math.floor(10_000 / sizeOf(inactiveRecord())));
  });

  it('defaults to 4 kB per entry, and to at least 1 MiB', () => {
    const small = createMemoryStore(2);
    const wide = createMemoryStore(1000);
    const fill = (store: typeof small, count: number, bytes: number) => {
      for (let i = 0; i < count; i++) store.set(String(i), activeRecord({ text: 'x'.repeat(bytes) }));
      return store.size;
    };
    expect(fill(small, 2, 200_000)).toBe(2);
    expect([fill(wide, 1000, 3000), fill(wide, 1000, 6000) < 700]).toEqual([1000, true]);
  });

  it.each([
    ['text', { a: 'x'.repeat(10_000) }, 10_000],
    ['text of other letters', { a: '€'.repeat(5000) }, 10_000],
    ['objects', { a: Array.from({ length: 1000 }, () => ({})) }, 56_000],
    ['numbers', { a: Array(1000).fill(0.5) }, 16_000],
    ['names of members', Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`name ${i}`, 1])), 8000],
  ])('counts %s', (_what, claims, bytes) => {
    expect(sizeOf(activeRecord(claims))).toBeGreaterThan(bytes);
    expect(sizeOf(activeRecord(claims))).toBeLessThan(4 * bytes);
  });

  it('counts cyclic and repeated parts once', () => {
    const part: Record<string, unknown> = { a: 1 };
    part.self = part;
    expect(sizeOf(activeRecord({ part }))).toBeLessThan(2000);
    expect(sizeOf(activeRecord({ parts: Array(10_000).fill(part) }))).toBeLessThan(100_000);
  });

  it('counts the parsed scopes', () => {
    expect(sizeOf(activeRecord({ scope: 'ab '.repeat(1000) }))).toBeGreaterThan(3000 + 20_000);
  });

  it.each(REVOCABLE_CLAIMS)('reads only records with the invalidated claim: %s', (name) => {
    const store = createMemoryStore(1000);
    const looked: string[] = [];
    for (let i = 0; i < 500; i++) {
      const record = activeRecord();
      const value = `value ${i % 100}`;
      const get = () => {
        looked.push(value);
        return value;
      };
      Object.defineProperty(record.claims, name, { enumerable: true, get });
      store.set(String(i), record);
    }
    looked.length = 0;
    store.deleteClaim(name, 'value 7');
    expect(new Set(looked)).toEqual(new Set(['value 7']));
    expect([store.size, store.get('7'), store.get('107'), store.get('8')?.active]).toEqual([
      495,
      undefined,
      undefined,
      true,
    ]);
    store.deleteClaim(name, 'value 7');
    store.deleteClaim(name, 'nobody');
    expect(store.size).toBe(495);
  });

  it('finds a record by its current claims', () => {
    const store = createMemoryStore(2);
    store.set('a', activeRecord({ sub: 'alice' }));
    store.set('a', activeRecord({ sub: 'bob' }));
    store.deleteClaim('sub', 'alice');
    expect(store.size).toBe(1);
    store.set('b', activeRecord({ sub: 'carol' }));
    store.set('c', activeRecord({ sub: 'bob' }));
    store.deleteClaim('sub', 'bob');
    expect([store.get('a'), store.get('b')?.active, store.get('c')]).toEqual([undefined, true, undefined]);
  });
});

describe('requireClaim', () => {
  it.each([2 ** 53, -(2 ** 53), 2 ** 53 + 2, 1e300, [1, 2 ** 53]])(
    'throws for an integer that JSON rounds: %j',
    (value) => {
      expect(() => requireClaim('tenant_id', value)).toThrow(/^Option "expected" is -?\d.*2\^53.*a string/);
    },
  );

  it.each([2 ** 53 - 1, -(2 ** 53 - 1), 0.5, 0])('accepts any other number: %j', (value) => {
    expect(() => requireClaim('tenant_id', value)).not.toThrow();
  });
});

describe('the memory of used DPoP proofs', () => {
  it('rejects new proofs while it holds half a million, instead of forgetting one early', async () => {
    const clock = createClock();
    const use = createReplayMemory(clock);
    for (let i = 0; i < 500_000; i++) await use(String(i), 1000);
    await expect(use('new', 1000)).rejects.toThrow('full');
    expect(await use('0', 1000)).toBe(false);
    clock.advance(1);
    expect(await use('new', 1000)).toBe(true);
  });
});
