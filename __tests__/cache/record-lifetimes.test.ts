import {
  isFresh,
  isYoung,
  lifetimeOf,
  shouldRefreshEarly,
  staleLifetimeOf,
  timeLeft,
} from '../../lib/cache/record-lifetimes.js';
import { ANY_AGE, type TokenRecord } from '../../lib/core/lookup.js';
import { activeRecord, inactiveRecord } from '../support/records.js';

const ASKED_AT = 1_800_000_000;
const LIFETIMES = { ttlMs: 60_000, inactiveTtlMs: 5000 };

describe('lifetimeOf', () => {
  it.each([
    ['the ttl without exp', {}, 60_000],
    ['the ttl with a later exp', { exp: ASKED_AT + 61 }, 60_000],
    ['the time until an exp that is earlier than the ttl', { exp: ASKED_AT + 30 }, 30_000],
    ['the time until exp to the millisecond', { exp: ASKED_AT + 0.5 }, 500],
    ['0 with exp now', { exp: ASKED_AT }, 0],
    ['negative with exp in the past', { exp: ASKED_AT - 4 }, -4000],
    ['negative with exp in 1970', { exp: 0 }, -ASKED_AT * 1000],
    ['the ttl with exp at the largest number', { exp: Number.MAX_VALUE }, 60_000],
  ])('is %s', (_, claims, lifetime) => {
    expect(lifetimeOf(activeRecord(claims), LIFETIMES)).toBe(lifetime);
  });

  it('is the inactive ttl for an inactive record', () => {
    expect(lifetimeOf(inactiveRecord(), LIFETIMES)).toBe(5000);
  });
});

describe('timeLeft', () => {
  const LIFETIMES = { ttlMs: 30_000, inactiveTtlMs: 30_000 };

  function isUsableAfter(record: TokenRecord, wallSeconds: number, monotonicSeconds: number): boolean {
    const now = {
      at: record.askedAt + wallSeconds * 1000,
      monotonic: record.askedMonotonic + monotonicSeconds * 1000,
    };
    return timeLeft(record, lifetimeOf(record, LIFETIMES), now) > 0;
  }

  it.each([
    ['at once', activeRecord(), 0, 0],
    ['just before its lifetime ends', activeRecord(), 29.999, 29.999],
    ['after the wall clock was set back', activeRecord(), -3600, 29.999],
    ['just before exp', activeRecord({ exp: ASKED_AT + 20 }), 19.999, 19.999],
    ['when it is inactive', inactiveRecord(), 29.999, 29.999],
  ])('lets a record be used %s', (_, record, wall, monotonic) => {
    expect(isUsableAfter(record, wall, monotonic)).toBe(true);
  });

  it.each([
    ['when its lifetime has ended', activeRecord(), 30, 30],
    ['when its lifetime has ended and the wall clock was set back', activeRecord(), 0, 30],
    ['when its lifetime has ended while the machine was suspended', activeRecord(), 30, 0],
    ['when it is dated in the future', activeRecord(), 0, -0.001],
    ['at exp', activeRecord({ exp: ASKED_AT + 20 }), 20, 20],
    ['when exp has passed only on the wall clock', activeRecord({ exp: ASKED_AT + 20 }), 20, 1],
    ['when exp is in 1970', activeRecord({ exp: 0 }), 0, 0],
    ['when exp has passed and then the wall clock was set back', activeRecord({ exp: ASKED_AT + 20 }), -3600, 20],
    ['when it is inactive and its lifetime has ended', inactiveRecord(), 30, 30],
    ['when the wall clock returns NaN', activeRecord(), Number.NaN, 0],
    ['when the monotonic clock returns NaN', activeRecord(), 0, Number.NaN],
  ])('does not let a record be used %s', (_, record, wall, monotonic) => {
    expect(isUsableAfter(record, wall, monotonic)).toBe(false);
  });
});

describe('staleLifetimeOf', () => {
  it.each([
    ['staleIfErrorMs without exp', activeRecord(), 300_000],
    ['the time until an earlier exp', activeRecord({ exp: ASKED_AT + 90 }), 90_000],
    ['negative past exp', activeRecord({ exp: ASKED_AT - 1 }), -1000],
    ['0 for an inactive record', inactiveRecord(), 0],
  ])('is %s', (_, record, lifetime) => {
    expect(staleLifetimeOf(record, 300_000)).toBe(lifetime);
  });

  it.each([activeRecord(), inactiveRecord(), activeRecord({ exp: ASKED_AT + 90 })])(
    'is not positive when staleIfErrorMs is 0: %#',
    (record) => {
      expect(staleLifetimeOf(record, 0)).toBeLessThanOrEqual(0);
    },
  );
});

describe('shouldRefreshEarly', () => {
  afterEach(() => jest.restoreAllMocks());

  /** Whether a hit with `leftMs` left refreshes the response when the random number is `draw`. */
  function isRefreshed(record: TokenRecord, leftMs: number, draw: number): boolean {
    jest.spyOn(Math, 'random').mockReturnValue(draw);
    return shouldRefreshEarly(record, leftMs, LIFETIMES);
  }

  it.each([
    ['can be true in the last quarter', activeRecord(), 15_000, 0.0001, true],
    ['is never true before the last quarter', activeRecord(), 15_001, 0, false],
    ['is seldom true at the start of the last quarter', activeRecord(), 14_000, 0.5, false],
    ['is likely near the end', activeRecord(), 2000, 0.5, true],
    ['is true when the time left is the random time', activeRecord(), -Math.log(0.5) * 3000, 0.5, true],
    ['is not certain near the end', activeRecord(), 2000, 0.6, false],
    ['is certain at the end', activeRecord(), 0, 0.9999, true],
    ['is never true when exp ends the life at the ttl or before', activeRecord({ exp: ASKED_AT + 60 }), 1, 0, false],
    ['can be true when exp is after the ttl', activeRecord({ exp: ASKED_AT + 61 }), 1, 0, true],
    ['is never true for an inactive record', inactiveRecord(), 1, 0, false],
  ])('%s: %#', (_, record, leftMs, draw, expected) => {
    expect(isRefreshed(record, leftMs, draw)).toBe(expected);
  });
});

describe('isFresh', () => {
  const RECORD = activeRecord();
  const HOUR = 3600;

  /** All times in seconds since the introspection request of the record. */
  function isFreshFor(notBeforeSeconds: number, wallSeconds: number, monotonicSeconds: number): boolean {
    return isFresh(RECORD, {
      background: false,
      isKnown: false,
      notBefore: RECORD.askedMonotonic + notBeforeSeconds * 1000,
      now: {
        at: RECORD.askedAt + wallSeconds * 1000,
        monotonic: RECORD.askedMonotonic + monotonicSeconds * 1000,
      },
    });
  }

  it.each([
    ['when any age will do', ANY_AGE, HOUR, HOUR],
    ['when any age will do, on a machine that was suspended', ANY_AGE, HOUR, 0],
    ['when notBefore is before its request', -10, 5, 5],
    ['when notBefore is the moment of its request', 0, 5, 5],
    ['when notBefore is the moment of its request, by a wall clock of whole milliseconds', 0, 5.001, 5],
    ['when notBefore is before its request and the wall clock was set back', -10, -HOUR, 5],
  ])('is true %s', (_, notBefore, wall, monotonic) => {
    expect(isFreshFor(notBefore, wall, monotonic)).toBe(true);
  });

  it.each([
    ['when notBefore is after its request', 0.001, 5, 5],
    ['when notBefore is after its request and the wall clock was set back', 0.001, -HOUR, 5],
    ['when notBefore is before its request and the machine was suspended since', -10, HOUR, 5],
    ['when notBefore is NaN', Number.NaN, 5, 5],
    ['when any age will do and the wall clock returns NaN', ANY_AGE, Number.NaN, 5],
    ['when notBefore is before its request and the wall clock returns NaN', -10, Number.NaN, 5],
    ['when notBefore is before its request and the monotonic clock returns NaN', -10, 5, Number.NaN],
  ])('is false %s', (_, notBefore, wall, monotonic) => {
    expect(isFreshFor(notBefore, wall, monotonic)).toBe(false);
  });
});

describe('isYoung', () => {
  const TTLS = { ttlMs: 60_000, inactiveTtlMs: 5000 };
  const instantAfter = ({ askedAt, askedMonotonic }: TokenRecord, at: number, monotonic: number) => ({
    at: askedAt + at,
    monotonic: askedMonotonic + monotonic,
  });

  it.each([
    ['active', activeRecord(), 60_000],
    ['active and about to expire', activeRecord({ exp: 1_800_000_001 }), 60_000],
    ['inactive', inactiveRecord(), 5000],
  ])('is true while a response that is %s is no older than its ttl on either clock', (_, record, life) => {
    expect(isYoung(record, TTLS, instantAfter(record, life, life))).toBe(true);
    expect(isYoung(record, TTLS, instantAfter(record, life + 1, life))).toBe(false);
    expect(isYoung(record, TTLS, instantAfter(record, life, life + 1))).toBe(false);
    expect(isYoung(record, TTLS, instantAfter(record, -1000, -1000))).toBe(true);
  });
});
