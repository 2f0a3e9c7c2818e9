import { remedyForUrl } from '../core/endpoint-url.js';
import { optionError } from '../core/option-error.js';

/** @throws TypeError for a URL that is not safe for tokens, credentials or keys */
export function parseUrl(name: string, value: string | URL, allowHttp: boolean): URL {
  const url = new URL(value);
  const remedy = remedyForUrl(url, allowHttp);
  if (remedy !== undefined) throw optionError(name, value, remedy);
  return url;
}
