import { createMemoryStore } from '../../lib/cache/memory-store.js';
import { activeRecord, inactiveRecord } from '../support/records.js';

const ACTIVE = activeRecord();
const INACTIVE = inactiveRecord();

describe('the memory', () => {
  it('gives back what was stored, and nothing else', () => {
    const store = createMemoryStore(10);
    store.set('a', ACTIVE);
    store.set('b', INACTIVE);
    expect(store.get('a')).toBe(ACTIVE);
    expect(store.get('b')).toBe(INACTIVE);
    expect(store.get('c')).toBeUndefined();
    expect(store.size).toBe(2);
  });

  it('drops what was used longest ago once it is full', () => {
    const store = createMemoryStore(2);
    store.set('a', ACTIVE);
    store.set('b', ACTIVE);
    store.get('a');
    store.set('c', ACTIVE);
    expect([store.get('a'), store.get('b'), store.get('c')]).toEqual([ACTIVE, undefined, ACTIVE]);
  });

  it('loses no good answer to a flood of bad ones, of which it keeps a tenth as many', () => {
    const store = createMemoryStore(20);
    store.set('good', ACTIVE);
    for (let i = 0; i < 1000; i++) store.set(`bad ${i}`, INACTIVE);
    expect(store.get('good')).toBe(ACTIVE);
    expect([store.get('bad 997'), store.get('bad 998'), store.get('bad 999')]).toEqual([undefined, INACTIVE, INACTIVE]);
    expect(store.size).toBe(3);
  });

  it('keeps one inactive answer at least', () => {
    const store = createMemoryStore(1);
    store.set('bad', INACTIVE);
    store.set('good', ACTIVE);
    expect([store.get('bad'), store.get('good')]).toEqual([INACTIVE, ACTIVE]);
  });

  it('knows one answer a key: the latest, active or not', () => {
    const store = createMemoryStore(10);
    store.set('a', ACTIVE);
    store.set('a', INACTIVE);
    expect([store.get('a'), store.size]).toEqual([INACTIVE, 1]);
    store.set('a', ACTIVE);
    expect([store.get('a'), store.size]).toEqual([ACTIVE, 1]);
  });

  it('forgets one key, or all', () => {
    const store = createMemoryStore(10);
    for (const key of ['a', 'b']) store.set(key, ACTIVE);
    for (const key of ['c', 'd']) store.set(key, INACTIVE);
    store.delete('a');
    store.delete('c');
    expect(['a', 'b', 'c', 'd'].map((key) => store.get(key))).toEqual([undefined, ACTIVE, undefined, INACTIVE]);
    store.clear();
    expect(['b', 'd'].map((key) => store.get(key))).toEqual([undefined, undefined]);
    expect(store.size).toBe(0);
  });
});
