import { optionError } from '../core/option-error.js';
import type { Guard } from '../middleware/guard.js';
import { createHandler } from '../middleware/handler.js';
import type { TokenIntrospection } from '../middleware/types.js';
import type { Policy } from '../policy.js';
import { mcpGateOf } from './mcp-gate.js';

/**
 * Authenticates requests to an MCP server as `authenticate` would, and leaves on `req.auth` the {@link AuthInfo} that transports of
 * the MCP SDK hand to tools. Guards go behind it as ever, and `getAuth(req)` gives the claims.
 *
 * Every challenge names the protected resource metadata, which `protectedResourceMetadata(authenticate)` publishes; where something
 * else does, the option `resourceMetadata` says where they are.
 *
 * Not checked: `Origin` and `Host`, and, once an event stream has begun, whether the token is still good.
 *
 * @example
 * app.post('/mcp', mcpAuthentication(authenticate), requireScope('files:read'), (req, res) =>
 *   transport.handleRequest(req, res, req.body));
 *
 * @throws TypeError unless `authenticate` names an audience, takes tokens from the `Authorization` header alone and always demands
 * one, does not demand `offline_access`, and its metadata have been published
 */
export function mcpAuthentication(authenticate: TokenIntrospection): Guard {
  const gate = mcpGateOf('mcpAuthentication', authenticate);
  requireHeaderAlone(gate.demands);
  return createHandler(gate);
}

function requireHeaderAlone({ optional, getToken, tokenFromBody }: Policy): void {
  const given = { optional, getToken: getToken ?? false, tokenFromBody };
  for (const [name, value] of Object.entries(given)) {
    if (value === false) continue;
    throw optionError(
      name,
      value,
      'leave it out: MCP clients send a token with every request, in the Authorization header',
    );
  }
}
