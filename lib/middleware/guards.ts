import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Verified } from '../authenticator.js';
import { isFresh } from '../cache/policy.js';
import { AuthError } from '../errors.js';
import { SCOPE_TOKEN } from '../grammar.js';
import { publishPassage } from '../observe/decisions.js';
import { optionError, refuseMounted } from '../option-error.js';
import type { Next } from '../options.js';
import { readClock } from '../types.js';
import { requireLifetime } from '../verification/lifetime.js';
import { requireScopes, requireSomeScope } from '../verification/scope.js';
import {
  type AuthRequest,
  anonymousGate,
  type Check,
  endSession,
  rebindAuth,
  type Session,
  sessionOf,
} from './bound-auth.js';
import { type Passage, passError, refuse, settle } from './gate.js';

/** Middleware to mount behind `tokenIntrospection()`. Without it every request fails with a 500. */
export type Guard = (req: IncomingMessage, res: ServerResponse, next?: Next) => void;

export type ClaimValue = string | number | boolean;

/** Whether the value of a claim will do. It must return `true` itself: a promise is an error. */
export type ClaimPredicate = (value: unknown) => boolean;

const MAX_AGE_SECONDS = 86_400;

/**
 * Lets a request pass when all scopes are granted; else 403 `insufficient_scope`, naming all of them
 * ([RFC 6750 section 3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)). Compared exactly.
 *
 * @throws TypeError when no scope is given, or one is no scope-token of RFC 6749 section 3.3
 */
export function requireScope(...scopes: string[]): Guard {
  const needed = parseScopes('requireScope', scopes);
  return createGuard('requireScope', {
    scopes: needed,
    run: (record) => requireScopes(record, { scopes: needed }),
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
    run: (record) => requireSomeScope(record, { scopes: accepted }),
  });
}

/**
 * Lets a request pass when a claim of the introspection response equals the value or one of the values (of a claim that
 * is a list, any member), or when the predicate returns `true`; an absent claim never passes. Else 403 `insufficient_scope`.
 * It sees the claim as the endpoint sent it, before any `claims` schema and whatever handlers did to `req.auth`.
 *
 * @throws TypeError when the name is empty or there is nothing to compare with
 */
export function requireClaim(name: string, expected: ClaimValue | readonly ClaimValue[] | ClaimPredicate): Guard {
  refuseMounted('requireClaim', name, "requireClaim('org_id', 'org_1')");
  if (typeof name !== 'string' || name === '') throw optionError('name', name, 'write the name of a claim');
  const accepts = typeof expected === 'function' ? expected : equalTo(expected);
  return createGuard('requireClaim', {
    scopes: [],
    run({ claims }) {
      if (!Object.hasOwn(claims, name)) throw new AuthError('claim_mismatch');
      const verdict: unknown = accepts(claims[name]);
      if (verdict instanceof Promise) {
        verdict.catch(() => {});
        throw new TypeError('The predicate of requireClaim() returned a promise; it has to be synchronous');
      }
      if (verdict !== true) throw new AuthError('claim_mismatch');
    },
  });
}

/**
 * Lets a request pass on an answer asked for at most `maxAgeSeconds` before the request came. If the one in hand is older,
 * the endpoint is asked, and every check and guard already passed runs again on the new answer.
 *
 * @throws TypeError unless `maxAgeSeconds` is a number from 0 to 86400
 */
export function requireFresh(options: { readonly maxAgeSeconds: number }): Guard {
  refuseMounted('requireFresh', options, 'requireFresh({ maxAgeSeconds: 60 })');
  const { maxAgeSeconds, ...unknown }: { maxAgeSeconds?: unknown } = Object(options);
  for (const [name, value] of Object.entries(unknown)) {
    throw optionError(name, value, 'write requireFresh({ maxAgeSeconds: 60 })');
  }
  if (!(typeof maxAgeSeconds === 'number' && maxAgeSeconds >= 0 && maxAgeSeconds <= MAX_AGE_SECONDS)) {
    throw optionError('maxAgeSeconds', maxAgeSeconds, `write a number of seconds from 0 to ${MAX_AGE_SECONDS}`);
  }
  return nameGuard('requireFresh', function guardMiddleware(req, res, next) {
    const passage = { req, res, next, by: 'requireFresh' };
    const session = enter(passage, []);
    if (session === undefined) return;
    const { key } = session.verified.question;
    const fail = (error: unknown): void => {
      endSession(session);
      refuse(error, session.gate, passage, key, scopesPassed(session));
    };
    try {
      const outcome = refresh(session, session.arrivedAt - maxAgeSeconds * 1000);
      if (outcome instanceof Promise) {
        settle(
          outcome,
          (verified) => renew(session, verified),
          () => pass(passage, session.verified),
          fail,
        );
        return;
      }
      if (outcome !== undefined) renew(session, outcome);
    } catch (error) {
      fail(error);
      return;
    }
    pass(passage, session.verified);
  });
}

function createGuard(name: string, check: Check): Guard {
  return nameGuard(name, function guardMiddleware(req, res, next) {
    const passage = { req, res, next, by: name };
    const session = enter(passage, check.scopes);
    if (session === undefined) return;
    const { question, record } = session.verified;
    try {
      requireUnexpired(session);
      check.run(record);
    } catch (error) {
      refuse(error, session.gate, passage, question.key, scopesPassed(session));
      return;
    }
    session.passed = { check, before: session.passed };
    pass(passage, session.verified);
  });
}

/** The session behind the request; without one the passage is over. */
function enter(passage: Passage, scopes: readonly string[]): Session | undefined {
  const { req, res, next, by } = passage;
  try {
    const session = sessionOf(req);
    if (session !== undefined) return session;
    const gate = anonymousGate(req);
    if (gate === undefined) throw unauthenticated(`${by}()`, req);
    refuse(new AuthError('no_credentials'), gate, passage, undefined, scopes);
  } catch (error) {
    passError(error, res, next);
  }
  return undefined;
}

function pass({ next, by }: Passage, { question, record }: Verified): void {
  publishPassage('accepted', by, question.key, record);
  next?.();
}

/** Time has gone by since the middleware looked. */
function requireUnexpired({ gate: { demands, clock }, verified: { record } }: Session): void {
  requireLifetime(record, demands, clock.now());
}

/** Brings an answer as fresh as demanded; nothing where the one in hand is. */
function refresh(session: Session, askedSince: number): Verified | Promise<Verified> | undefined {
  const { question, record } = session.verified;
  const freshness = { askedSince, now: readClock(session.gate.clock) };
  session.askedSince = Math.max(session.askedSince, askedSince);
  if (record.stale !== true && isFresh(record, freshness)) {
    requireUnexpired(session);
    return undefined;
  }
  return session.gate.authenticator.authenticate(question, freshness);
}

function renew(session: Session, verified: Verified): void {
  if (sessionOf(session.req) !== session) throw unauthenticated('requireFresh()', session.req);
  rebindAuth(session, verified);
}

function scopesPassed(session: Session): string[] {
  const scopes: string[] = [];
  for (let { passed } = session; passed !== undefined; passed = passed.before) scopes.unshift(...passed.check.scopes);
  return scopes;
}

/** An error of the app's own wiring, answered 500, with the likely cause. */
export function unauthenticated(who: string, req: AuthRequest): Error {
  const cause =
    req.auth !== undefined
      ? 'found a req.auth that tokenIntrospection() did not set on this request; leave that object in place'
      : anonymousGate(req) !== undefined
        ? 'was called for an anonymous request, which "optional" let through; look at req.auth first, or mount a guard'
        : 'found no req.auth; mount tokenIntrospection() before it';
  return wiringError(`${who} ${cause}`);
}

export function wiringError(message: string): Error {
  return Object.assign(new Error(message), { status: 500, statusCode: 500 });
}

function equalTo(expected: ClaimValue | readonly ClaimValue[]): ClaimPredicate {
  const accepted: readonly unknown[] = Array.isArray(expected) ? [...expected] : [expected];
  if (accepted.length === 0 || !accepted.every(isClaimValue)) {
    throw optionError('expected', expected, 'write a string, number or boolean, a list of them, or a predicate');
  }
  return (value) => (Array.isArray(value) ? value : [value]).some((member) => accepted.includes(member));
}

function isClaimValue(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

function parseScopes(guard: string, scopes: readonly string[]): readonly string[] {
  refuseMounted(guard, scopes[0], `${guard}('reports:read')`);
  if (scopes.length === 0 || !scopes.every((scope) => typeof scope === 'string' && SCOPE_TOKEN.test(scope))) {
    throw optionError('scopes', scopes, `write ${guard}('reports:read', …): one argument a scope, without spaces`);
  }
  return Object.freeze([...scopes]);
}

function nameGuard(name: string, guard: Guard): Guard {
  return Object.defineProperty(guard, 'name', { value: `${name}Middleware` });
}
