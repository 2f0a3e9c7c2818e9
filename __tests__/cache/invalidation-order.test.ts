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

  it('is false for a record whose lookup was not tracked', () => {
    const order = createInvalidationOrder();
    order.invalidate('a');
    expect(order.isInvalidated(createRecord(), ['a'])).toBe(false);
  });
});

describe('track', () => {
  it('rejects when the lookup fails', async () => {
    const failure = new Error('no');
    await expect(createInvalidationOrder().track(() => Promise.reject(failure))).rejects.toBe(failure);
  });
});
