import fc from 'fast-check';
import { askedAtOf, entryOf } from '../../../lib/cache/shared/entry.js';
import { activeRecord } from '../../support/records.js';

const STORE_AT = 1_800_000_000_000;

const moment = fc.integer({ min: 0, max: 59_999 });
const anyClock = fc.integer({ min: -1e12, max: 1e12 });

/** Ascending moments of one true time. */
function moments(count: number) {
  return fc.array(moment, { minLength: count, maxLength: count }).map((all) => all.sort((a, b) => a - b));
}

it('an entry is never read as younger than it is, for any clocks of both processes and any delay of the store', () => {
  fc.assert(
    fc.property(moments(8), anyClock, anyClock, fc.boolean(), (times, writer, reader, isAskedFirst) => {
      const [a = 0, b = 0, c = 0, readSent = 0, readRun = 0, readReplied = 0] = times;
      // The store is read before the endpoint is asked, or in parallel.
      const [storeRead, storeReplied, asked] = isAskedFirst ? [b, c, a] : [a, b, c];
      const record = activeRecord({}, { askedAt: 0, askedMonotonic: asked + writer });
      const entry = entryOf(record, { now: STORE_AT + storeRead, repliedAt: storeReplied + writer });
      const readAt = { at: reader, monotonic: readSent + reader };
      const askedAt = askedAtOf(entry, STORE_AT + readRun, readAt);
      const trueAge = readReplied - asked;
      const age = readReplied + reader - (askedAt?.monotonic ?? Number.NaN);
      expect(age).toBeGreaterThanOrEqual(trueAge);
      // It may be read as older by the time that both replies of the store took.
      expect(age).toBeLessThanOrEqual(trueAge + (storeReplied - storeRead) + (readRun - readSent));
    }),
  );
});

it('askedAtOf returns undefined for an entry that is dated in the future', () => {
  fc.assert(
    fc.property(fc.nat(1e12), (ahead) => {
      const entry = { response: {}, asked: STORE_AT + 1 + ahead, logPosition: '' };
      expect(askedAtOf(entry, STORE_AT, { at: 0, monotonic: 0 })).toBeUndefined();
    }),
  );
});

it.each([undefined, null, Number.NaN, 'x', {}])(
  'askedAtOf returns undefined for an entry with an invalid date: %p',
  (asked) => {
    const entry = { response: {}, asked: asked as never, logPosition: '' };
    expect(askedAtOf(entry, STORE_AT, { at: 0, monotonic: 0 })).toBeUndefined();
  },
);
