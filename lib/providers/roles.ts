import type { Claims, RoleReader } from '../core/claims.js';
import { ownMember } from '../core/own-members.js';
import { stringsOf } from '../core/strings.js';

/** Part of a preset that knows where the server puts roles. */
export interface WithRoles {
  /** Reads the roles of a token, for `requireRole()`. */
  readonly roles: RoleReader;
}

/** Reads roles from claims that are lists of strings, or one string. */
export function rolesFrom(...names: string[]): RoleReader {
  return (claims) => names.flatMap((name) => stringsOf(ownMember(claims, name)));
}

/** The members of a claim that is an object; none for any other claim, and for a list. */
export function membersOf(claims: Claims, name: string): readonly (readonly [name: string, value: unknown])[] {
  const value = ownMember(claims, name);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}
