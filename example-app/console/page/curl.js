/**
 * @typedef {{
 *   method: string, url: string, headers?: Record<string, string>, json?: unknown, shows?: boolean, user?: string, form?: string
 * }} Order
 * One request, sent by the page or pasted into a shell. `shows`: the response headers matter too. `user` and `form` are for
 * the shell only: HTTP Basic credentials, and a form body.
 */

/** The line for bash that sends the same. */
export function curlOf({ method, url, headers = {}, json, shows, user, form }) {
  const parts = [`curl -s${shows ? 'i' : ''}`];
  if (user !== undefined) parts.push(`-u ${quoted(user)}`);
  if (form !== undefined) parts.push(`-d ${quoted(form)}`);
  else if (method !== 'GET') parts.push(`-X ${method}`);
  for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (json !== undefined) parts.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(json))}`);
  return [...parts, url].join(' \\\n  ');
}

/** Sends it from here. */
export function send({ method, url, headers = {}, json }) {
  const typed = json === undefined ? headers : { ...headers, 'Content-Type': 'application/json' };
  const body = json === undefined ? undefined : JSON.stringify(json);
  return fetch(url, { method, headers: { Accept: 'application/json', ...typed }, body, cache: 'no-store' });
}

function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
