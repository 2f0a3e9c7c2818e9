import type { Authenticator } from '../authenticator.js';
import { optionError } from '../core/option-error.js';
import { authenticatorOf } from '../middleware/middleware-registry.js';
import type { SessionSource } from '../middleware/session.js';
import type { TokenIntrospection } from '../middleware/types.js';
import { fillAuthInfo } from './auth-info.js';

const OFFLINE_ACCESS = 'offline_access';

/**
 * Returns the authenticator of a middleware, and a presenter: a function that fills `req.auth` as an {@link AuthInfo}.
 *
 * @throws TypeError for a value that is not a middleware, and for a middleware that does not fit MCP: without `audience`, without
 * `resourceMetadata`, by which clients find the authorization server, or with the required scope `offline_access`
 */
export function mcpSessionSource(
  name: string,
  authenticate: TokenIntrospection,
): SessionSource & { authenticator: Authenticator } {
  const authenticator = authenticatorOf(authenticate);
  if (authenticator === undefined) {
    const remedy = `write ${name}(authenticate), with what tokenIntrospection() returned`;
    throw optionError('authenticate', authenticate, remedy);
  }
  const { audience, scopes, resourceMetadata } = authenticator.policy;
  if (audience === false) {
    throw optionError(
      'audience',
      audience,
      'write the audience of this MCP server: tokens for other servers must be rejected',
    );
  }
  if (scopes.includes(OFFLINE_ACCESS)) {
    throw optionError('scopes', scopes, `leave out "${OFFLINE_ACCESS}": it does not grant anything at this server`);
  }
  if (resourceMetadata === undefined) {
    const remedy = 'write true in tokenIntrospection(), or the URL of the metadata: clients need it to get a token';
    throw optionError('resourceMetadata', resourceMetadata, remedy);
  }
  return {
    authenticator,
    selected: undefined,
    present: (auth, token) => fillAuthInfo(auth, token, audience, resourceMetadata).extra,
  };
}
