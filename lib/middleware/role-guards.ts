import { optionError, rejectMountedFactory } from '../core/option-error.js';
import { requireRoles, requireSomeRole } from '../verification/roles.js';
import { createGuard, type Guard } from './guard.js';

/**
 * Requires that the token has all of the roles. Otherwise the response is 403 `insufficient_scope`, and its challenge names neither roles
 * nor scopes. Roles are compared exactly. The option `roles` of the middleware reads the roles from the introspection response, and some
 * presets set this option. Without the option, the roles are those in the claim `roles`.
 *
 * @throws TypeError if no role is given, or for a role that is empty or not a string
 */
export function requireRole(...roles: string[]): Guard {
  const needed = parseRoles('requireRole', roles);
  return createGuard('requireRole', {
    scopes: [],
    run: ({ record }, { readRoles }) => requireRoles(record, { roles: needed, readRoles }),
  });
}

/**
 * Requires that the token has at least one of the roles. Otherwise the response is the same as for {@link requireRole}: 403
 * `insufficient_scope`.
 *
 * @throws TypeError in the same cases as {@link requireRole}
 */
export function requireAnyRole(...roles: string[]): Guard {
  const accepted = parseRoles('requireAnyRole', roles);
  return createGuard('requireAnyRole', {
    scopes: [],
    run: ({ record }, { readRoles }) => requireSomeRole(record, { roles: accepted, readRoles }),
  });
}

function parseRoles(guard: string, roles: readonly string[]): readonly string[] {
  rejectMountedFactory(guard, roles[0], `${guard}('admin')`);
  if (roles.length === 0 || !roles.every((role) => typeof role === 'string' && role !== '')) {
    throw optionError('roles', roles, `write ${guard}('admin', …), with each role as an argument of its own`);
  }
  return Object.freeze([...roles]);
}
