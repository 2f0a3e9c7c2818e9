import { optionError } from '../core/option-error.js';
import { challengeOf, type Gate } from '../middleware/gate.js';
import { singleGateOf } from '../middleware/handler.js';
import type { TokenIntrospection } from '../middleware/types.js';
import { fillAuthInfo } from './auth-info.js';

const OFFLINE_ACCESS = 'offline_access';

/**
 * The gate of a middleware, but that it presents an {@link AuthInfo}.
 *
 * @throws TypeError for what is no middleware of ours, does not demand what MCP does, or has no metadata published, without which
 * clients do not find the authorization server
 */
export function mcpGateOf(name: string, authenticate: TokenIntrospection): Gate {
  const gate = singleGateOf(authenticate);
  if (gate === undefined) {
    throw optionError(
      'authenticate',
      authenticate,
      `write ${name}(authenticate), with what tokenIntrospection() returned`,
    );
  }
  const { audience, scopes } = gate.demands;
  if (audience === false) {
    throw optionError('audience', audience, 'name this MCP server: tokens that were not issued for it must be refused');
  }
  if (scopes.includes(OFFLINE_ACCESS)) {
    throw optionError(
      'scopes',
      scopes,
      `leave out "${OFFLINE_ACCESS}": it says nothing about what a token may do here`,
    );
  }
  const { resourceMetadata } = challengeOf(gate);
  if (resourceMetadata === undefined) {
    throw optionError(
      'resourceMetadata',
      resourceMetadata,
      'write app.use(protectedResourceMetadata(authenticate)) before this, or the URL where something else publishes them',
    );
  }
  return {
    ...gate,
    present: (auth, authenticated) => fillAuthInfo(auth, authenticated, audience, resourceMetadata).extra,
  };
}
