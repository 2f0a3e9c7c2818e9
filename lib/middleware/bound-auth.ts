import type { IncomingMessage } from 'node:http';
import type { AuthenticatedToken } from '../authenticator.js';
import type { Auth } from '../core/claims.js';
import { ANY_AGE, type Credentials } from '../core/lookup.js';
import { ownMember, setMembers } from '../core/own-members.js';
import type { Gate } from './gate.js';
import {
  type AuthRequest,
  type Check,
  type CheckContext,
  fill,
  openSession,
  type PassedChecks,
  type RequestSession,
  type Session,
  sessionOf,
  stampWith,
} from './session.js';

/** Anonymous requests let through, and the gate that did. */
const anonymous = new WeakMap<IncomingMessage, Gate>();

/**
 * Sets `req.auth`: a fresh plain object with the claims, bound to this request. What an earlier middleware and its guards
 * checked for the same token holds for this answer too, or it is not bound.
 */
export function startSession(
  req: AuthRequest,
  gate: Gate,
  arrivedAt: number,
  authenticated: AuthenticatedToken,
  earlier: Session | undefined,
): void {
  const before = isAbout(earlier, gate, authenticated.credentials) ? earlier : undefined;
  const passed = before && checksOf(before);
  const notBefore = before?.notBefore ?? ANY_AGE;
  if (before?.token.record !== authenticated.record) runChecks(passed, authenticated);
  req.auth = openSession(req, gate, arrivedAt, authenticated, passed, notBefore, false);
}

/** What guards of an earlier middleware demanded of the age of an answer to the same credentials. */
export function askedSinceAfter(earlier: Session | undefined, gate: Gate, credentials: Credentials): number {
  return isAbout(earlier, gate, credentials) ? earlier.notBefore : ANY_AGE;
}

/**
 * Replaces the answer `req.auth` rests on. What the app added to the object stays, its edits of claims do not.
 *
 * @throws AuthError where a check passed before does not pass now
 */
export function renewSession(session: RequestSession, authenticated: AuthenticatedToken): void {
  runChecks(session.passed, authenticated);
  const { req } = session;
  const auth = setMembers(stampWith(session), appProperties(session));
  session.claims = fill(auth, session, authenticated);
  (req as AuthRequest).auth = auth;
  session.token = authenticated;
  session.auth = auth;
}

/** Ends a session: nothing on the request counts as its `auth` any more, even where the app has locked the property. */
export function endSession(session: RequestSession): void {
  session.auth = undefined;
  Reflect.deleteProperty(session.req, 'auth');
}

/**
 * Removes what an earlier middleware left, on the request itself or behind it, and returns its session, now ended.
 *
 * @throws Error when that cannot be done
 */
export function detachPreviousAuth(req: AuthRequest): Session | undefined {
  if (!('auth' in req)) return undefined;
  const session = sessionOf(req);
  if (session !== undefined) session.auth = undefined;
  Reflect.deleteProperty(req, 'auth');
  if ('auth' in req) {
    const own = { value: undefined, writable: true, enumerable: false, configurable: true };
    if (!Reflect.defineProperty(req, 'auth', own))
      throw new Error('req.auth was locked before tokenIntrospection() ran');
  }
  return session;
}

export function markAnonymous(req: AuthRequest, gate: Gate): void {
  anonymous.set(req, gate);
}

/** The gate that let this request through without credentials, if one did and nothing has been put on it since. */
export function anonymousGate(req: AuthRequest): Gate | undefined {
  return ownMember(req, 'auth') === undefined ? anonymous.get(req) : undefined;
}

/** Whether the same authority was asked about the same token. */
function isAbout(session: Session | undefined, { authority }: Gate, { digest: key }: Credentials): session is Session {
  return session !== undefined && session.token.credentials.digest === key && session.gate.authority === authority;
}

function checksOf(session: Session): PassedChecks {
  const { gate, passed } = session;
  const { scopes } = gate.demands;
  const run: Check['run'] = (record, { sender: proven }) => gate.authenticator.verify(record, proven);
  return { check: { scopes, run }, gate, before: passed };
}

/** @throws AuthError for the first that is not met */
export function runChecks(passed: PassedChecks | undefined, { record, credentials }: AuthenticatedToken): void {
  for (let at = passed; at !== undefined; at = at.before) at.check.run(record, checkContext(at.gate, credentials));
}

export function checkContext(
  { clock, demands: { satisfiesScope } }: Gate,
  { sender: proven }: Credentials,
): CheckContext {
  return { now: clock.now(), sender: proven, satisfiesScope };
}

function appProperties(session: Session): Record<string, unknown> {
  const ours = {} as Auth;
  fill(ours, session, session.token);
  return Object.fromEntries(Object.entries(session.auth ?? {}).filter(([name]) => !Object.hasOwn(ours, name)));
}
