/**
 * @typedef {{
 *   method: string, url: string, headers?: Record<string, string>, json?: unknown, showsHeaders?: boolean, user?: string, form?: string
 * }} PageRequest
 * One request, which the page sends or shows as a curl command. `showsHeaders` makes curl print the response headers. Only curl
 * uses `user` (HTTP Basic credentials) and `form` (a form body).
 */

/** A curl command for bash that sends the request. */
export function curlCommand({ method, url, headers = {}, json, showsHeaders, user, form }) {
  const parts = [`curl -s${showsHeaders ? 'i' : ''}`];
  if (user !== undefined) parts.push(`-u ${quote(user)}`);
  if (form !== undefined) parts.push(`-d ${quote(form)}`);
  else if (method !== 'GET') parts.push(`-X ${method}`);
  for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quote(`${name}: ${value}`)}`);
  if (json !== undefined) parts.push("-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(json))}`);
  return [...parts, url].join(' \\\n  ');
}

/** Sends the request from this page. */
export function send({ method, url, headers = {}, json }) {
  const allHeaders = json === undefined ? headers : { ...headers, 'Content-Type': 'application/json' };
  const body = json === undefined ? undefined : JSON.stringify(json);
  return fetch(url, { method, headers: { Accept: 'application/json', ...allHeaders }, body, cache: 'no-store' });
}

function quote(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
