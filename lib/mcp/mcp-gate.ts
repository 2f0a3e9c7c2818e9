import type { Gate } from '../middleware/gate.js';
import { gateOf, type TokenIntrospection } from '../middleware/token-introspection.js';
import { optionError } from '../option-error.js';
import { fillAuthInfo } from './auth-info.js';

/** Demands that are as MCP has them, and complete enough for its challenges. */
export type McpDemands = Gate['demands'] & { readonly audience: readonly string[]; readonly resourceMetadata: string };

const WELL_KNOWN = '/.well-known/oauth-protected-resource';
const OFFLINE_ACCESS = 'offline_access';

/**
 * The gate of a middleware, but that it presents an {@link AuthInfo}, and that its challenges always name the protected resource
 * metadata.
 *
 * @throws TypeError for what is no middleware of ours, or does not demand what MCP does
 */
export function mcpGateOf(name: string, authenticate: TokenIntrospection): Gate {
  const gate = gateOf(authenticate);
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
  const resourceMetadata = gate.demands.resourceMetadata ?? wellKnownOf(audience);
  if (resourceMetadata === undefined) {
    throw optionError(
      'resourceMetadata',
      resourceMetadata,
      'write its URL, since "audience" is no https: URL to tell it by',
    );
  }
  const demands: McpDemands = Object.freeze({ ...gate.demands, audience, resourceMetadata });
  return { ...gate, demands, present: (auth, verified) => fillAuthInfo(auth, verified, demands).extra };
}

/** RFC 9728 section 3.1: between the host and what follows it. */
function wellKnownOf(audience: readonly string[]): string | undefined {
  const resource = audience.find((name) => /^https?:\/\//i.test(name) && URL.canParse(name));
  if (resource === undefined) return undefined;
  const { origin, pathname, search } = new URL(resource);
  return `${origin}${WELL_KNOWN}${pathname === '/' ? '' : pathname}${search}`;
}
