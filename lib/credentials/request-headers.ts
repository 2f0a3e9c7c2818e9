import type { IncomingMessage } from 'node:http';

/** Reads a header of the request, but never a property that other code added to `Object.prototype`. */
export function ownHeader(
  { headers }: Pick<IncomingMessage, 'headers'>,
  name: 'authorization' | 'content-type',
): string | undefined {
  return Object.hasOwn(headers, name) ? headers[name] : undefined;
}

/**
 * Whether a request has this header more than once. `req.headers` has only the first one. A request that a test created may have no
 * `rawHeaders`.
 *
 * @param header in lower case
 */
export function isRepeated({ rawHeaders }: Partial<Pick<IncomingMessage, 'rawHeaders'>>, header: string): boolean {
  let seen = false;
  // Names alternate with values. Lengths are compared first, because that is fast.
  for (let i = 0; i < (rawHeaders?.length ?? 0); i += 2) {
    const name = rawHeaders?.[i];
    if (name?.length !== header.length || String(name).toLowerCase() !== header) continue;
    if (seen) return true;
    seen = true;
  }
  return false;
}
