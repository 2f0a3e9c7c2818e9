import type { RoleReader } from '../core/claims.js';
import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';
import { ownMember } from '../core/own-members.js';
import { stringsOf } from '../core/strings.js';
import { requireSynchronous } from '../core/synchronous.js';

export interface RolePolicy {
  readonly roles: readonly string[];
  /** Reads the roles of a token. With `undefined`, the roles are in the claim `roles`. */
  readonly readRoles: RoleReader | undefined;
}

/**
 * Requires that the token has all roles of the policy.
 *
 * @throws AuthError `insufficient_role`
 */
export function requireRoles(record: ActiveRecord, { roles, readRoles }: RolePolicy): void {
  const held = rolesOf(record, readRoles);
  if (!roles.every((role) => held.includes(role))) throw new AuthError('insufficient_role');
}

/**
 * Requires that the token has at least one of the roles of the policy.
 *
 * @throws AuthError `insufficient_role`
 */
export function requireSomeRole(record: ActiveRecord, { roles, readRoles }: RolePolicy): void {
  const held = rolesOf(record, readRoles);
  if (!roles.some((role) => held.includes(role))) throw new AuthError('insufficient_role');
}

/**
 * Returns the roles of a token. The function `readRoles` of the app must return a list. A string is not accepted, because a search in it
 * would also find parts of a role's name.
 *
 * @throws AuthError `insufficient_role` if the function returned anything but a list
 * @throws TypeError if the function returned a promise
 */
function rolesOf({ claims }: ActiveRecord, readRoles: RoleReader | undefined): readonly unknown[] {
  if (readRoles === undefined) return stringsOf(ownMember(claims, 'roles'));
  const roles: unknown = requireSynchronous('roles', readRoles(claims));
  if (!Array.isArray(roles)) throw new AuthError('insufficient_role');
  return roles;
}
