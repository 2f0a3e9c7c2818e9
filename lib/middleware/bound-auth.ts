import type { IncomingMessage } from 'node:http';
import type { Verified } from '../authenticator.js';
import { type ActiveRecord, ANY_AGE, type Auth, type Proven, type Question, type ScopeMatcher } from '../types.js';
import type { Gate } from './gate.js';

/** A request, whose `auth` is whatever somebody put there. */
export type AuthRequest = IncomingMessage & { auth?: unknown };

/** What a guard, or an earlier middleware, demands of a record. It throws where that is not met. */
export interface Check {
  /** All of which a token needs here, as far as that can be said in scopes. */
  readonly scopes: readonly string[];
  run(record: ActiveRecord, circumstances: Circumstances): void;
}

/** What a check depends on besides the record. */
export interface Circumstances {
  readonly now: number;
  readonly proven: Proven | undefined;
  readonly satisfiesScope: ScopeMatcher | undefined;
}

/** The checks already passed, latest first: another answer has to pass them again. */
export interface PassedChecks {
  readonly check: Check;
  /** Whose guard it was, or whose middleware. */
  readonly gate: Gate;
  readonly before: PassedChecks | undefined;
}

/** One request's authentication: out of reach of handlers, so that no edit of `req.auth` widens access. */
export interface Session {
  /** None for a token that came some other way. */
  req: IncomingMessage | undefined;
  /** Whether the first request with this very object as its `auth` is the one that it came with. */
  readonly awaitsRequest: boolean;
  readonly gate: Gate;
  /** Monotonic milliseconds at which the request came, as far as that is known. */
  arrivedAt: number;
  verified: Verified;
  /** The object that `req.auth` must still be; none once the session has ended. */
  auth: object | undefined;
  /** The same object, unless the gate presents another. */
  claims: Auth;
  passed: PassedChecks | undefined;
  /** What guards demanded of the answer's age: asked for then or later, in monotonic milliseconds. */
  askedSince: number;
}

/** One that stands behind `req.auth`. */
export interface RequestSession extends Session {
  readonly req: IncomingMessage;
}

/** Returning another object from a base constructor makes subclass fields land on that object. */
const Target = function (this: unknown, target: object) {
  return target;
} as unknown as new (
  target: object,
) => object;

/** Stamps a session onto a plain object as a private field: invisible to JSON, spreading, inspection and comparison. */
class Stamp extends Target {
  readonly #session: Session;

  constructor(target: object, session: Session) {
    super(target);
    this.#session = session;
  }

  static read(value: object): Session | undefined {
    return #session in value ? value.#session : undefined;
  }
}

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
  req.auth = open(req, gate, arrivedAt, verified, passed, askedSince, false);
}

/** What {@link bindAuth} would set, for somebody else to put on the request that the token came with. */
export function createUnboundAuth(gate: Gate, verified: Verified): object {
  return open(undefined, gate, Number.POSITIVE_INFINITY, verified, undefined, ANY_AGE, true);
}

/** Claims of the caller's own, for a judgement outside the middleware. Whoever holds them can have it made again. */
export function createAuth(
  req: IncomingMessage | undefined,
  gate: Gate,
  arrivedAt: number,
  verified: Verified,
  passed?: PassedChecks,
): Auth {
  return open(req, gate, arrivedAt, verified, passed, ANY_AGE, false);
}

function open(
  req: IncomingMessage | undefined,
  gate: Gate,
  arrivedAt: number,
  verified: Verified,
  passed: PassedChecks | undefined,
  askedSince: number,
  awaitsRequest: boolean,
): Auth {
  const auth = {} as Auth;
  const session: Session = { req, gate, arrivedAt, verified, auth, claims: auth, passed, askedSince, awaitsRequest };
  new Stamp(auth, session);
  session.claims = fill(auth, session, verified);
  return auth;
}

/** Returns the claims, which `auth` is then made of, unless the gate presents another object. */
function fill(auth: Auth, { gate: { present } }: Session, verified: Verified): Auth {
  return present === undefined ? Object.assign(auth, verified.claims) : present(auth, verified);
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
  const auth = {} as Auth;
  new Stamp(auth, session);
  Object.assign(auth, additions(session));
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
  return req.auth === undefined ? anonymous.get(req) : undefined;
}

/** The session behind `req.auth`, if that is the very object this library bound to this very request. */
export function sessionOf(req: AuthRequest): RequestSession | undefined {
  const session = sessionBehind(req.auth);
  if (session?.awaitsRequest && session.req === undefined) {
    session.req = req;
    // Whoever held it may have kept it for long.
    session.arrivedAt = session.gate.clock.monotonic();
  }
  return session?.req === req ? (session as RequestSession) : undefined;
}

/** The session behind claims themselves, wherever they are. */
export function sessionBehind(auth: unknown): Session | undefined {
  if (typeof auth !== 'object' || auth === null) return undefined;
  const session = Stamp.read(auth);
  return session?.auth === auth ? session : undefined;
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
