import type { IncomingMessage } from 'node:http';
import type { Auth } from '../core/claims.js';
import { type Actor, actorOf } from '../verification/actor.js';
import { missingAuthError, wiringError } from './guard.js';
import { hasStarted } from './middleware-registry.js';
import { isFromAnotherCopy, OTHER_COPY_REMEDY } from './package-copies.js';
import { type Session, sessionOf } from './session.js';
import type { AuthOf, SelectingMiddleware, TokenIntrospection } from './types.js';

/**
 * The claims of the request's token: the same object as `req.auth`, but typed and never undefined. After `mcpAuthentication()` or with
 * `mcpTokenVerifier()`, `req.auth` is the SDK's `AuthInfo`, and the claims are its `extra`.
 *
 * If you also pass the middleware that authenticated the request, the claims have the type of its `claims` schema. The middleware may be
 * that of one server or that of `selectServer()`.
 *
 * @throws Error (status 500) if `tokenIntrospection()` did not run or let an anonymous request through, if a middleware other than the
 * passed one authenticated the request, or if something replaced `req.auth`
 */
export function getAuth(req: IncomingMessage): Auth;
export function getAuth<Claims>(req: IncomingMessage, authenticate: TokenIntrospection<Claims>): AuthOf<Claims>;
export function getAuth<ServerAuth>(req: IncomingMessage, authenticate: SelectingMiddleware<ServerAuth>): ServerAuth;
export function getAuth(req: IncomingMessage, authenticate?: object): Auth {
  const session = requireSession('getAuth()', req);
  if (authenticate !== undefined && !hasStarted(authenticate, session)) {
    if (isFromAnotherCopy(authenticate))
      throw wiringError(`getAuth() cannot use this middleware: ${OTHER_COPY_REMEDY}`);
    throw wiringError('getAuth() was called with another middleware than the one that authenticated this request');
  }
  return session.claims;
}

/**
 * The party that acts for the subject of the request's token, frozen; `undefined` if nobody does. It is the outermost `act` of the
 * introspection response ([RFC 8693 section 4.1](https://www.rfc-editor.org/rfc/rfc8693#section-4.1)). Neither a `claims` schema nor changes
 * to `req.auth` affect it.
 *
 * If `act` is not an object, or one of `sub`, `client_id` and `iss` in it is not a string, the result is an empty object: somebody acts, and
 * nothing is known about the actor.
 *
 * @throws Error (status 500) in the cases in which `getAuth(req)` throws it
 */
export function getActor(req: IncomingMessage): Actor | undefined {
  return actorOf(requireSession('getActor()', req).token.record.claims);
}

/** Details of the introspection response behind `req.auth`. */
export interface AuthDetails {
  /** When the endpoint was asked, in seconds since the epoch, with a fraction. */
  readonly introspectedAt: number;
  /** Whether the response has expired and was used because the endpoint failed (`cache.staleIfErrorSeconds`). */
  readonly stale: boolean;
  /** The name of the server that `selectServer()` chose; `undefined` without it. */
  readonly server: string | undefined;
}

/**
 * Details of the introspection response behind `req.auth`.
 *
 * @throws Error (status 500) in the cases in which `getAuth(req)` throws it
 */
export function getAuthDetails(req: IncomingMessage): AuthDetails {
  const { token, selected } = requireSession('getAuthDetails()', req);
  const { askedAt, stale } = token.record;
  return { introspectedAt: askedAt / 1000, stale, server: selected?.name };
}

function requireSession(name: string, req: IncomingMessage): Session {
  const session = sessionOf(req);
  if (session === undefined) throw missingAuthError(name, req);
  return session;
}
