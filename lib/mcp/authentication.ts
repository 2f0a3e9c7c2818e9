import { optionError } from '../core/option-error.js';
import { createAuthenticationMiddleware } from '../middleware/authentication-middleware.js';
import type { Guard } from '../middleware/guard.js';
import { register } from '../middleware/middleware-registry.js';
import type { TokenIntrospection } from '../middleware/types.js';
import type { Policy } from '../policy.js';
import { mcpSessionSource } from './session-source.js';

/**
 * Creates middleware that authenticates requests to an MCP server by the policy of `authenticate`. It sets `req.auth` to the
 * {@link AuthInfo} that transports of the MCP SDK pass to tools. Guards and `getAuth(req)` work after it.
 *
 * Every challenge has the URL of the option `resourceMetadata`. `protectedResourceMetadata(authenticate)` publishes the document at that
 * URL.
 *
 * Not checked: `Origin` and `Host`, and whether the token is still valid after an event stream has begun. For that, call `endWithToken()` of
 * `express-token-introspection/streams`.
 *
 * @example
 * app.post('/mcp', mcpAuthentication(authenticate), requireScope('files:read'), (req, res) =>
 *   transport.handleRequest(req, res, req.body));
 *
 * @throws TypeError unless `authenticate` has an `audience` and `resourceMetadata`, reads tokens only from the `Authorization` header, and
 * requires a token in each request. Also throws if `authenticate` requires the scope `offline_access`
 */
export function mcpAuthentication(authenticate: TokenIntrospection): Guard {
  const { authenticator, present } = mcpSessionSource('mcpAuthentication', authenticate);
  requireHeaderOnly(authenticator.policy);
  return register(createAuthenticationMiddleware({ authenticator, present }), authenticator);
}

function requireHeaderOnly({ optional, getToken, tokenFromBody }: Policy): void {
  for (const [name, value] of Object.entries({ optional, getToken: getToken ?? false, tokenFromBody })) {
    if (value === false) continue;
    throw optionError(
      name,
      value,
      'leave it out: MCP clients send a token with every request, in the Authorization header',
    );
  }
}
