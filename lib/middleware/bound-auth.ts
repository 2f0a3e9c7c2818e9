import type { IncomingMessage } from 'node:http';
import type { Verified } from '../authenticator.js';
import type { Auth } from '../core/claims.js';
import { ANY_AGE, type Question } from '../core/lookup.js';
import { ownMember, setMembers } from '../core/own-members.js';
import type { Gate } from './gate.js';
import {
  type AuthRequest,
  type Check,
  type Circumstances,
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
export function bindAuth(
  req: AuthRequest,
  gate: Gate,
  arrivedAt: number,
  verified: Verified,
  earlier: Session | undefined,
): void {
  const before = isAbout(earlier, gate, verified.question) ? earlier : undefined;
  const passed = before && checksOf(before);
  const askedSince = before?.askedSince ?? ANY_AGE;
  if (before?.verified.record !== verified.record) runChecks(passed, verified);
  req.auth = openSession(req, gate, arrivedAt, verified, passed, askedSince, false);
}

/** What guards of an earlier middleware demanded of the age of an answer to the same question. */
export function askedSinceAfter(earlier: Session | undefined, gate: Gate, question: Question): number {
  return isAbout(earlier, gate, question) ? earlier.askedSince : ANY_AGE;
}

/**
 * Replaces the answer `req.auth` rests on. What the app added to the object stays, its edits of claims do not.
 *
 * @throws AuthError where a check passed before does not pass now
 */
export function rebindAuth(session: RequestSession, verified: Verified): void {
  runChecks(session.passed, verified);
  const { req } = session;
  const auth = setMembers(stampWith(session), additions(session));
  session.claims = fill(auth, session, verified);
  (req as AuthRequest).auth = auth;
  session.verified = verified;
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
export function takeEarlier(req: AuthRequest): Session | undefined {
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
function isAbout(session: Session | undefined, { authority }: Gate, { key }: Question): session is Session {
  return session !== undefined && session.verified.question.key === key && session.gate.authority === authority;
}

function checksOf(session: Session): PassedChecks {
  const { gate, passed } = session;
  const { scopes } = gate.demands;
  const run: Check['run'] = (record, { proven }) => gate.authenticator.verify(record, proven);
  return { check: { scopes, run }, gate, before: passed };
}

/** @throws AuthError for the first that is not met */
export function runChecks(passed: PassedChecks | undefined, { record, question }: Verified): void {
  for (let at = passed; at !== undefined; at = at.before) at.check.run(record, circumstancesOf(at.gate, question));
}

export function circumstancesOf({ clock, demands: { satisfiesScope } }: Gate, { proven }: Question): Circumstances {
  return { now: clock.now(), proven, satisfiesScope };
}

function additions(session: Session): Record<string, unknown> {
  const ours = {} as Auth;
  fill(ours, session, session.verified);
  return Object.fromEntries(Object.entries(session.auth ?? {}).filter(([name]) => !Object.hasOwn(ours, name)));
}
