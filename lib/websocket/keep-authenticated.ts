import type { Auth } from '../core/claims.js';
import { AuthError } from '../core/errors.js';
import { checkOptions } from '../core/option-check.js';
import { optionError } from '../core/option-error.js';
import { introduce, isOfAnotherCopy, ONE_COPY } from '../middleware/copies.js';
import { wiringError } from '../middleware/guard.js';
import { isAuthenticatorOf } from '../middleware/registry.js';
import { createAuth, type Session, sessionBehind } from '../middleware/session.js';
import type { AuthOf, TokenIntrospection } from '../middleware/types.js';
import { isClosing, publishSocketFailure, tellApp } from './publish-failure.js';
import { closeSocket, hearWhile, isClosed, type ServerSocket } from './socket.js';
import { monitorToken, type TokenMonitor } from './token-monitor.js';

/** How long a socket may rest on one answer, and who is told when it ends. */
export interface KeepOptions {
  /**
   * How old the answer of the introspection endpoint that a socket rests on may become, 1 to 86400 seconds: what was revoked at the
   * authorization server alone ends a socket after so long at most. Default `cache.ttlSeconds`, as for requests; 60 without a cache.
   */
  readonly recheckSeconds?: number | undefined;
  /**
   * Told what is no rejection: an outage, or what a function of the app threw. What it throws itself is dropped, with a process
   * warning: it is called by timers, where it would end the process.
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

const MIN_SECONDS = 1;
const MAX_SECONDS = 86_400;
const DEFAULT_SECONDS = 60;

interface Kept {
  /** The latest claims. They stay when the socket is refused: a listener may still be at work with what was let through. */
  auth: Auth;
  session: Session;
  monitor: TokenMonitor | undefined;
  /** Nothing reaches the app any more, whatever token comes. */
  isRefused: boolean;
}

const sockets = new WeakMap<object, Kept>();
introduce((value) => sockets.has(value));

/**
 * Keeps a socket open only as long as a request with its token would be let through. It is closed
 *
 * - with 1008 at `exp`, at once when the token is invalidated in this process or in one that shares `cache.store`, and when another
 *   answer of the endpoint does not pass; the reason is the code a response would hold, such as `invalid_token`
 * - with 1013 when the endpoint cannot be asked, and the answer in hand is too old
 * - with 1001 when the middleware is closed
 *
 * and nothing that arrives after that reaches a `message` listener. Called again for the same socket, with claims of another token,
 * it keeps that one from then on.
 *
 * Returns whether the socket is kept. It is not when the token has ended meanwhile, or the socket is closed: then do not announce it.
 *
 * Not checked: that the new token is the same user's; what guards behind `authenticateRequest()` would say.
 *
 * @param auth what `authenticateRequest()` or `introspect()` of a middleware resolved to, or a `req.auth` it set
 * @throws TypeError for a wrong option, Error (status 500) for claims that no middleware made; the socket is closed then, with 1011
 */
export function keepAuthenticated(socket: ServerSocket, auth: object, options: KeepOptions = {}): boolean {
  try {
    requireOptions(options);
    return keep(socket, requireSession(auth), options);
  } catch (error) {
    refuse(sockets.get(socket));
    closeSocket(socket, error);
    throw error;
  }
}

/**
 * The claims that a socket is kept open by: those of the latest answer. Given the middleware too, its `claims` schema types them.
 *
 * A listener can call it at any time, after an `await` too: what was let through has its claims for as long as it is worked on. When
 * the token has ended, the socket is closed, nothing that is sent to it leaves, and these stay the last claims it had.
 *
 * @throws Error (status 500) for a socket that was never kept, or by another middleware: a mistake in the app, which no client can cause
 */
export function getSocketAuth(socket: ServerSocket): Auth;
export function getSocketAuth<Claims>(socket: ServerSocket, authenticate: TokenIntrospection<Claims>): AuthOf<Claims>;
export function getSocketAuth(socket: ServerSocket, authenticate?: TokenIntrospection): Auth {
  const kept = sockets.get(socket);
  if (kept === undefined) {
    if (isOfAnotherCopy(socket)) throw wiringError(`getSocketAuth() cannot use this socket: ${ONE_COPY}`);
    throw wiringError('getSocketAuth() was given a socket that keepAuthenticated() does not keep');
  }
  kept.monitor?.check();
  if (authenticate !== undefined && !isAuthenticatorOf(authenticate, kept.session.authenticator)) {
    throw wiringError('getSocketAuth() was given another middleware than the one that authenticated this socket');
  }
  return kept.auth;
}

/** @throws Error (status 500) */
export function requireSession(auth: unknown): Session {
  const session = sessionBehind(auth);
  if (session !== undefined) return session;
  if (isOfAnotherCopy(auth)) throw wiringError(`A socket cannot be kept by these claims: ${ONE_COPY}`);
  throw wiringError(
    'A socket cannot be kept by claims that no middleware made; pass what authenticateRequest(req) resolved to, that very object',
  );
}

/** @throws TypeError */
export function requireOptions(options: KeepOptions): void {
  checkOptions(options, ['recheckSeconds', 'onError']);
  const { recheckSeconds, onError } = options;
  if (recheckSeconds !== undefined && !isSeconds(recheckSeconds)) {
    throw optionError('recheckSeconds', recheckSeconds, `write a number of seconds from 1 to ${MAX_SECONDS}`);
  }
  if (onError !== undefined && typeof onError !== 'function') {
    throw optionError('onError', onError, 'write a function');
  }
}

function isSeconds(given: unknown): boolean {
  return typeof given === 'number' && given >= MIN_SECONDS && given <= MAX_SECONDS;
}

function keep(socket: ServerSocket, session: Session, { recheckSeconds, onError }: KeepOptions): boolean {
  const kept = sockets.get(socket) ?? listen(socket, session);
  if (kept.isRefused || isClosed(socket)) return false;
  kept.monitor?.stop();
  kept.session = session;
  kept.auth = session.claims;
  const { authenticator, token, req, arrivedAt, checks } = session;
  kept.monitor = monitorToken(session, {
    recheckMs: (recheckSeconds ?? defaultSeconds(authenticator.introspector.lifeMs)) * 1000,
    renew(renewed) {
      kept.auth = createAuth(session, req, arrivedAt, renewed, checks) as Auth;
    },
    end(error) {
      refuse(kept);
      closeSocket(socket, error);
      publishSocketFailure(error, 'keepAuthenticated', token.credentials.digest);
      if (!(error instanceof AuthError) && !isClosing(error)) tellApp(onError, error);
    },
  });
  return kept.monitor.check();
}

function refuse(kept: Kept | undefined): void {
  if (kept === undefined) return;
  kept.isRefused = true;
  kept.monitor?.stop();
}

/** Once a socket, however often it is kept. */
function listen(socket: ServerSocket, session: Session): Kept {
  const kept: Kept = { auth: session.claims, session, monitor: undefined, isRefused: false };
  sockets.set(socket, kept);
  socket.addEventListener('close', () => kept.monitor?.stop());
  hearWhile(socket, () => !kept.isRefused && kept.monitor?.check() !== false);
  return kept;
}

function defaultSeconds(lifeMs: number): number {
  return lifeMs === 0 ? DEFAULT_SECONDS : Math.max(lifeMs / 1000, MIN_SECONDS);
}
