/**
 * @typedef {{ method: string, url: string, headers?: Record<string, string>, json?: unknown, shows?: boolean }} Order
 * One request, whether it is sent by the page or pasted into a shell. `shows`: headers are part of what is to be seen.
 */

/** The line for bash that sends the same. */
export function curlOf({ method, url, headers = {}, json, shows }) {
  const parts = [`curl -s${shows ? 'i' : ''}`];
  if (method !== 'GET') parts.push(`-X ${method}`);
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
