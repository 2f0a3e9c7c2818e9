import { createMemoryStore } from '../../lib/cache/memory-store.js';
import { sizeOf } from '../../lib/cache/record-size.js';
import { activeRecord, inactiveRecord } from '../support/records.js';

const ACTIVE = activeRecord();
const INACTIVE = inactiveRecord();

describe('createMemoryStore', () => {
  it('returns the records that were stored, and no others', () => {
    const store = createMemoryStore(10);
    store.set('a', ACTIVE);
    store.set('b', INACTIVE);
    expect(store.get('a')).toBe(ACTIVE);
    expect(store.get('b')).toBe(INACTIVE);
    expect(store.get('c')).toBeUndefined();
    expect(store.size).toBe(2);
  });

  it('evicts the least recently used record when it is full', () => {
    const store = createMemoryStore(2);
    store.set('a', ACTIVE);
    store.set('b', ACTIVE);
    store.get('a');
    store.set('c', ACTIVE);
    expect([store.get('a'), store.get('b'), store.get('c')]).toEqual([ACTIVE, undefined, ACTIVE]);
  });

  it('evicts no active record for inactive ones, and keeps a tenth as many of those', () => {
    const store = createMemoryStore(20);
    store.set('active', ACTIVE);
    for (let i = 0; i < 1000; i++) store.set(`inactive ${i}`, INACTIVE);
    expect(store.get('active')).toBe(ACTIVE);
    expect([store.get('inactive 997'), store.get('inactive 998'), store.get('inactive 999')]).toEqual([
      undefined,
      INACTIVE,
      INACTIVE,
    ]);
    expect(store.size).toBe(3);
  });

  it('keeps at least one inactive record', () => {
    const store = createMemoryStore(1);
    store.set('inactive', INACTIVE);
    store.set('active', ACTIVE);
    expect([store.get('inactive'), store.get('active')]).toEqual([INACTIVE, ACTIVE]);
  });

  it('keeps one record for each digest: the latest, active or not', () => {
    const store = createMemoryStore(10);
    store.set('a', ACTIVE);
    store.set('a', INACTIVE);
    expect([store.get('a'), store.size]).toEqual([INACTIVE, 1]);
    store.set('a', ACTIVE);
    expect([store.get('a'), store.size]).toEqual([ACTIVE, 1]);
  });

  it('deletes one record, or all', () => {
    const store = createMemoryStore(10);
    for (const digest of ['a', 'b']) store.set(digest, ACTIVE);
    for (const digest of ['c', 'd']) store.set(digest, INACTIVE);
    store.delete('a');
    store.delete('c');
    expect(['a', 'b', 'c', 'd'].map((digest) => store.get(digest))).toEqual([undefined, ACTIVE, undefined, INACTIVE]);
    store.clear();
    expect(['b', 'd'].map((digest) => store.get(digest))).toEqual([undefined, undefined]);
    expect(store.size).toBe(0);
  });
});

describe('deleteClaim', () => {
  it('deletes every active record with the claim value, and no other', () => {
    const store = createMemoryStore(10);
    for (const [digest, sub] of Object.entries({ a: 'alice', b: 'bob', c: 'alice' })) {
      store.set(digest, activeRecord({ sub }));
    }
    store.set('d', INACTIVE);
    store.deleteClaim('sub', 'alice');
    store.deleteClaim('sid', 'bob');
    expect(['a', 'b', 'c', 'd'].filter((digest) => store.get(digest) !== undefined)).toEqual(['b', 'd']);
  });

  it('goes by the present record of a token', () => {
    const store = createMemoryStore(10);
    store.set('a', activeRecord({ sub: 'alice' }));
    store.set('a', activeRecord({ sub: 'bob' }));
    store.deleteClaim('sub', 'alice');
    expect(store.size).toBe(1);
    store.deleteClaim('sub', 'bob');
    expect(store.size).toBe(0);
  });
});

describe('the spellings of a token', () => {
  const of = (jti: string) => activeRecord({ jti });
  const digestsIn = (store: ReturnType<typeof createMemoryStore>, digests: readonly string[]) =>
    digests.filter((digest) => store.get(digest) !== undefined);
  const spellings = Array.from({ length: 8 }, (_, i) => `spelling ${i}`);

  /** A store with 10 records: two of other tokens, and `count` spellings of one token, which came later. */
  function createFullStore(count: number, maxBytes?: number) {
    const store = createMemoryStore(maxBytes === undefined ? count + 2 : 100, maxBytes);
    for (const digest of ['x', 'y']) store.set(digest, of(digest));
    for (const digest of spellings.slice(0, count)) store.set(digest, of('one'));
    return store;
  }

  it('evict only each other, if there are eight and the store is full', () => {
    const store = createFullStore(8);
    store.set('further', of('one'));
    expect(digestsIn(store, ['x', 'y', ...spellings, 'further'])).toEqual(['x', 'y', ...spellings.slice(1), 'further']);
  });

  it('evict only each other, if there are eight and the bytes of the store are used up', () => {
    const bytes = 10 * sizeOf(of('one'));
    const store = createFullStore(8, bytes + 100);
    expect(store.size).toBe(10);
    store.set('further', of('one'));
    expect(digestsIn(store, ['x', 'y', ...spellings, 'further'])).toEqual(['x', 'y', ...spellings.slice(1), 'further']);
  });

  it('evict nothing while the store has room for one more', () => {
    const bytes = 9 * sizeOf(of('one')) + 2 * sizeOf(of('x'));
    const store = createFullStore(8, bytes);
    store.set('further', of('one'));
    expect(store.size).toBe(11);
    const wide = createMemoryStore(11);
    for (const digest of ['x', 'y', ...spellings, 'further']) wide.set(digest, of('one'));
    expect(wide.size).toBe(11);
  });

  it.each([
    ['there are only seven', 7, of('one')],
    ['the record has another jti', 8, of('other')],
    ['the record has no jti', 8, ACTIVE],
  ])('are not evicted first if %s', (_name, count, record) => {
    const store = createFullStore(count);
    store.set('further', record);
    const known = ['x', 'y', ...spellings.slice(0, count), 'further'];
    expect(digestsIn(store, known)).toEqual(known.slice(1));
  });

  it('with padding replace each other, but not the token without padding', () => {
    const store = createMemoryStore(10);
    store.set('abc', of('one'));
    store.set('abc=', of('one'), 'abc');
    store.set('abd=', of('two'), 'abd');
    store.set('abc==', of('one'), 'abc');
    expect(digestsIn(store, ['abc', 'abc=', 'abc==', 'abd='])).toEqual(['abc', 'abc==', 'abd=']);
    store.set('abc==', of('one'), 'abc');
    store.set('abc', of('one'));
    expect(digestsIn(store, ['abc', 'abc=', 'abc==', 'abd='])).toEqual(['abc', 'abc==', 'abd=']);
  });

  it('evict nothing when the record of a padded token is stored again', () => {
    const store = createMemoryStore(10);
    const digests = ['x', 'y', ...spellings.slice(1), 'padded'];
    for (const digest of digests.slice(0, 2)) store.set(digest, of(digest));
    for (const digest of spellings.slice(1)) store.set(digest, of('one'));
    store.set('padded', of('one'), 'plain');
    store.set('padded', of('one'), 'plain');
    expect(digestsIn(store, digests)).toEqual(digests);
  });

  it('do not count if their record was too large', () => {
    const store = createMemoryStore(10, 100_000);
    store.set('large', activeRecord({ jti: 'one', text: 'x'.repeat(100_000) }));
    for (const digest of ['x', 'y']) store.set(digest, of(digest));
    for (const digest of spellings) store.set(digest, of('one'));
    store.set('further', of('one'));
    expect(digestsIn(store, ['x', 'y', 'large', spellings[0] as string])).toEqual(['x', 'y']);
  });

  it('with padding are forgotten when their record is deleted or too large', () => {
    const store = createMemoryStore(10, 100_000);
    store.set('abc=', of('one'), 'abc');
    store.delete('abc=');
    store.set('abc=', INACTIVE);
    store.set('abc==', of('one'), 'abc');
    expect(digestsIn(store, ['abc=', 'abc=='])).toEqual(['abc=', 'abc==']);
    store.set('abd=', activeRecord({ text: 'x'.repeat(100_000) }), 'abd');
    expect(store.get('abd=')).toBeUndefined();
  });
});

describe('the bytes of a store', () => {
  const text = (bytes: number) => activeRecord({ text: 'x'.repeat(bytes) });

  it('are at least 1 MiB by default', () => {
    const store = createMemoryStore(2);
    for (const digest of ['a', 'b']) store.set(digest, text(500_000));
    expect(store.size).toBe(2);
    store.set('c', text(2 * 500_000 + 50_000));
    expect(store.get('c')).toBeUndefined();
  });

  it('are 4 kB for each entry by default', () => {
    const store = createMemoryStore(1000);
    store.set('a', text(4_000_000));
    expect(store.size).toBe(1);
    store.set('b', text(4_096_000));
    expect(store.get('b')).toBeUndefined();
  });

  it('evict the least recently used record, and a record that is larger than all bytes is not stored', () => {
    const store = createMemoryStore(10, 100_000);
    for (const digest of ['a', 'b', 'c', 'd']) store.set(digest, text(30_000));
    expect([store.size, store.get('a')]).toEqual([3, undefined]);
    store.set('b', text(100_000));
    expect([store.size, store.get('b')]).toEqual([2, undefined]);
  });

  it('are a tenth for inactive records', () => {
    const store = createMemoryStore(1000, 100_000);
    for (let i = 0; i < 100; i++) store.set(String(i), INACTIVE);
    expect(store.size).toBe(Math.floor(10_000 / sizeOf(INACTIVE)));
  });
});
