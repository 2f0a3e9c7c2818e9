import { remedyForUrl } from '../core/endpoint-url.js';
import { optionError } from '../core/option-error.js';

/**
 * Parses the URL in the option `name`.
 *
 * @throws TypeError for a URL that is not https:, or has a user name, a password or a fragment. http: is allowed on loopback hosts, or with
 * `allowHttp`
 */
export function parseUrl(name: string, value: string | URL, allowHttp: boolean): URL {
  const url = new URL(value);
  const remedy = remedyForUrl(url, allowHttp);
  if (remedy !== undefined) throw optionError(name, value, remedy);
  return url;
}
