import { createLruMap } from '../../../lib/verification/sender/lru-map.js';

describe('a map of what was used last', () => {
  it('forgets what was not used for longest, once there is more than its bound', () => {
    const recent = createLruMap<number>(2);
    recent.set('a', 1);
    recent.set('b', 2);
    expect(recent.get('a')).toBe(1);
    recent.set('c', 3);
    expect(['a', 'b', 'c'].map((name) => recent.get(name))).toEqual([1, undefined, 3]);
  });

  it('takes another value for a name without forgetting others', () => {
    const recent = createLruMap<number>(2);
    recent.set('a', 1);
    recent.set('b', 2);
    recent.set('a', 3);
    expect(['a', 'b'].map((name) => recent.get(name))).toEqual([3, 2]);
  });
});
