import { checkOptions } from '../core/option-check.js';
import { optionError, rejectMountedFactory } from '../core/option-error.js';
import { ownMember, ownMembers } from '../core/own-members.js';
import {
  ACTOR_MEMBERS,
  type Actor,
  requireActingParty,
  requireNoActingParty,
  requireUserSubject,
} from '../verification/actor.js';
import { createGuard, type Guard } from './guard.js';
import { isTrue } from './predicate.js';

/**
 * Decides whether an actor is accepted. Only the result `true` accepts the actor. If the function returns a promise, the request fails with
 * status 500.
 */
export type ActorPredicate = (actor: Actor) => boolean;

/** The members that an actor must have, compared exactly. At least one is required. */
export interface ExpectedActor {
  /** Expected identifier of the actor. It identifies a party only together with `iss`. */
  readonly sub?: string | undefined;
  /** Expected identifier of the client that acts. */
  readonly client_id?: string | undefined;
  /** Expected authorization server of the actor. */
  readonly iss?: string | undefined;
}

/**
 * Requires that another party, the actor, acts for the subject of the token, and that it is the expected actor
 * ([RFC 8693 section 4.1](https://www.rfc-editor.org/rfc/rfc8693#section-4.1)). The actor is the outermost `act` of the introspection
 * response. The actor must have all of the expected members, or the predicate must return `true` for the actor. Otherwise the response is
 * 403 `insufficient_scope`. Earlier actors, which are nested in `act`, are not compared.
 *
 * If `act` is not an object, or one of `sub`, `client_id` and `iss` in it is not a string, the predicate gets an empty object.
 *
 * @example
 * app.post('/api/bookings', requireActor({ sub: 'travel-agent', iss: 'https://as.example.com' }), handler);
 *
 * @throws TypeError if no member is expected, for an unknown member, and for a member that is not a non-empty string
 */
export function requireActor(expected: ExpectedActor | ActorPredicate): Guard {
  rejectMountedFactory('requireActor', expected, "requireActor({ sub: 'travel-agent' })");
  const accepts = typeof expected === 'function' ? expected : hasMembers(expected);
  return createGuard('requireActor', {
    scopes: [],
    run: ({ record }) => requireActingParty(record, (actor) => isTrue('requireActor', accepts(actor))),
  });
}

/**
 * Requires that nobody acts for the subject of the token: the introspection response must have no `act`. Otherwise the response is 403
 * `insufficient_scope`.
 *
 * Not checked: whether an agent presents a token of the user that has no `act`. Only the authorization server can tell the agent from the
 * user.
 */
export function requireNoActor(): Guard {
  return createGuard('requireNoActor', { scopes: [], run: ({ record }) => requireNoActingParty(record) });
}

/**
 * Requires a subject that is not the client itself: `sub` and `client_id` must be present and differ
 * ([RFC 9068 section 2.2](https://www.rfc-editor.org/rfc/rfc9068#section-2.2)). If the response has `azp`, `sub` must also differ from
 * `azp`. Otherwise the response is 403 `insufficient_scope`.
 *
 * Not checked: whether a person is behind the subject. Some servers give each client its own user, such as the service accounts of
 * Keycloak. To exclude such users, require another claim too.
 */
export function requireUser(): Guard {
  return createGuard('requireUser', { scopes: [], run: ({ record }) => requireUserSubject(record) });
}

function hasMembers(expected: ExpectedActor): ActorPredicate {
  const given = ownMembers(Object(expected) as ExpectedActor);
  checkOptions(given, ACTOR_MEMBERS);
  const members = Object.entries(given).filter(([, value]) => value !== undefined);
  if (members.length === 0) throw optionError('sub', undefined, 'write sub, client_id or iss, or a predicate');
  for (const [name, value] of members) {
    if (typeof value !== 'string' || value === '') throw optionError(name, value, `write the ${name} of the actor`);
  }
  return (actor) => members.every(([name, value]) => ownMember(actor, name) === value);
}
