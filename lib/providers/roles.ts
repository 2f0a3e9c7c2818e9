import type { Claims, RoleReader } from '../core/claims.js';
import { ownMember } from '../core/own-members.js';
import { stringsOf } from '../core/strings.js';

/** The part of a preset that says where the introspection responses of the server have roles. */
export interface WithRoles {
  /** Reads the roles of a token, for `requireRole()`. */
  readonly roles: RoleReader;
}

/** Returns a function that reads roles from the claims with these names. Each claim is a list of strings, or one string. */
export function rolesFrom(...names: string[]): RoleReader {
  return (claims) => names.flatMap((name) => stringsOf(ownMember(claims, name)));
}

/** Returns the members of a claim that is an object. Returns an empty list if the claim is absent, a list or any other value. */
export function membersOf(claims: Claims, name: string): readonly (readonly [name: string, value: unknown])[] {
  const value = ownMember(claims, name);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}
