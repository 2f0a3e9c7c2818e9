import type { IncomingMessage } from 'node:http';
import type { Verified } from '../authenticator.js';
import type { ActiveRecord, Auth, Claims } from '../types.js';
import type { Gate } from './gate.js';

/** A request, whose `auth` is whatever somebody put there. */
export type AuthRequest = IncomingMessage & { auth?: unknown };

/** What a guard demands of a record, besides what the middleware did. It throws where that is not met. */
export interface Check {
  readonly guard: string;
  /** All of which a token needs here, as far as that can be said in scopes. */
  readonly scopes: readonly string[];
  run(record: ActiveRecord): void;
}

/** The checks of the guards already passed, latest first: fresh answers have to pass them again. */
export interface PassedChecks {
  readonly check: Check;
  readonly before: PassedChecks | undefined;
}

/** One request's authentication: out of reach of handlers, so that no edit of `req.auth` widens access. */
export interface Session {
  readonly req: IncomingMessage;
  readonly gate: Gate;
  /** Monotonic milliseconds at which the request came. */
  readonly arrivedAt: number;
  verified: Verified;
  /** The object that `req.auth` must still be. */
  auth: Auth;
  passed: PassedChecks | undefined;
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

/** Sets `req.auth`: a fresh plain object with the claims, bound to this request. */
export function bindAuth(req: AuthRequest, gate: Gate, verified: Verified, arrivedAt: number): void {
  const auth = {} as Auth;
  new Stamp(auth, { req, gate, arrivedAt, verified, auth, passed: undefined });
  req.auth = Object.assign(auth, verified.claims);
}

/** Replaces the answer `req.auth` rests on. What the app added to the object stays, its edits of claims do not. */
export function rebindAuth(session: Session, verified: Verified): void {
  const auth = {} as Auth;
  new Stamp(auth, session);
  Object.assign(auth, additions(session.auth, session.verified.claims), verified.claims);
  session.verified = verified;
  session.auth = auth;
  (session.req as AuthRequest).auth = auth;
}

/** Removes what an earlier middleware left, on the request itself or behind it. */
export function clearAuth(req: AuthRequest): void {
  delete req.auth;
  if (req.auth !== undefined)
    Object.defineProperty(req, 'auth', { value: undefined, writable: true, configurable: true });
}

export function markAnonymous(req: AuthRequest, gate: Gate): void {
  clearAuth(req);
  anonymous.set(req, gate);
}

/** The gate that let this request through without credentials, if one did and nothing has been put on it since. */
export function anonymousGate(req: AuthRequest): Gate | undefined {
  return req.auth === undefined ? anonymous.get(req) : undefined;
}

/** The session behind `req.auth`, if that is the very object this library bound to this very request. */
export function sessionOf(req: AuthRequest): Session | undefined {
  const { auth } = req;
  if (typeof auth !== 'object' || auth === null) return undefined;
  const session = Stamp.read(auth);
  return session !== undefined && session.req === req && session.auth === auth ? session : undefined;
}

function additions(auth: Auth, claims: Claims): Record<string, unknown> {
  return Object.fromEntries(Object.entries(auth).filter(([name]) => !Object.hasOwn(claims, name)));
}
