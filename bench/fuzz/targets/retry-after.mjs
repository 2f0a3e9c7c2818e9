// The header `Retry-After` of a response (RFC 9110 section 10.2.3).
import assert from 'node:assert/strict';
import { requireOneOf } from '../errors.mjs';
import { NOW_SECONDS, SENT_AT } from '../time.mjs';

const MAX_SECONDS = 120;
const DAY_NAME = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const LONG_DAY_NAME = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day';
const MONTH_NAMES = 'JanFebMarAprMayJunJulAugSepOctNovDec';
/** The forms of a date, with the positions of its parts: day, month, year and time. */
const FORMS = [
  [new RegExp(`^${DAY_NAME}, (\\d\\d) (\\w{3}) (\\d{4}) (\\d\\d:\\d\\d:\\d\\d) GMT$`), [1, 2, 3, 4]],
  [new RegExp(`^${LONG_DAY_NAME}, (\\d\\d)-(\\w{3})-(\\d\\d) (\\d\\d:\\d\\d:\\d\\d) GMT$`), [1, 2, 3, 4]],
  [new RegExp(`^${DAY_NAME} (\\w{3}) ([ \\d]\\d) (\\d\\d:\\d\\d:\\d\\d) (\\d{4})$`), [2, 1, 4, 3]],
];

export const retryAfter = {
  name: 'retry-after',
  input: 'the value of the header',
  isSynchronous: true,
  maxLength: 4096,
  words: [
    ...[
      'GMT',
      'Fri, ',
      'Friday, ',
      'Fri ',
      'Jan',
      'Feb',
      'Dec',
      '2027',
      '-27',
      '08:00:30',
      '23:59:60',
      '29 Feb 2028',
      ' 5 ',
    ],
    ...['30 Feb', '1e3', '0x10', '+1', '-1', '1.5', ' 1'],
  ],
  seeds: () =>
    [
      ...['0', '1', '60', '120', '121', '99999999999999999999999', '-1', '1.5', ' 1', '1e2', '', 'soon', '٣'],
      ...[new Date(SENT_AT.at + 30_000).toUTCString(), new Date(SENT_AT.at - 30_000).toUTCString()],
      ...[
        'Friday, 15-Jan-27 08:00:30 GMT',
        'Fri Jan 15 08:00:30 2027',
        'Fri Jan  5 08:00:30 2029',
        'Fri, 30 Feb 2028 08:00:00 GMT',
      ],
      ...[
        'Sun, 29 Feb 2027 08:00:00 GMT',
        'Fri, 15 Jan 2027 08:00:60 GMT',
        'Fri, 15 Jan 2027 24:00:00 GMT',
        'Friday, 15-Jan-77 08:00:00 GMT',
      ],
      ...['Friday, 15-Jan-78 08:00:00 GMT', 'Fri, 15 Jan 0000 08:00:30 GMT', 'Fri, 15 Jan 2027 08:00:30 +0100'],
    ].map((text) => Buffer.from(text)),
  typical: (length) => Buffer.from('1'.repeat(length)),
  guards: [
    { file: 'introspection/retry-after.js', from: 'Math.min(Math.max(seconds, 1), MAX_SECONDS)', to: 'seconds' },
    { file: 'introspection/retry-after.js', from: 'if (date.getUTCDate() !== Number(day))', to: 'if (false)' },
    {
      file: 'introspection/retry-after.js',
      from: 'secondsUntil(value, now)',
      to: 'Math.ceil((Date.parse(value) - now) / 1000)',
    },
  ],

  create(load) {
    const { retryAfterOf, requestedPauseOf } = load('introspection/retry-after.js');
    return {
      read: (bytes) => Buffer.from(bytes).toString('latin1'),
      run(value) {
        const secondsAfter = (status) => retryAfterOf({ status, headers: { 'retry-after': value } }, SENT_AT.at);
        const pause = requestedPauseOf({ status: 429, headers: { 'retry-after': value } }, SENT_AT.at);
        return { after429: secondsAfter(429), after503: secondsAfter(503), after404: secondsAfter(404), pause };
      },
      check(text, { value, error }) {
        if (error !== undefined) throw error;
        const expected = expectedOf(text);
        assert.deepEqual(value, { after429: expected, after503: expected, after404: undefined, pause: expected ?? 1 });
        if (expected !== undefined) requireOneOf([true], expected >= 1 && expected <= MAX_SECONDS, 'within the limits');
        return expected !== undefined;
      },
    };
  },
};

function expectedOf(text) {
  const seconds = /^[0-9]+$/.test(text) ? BigInt(text) : secondsUntil(text);
  if (seconds === undefined) return undefined;
  if (seconds < 1) return 1;
  return seconds > MAX_SECONDS ? MAX_SECONDS : Number(seconds);
}

/** Compares the parts with those of the date that JavaScript makes of them, so that no day or hour is carried over. */
function secondsUntil(text) {
  for (const [form, [day, month, year, time]] of FORMS) {
    const parts = form.exec(text);
    if (parts === null) continue;
    const index = MONTH_NAMES.indexOf(parts[month]) / 3;
    const isLeapSecond = parts[time].endsWith(':60');
    const shown = isLeapSecond ? parts[time].replace(/60$/, '59') : parts[time];
    const date = new Date(`${fullYear(parts[year])}-${two(index + 1)}-${two(Number(parts[day]))}T${shown}Z`);
    if (
      Number.isNaN(date.getTime()) ||
      date.getUTCDate() !== Number(parts[day]) ||
      date.toISOString().slice(11, 19) !== shown
    )
      return undefined;
    return date.getTime() / 1000 + (isLeapSecond ? 1 : 0) - NOW_SECONDS;
  }
  return undefined;
}

function two(number) {
  return String(number).padStart(2, '0');
}

/** A year of two digits is at most 50 years in the future (RFC 9110 section 5.6.7). */
function fullYear(text) {
  if (text.length === 4) return text;
  const current = new Date(SENT_AT.at).getUTCFullYear();
  return [2100, 2000, 1900].map((century) => century + Number(text)).find((year) => year <= current + 50);
}
