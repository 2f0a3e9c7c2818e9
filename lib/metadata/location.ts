/** Where the metadata of a protected resource are. */
export interface Location {
  readonly url: string;
  /** Path and query of it, as a request names them. */
  readonly target: string;
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/**
 * Puts the well-known path between host and path of the resource
 * ([RFC 9728 section 3.1](https://www.rfc-editor.org/rfc/rfc9728#section-3.1)).
 */
export function locationOf(resource: string): Location {
  const { origin, pathname, search } = new URL(resource);
  const target = `${WELL_KNOWN}${pathname === '/' ? '' : pathname}${search}`;
  return { url: `${origin}${target}`, target };
}
