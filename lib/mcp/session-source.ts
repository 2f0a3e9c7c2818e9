import type { Authenticator } from '../authenticator.js';
import { optionError } from '../core/option-error.js';
import { authenticatorsOf } from '../middleware/middleware-registry.js';
import type { SessionSource } from '../middleware/session.js';
import type { TokenIntrospection } from '../middleware/types.js';
import { fillAuthInfo } from './auth-info.js';

const OFFLINE_ACCESS = 'offline_access';

/**
 * The authenticator of a middleware, with a presenter that fills an {@link AuthInfo}.
 *
 * @throws TypeError for anything else than a middleware, or one that does not require what MCP requires: an audience, no
 * `offline_access`, and metadata by which clients find the authorization server
 */
export function mcpSessionSource(
  name: string,
  authenticate: TokenIntrospection,
): SessionSource & { authenticator: Authenticator } {
  const [authenticator, another] = authenticatorsOf(authenticate);
  if (authenticator === undefined || another !== undefined) {
    const remedy = `write ${name}(authenticate), with what tokenIntrospection() returned`;
    throw optionError('authenticate', authenticate, remedy);
  }
  const { audience, scopes, resourceMetadata } = authenticator.policy;
  if (audience === false) {
    throw optionError(
      'audience',
      audience,
      'name this MCP server: tokens that were issued for another must be rejected',
    );
  }
  if (scopes.includes(OFFLINE_ACCESS)) {
    throw optionError(
      'scopes',
      scopes,
      `leave out "${OFFLINE_ACCESS}": it says nothing about what a token may do here`,
    );
  }
  if (resourceMetadata === undefined) {
    const remedy = 'write true in tokenIntrospection(), or the URL of the metadata: clients need them to get a token';
    throw optionError('resourceMetadata', resourceMetadata, remedy);
  }
  return {
    authenticator,
    selected: undefined,
    present: (auth, token) => fillAuthInfo(auth, token, audience, resourceMetadata).extra,
  };
}
