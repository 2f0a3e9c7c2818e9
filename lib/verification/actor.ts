import type { Claims } from '../core/claims.js';
import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';
import { ownMember } from '../core/own-members.js';

/**
 * The party that acts for the subject of a token ([RFC 8693 section 4.1](https://www.rfc-editor.org/rfc/rfc8693#section-4.1)), frozen.
 * Parties that acted earlier are in the member `act` of this object. They are only information: do not decide about access by them.
 */
export interface Actor {
  /** Identifier of the actor. It identifies a party only together with `iss`. */
  readonly sub?: string;
  /** Identifier of the client that acts. */
  readonly client_id?: string;
  /** The authorization server that knows the actor. */
  readonly iss?: string;
  readonly [member: string]: unknown;
}

/** The members that identify an actor. */
export const ACTOR_MEMBERS = ['sub', 'client_id', 'iss'] as const;

/** The actor for an `act` that cannot be read: somebody acts, but nothing is known about this actor. */
const UNKNOWN_ACTOR: Actor = Object.freeze({});

/**
 * Returns the current actor, which is the outermost `act`. Returns `undefined` if the response has no `act`. For an `act` that cannot be
 * read, returns an actor without members, so that guards still see that somebody acts.
 */
export function actorOf(claims: Claims): Actor | undefined {
  if (!Object.hasOwn(claims, 'act')) return undefined;
  const { act } = claims;
  return isActor(act) ? act : UNKNOWN_ACTOR;
}

/**
 * Requires that the token has an actor, and that `accepts` returns `true` for the actor.
 *
 * @throws AuthError `actor_mismatch`
 */
export function requireActingParty({ claims }: ActiveRecord, accepts: (actor: Actor) => boolean): void {
  const actor = actorOf(claims);
  if (actor === undefined || !accepts(actor)) throw new AuthError('actor_mismatch');
}

/**
 * Requires that the response has no `act` at all.
 *
 * @throws AuthError `actor_mismatch`
 */
export function requireNoActingParty({ claims }: ActiveRecord): void {
  if (actorOf(claims) !== undefined) throw new AuthError('actor_mismatch');
}

/**
 * Requires a subject that is not the client itself: `sub` must differ from `client_id` and `azp` (RFC 9068 section 2.2). A token without
 * `sub` or without `client_id` is rejected, because nothing shows that its subject is a user.
 *
 * @throws AuthError `no_user`
 */
export function requireUserSubject({ claims }: ActiveRecord): void {
  const subject = ownMember(claims, 'sub');
  const clients = [ownMember(claims, 'client_id'), ownMember(claims, 'azp')];
  const isUser = isIdentifier(subject) && isIdentifier(clients[0]) && !clients.includes(subject);
  if (!isUser) throw new AuthError('no_user');
}

function isActor(act: unknown): act is Actor {
  if (typeof act !== 'object' || act === null || Array.isArray(act)) return false;
  return ACTOR_MEMBERS.every((name) => ['string', 'undefined'].includes(typeof ownMember(act, name)));
}

function isIdentifier(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
