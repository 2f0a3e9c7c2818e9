import { AuthError } from '../core/errors.js';
import { checkOptions } from '../core/option-check.js';
import { optionError, rejectMountedFactory } from '../core/option-error.js';
import { ownMember, ownMembers } from '../core/own-members.js';
import { SCOPE_TOKEN } from '../core/syntax.js';
import { requireAuthenticationContext } from '../verification/authentication.js';
import { requireScopes, requireSomeScope } from '../verification/scope.js';
import { createGuard, type Guard } from './guard.js';

/** What a claim can be compared with. */
export type ClaimValue = string | number | boolean;

/** Whether the value of a claim will do. It must return `true` itself: a promise is an error. */
export type ClaimPredicate = (value: unknown) => boolean;

/** One of the `authorization_details` (RFC 9396 section 2), frozen. */
export interface AuthorizationDetail {
  /** What kind it is; all other members depend on it. */
  readonly type: string;
  readonly [member: string]: unknown;
}

/** Whether one of the `authorization_details` will do. It must return `true` itself: a promise is an error. */
export type AuthorizationDetailPredicate = (detail: AuthorizationDetail) => boolean;

const A_YEAR_SECONDS = 31_536_000;

/**
 * Lets a request pass when all scopes are granted; else 403 `insufficient_scope`, naming all of them
 * ([RFC 6750 section 3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)). Compared exactly, or by the middleware's
 * `satisfiesScope`.
 *
 * @throws TypeError when no scope is given, or one is no scope-token of RFC 6749 section 3.3
 */
export function requireScope(...scopes: string[]): Guard {
  const needed = parseScopes('requireScope', scopes);
  return createGuard('requireScope', {
    scopes: needed,
    run: ({ record }, { satisfiesScope }) => requireScopes(record, { scopes: needed, satisfiesScope }),
  });
}

/**
 * Lets a request pass when at least one scope is granted; else 403 `insufficient_scope`, listing them.
 *
 * @throws TypeError as {@link requireScope}
 */
export function requireAnyScope(...scopes: string[]): Guard {
  const accepted = parseScopes('requireAnyScope', scopes);
  return createGuard('requireAnyScope', {
    scopes: accepted,
    run: ({ record }, { satisfiesScope }) => requireSomeScope(record, { scopes: accepted, satisfiesScope }),
  });
}

/**
 * Lets a request pass when a claim of the introspection response equals the value or one of the values (of a claim that
 * is a list, any member), or when the predicate returns `true`; an absent claim never passes. Else 403 `insufficient_scope`.
 * It sees the claim as the endpoint sent it, before any `claims` schema and whatever handlers did to `req.auth`.
 *
 * @throws TypeError when the name is empty, there is nothing to compare with, or an integer is beyond 2^53: JSON rounds it
 */
export function requireClaim(name: string, expected: ClaimValue | readonly ClaimValue[] | ClaimPredicate): Guard {
  rejectMountedFactory('requireClaim', name, "requireClaim('org_id', 'org_1')");
  if (typeof name !== 'string' || name === '') throw optionError('name', name, 'write the name of a claim');
  const accepts = typeof expected === 'function' ? expected : equalTo(expected);
  return createGuard('requireClaim', {
    scopes: [],
    run({ record: { claims } }) {
      if (!Object.hasOwn(claims, name)) throw new AuthError('claim_mismatch');
      if (!isTrue('requireClaim', accepts(claims[name]))) throw new AuthError('claim_mismatch');
    },
  });
}

/**
 * Lets a request pass when the user has authenticated in one of the ways (`acr`), and recently enough (`auth_time`, judged now);
 * else 401 `insufficient_user_authentication`, naming them ([RFC 9470](https://www.rfc-editor.org/rfc/rfc9470)), so that a client
 * can ask the user to. What the introspection response does not say is not met.
 *
 * @throws TypeError when nothing is demanded, or a value cannot be named in a challenge
 */
export function requireAuthentication(options: {
  /** Of which one will do, the preferred first. */
  readonly acrValues?: readonly string[] | undefined;
  /** How long ago it may have been: whole seconds, 0 to 31536000. */
  readonly maxAgeSeconds?: number | undefined;
}): Guard {
  rejectMountedFactory('requireAuthentication', options, "requireAuthentication({ acrValues: ['gold'] })");
  const given = ownMembers(Object(options) as typeof options);
  checkOptions(given, ['acrValues', 'maxAgeSeconds']);
  const { acrValues = [], maxAgeSeconds } = given;
  if (!Array.isArray(acrValues) || !acrValues.every((value) => typeof value === 'string' && SCOPE_TOKEN.test(value))) {
    throw optionError('acrValues', acrValues, 'write a list of values without spaces or quotes');
  }
  const isAge =
    Number.isInteger(maxAgeSeconds) && Number(maxAgeSeconds) >= 0 && Number(maxAgeSeconds) <= A_YEAR_SECONDS;
  if (maxAgeSeconds !== undefined && !isAge) {
    throw optionError('maxAgeSeconds', maxAgeSeconds, `write whole seconds from 0 to ${A_YEAR_SECONDS}`);
  }
  if (acrValues.length === 0 && maxAgeSeconds === undefined) {
    throw optionError('acrValues', undefined, 'write acrValues, maxAgeSeconds, or both');
  }
  const required = { acrValues: Object.freeze([...acrValues]), maxAgeSeconds };
  return createGuard('requireAuthentication', {
    scopes: [],
    run: ({ record }, { now }) => requireAuthenticationContext(record, required, now),
  });
}

/**
 * Lets a request pass when the `authorization_details` of the introspection response hold one of this type
 * ([RFC 9396 section 9](https://www.rfc-editor.org/rfc/rfc9396#section-9)) for which the predicate returns `true`, where there is
 * one; else 403 `insufficient_scope`.
 *
 * @throws TypeError when the type is empty, or the predicate is no function
 */
export function requireAuthorizationDetails(type: string, accepts: AuthorizationDetailPredicate = () => true): Guard {
  rejectMountedFactory('requireAuthorizationDetails', type, "requireAuthorizationDetails('payment_initiation')");
  if (typeof type !== 'string' || type === '') throw optionError('type', type, 'write the type of the details');
  if (typeof accepts !== 'function') throw optionError('accepts', accepts, 'write a function');
  return createGuard('requireAuthorizationDetails', {
    scopes: [],
    run({ record: { claims } }) {
      const { authorization_details: details } = claims;
      const ofType = Array.isArray(details) ? details.filter((detail) => isDetailOf(type, detail)) : [];
      if (!ofType.some((detail) => isTrue('requireAuthorizationDetails', accepts(detail)))) {
        throw new AuthError('claim_mismatch');
      }
    },
  });
}

function isDetailOf(type: string, detail: unknown): detail is AuthorizationDetail {
  return ownMember(detail, 'type') === type;
}

/** A verdict of the app's own function: `true` itself, and no promise of it. */
function isTrue(guard: string, verdict: unknown): boolean {
  if (verdict instanceof Promise) {
    verdict.catch(() => {});
    throw new TypeError(`The predicate of ${guard}() returned a promise; it has to be synchronous`);
  }
  return verdict === true;
}

function equalTo(expected: ClaimValue | readonly ClaimValue[]): ClaimPredicate {
  const accepted: readonly unknown[] = Array.isArray(expected) ? [...expected] : [expected];
  const rounded = accepted.find(isRounded);
  if (rounded !== undefined) {
    throw optionError(
      'expected',
      rounded,
      'JavaScript rounds integers beyond 2^53, so that neighbours are taken for it; have the server send a string, and compare with that',
    );
  }
  if (accepted.length === 0 || !accepted.every(isClaimValue)) {
    throw optionError('expected', expected, 'write a string, number or boolean, a list of them, or a predicate');
  }
  return (value) => (Array.isArray(value) ? value : [value]).some((member) => accepted.includes(member));
}

function isClaimValue(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || (Number.isFinite(value) && !isRounded(value));
}

/** JSON numbers beyond 2^53 are rounded when they are read, so that one of them equals its neighbours. */
function isRounded(value: unknown): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value);
}

function parseScopes(guard: string, scopes: readonly string[]): readonly string[] {
  rejectMountedFactory(guard, scopes[0], `${guard}('reports:read')`);
  if (scopes.length === 0 || !scopes.every((scope) => typeof scope === 'string' && SCOPE_TOKEN.test(scope))) {
    throw optionError('scopes', scopes, `write ${guard}('reports:read', …): one argument a scope, without spaces`);
  }
  return Object.freeze([...scopes]);
}
