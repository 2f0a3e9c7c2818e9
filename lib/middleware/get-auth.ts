import type { IncomingMessage } from 'node:http';
import type { Auth } from '../core/claims.js';
import { isOfAnotherCopy, ONE_COPY } from './copies.js';
import { unauthenticated, wiringError } from './guard.js';
import { isGateOf } from './handler.js';
import { type Session, sessionOf } from './session.js';
import type { AuthOf, SeveralServers, SingleServer, TokenIntrospection } from './types.js';

/**
 * The claims of the request's token: the same object as `req.auth`, typed and never undefined. Behind `mcpAuthentication()`,
 * where `req.auth` is the SDK's `AuthInfo`, the same as its `extra`.
 * Given the middleware too, its `claims` schema types them; given one of its `servers`, that one's.
 *
 * @throws Error (status 500) when `tokenIntrospection()` did not run, let an anonymous request through, or was another than
 * the one given (or asked another server); or when something replaced `req.auth`
 */
export function getAuth(req: IncomingMessage): Auth;
export function getAuth<Claims>(req: IncomingMessage, authenticate: TokenIntrospection<Claims>): AuthOf<Claims>;
export function getAuth<ByName extends object>(
  req: IncomingMessage,
  authenticate: SeveralServers<ByName>,
): AuthOf<ByName[keyof ByName]>;
export function getAuth<Claims>(req: IncomingMessage, server: SingleServer<Claims>): AuthOf<Claims>;
export function getAuth(req: IncomingMessage, authenticate?: object): Auth {
  const session = requireSession('getAuth()', req);
  if (authenticate !== undefined && !isGateOf(authenticate, session.gate)) {
    if (isOfAnotherCopy(authenticate)) throw wiringError(`getAuth() cannot use this middleware: ${ONE_COPY}`);
    throw wiringError('getAuth() was given another middleware or server than the one that authenticated this request');
  }
  return session.claims;
}

/** What is known about the answer that `req.auth` rests on. */
export interface AuthDetails {
  /** When the endpoint was asked for it, in seconds since the epoch. */
  readonly introspectedAt: number;
  /** Whether it is past its life, and stood in since the endpoint failed (`cache.staleIfErrorSeconds`). */
  readonly stale: boolean;
  /** The name of the authorization server that was asked, where `authorizationServers` gives several. */
  readonly authorizationServer: string | undefined;
}

/**
 * What is known about the answer that `req.auth` rests on.
 *
 * @throws Error (status 500) where `getAuth(req)` would
 */
export function getAuthDetails(req: IncomingMessage): AuthDetails {
  const { token: authenticated, gate } = requireSession('getAuthDetails()', req);
  const { askedAt, stale } = authenticated.record;
  return { introspectedAt: askedAt / 1000, stale, authorizationServer: gate.oneOf?.name };
}

function requireSession(name: string, req: IncomingMessage): Session {
  const session = sessionOf(req);
  if (session === undefined) throw unauthenticated(name, req);
  return session;
}
