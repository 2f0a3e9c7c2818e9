import type { IncomingMessage } from 'node:http';

/** A request with the parts that selectors read. */
export function requestOf(
  url: string,
  headers: Readonly<Record<string, string | undefined>> = {},
  more: object = {},
): IncomingMessage {
  const rawHeaders = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
  return { url, headers, rawHeaders, ...more } as unknown as IncomingMessage;
}

/** A token in the form of a signed JWT with this payload. */
export function jwtOf(payload: unknown): string {
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
  return `${encode({ alg: 'none' })}.${encode(payload)}.c2lnbmF0dXJl`;
}
