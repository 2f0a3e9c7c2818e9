import type { Auth } from '../core/claims.js';
import { wiringError } from '../middleware/guard.js';
import { hasStarted } from '../middleware/middleware-registry.js';
import { isFromAnotherCopy, OTHER_COPY_REMEDY } from '../middleware/package-copies.js';
import type { AuthOf, TokenIntrospection } from '../middleware/types.js';
import { authenticationOf } from './authenticated-socket.js';
import type { IoSocket } from './io-socket.js';

/**
 * Returns the claims of a socket's token, from the latest introspection response. If you pass the middleware as second argument, its
 * `claims` schema gives the claims their type. When the token has ended, this function still returns the last claims, but the socket sends
 * nothing any more.
 *
 * @throws Error (status 500) for a socket that `socketAuthentication()` did not authenticate, or that was authenticated with another
 * middleware than `authenticate`. This is a mistake in the app, which no client can cause
 */
export function getSocketAuth(socket: IoSocket): Auth;
export function getSocketAuth<Claims>(socket: IoSocket, authenticate: TokenIntrospection<Claims>): AuthOf<Claims>;
export function getSocketAuth(socket: IoSocket, authenticate?: object): Auth {
  const authenticated = authenticationOf(socket);
  if (authenticated === undefined) {
    if (isFromAnotherCopy(socket)) throw wiringError(`getSocketAuth() cannot use this socket: ${OTHER_COPY_REMEDY}`);
    throw wiringError('getSocketAuth() found no authentication; mount io.use(socketAuthentication(authenticate))');
  }
  authenticated.monitor?.check();
  if (authenticate !== undefined && !hasStarted(authenticate, authenticated.session)) {
    throw wiringError('getSocketAuth() was called with another middleware than the one that authenticated this socket');
  }
  return authenticated.auth;
}
