import type { IncomingMessage, ServerResponse } from 'node:http';
import { AuthError } from '../core/errors.js';
import type { Next } from '../core/next.js';
import { decisions } from '../diagnostics/channels.js';
import { isDebugging } from '../diagnostics/debug.js';
import { publishAccepted } from '../diagnostics/decisions.js';
import type { Policy } from '../policy.js';
import { requireLifetime } from '../verification/lifetime.js';
import { anonymousPolicy } from './anonymous.js';
import { isFromAnotherCopy, OTHER_COPY_REMEDY } from './package-copies.js';
import { debugContext, forwardError, type RequestContext, rejectRequest } from './reject.js';
import {
  type AuthRequest,
  type Check,
  contextOf,
  type RequestSession,
  type Session,
  sessionBehind,
  sessionOf,
} from './session.js';

/**
 * Middleware to mount after `tokenIntrospection()`. For a request that `tokenIntrospection()` has not handled, the guard passes an error
 * with status 500 to `next`.
 */
export type Guard = (req: IncomingMessage, res: ServerResponse, next?: Next) => void;

export function createGuard(name: string, check: Check): Guard {
  return nameGuard(name, function guardMiddleware(req, res, next) {
    const context = { req, res, next, by: name };
    const session = requireSession(context, check.scopes);
    if (session === undefined) return;
    const { authenticator, token } = session;
    try {
      const checkContext = contextOf(authenticator);
      // The token may have expired since the middleware checked its lifetime.
      requireLifetime(token.record, authenticator.policy, checkContext.now);
      check.run(token, checkContext);
    } catch (error) {
      rejectRequest(error, authenticator.policy, context, token.credentials.digest, scopesOf(session));
      return;
    }
    session.checks = [...session.checks, { check, authenticator }];
    accept(context, session);
  });
}

/**
 * Returns the session of the request. If there is no session, returns `undefined` and ends the request: an anonymous request is rejected
 * with 401, and for any other request an error goes to `next`.
 */
export function requireSession(context: RequestContext, scopes: readonly string[]): RequestSession | undefined {
  const { req, by } = context;
  let policy: Policy | undefined;
  let failure: unknown;
  try {
    const session = sessionOf(req);
    if (session !== undefined) return session;
    policy = anonymousPolicy(req);
    failure = policy === undefined ? missingAuthError(`${by}()`, req) : new AuthError('no_credentials');
  } catch (error) {
    failure = error;
  }
  if (policy === undefined) forwardError(failure, context);
  else rejectRequest(failure, policy, context, undefined, scopes);
  return undefined;
}

export function accept({ req, next, by }: RequestContext, { authenticator, token }: Session): void {
  if (decisions.hasSubscribers || isDebugging) {
    publishAccepted('accepted', by, token.credentials.digest, token.record, debugContext(authenticator.policy, req));
  }
  next?.();
}

/** Returns the scopes that the passed checks of a session require, for challenges. */
export function scopesOf({ checks }: Session): string[] {
  return checks.flatMap(({ check }) => check.scopes);
}

/** Creates an error with status 500 for a request without a session. The message says which mistake in the app is the likely cause. */
export function missingAuthError(caller: string, req: AuthRequest): Error {
  return wiringError(`${caller} ${causeFor(req)}`);
}

function causeFor(req: AuthRequest): string {
  const { auth } = req;
  if (isFromAnotherCopy(auth)) return `cannot use this req.auth: ${OTHER_COPY_REMEDY}`;
  if (sessionBehind(auth) !== undefined) {
    return 'found a req.auth that tokenIntrospection() did not set on this request, but on another object; pass the request itself, not a copy or wrapper of it';
  }
  if (auth !== undefined) {
    return 'found a req.auth that tokenIntrospection() did not set on this request; leave that object in place';
  }
  if (anonymousPolicy(req) !== undefined) {
    return 'was called for an anonymous request, which "optional" let through; check req.auth first, or mount a guard';
  }
  return 'found no req.auth; mount tokenIntrospection() before it';
}

export function wiringError(message: string): Error {
  return Object.assign(new Error(message), { status: 500, statusCode: 500 });
}

export function nameGuard(name: string, guard: Guard): Guard {
  return Object.defineProperty(guard, 'name', { value: `${name}Middleware` });
}
