import fc from 'fast-check';
import { askedAtOf, entryOf } from '../../../lib/cache/shared/entry.js';
import { activeRecord } from '../../support/records.js';

const LIFETIMES = { ttlMs: 60_000, inactiveTtlMs: 5000 };
const ASKED_AT = 1_800_000_000_000;
const MONTH_MS = 30 * 86_400_000;

const offset = fc.integer({ min: -MONTH_MS, max: MONTH_MS });
const moment = fc.integer({ min: 0, max: 59_999 });

/** An entry that was written when its answer had an age, came to the store later, and was read later still, counted from the question. */
const course = fc
  .tuple(moment, moment, moment)
  .map((moments) => moments.sort((a, b) => a - b) as [writtenAt: number, storedAt: number, readAt: number]);

function read([writtenAt, storedAt, readAt]: [number, number, number], writer: number, reader: number) {
  const entry = entryOf(activeRecord({}, { askedAt: ASKED_AT + writer, askedMonotonic: 1 }), LIFETIMES);
  const left = LIFETIMES.ttlMs - writtenAt - (readAt - storedAt);
  const now = { at: ASKED_AT + readAt + reader, monotonic: 7 + readAt };
  const asked = askedAtOf(entry, left, now);
  return asked && { onWall: now.at - asked.at, onMonotonic: now.monotonic - asked.monotonic };
}

it('an answer that was written at once is never younger than it is, however far apart the clocks are', () => {
  fc.assert(
    fc.property(moment, moment, offset, offset, (one, other, writer, reader) => {
      const [writtenAt, readAt] = [Math.min(one, other), Math.max(one, other)];
      const age = readAt + Math.max(0, reader - writer);
      expect(read([writtenAt, writtenAt, readAt], writer, reader)).toEqual({ onWall: age, onMonotonic: age });
    }),
  );
});

it('an answer whose write was held back is never younger than it is, unless the clock of who reads it is behind', () => {
  fc.assert(
    fc.property(course, offset, fc.nat(MONTH_MS), (held, writer, ahead) => {
      const age = held[2] + ahead;
      expect(read(held, writer, writer + ahead)).toEqual({ onWall: age, onMonotonic: age });
    }),
  );
});

it('two faults at once make an answer younger by no more than the lesser of them', () => {
  fc.assert(
    fc.property(course, offset, offset, (held, writer, reader) => {
      const [writtenAt, storedAt, readAt] = held;
      const age = read(held, writer, reader)?.onMonotonic ?? Number.NaN;
      expect(age).toBeGreaterThanOrEqual(readAt - Math.min(storedAt - writtenAt, Math.max(0, writer - reader)));
    }),
  );
});

it('whatever the store says is left, an answer is no younger than the wall clock makes it, and not of a time to come', () => {
  const left = fc.oneof(fc.double(), fc.integer({ min: -1_000_000, max: 1_000_000 }));
  fc.assert(
    fc.property(left, offset, (leftMs, readLater) => {
      const now = { at: ASKED_AT + readLater, monotonic: 1000 };
      const asked = askedAtOf({ response: {}, askedAt: ASKED_AT, lifeMs: 60_000, mark: '' }, leftMs, now);
      if (asked === undefined) return;
      expect(asked.at).toBeLessThanOrEqual(Math.min(ASKED_AT, now.at));
      expect(asked.monotonic).toBeLessThanOrEqual(now.monotonic);
    }),
  );
});
