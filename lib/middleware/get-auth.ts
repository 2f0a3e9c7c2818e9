import type { IncomingMessage } from 'node:http';
import type { Auth } from '../types.js';
import { sessionOf } from './bound-auth.js';
import { unauthenticated, wiringError } from './guards.js';
import { type AuthOf, isGateOf, type TokenIntrospection } from './token-introspection.js';

/**
 * The claims of the request's token: the same object as `req.auth`, typed and never undefined.
 * Given the middleware too, its `claims` schema types them.
 *
 * @throws Error (status 500) when `tokenIntrospection()` did not run, let an anonymous request through, or was another than
 * the one given; or when something replaced `req.auth`
 */
export function getAuth(req: IncomingMessage): Auth;
export function getAuth<Claims>(req: IncomingMessage, authenticate: TokenIntrospection<Claims>): AuthOf<Claims>;
export function getAuth(req: IncomingMessage, authenticate?: TokenIntrospection): Auth {
  const session = sessionOf(req);
  const auth = session?.auth;
  if (session === undefined || auth === undefined) throw unauthenticated('getAuth()', req);
  if (authenticate !== undefined && !isGateOf(authenticate, session.gate)) {
    throw wiringError('getAuth() was given another middleware than the one that authenticated this request');
  }
  return auth;
}
