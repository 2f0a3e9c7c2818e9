import type { IncomingMessage } from 'node:http';

/** A header of the request itself, not one that somebody added to `Object.prototype`. */
export function ownHeader(
  { headers }: Pick<IncomingMessage, 'headers'>,
  name: 'authorization' | 'content-type',
): string | undefined {
  return Object.hasOwn(headers, name) ? headers[name] : undefined;
}

/**
 * Whether a request has more than one line of this header, given in lower case. Node shows the first and hides the others.
 * A request that a test made may have no `rawHeaders`.
 */
export function isRepeated({ rawHeaders }: Partial<Pick<IncomingMessage, 'rawHeaders'>>, header: string): boolean {
  let seen = false;
  // Names alternate with values. Comparing lengths first leaves almost nothing to lower-case.
  for (let i = 0; i < (rawHeaders?.length ?? 0); i += 2) {
    const name = rawHeaders?.[i];
    if (name?.length !== header.length || String(name).toLowerCase() !== header) continue;
    if (seen) return true;
    seen = true;
  }
  return false;
}
