import { createInvalidationOrder } from '../../lib/cache/overtaken.js';
import type { TokenRecord } from '../../lib/core/lookup.js';
import { createDeferred } from '../support/deferred.js';
import { inactiveRecord } from '../support/records.js';

const createRecord = (): TokenRecord => inactiveRecord();

describe('a record that no cache keeps', () => {
  it('is overtaken by an invalidation of one of its names while it was asked for, or later', async () => {
    const overtaken = createInvalidationOrder();
    const [asked, record] = [createDeferred<TokenRecord>(), createRecord()];
    overtaken.forget('a');
    const noted = overtaken.note(() => asked.promise);
    overtaken.forget('b');
    asked.resolve(record);
    expect(await noted).toBe(record);
    overtaken.forget('c');
    const isOvertaken = (...names: string[]) => overtaken.isInvalidated(record, names);
    expect([isOvertaken('a'), isOvertaken('b'), isOvertaken('a', 'c'), isOvertaken()]).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it('counts as overtaken where more happened since than is remembered, and another does not', async () => {
    const overtaken = createInvalidationOrder(2);
    const before = await overtaken.note(createRecord);
    for (const name of ['a', 'a', 'b']) overtaken.forget(name);
    expect(overtaken.isInvalidated(before, ['x'])).toBe(false);
    overtaken.forget('c');
    const after = await overtaken.note(createRecord);
    expect(overtaken.isInvalidated(before, ['x'])).toBe(true);
    expect(overtaken.isInvalidated(after, ['a', 'b', 'c'])).toBe(false);
  });

  it('is not when it was not noted: a cache has the say then', () => {
    const overtaken = createInvalidationOrder();
    overtaken.forget('a');
    expect(overtaken.isInvalidated(createRecord(), ['a'])).toBe(false);
  });

  it('is not noted where its lookup fails', async () => {
    const failure = new Error('no');
    await expect(createInvalidationOrder().note(() => Promise.reject(failure))).rejects.toBe(failure);
  });
});
