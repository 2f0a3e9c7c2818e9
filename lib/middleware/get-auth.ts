import type { IncomingMessage } from 'node:http';
import type { Auth } from '../types.js';
import { type Session, sessionOf } from './bound-auth.js';
import { unauthenticated, wiringError } from './guard.js';
import { type AuthOf, isGateOf, type TokenIntrospection } from './token-introspection.js';

/**
 * The claims of the request's token: the same object as `req.auth`, typed and never undefined. Behind `mcpAuthentication()`,
 * where `req.auth` is the SDK's `AuthInfo`, the same as its `extra`.
 * Given the middleware too, its `claims` schema types them.
 *
 * @throws Error (status 500) when `tokenIntrospection()` did not run, let an anonymous request through, or was another than
 * the one given; or when something replaced `req.auth`
 */
export function getAuth(req: IncomingMessage): Auth;
export function getAuth<Claims>(req: IncomingMessage, authenticate: TokenIntrospection<Claims>): AuthOf<Claims>;
export function getAuth(req: IncomingMessage, authenticate?: TokenIntrospection): Auth {
  const session = requireSession('getAuth()', req);
  if (authenticate !== undefined && !isGateOf(authenticate, session.gate)) {
    throw wiringError('getAuth() was given another middleware than the one that authenticated this request');
  }
  return session.claims;
}

/** What is known about the answer that `req.auth` rests on. */
export interface AuthDetails {
  /** When the endpoint was asked for it, in seconds since the epoch. */
  readonly introspectedAt: number;
  /** Whether it is past its life, and stood in since the endpoint failed (`cache.staleIfErrorSeconds`). */
  readonly stale: boolean;
}

/**
 * What is known about the answer that `req.auth` rests on.
 *
 * @throws Error (status 500) where `getAuth(req)` would
 */
export function getAuthDetails(req: IncomingMessage): AuthDetails {
  const { record } = requireSession('getAuthDetails()', req).verified;
  return { introspectedAt: record.askedAt / 1000, stale: record.stale === true };
}

function requireSession(name: string, req: IncomingMessage): Session {
  const session = sessionOf(req);
  if (session === undefined) throw unauthenticated(name, req);
  return session;
}
