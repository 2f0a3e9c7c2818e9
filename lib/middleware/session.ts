import type { IncomingMessage } from 'node:http';
import type { AuthenticatedToken } from '../authenticator.js';
import type { Auth, ScopeMatcher } from '../core/claims.js';
import { type ActiveRecord, ANY_AGE, type SenderProof } from '../core/lookup.js';
import { setMembers } from '../core/own-members.js';
import { introduce } from './copies.js';
import type { Gate } from './gate.js';

/** A request, whose `auth` is whatever somebody put there. */
export type AuthRequest = IncomingMessage & { auth?: unknown };

/** What a guard, or an earlier middleware, demands of a record. It throws where that is not met. */
export interface Check {
  /** All of which a token needs here, as far as that can be said in scopes. */
  readonly scopes: readonly string[];
  run(record: ActiveRecord, circumstances: CheckContext): void;
}

/** What a check depends on besides the record. */
export interface CheckContext {
  readonly now: number;
  readonly sender: SenderProof | undefined;
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
  token: AuthenticatedToken;
  /** The object that `req.auth` must still be; none once the session has ended. */
  auth: object | undefined;
  /** The same object, unless the gate presents another. */
  claims: Auth;
  passed: PassedChecks | undefined;
  /** What guards demanded of the answer's age: asked for then or later, in monotonic milliseconds. */
  notBefore: number;
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

introduce((value) => Stamp.read(value) !== undefined);

/** Another object that carries a session, whose answer has been renewed. */
export function stampWith(session: Session): Auth {
  const auth = {} as Auth;
  new Stamp(auth, session);
  return auth;
}

/** What would be on `req.auth`, for somebody else to put on the request that the token came with. */
export function createUnboundAuth(gate: Gate, authenticated: AuthenticatedToken): object {
  return openSession(undefined, gate, Number.POSITIVE_INFINITY, authenticated, undefined, ANY_AGE, true);
}

/** Claims of the caller's own, for a judgement outside the middleware. Whoever holds them can have it made again. */
export function createAuth(
  req: IncomingMessage | undefined,
  gate: Gate,
  arrivedAt: number,
  authenticated: AuthenticatedToken,
  passed?: PassedChecks,
): Auth {
  return openSession(req, gate, arrivedAt, authenticated, passed, ANY_AGE, false);
}

/** Makes an object that carries its own session. */
export function openSession(
  req: IncomingMessage | undefined,
  gate: Gate,
  arrivedAt: number,
  authenticated: AuthenticatedToken,
  passed: PassedChecks | undefined,
  notBefore: number,
  awaitsRequest: boolean,
): Auth {
  const auth = {} as Auth;
  const session: Session = {
    req,
    gate,
    arrivedAt,
    token: authenticated,
    auth,
    claims: auth,
    passed,
    notBefore: notBefore,
    awaitsRequest,
  };
  new Stamp(auth, session);
  session.claims = fill(auth, session, authenticated);
  return auth;
}

/** Returns the claims, which `auth` is then made of, unless the gate presents another object. */
export function fill(auth: Auth, { gate: { present } }: Session, authenticated: AuthenticatedToken): Auth {
  return present === undefined ? setMembers(auth, authenticated.claims) : present(auth, authenticated);
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
