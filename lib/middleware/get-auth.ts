import type { IncomingMessage } from 'node:http';
import type { Auth } from '../core/claims.js';
import { type Actor, actorOf } from '../verification/actor.js';
import { missingAuthError, wiringError } from './guard.js';
import { hasStarted } from './middleware-registry.js';
import { isFromAnotherCopy, OTHER_COPY_REMEDY } from './package-copies.js';
import { type Session, sessionOf } from './session.js';
import type { AuthOf, SelectingMiddleware, TokenIntrospection } from './types.js';

/**
 * Returns the claims of the request's token. This is the same object as `req.auth`, but typed and never undefined. There is one exception:
 * with `mcpAuthentication()` or `mcpTokenVerifier()`, `req.auth` is the `AuthInfo` of the MCP SDK, and the result is its `extra`.
 *
 * If you also pass the middleware that authenticated the request, the claims have the type of the `claims` schema of this middleware. The
 * middleware may come from `tokenIntrospection()` or from `selectServer()`.
 *
 * @throws Error (status 500) if `tokenIntrospection()` did not run or let an anonymous request through, if another middleware than
 * `authenticate` authenticated the request, or if other code replaced `req.auth`
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
 * Returns the party that acts for the subject of the request's token; `undefined` if nobody acts for the subject. The result is the
 * outermost `act` of the introspection response, frozen ([RFC 8693 section 4.1](https://www.rfc-editor.org/rfc/rfc8693#section-4.1)).
 * Neither a `claims` schema nor changes to `req.auth` affect the result.
 *
 * If `act` is not an object, or one of `sub`, `client_id` and `iss` in it is not a string, the result is an empty object: somebody acts,
 * and nothing is known about the actor.
 *
 * @throws Error (status 500) in the cases in which `getAuth(req)` throws it
 */
export function getActor(req: IncomingMessage): Actor | undefined {
  return actorOf(requireSession('getActor()', req).token.record.claims);
}

/** Details of the introspection response from which `req.auth` was made. */
export interface AuthDetails {
  /** When the endpoint was asked, in seconds since the epoch. The number may have a fraction. */
  readonly introspectedAt: number;
  /** Whether the response is stale: it has expired, and is used only because the endpoint failed (`cache.staleIfErrorSeconds`). */
  readonly stale: boolean;
  /** The name of the server that `selectServer()` chose; `undefined` if the app does not use `selectServer()`. */
  readonly server: string | undefined;
}

/**
 * Returns details of the introspection response from which `req.auth` was made.
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
