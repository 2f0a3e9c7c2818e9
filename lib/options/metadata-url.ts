const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/**
 * Returns the URL at which the metadata of a protected resource are published. It is the resource identifier with a well-known path between
 * its host and its path ([RFC 9728 section 3.1](https://www.rfc-editor.org/rfc/rfc9728#section-3.1)).
 *
 * @returns `undefined` if the identifier is not an `https:` or `http:` URL
 */
export function metadataUrlOf(resource: string): string | undefined {
  if (!URL.canParse(resource)) return undefined;
  const { protocol, origin, pathname, search } = new URL(resource);
  if (!/^https?:$/.test(protocol)) return undefined;
  return `${origin}${WELL_KNOWN}${pathname === '/' ? '' : pathname}${search}`;
}
