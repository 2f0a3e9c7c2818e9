import type { TokenIntrospection } from '../../lib/index.js';
import { protectedResourceMetadata } from '../../lib/metadata/index.js';
import { metadataUrlOf } from '../../lib/options/metadata-url.js';

/** The middleware with `resourceMetadata`, once the metadata of its resource are published. */
export function published<T extends TokenIntrospection>(authenticate: T, resource?: string): T {
  const resourceMetadata = resource === undefined ? true : (metadataUrlOf(resource) as string);
  const derived = authenticate.with({ resourceMetadata });
  protectedResourceMetadata(derived, { resource, authorization_servers: ['https://as.example.com'] });
  return derived as T;
}
