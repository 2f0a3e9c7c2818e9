import fc from 'fast-check';
import { askedAtOf, entryOf } from '../../../lib/cache/shared/entry.js';
import { activeRecord } from '../../support/records.js';

const STORE_AT = 1_800_000_000_000;

const moment = fc.integer({ min: 0, max: 59_999 });
const anyClock = fc.integer({ min: -1e12, max: 1e12 });

/** Moments of one time that is the same for all, in their order. */
function moments(count: number) {
  return fc.array(moment, { minLength: count, maxLength: count }).map((all) => all.sort((a, b) => a - b));
}

it('an entry is never younger than it is, whatever the clocks of both processes say and however long the store takes', () => {
  fc.assert(
    fc.property(moments(8), anyClock, anyClock, fc.boolean(), (at, writer, reader, isAskedFirst) => {
      const [a = 0, b = 0, c = 0, readSent = 0, readRun = 0, readReplied = 0] = at;
      // The store is read before the endpoint is asked, or side by side with that.
      const [storeRead, storeReplied, asked] = isAskedFirst ? [b, c, a] : [a, b, c];
      const record = activeRecord({}, { askedAt: 0, askedMonotonic: asked + writer });
      const entry = entryOf(record, { now: STORE_AT + storeRead, repliedAt: storeReplied + writer });
      const readAt = { at: reader, monotonic: readSent + reader };
      const found = askedAtOf(entry, STORE_AT + readRun, readAt);
      const trueAge = readReplied - asked;
      const age = readReplied + reader - (found?.monotonic ?? Number.NaN);
      expect(age).toBeGreaterThanOrEqual(trueAge);
      // At most as much older as the store took to reply, both times.
      expect(age).toBeLessThanOrEqual(trueAge + (storeReplied - storeRead) + (readRun - readSent));
    }),
  );
});

it('an entry of a time to come is not used', () => {
  fc.assert(
    fc.property(fc.nat(1e12), (ahead) => {
      const entry = { response: {}, asked: STORE_AT + 1 + ahead, logPosition: '' };
      expect(askedAtOf(entry, STORE_AT, { at: 0, monotonic: 0 })).toBeUndefined();
    }),
  );
});

it.each([undefined, null, Number.NaN, 'x', {}])('an entry without a date is not used: %p', (asked) => {
  const entry = { response: {}, asked: asked as never, logPosition: '' };
  expect(askedAtOf(entry, STORE_AT, { at: 0, monotonic: 0 })).toBeUndefined();
});
