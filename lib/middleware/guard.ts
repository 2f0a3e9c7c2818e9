import type { IncomingMessage, ServerResponse } from 'node:http';
import { AuthError } from '../core/errors.js';
import type { Next } from '../core/next.js';
import { publishAccepted } from '../diagnostics/decisions.js';
import { requireLifetime } from '../verification/lifetime.js';
import { anonymousGate, checkContext } from './bound-auth.js';
import { isOfAnotherCopy, ONE_COPY } from './copies.js';
import { debugContext, forwardError, type Gate, type RequestContext, rejectRequest } from './gate.js';
import {
  type AuthRequest,
  type Check,
  type RequestSession,
  type Session,
  sessionBehind,
  sessionOf,
} from './session.js';

/** Middleware to mount behind `tokenIntrospection()`. Without it every request fails with a 500. */
export type Guard = (req: IncomingMessage, res: ServerResponse, next?: Next) => void;

export function createGuard(name: string, check: Check): Guard {
  return nameGuard(name, function guardMiddleware(req, res, next) {
    const passage = { req, res, next, by: name };
    const session = requireSession(passage, check.scopes);
    if (session === undefined) return;
    const { credentials, record } = session.token;
    try {
      requireUnexpired(session);
      check.run(record, checkContext(session.gate, credentials));
    } catch (error) {
      rejectRequest(error, session.gate, passage, credentials.digest, scopesPassed(session));
      return;
    }
    session.passed = { check, gate: session.gate, before: session.passed };
    accept(passage, session);
  });
}

/** The session behind the request; without one the passage is over. */
export function requireSession(passage: RequestContext, scopes: readonly string[]): RequestSession | undefined {
  const { req, by } = passage;
  let gate: Gate | undefined;
  let failure: unknown;
  try {
    const session = sessionOf(req);
    if (session !== undefined) return session;
    gate = anonymousGate(req);
    failure = gate === undefined ? unauthenticated(`${by}()`, req) : new AuthError('no_credentials');
  } catch (error) {
    failure = error;
  }
  if (gate === undefined) forwardError(failure, passage);
  else rejectRequest(failure, gate, passage, undefined, scopes);
  return undefined;
}

export function accept({ req, next, by }: RequestContext, { gate, token: { credentials, record } }: Session): void {
  publishAccepted('accepted', by, credentials.digest, record, debugContext(gate, req));
  next?.();
}

/** Time has gone by since the middleware looked. */
export function requireUnexpired({ gate: { demands, clock }, token: { record } }: Session): void {
  requireLifetime(record, demands, clock.now());
}

export function scopesPassed(session: Session): string[] {
  const scopes: string[] = [];
  for (let { passed } = session; passed !== undefined; passed = passed.before) scopes.unshift(...passed.check.scopes);
  return scopes;
}

/** An error of the app's own wiring, answered 500, with the likely cause. */
export function unauthenticated(who: string, req: AuthRequest): Error {
  return wiringError(`${who} ${causeFor(req)}`);
}

function causeFor(req: AuthRequest): string {
  const { auth } = req;
  if (isOfAnotherCopy(auth)) return `cannot use this req.auth: ${ONE_COPY}`;
  if (sessionBehind(auth) !== undefined) {
    return 'found a req.auth that tokenIntrospection() did not set on this request, but on another object: a copy or a wrapper of the request does not do';
  }
  if (auth !== undefined) {
    return 'found a req.auth that tokenIntrospection() did not set on this request; leave that object in place';
  }
  if (anonymousGate(req) !== undefined) {
    return 'was called for an anonymous request, which "optional" let through; look at req.auth first, or mount a guard';
  }
  return 'found no req.auth; mount tokenIntrospection() before it';
}

export function wiringError(message: string): Error {
  return Object.assign(new Error(message), { status: 500, statusCode: 500 });
}

export function nameGuard(name: string, guard: Guard): Guard {
  return Object.defineProperty(guard, 'name', { value: `${name}Middleware` });
}
