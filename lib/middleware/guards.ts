import { AuthError } from '../core/errors.js';
import { checkOptions } from '../core/option-check.js';
import { optionError, rejectMountedFactory } from '../core/option-error.js';
import { ownMember, ownMembers } from '../core/own-members.js';
import { SCOPE_TOKEN } from '../core/syntax.js';
import { requireAuthenticationContext } from '../verification/authentication.js';
import { requireScopes, requireSomeScope } from '../verification/scope.js';
import { createGuard, type Guard } from './guard.js';
import { isTrue } from './predicate.js';

/** A value that a claim can be compared with. */
export type ClaimValue = string | number | boolean;

/**
 * Decides whether the value of a claim is accepted. Only the result `true` accepts the value. If the function returns a promise, the
 * request fails with status 500.
 */
export type ClaimPredicate = (value: unknown) => boolean;

/** One item of the claim `authorization_details` (RFC 9396 section 2). The object is frozen. */
export interface AuthorizationDetail {
  /** The kind of the item, which determines its other members. */
  readonly type: string;
  readonly [member: string]: unknown;
}

/**
 * Decides whether an item of `authorization_details` is accepted. Only the result `true` accepts the item. If the function returns a
 * promise, the request fails with status 500.
 */
export type AuthorizationDetailPredicate = (detail: AuthorizationDetail) => boolean;

const A_YEAR_SECONDS = 31_536_000;

/**
 * Requires that the token grants all of the scopes. Otherwise the response is 403 `insufficient_scope`, and its challenge names all of
 * these scopes ([RFC 6750 section 3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)). Scopes are compared exactly, or by the option
 * `satisfiesScope` of the middleware.
 *
 * @throws TypeError if no scope is given, or for a scope that is not a scope-token of RFC 6749 section 3.3
 */
export function requireScope(...scopes: string[]): Guard {
  const needed = parseScopes('requireScope', scopes);
  return createGuard('requireScope', {
    scopes: needed,
    run: ({ record }, { satisfiesScope }) => requireScopes(record, { scopes: needed, satisfiesScope }),
  });
}

/**
 * Requires that the token grants at least one of the scopes. Otherwise the response is 403 `insufficient_scope`, and its challenge names
 * all of these scopes. Scopes are compared as by {@link requireScope}.
 *
 * @throws TypeError in the same cases as {@link requireScope}
 */
export function requireAnyScope(...scopes: string[]): Guard {
  const accepted = parseScopes('requireAnyScope', scopes);
  return createGuard('requireAnyScope', {
    scopes: accepted,
    run: ({ record }, { satisfiesScope }) => requireSomeScope(record, { scopes: accepted, satisfiesScope }),
  });
}

/**
 * Requires a claim of the introspection response. `expected` is a value, a list of values or a predicate. The claim passes if it equals the
 * value or one of the values, or if the predicate returns `true` for it. If the claim itself is a list, one item that equals a value is
 * enough; a predicate gets the whole list. An absent claim never passes. If the claim does not pass, the response is 403
 * `insufficient_scope`.
 *
 * The claim is read as the endpoint sent it. Neither the output of a `claims` schema nor changes to `req.auth` affect the result.
 *
 * @throws TypeError for an empty name, for an empty list of values, and for a value that is not a string, number or boolean. Also throws
 * for an integer beyond 2^53, because JavaScript rounds such integers when it parses JSON
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
 * Requires that the user authenticated strongly enough (`acrValues` and the claim `acr`), recently enough (`maxAgeSeconds` and the claim
 * `auth_time`), or both. If a required claim is absent from the introspection response, the requirement is not met. If a requirement is not
 * met, the response is 401 `insufficient_user_authentication`. Its challenge lists the requirements, so that the client can ask the user to
 * authenticate again ([RFC 9470](https://www.rfc-editor.org/rfc/rfc9470)).
 *
 * @throws TypeError if neither `acrValues` nor `maxAgeSeconds` is set, for an unknown or invalid option, and for a value that a challenge
 * cannot hold
 */
export function requireAuthentication(options: {
  /** Accepted values of `acr`, the preferred value first. The token needs one of them. Default: `acr` is not checked. */
  readonly acrValues?: readonly string[] | undefined;
  /** Maximum time since the user authenticated (`auth_time`), in whole seconds from 0 to 31536000. Default: `auth_time` is not checked. */
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
 * Requires a certain item in the claim `authorization_details` of the introspection response
 * ([RFC 9396 section 9](https://www.rfc-editor.org/rfc/rfc9396#section-9)). One item must have this type, and the predicate `accepts` must
 * return `true` for that item. Without a predicate, the type is enough. If there is no such item, the response is 403 `insufficient_scope`.
 *
 * @throws TypeError for an empty type, or a predicate that is not a function
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

function equalTo(expected: ClaimValue | readonly ClaimValue[]): ClaimPredicate {
  const accepted: readonly unknown[] = Array.isArray(expected) ? [...expected] : [expected];
  const rounded = accepted.find(isRounded);
  if (rounded !== undefined) {
    throw optionError(
      'expected',
      rounded,
      'JavaScript rounds integers beyond 2^53, so other integers would match too; let the server send a string, and compare with that',
    );
  }
  if (accepted.length === 0 || !accepted.every(isClaimValue)) {
    throw optionError('expected', expected, 'write a string, number or boolean, a list of them, or a predicate');
  }
  return (value) => (Array.isArray(value) ? value : [value]).some((member) => accepted.includes(member));
}

function isClaimValue(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

/** True for an integer beyond 2^53. Parsing JSON rounds such integers, so two different integers can become equal. */
function isRounded(value: unknown): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value);
}

function parseScopes(guard: string, scopes: readonly string[]): readonly string[] {
  rejectMountedFactory(guard, scopes[0], `${guard}('reports:read')`);
  if (scopes.length === 0 || !scopes.every((scope) => typeof scope === 'string' && SCOPE_TOKEN.test(scope))) {
    throw optionError(
      'scopes',
      scopes,
      `write ${guard}('reports:read', …): each scope its own argument, without spaces`,
    );
  }
  return Object.freeze([...scopes]);
}
