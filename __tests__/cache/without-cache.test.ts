import { withoutCache } from '../../lib/cache/without-cache.js';
import { createClock, since } from '../support/clock.js';
import { activeRecord, bearerCredentials } from '../support/records.js';

const TOKEN = bearerCredentials();
const OPTIONS = since(createClock());

describe('a cache that keeps nothing', () => {
  it('starts a lookup for each request', () => {
    const inner = jest.fn(() => activeRecord());
    const cache = withoutCache(inner, () => {});
    for (let i = 0; i < 2; i++) expect(cache.lookup(TOKEN, OPTIONS)).toEqual(activeRecord());
    expect(inner.mock.calls).toEqual([
      [TOKEN, OPTIONS],
      [TOKEN, OPTIONS],
    ]);
    expect(cache.stats()).toEqual({ hits: 0, misses: 2, coalesced: 0, stale: 0, entries: 0 });
  });

  it('starts no lookup when the introspector is closed', () => {
    const inner = jest.fn(() => activeRecord());
    const failure = new Error('closed');
    const cache = withoutCache(inner, () => {
      throw failure;
    });
    expect(() => cache.lookup(TOKEN, OPTIONS)).toThrow(failure);
    expect([inner.mock.calls.length, cache.stats().misses]).toEqual([0, 1]);
  });

  it('has nothing to return or to forget', () => {
    const cache = withoutCache(
      () => activeRecord(),
      () => {},
    );
    cache.lookup(TOKEN, OPTIONS);
    cache.forgetClaim('sub', 'alice');
    expect([cache.peek(TOKEN.digest), cache.forget(TOKEN.digest)]).toEqual([undefined, []]);
    cache.close();
    expect(cache.stats().entries).toBe(0);
  });
});
