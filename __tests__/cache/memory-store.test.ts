import { createMemoryStore } from '../../lib/cache/memory-store.js';
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
