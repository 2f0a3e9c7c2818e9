import { parseRetryAfter, requestedPauseOf, retryAfterOf } from '../../lib/introspection/retry-after.js';

const NOW = Date.UTC(2026, 10, 26, 21, 3, 0);

describe('parseRetryAfter and retryAfterOf', () => {
  it.each([
    ['60', 60],
    ['0', 1],
    ['1', 1],
    ['121', 120],
    ['99999999999999999999', 120],
    ['Thu, 26 Nov 2026 21:04:00 GMT', 60],
    ['Thursday, 26-Nov-26 21:04:00 GMT', 60],
    ['Thu Nov 26 21:04:00 2026', 60],
    ['Thu, 26 Nov 2026 21:03:60 GMT', 60],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 1],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 1],
    ['Sun Nov  6 08:49:37 1994', 1],
    ['Fri, 26 Nov 2027 21:03:00 GMT', 120],
  ])('accepts %j as %d seconds', (value, seconds) => {
    expect(parseRetryAfter(value, NOW)).toBe(seconds);
  });

  it.each([
    '',
    ' ',
    '-5',
    '+5',
    '1.5',
    '1e3',
    '0x10',
    'soon',
    '2026-11-26T21:04:00Z',
    'Nov 26 2026 21:04:00',
    'thu, 26 nov 2026 21:04:00 gmt',
    'Thu, 26 Nov 2026 21:04:00 UTC',
    'Thu, 26 Nov 2026 21:04:00',
    'Thu, 26 Nov 2026 24:00:00 GMT',
    'Thu, 26 Nov 2026 21:60:00 GMT',
    'Thu, 26 Nov 26 21:04:00 GMT',
    'Thu, 31 Feb 2026 21:04:00 GMT',
    'Thu, 00 Nov 2026 21:04:00 GMT',
    'Thursday, 26-Nov-2026 21:04:00 GMT',
    'Thu Nov 26 21:04:00 26',
    'Thu Nov 6 21:04:00 2026',
    'Thu, 26 Foo 2026 21:04:00 GMT',
    '60, 60',
  ])('rejects %j', (value) => {
    expect(parseRetryAfter(value, NOW)).toBeUndefined();
  });

  it.each([
    ['a year in the next century', Date.UTC(2099, 11, 31, 23, 59, 30), 'Friday, 01-Jan-00 00:00:00 GMT', 30],
    ['a year within 50 years', NOW, 'Thursday, 26-Nov-76 21:03:00 GMT', 120],
    ['a year that would be more than 50 years away', NOW, 'Saturday, 26-Nov-77 21:03:00 GMT', 1],
  ])('reads a two-digit year as %s', (_, now, value, seconds) => {
    expect(parseRetryAfter(value, now)).toBe(seconds);
  });

  it.each([
    [429, '7', 7, 7],
    [429, 'soon', undefined, 1],
    [429, undefined, undefined, 1],
    [503, '7', 7, 7],
    [503, undefined, undefined, undefined],
    [500, '7', 7, 7],
    [404, '7', undefined, undefined],
    [200, '7', undefined, undefined],
  ])('for a %d with %p return %p, and a requested pause of %p', (status, value, told, pause) => {
    const reply = { status, headers: { 'retry-after': value }, body: '' };
    expect(retryAfterOf(reply, NOW)).toBe(told);
    expect(requestedPauseOf(reply, NOW)).toBe(pause);
  });
});
