import { optionError } from '../core/option-error.js';

/**
 * Checks the base URL of a provider. Returns the URL without a slash at its end, so that a further path can be appended.
 *
 * @throws TypeError for a value that is no `http:` or `https:` URL, or a URL with a user name, a password, a query or a fragment
 */
export function requireBaseUrl(option: string, value: string | undefined): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw optionError(option, value, 'write a URL such as https://auth.example.com');
  }
  if ([url.username, url.password, url.search, url.hash].some((part) => part !== '')) {
    throw optionError(option, value, 'leave credentials, query and fragment out of the URL');
  }
  return `${url.origin}${url.pathname.replace(/\/$/, '')}`;
}

/**
 * Returns a name in the form that it has as one segment of a URL path.
 *
 * @throws TypeError when the name is missing, empty, `.` or `..`
 */
export function requireSegment(option: string, value: string | undefined): string {
  if (typeof value !== 'string' || value === '' || value === '.' || value === '..') {
    throw optionError(option, value, 'write a name');
  }
  return encodeURIComponent(value);
}
