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

/** Decides whether an actor is accepted. Only the result `true` accepts it. A promise is an error (status 500). */
export type ActorPredicate = (actor: Actor) => boolean;

/** The members that an actor must have, compared exactly. At least one is required. */
export interface ExpectedActor {
  /** Expected identifier of the actor. It identifies a party only together with `iss`. */
  readonly sub?: string | undefined;
  /** Expected client that acts. */
  readonly client_id?: string | undefined;
  /** Expected authorization server of the actor. */
  readonly iss?: string | undefined;
}

/**
 * Requires that another party acts for the subject, and that it is the expected one
 * ([RFC 8693 section 4.1](https://www.rfc-editor.org/rfc/rfc8693#section-4.1)). The actor is the outermost `act` of the introspection
 * response. It must have all of the expected members, or the predicate must return `true` for it. Otherwise the response is 403
 * `insufficient_scope`. Earlier actors, which are nested in `act`, are not compared.
 *
 * If `act` is not an object, or one of `sub`, `client_id` and `iss` in it is not a string, the predicate gets an empty object.
 *
 * @example
 * app.post('/api/bookings', requireActor({ sub: 'travel-agent', iss: 'https://as.example.com' }), handler);
 *
 * @throws TypeError without an expected member, for an unknown one, or for one that is not a string
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
 * Requires that nobody acts for the subject: the introspection response has no `act`. Otherwise the response is 403 `insufficient_scope`.
 *
 * Not checked: an agent that presents a token of the user without an `act`. Only the authorization server can tell them apart.
 */
export function requireNoActor(): Guard {
  return createGuard('requireNoActor', { scopes: [], run: ({ record }) => requireNoActingParty(record) });
}

/**
 * Requires a subject that is not the client itself: `sub` and `client_id` are present and differ
 * ([RFC 9068 section 2.2](https://www.rfc-editor.org/rfc/rfc9068#section-2.2)). If the response has `azp`, `sub` must differ from it too.
 * Otherwise the response is 403 `insufficient_scope`.
 *
 * Not checked: whether a person is behind the subject. Some servers give each client a user of its own, such as the service accounts of
 * Keycloak. Require another claim to exclude them.
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
