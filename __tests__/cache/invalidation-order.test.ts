import { createInvalidationOrder } from '../../lib/cache/invalidation-order.js';
import type { TokenRecord } from '../../lib/core/lookup.js';
import { createDeferred } from '../support/deferred.js';
import { inactiveRecord } from '../support/records.js';

const createRecord = (): TokenRecord => inactiveRecord();

describe('isInvalidated', () => {
  it('is true when one of the names was invalidated during the lookup or later', async () => {
    const order = createInvalidationOrder();
    const [response, record] = [createDeferred<TokenRecord>(), createRecord()];
    order.invalidate('a');
    const lookup = order.track(() => response.promise);
    order.invalidate('b');
    response.resolve(record);
    expect(await lookup).toBe(record);
    order.invalidate('c');
    const isInvalidated = (...names: string[]) => order.isInvalidated(record, names);
    expect(isInvalidated('a')).toBe(false);
    expect(isInvalidated('b')).toBe(true);
    expect(isInvalidated('a', 'c')).toBe(true);
    expect(isInvalidated()).toBe(false);
  });

  it('is true when more names were invalidated since the lookup than are remembered', async () => {
    const order = createInvalidationOrder(2);
    const before = await order.track(createRecord);
    for (const name of ['a', 'a', 'b']) order.invalidate(name);
    expect(order.isInvalidated(before, ['x'])).toBe(false);
    order.invalidate('c');
    const after = await order.track(createRecord);
    expect(order.isInvalidated(before, ['x'])).toBe(true);
    expect(order.isInvalidated(after, ['a', 'b', 'c'])).toBe(false);
  });

  it('goes by the last invalidation of a name, and drops the names that were invalidated first', async () => {
    const order = createInvalidationOrder(2);
    order.invalidate('a');
    order.invalidate('b');
    order.invalidate('a');
    const before = await order.track(createRecord);
    order.invalidate('c');
    const after = await order.track(createRecord);
    // The name that was dropped is `b`, which was invalidated before both lookups.
    expect([order.isInvalidated(before, ['x']), order.isInvalidated(before, ['a'])]).toEqual([false, false]);
    expect(order.isInvalidated(before, ['c'])).toBe(true);
    order.invalidate('a');
    expect([order.isInvalidated(before, ['a']), order.isInvalidated(after, ['a'])]).toEqual([true, true]);
    expect([order.isInvalidated(before, ['x']), order.isInvalidated(after, ['c'])]).toEqual([false, false]);
  });

  it('is false when the names that are not remembered were invalidated before the lookup, also just before', async () => {
    const order = createInvalidationOrder(1);
    order.invalidate('a');
    const record = await order.track(createRecord);
    order.invalidate('b');
    expect([order.isInvalidated(record, ['a']), order.isInvalidated(record, ['b'])]).toEqual([false, true]);
  });

  it('remembers 10,000 names by default', async () => {
    const order = createInvalidationOrder();
    const record = await order.track(createRecord);
    for (let i = 0; i < 10_000; i++) order.invalidate(String(i));
    expect([order.isInvalidated(record, ['x']), order.isInvalidated(record, ['0'])]).toEqual([false, true]);
    order.invalidate('more');
    expect(order.isInvalidated(record, ['x'])).toBe(true);
  });

  it('is false for a record whose lookup was not tracked', () => {
    const order = createInvalidationOrder(1);
    for (const name of ['a', 'b']) order.invalidate(name);
    expect(order.isInvalidated(createRecord(), ['b'])).toBe(false);
  });
});

describe('track', () => {
  it('rejects when the lookup fails', async () => {
    const failure = new Error('no');
    await expect(createInvalidationOrder().track(() => Promise.reject(failure))).rejects.toBe(failure);
  });
});
