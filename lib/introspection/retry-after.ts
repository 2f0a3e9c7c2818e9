import { type EndpointResponse, headerOf } from './http.js';

const TOO_MANY_REQUESTS = 429;
const MAX_SECONDS = 120;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const MONTH = `(?<month>${MONTHS.join('|')})`;
const TIME = '(?<hour>[01]\\d|2[0-3]):(?<minute>[0-5]\\d):(?<second>[0-5]\\d|60)';

/**
 * The three forms of a date that a recipient must accept (RFC 9110 section 5.6.7). `Date.parse` is not used, because it would accept many
 * more forms.
 */
const DATE_FORMS = [
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d{2}) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d{2})-${MONTH}-(?<shortYear>\\d{2}) ${TIME} GMT$`),
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
];

/**
 * Returns the seconds that the `Retry-After` of a 429 or 5xx response asks for, limited to 1 to 120. Returns `undefined` for other
 * statuses, and when the header is absent or malformed.
 *
 * @param now wall time in milliseconds
 */
export function retryAfterOf(response: EndpointResponse, now: number): number | undefined {
  if (response.status !== TOO_MANY_REQUESTS && response.status < 500) return undefined;
  return parseRetryAfter(headerOf(response, 'retry-after'), now);
}

/**
 * Returns the seconds that the server wants clients to wait. After a 429: its `Retry-After`, or 1 without a valid one. After a 5xx: its
 * `Retry-After`, or `undefined` without a valid one. After any other status: `undefined`.
 */
export function requestedPauseOf(response: EndpointResponse, now: number): number | undefined {
  return retryAfterOf(response, now) ?? (response.status === TOO_MANY_REQUESTS ? 1 : undefined);
}

/**
 * Parses a `Retry-After`, which holds seconds or a date (RFC 9110 section 10.2.3). Returns whole seconds from `now`, limited to 1 to 120,
 * or `undefined` if the value is absent or malformed.
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const seconds = /^\d+$/.test(value) ? Number(value) : secondsUntil(value, now);
  return seconds === undefined ? undefined : Math.min(Math.max(seconds, 1), MAX_SECONDS);
}

function secondsUntil(date: string, now: number): number | undefined {
  for (const form of DATE_FORMS) {
    const time = timeOf(form.exec(date)?.groups, now);
    if (time !== undefined) return Math.ceil((time - now) / 1000);
  }
  return undefined;
}

/**
 * Returns the date in milliseconds since the epoch; `undefined` without `parts`, and for a day that does not exist, such as the 31st of
 * April.
 */
function timeOf(parts: Readonly<Record<string, string>> | undefined, now: number): number | undefined {
  if (parts === undefined) return undefined;
  const { year, shortYear, month = '', day, hour, minute, second } = parts;
  const fullYear = year === undefined ? fullYearOf(Number(shortYear), now) : Number(year);
  const date = new Date(0);
  date.setUTCFullYear(fullYear, MONTHS.indexOf(month), Number(day));
  if (date.getUTCDate() !== Number(day)) return undefined;
  return date.setUTCHours(Number(hour), Number(minute), Number(second));
}

/** Expands a two-digit year to the full year that is at most 49 years ago and at most 50 years ahead (RFC 9110 section 5.6.7). */
function fullYearOf(shortYear: number, now: number): number {
  const current = new Date(now).getUTCFullYear();
  const year = current - (current % 100) + shortYear;
  if (year > current + 50) return year - 100;
  return year <= current - 50 ? year + 100 : year;
}
