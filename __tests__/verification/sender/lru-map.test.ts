import { createLruMap } from '../../../lib/verification/sender/lru-map.js';

describe('createLruMap', () => {
  it('removes the least recently used entry when the map is full', () => {
    const recent = createLruMap<number>(2);
    recent.set('a', 1);
    recent.set('b', 2);
    expect(recent.get('a')).toBe(1);
    recent.set('c', 3);
    expect(['a', 'b', 'c'].map((name) => recent.get(name))).toEqual([1, undefined, 3]);
  });

  it('replaces the value of a name without removing others', () => {
    const recent = createLruMap<number>(2);
    recent.set('a', 1);
    recent.set('b', 2);
    recent.set('a', 3);
    expect(['a', 'b'].map((name) => recent.get(name))).toEqual([3, 2]);
  });
});
