import { optionError } from '../core/option-error.js';

/**
 * The URL below which a provider's endpoints are found, as paths can be put behind it: with its own path, without a slash
 * at the end.
 *
 * @throws TypeError naming the option, when it is no http: or https: URL or holds credentials, a query or a fragment
 */
export function requireBaseUrl(name: string, given: string | undefined): string {
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw optionError(name, given, 'write a URL such as https://auth.example.com');
  }
  if ([url.username, url.password, url.search, url.hash].some((part) => part !== '')) {
    throw optionError(name, given, 'leave credentials, query and fragment out of the URL');
  }
  return `${url.origin}${url.pathname.replace(/\/$/, '')}`;
}

/**
 * A name as one segment of a path.
 *
 * @throws TypeError naming the option, when it is missing, or would be no segment of its own
 */
export function requireSegment(name: string, given: string | undefined): string {
  if (typeof given !== 'string' || given === '' || given === '.' || given === '..') {
    throw optionError(name, given, 'write a name');
  }
  return encodeURIComponent(given);
}
