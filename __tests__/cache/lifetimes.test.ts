import {
  isFresh,
  isYoung,
  lifetimeOf,
  shouldRefreshEarly,
  staleLifetimeOf,
  timeLeft,
} from '../../lib/cache/lifetimes.js';
import { ANY_AGE, type TokenRecord } from '../../lib/core/lookup.js';
import { activeRecord, inactiveRecord } from '../support/records.js';

const ASKED_AT = 1_800_000_000;
const LIFETIMES = { ttlMs: 60_000, inactiveTtlMs: 5000 };

describe('the life of a record in the cache', () => {
  it.each([
    ['the ttl, without exp', {}, 60_000],
    ['the ttl, with exp behind it', { exp: ASKED_AT + 61 }, 60_000],
    ['cut at exp, with exp before it', { exp: ASKED_AT + 30 }, 30_000],
    ['cut at exp to the millisecond', { exp: ASKED_AT + 0.5 }, 500],
    ['nothing, with exp now', { exp: ASKED_AT }, 0],
    ['less than nothing, with exp passed', { exp: ASKED_AT - 4 }, -4000],
    ['less than nothing, with exp in 1970', { exp: 0 }, -ASKED_AT * 1000],
    ['the ttl, with exp further ahead than can be counted', { exp: Number.MAX_VALUE }, 60_000],
  ])('is %s', (_, claims, lifetime) => {
    expect(lifetimeOf(activeRecord(claims), LIFETIMES)).toBe(lifetime);
  });

  it('is that of inactive answers for an inactive one', () => {
    expect(lifetimeOf(inactiveRecord(), LIFETIMES)).toBe(5000);
  });
});

describe('a record in the cache', () => {
  const LIFETIMES = { ttlMs: 30_000, inactiveTtlMs: 30_000 };

  function servableAfter(record: TokenRecord, wallSeconds: number, monotonicSeconds: number): boolean {
    const now = {
      at: record.askedAt + wallSeconds * 1000,
      monotonic: record.askedMonotonic + monotonicSeconds * 1000,
    };
    return timeLeft(record, lifetimeOf(record, LIFETIMES), now) > 0;
  }

  it.each([
    ['at once', activeRecord(), 0, 0],
    ['just before its life ends', activeRecord(), 29.999, 29.999],
    ['after the wall clock was set back', activeRecord(), -3600, 29.999],
    ['just before exp', activeRecord({ exp: ASKED_AT + 20 }), 19.999, 19.999],
    ['when it is inactive', inactiveRecord(), 29.999, 29.999],
  ])('is served %s', (_, record, wall, monotonic) => {
    expect(servableAfter(record, wall, monotonic)).toBe(true);
  });

  it.each([
    ['when its life has ended', activeRecord(), 30, 30],
    ['when its life has ended and the wall clock was set back', activeRecord(), 0, 30],
    ['when the machine slept through its life', activeRecord(), 30, 0],
    ['when it comes from the future', activeRecord(), 0, -0.001],
    ['at exp', activeRecord({ exp: ASKED_AT + 20 }), 20, 20],
    ['with exp passed on the wall clock alone', activeRecord({ exp: ASKED_AT + 20 }), 20, 1],
    ['with exp in 1970', activeRecord({ exp: 0 }), 0, 0],
    ['with exp passed before the wall clock was set back', activeRecord({ exp: ASKED_AT + 20 }), -3600, 20],
    ['when it is inactive and its life has ended', inactiveRecord(), 30, 30],
    ['when the wall clock does not tell the time', activeRecord(), Number.NaN, 0],
    ['when the monotonic clock does not tell the time', activeRecord(), 0, Number.NaN],
  ])('is not served %s', (_, record, wall, monotonic) => {
    expect(servableAfter(record, wall, monotonic)).toBe(false);
  });
});

describe('an answer that stands in when the endpoint fails', () => {
  it.each([
    ['as long as is allowed', activeRecord(), 300_000],
    ['up to exp', activeRecord({ exp: ASKED_AT + 90 }), 90_000],
    ['not at all past exp', activeRecord({ exp: ASKED_AT - 1 }), -1000],
    ['not at all when it is inactive', inactiveRecord(), 0],
  ])('may do so %s', (_, record, lifetime) => {
    expect(staleLifetimeOf(record, 300_000)).toBe(lifetime);
  });

  it.each([activeRecord(), inactiveRecord(), activeRecord({ exp: ASKED_AT + 90 })])(
    'may not where that was not asked for: %#',
    (record) => {
      expect(staleLifetimeOf(record, 0)).toBeLessThanOrEqual(0);
    },
  );
});

describe('renewing an answer early', () => {
  afterEach(() => jest.restoreAllMocks());

  /** Whether a hit with so many milliseconds left renews it, for the luck of a draw from 0 to 1. */
  function renewed(record: TokenRecord, leftMs: number, draw: number): boolean {
    jest.spyOn(Math, 'random').mockReturnValue(draw);
    return shouldRefreshEarly(record, leftMs, LIFETIMES);
  }

  it.each([
    ['in the last quarter, with luck', activeRecord(), 15_000, 0.0001, true],
    ['before the last quarter, with whatever luck', activeRecord(), 15_001, 0, false],
    ['in the last quarter, with an ordinary draw', activeRecord(), 14_000, 0.5, false],
    ['near the end, with an ordinary draw', activeRecord(), 2000, 0.5, true],
    ['near the end, with bad luck', activeRecord(), 2000, 0.6, false],
    ['at the end, with the worst luck', activeRecord(), 0, 0.9999, true],
    ['that exp ends before the ttl', activeRecord({ exp: ASKED_AT + 60 }), 1, 0, false],
    ['that exp ends after the ttl', activeRecord({ exp: ASKED_AT + 61 }), 1, 0, true],
    ['that is inactive', inactiveRecord(), 1, 0, false],
  ])('%s: %#', (_, record, leftMs, draw, expected) => {
    expect(renewed(record, leftMs, draw)).toBe(expected);
  });
});

describe('a record that has to be asked for since', () => {
  const RECORD = activeRecord();
  const HOUR = 3600;

  /** Seconds since the record was asked for: of what is demanded, and of the clocks. */
  function freshFor(since: number, wallSeconds: number, monotonicSeconds: number): boolean {
    return isFresh(RECORD, {
      background: false,
      isKnown: false,
      notBefore: RECORD.askedMonotonic + since * 1000,
      now: {
        at: RECORD.askedAt + wallSeconds * 1000,
        monotonic: RECORD.askedMonotonic + monotonicSeconds * 1000,
      },
    });
  }

  it.each([
    ['any time', ANY_AGE, HOUR, HOUR],
    ['any time, on a machine that slept', ANY_AGE, HOUR, 0],
    ['before it was', -10, 5, 5],
    ['just when it was', 0, 5, 5],
    ['just when it was, told by a wall clock of whole milliseconds', 0, 5.001, 5],
    ['before it was, with the wall clock set back', -10, -HOUR, 5],
  ])('%s is fresh', (_, since, wall, monotonic) => {
    expect(freshFor(since, wall, monotonic)).toBe(true);
  });

  it.each([
    ['after it was', 0.001, 5, 5],
    ['after it was, with the wall clock set back', 0.001, -HOUR, 5],
    ['before it was, on a machine that slept since', -10, HOUR, 5],
    ['a moment that cannot be told', Number.NaN, 5, 5],
    ['any time, by a wall clock that does not tell the time', ANY_AGE, Number.NaN, 5],
    ['before it was, by a wall clock that does not tell the time', -10, Number.NaN, 5],
    ['before it was, by a monotonic clock that does not tell the time', -10, 5, Number.NaN],
  ])('%s is not fresh', (_, since, wall, monotonic) => {
    expect(freshFor(since, wall, monotonic)).toBe(false);
  });
});

describe('isYoung', () => {
  const LIVES = { ttlMs: 60_000, inactiveTtlMs: 5000 };
  const instantAfter = ({ askedAt, askedMonotonic }: TokenRecord, at: number, monotonic: number) => ({
    at: askedAt + at,
    monotonic: askedMonotonic + monotonic,
  });

  it.each([
    ['active', activeRecord(), 60_000],
    ['active and about to expire', activeRecord({ exp: 1_800_000_001 }), 60_000],
    ['inactive', inactiveRecord(), 5000],
  ])(
    'is true as long as a response that is %s is not older than its kind may become, on both clocks',
    (_, record, life) => {
      expect(isYoung(record, LIVES, instantAfter(record, life, life))).toBe(true);
      expect(isYoung(record, LIVES, instantAfter(record, life + 1, life))).toBe(false);
      expect(isYoung(record, LIVES, instantAfter(record, life, life + 1))).toBe(false);
      expect(isYoung(record, LIVES, instantAfter(record, -1000, -1000))).toBe(true);
    },
  );
});
