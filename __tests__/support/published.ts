import type { TokenIntrospection } from '../../lib/index.js';
import { protectedResourceMetadata } from '../../lib/metadata/index.js';

/** The middleware itself, once the metadata of the resource behind it have a URL. */
export function published<T extends TokenIntrospection>(authenticate: T, resource?: string): T {
  protectedResourceMetadata(authenticate, { resource, authorization_servers: ['https://as.example.com'] });
  return authenticate;
}
