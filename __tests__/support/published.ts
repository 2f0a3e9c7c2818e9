import type { TokenIntrospection } from '../../lib/index.js';
import { protectedResourceMetadata } from '../../lib/metadata/index.js';

/** The middleware, after the metadata of its resource were published at a URL. */
export function published<T extends TokenIntrospection>(authenticate: T, resource?: string): T {
  protectedResourceMetadata(authenticate, { resource, authorization_servers: ['https://as.example.com'] });
  return authenticate;
}
