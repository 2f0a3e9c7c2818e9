import type { IncomingMessage } from 'node:http';
import type { AuthenticatedToken, Authenticator } from '../authenticator.js';
import type { Auth, RoleReader, ScopeMatcher } from '../core/claims.js';
import { ANY_AGE, type Credentials } from '../core/lookup.js';
import { setMembers } from '../core/own-members.js';
import { bindSession, boundSession } from './session-binding.js';

/** A request whose `auth` may be anything. */
export type AuthRequest = IncomingMessage & { auth?: unknown };

/** The check of a guard or of a policy. */
export interface Check {
  /** Scopes that the check requires, for challenges; empty for a check of something else. */
  readonly scopes: readonly string[];
  /** @throws AuthError */
  run(token: AuthenticatedToken, context: CheckContext): void;
}

/** A check that the token has passed. A new record of the token must pass the check again. */
export interface PassedCheck {
  readonly check: Check;
  /** The authenticator that had authenticated the request when the check passed. Its clock and policy are the context of the check. */
  readonly authenticator: Authenticator;
}

/** The values that a check may use besides the token. */
export interface CheckContext {
  /** Wall time, in milliseconds since the epoch. */
  readonly now: number;
  readonly satisfiesScope: ScopeMatcher | undefined;
  readonly readRoles: RoleReader | undefined;
}

/** Fills the object that becomes `req.auth`. Returns the object with the claims. That may be a different object. */
export type Presenter = (auth: object, token: AuthenticatedToken) => Auth;

/** The values that a session takes from the middleware that starts it. */
export interface SessionSource {
  readonly authenticator: Authenticator;
  /** The server that `selectServer()` chose; `undefined` for a middleware of one server. */
  readonly selected: SelectedServer | undefined;
  /** `undefined` if the object `req.auth` itself holds the claims. */
  readonly present: Presenter | undefined;
}

export interface SelectedServer {
  readonly name: string;
  /** The authenticator of the server's own middleware. */
  readonly original: Authenticator | undefined;
}

/** The authentication of one request, stream or socket. Handlers cannot reach the session, so editing `req.auth` never grants access. */
export interface Session extends SessionSource {
  /** `undefined` for a token that did not come in a request, and as long as the session waits for its request. */
  req: IncomingMessage | undefined;
  /** True if other code will set `auth` on a request. The first such request becomes `req`. The flag stays true afterwards. */
  awaitsRequest: boolean;
  /** When the request or the token arrived, in monotonic milliseconds. `Infinity` as long as the session waits for its request. */
  arrivedAt: number;
  token: AuthenticatedToken;
  /** The object that `req.auth` must still be; `undefined` once the session has ended. */
  auth: object | undefined;
  /** The claims: the same object as `auth`, except with a presenter. */
  claims: Auth;
  /** The checks that passed so far, in order. */
  checks: readonly PassedCheck[];
  /**
   * The endpoint must have been asked at this time or later, in monotonic milliseconds, because a guard required it. A later middleware
   * for the same token requires it too.
   */
  notBefore: number;
}

/** The session of a request. */
export interface RequestSession extends Session {
  readonly req: IncomingMessage;
}

const NO_CHECKS: readonly PassedCheck[] = [];

/** Creates a session with its `auth` object. */
export function createSession(
  { authenticator, selected, present }: SessionSource,
  req: IncomingMessage | undefined,
  arrivedAt: number,
  token: AuthenticatedToken,
  checks = NO_CHECKS,
  notBefore = ANY_AGE,
): Session {
  const auth = {} as Auth;
  const session: Session = {
    authenticator,
    selected,
    present,
    req,
    awaitsRequest: false,
    arrivedAt,
    token,
    auth,
    claims: auth,
    checks,
    notBefore,
  };
  bindSession(auth, session);
  session.claims = fill(auth, session, token);
  return session;
}

/**
 * Creates an `auth` object that other code will set on a request. The first request with this object becomes the request of its session.
 */
export function createDetachedAuth(source: SessionSource, token: AuthenticatedToken): object {
  const session = createSession(source, undefined, Number.POSITIVE_INFINITY, token);
  session.awaitsRequest = true;
  return session.auth as object;
}

/**
 * Sets `req.auth` to a new plain object, and binds a new session of this request to the object. If an earlier middleware used another
 * record of the token, the new record must also pass the checks of that middleware and of the guards after it.
 *
 * @param earlier the session that an earlier middleware started for this token at this authorization server, if any
 * @throws AuthError if the record fails an earlier check
 */
export function startSession(
  req: AuthRequest,
  source: SessionSource,
  arrivedAt: number,
  token: AuthenticatedToken,
  earlier: Session | undefined,
): void {
  if (earlier === undefined) {
    req.auth = createSession(source, req, arrivedAt, token).auth;
    return;
  }
  const checks = [...earlier.checks, policyCheck(earlier)];
  if (earlier.token.record !== token.record) runChecks(checks, token);
  req.auth = createSession(source, req, earlier.arrivedAt, token, checks, earlier.notBefore).auth;
}

/** True if the earlier session is for this token, and looked it up at the same authorization server. */
export function isSameToken(
  earlier: Session | undefined,
  { introspector }: Authenticator,
  { digest }: Credentials,
): earlier is Session {
  return earlier?.token.credentials.digest === digest && earlier.authenticator.introspector.id === introspector.id;
}

/**
 * Replaces the token of a session and sets a new `req.auth`. Properties that the app added to `req.auth` are kept. Claims that the app
 * changed have the values of the new record.
 *
 * @throws AuthError if the new record fails a check that the old one passed
 */
export function renewSession(session: RequestSession, token: AuthenticatedToken): void {
  runChecks(session.checks, token);
  const auth = {} as Auth;
  bindSession(auth, session);
  setMembers(auth, appProperties(session));
  session.claims = fill(auth, session, token);
  (session.req as AuthRequest).auth = auth;
  session.token = token;
  session.auth = auth;
}

/** Ends a session and deletes `req.auth`. If the app has locked that property, the object stays, but no session belongs to it. */
export function endSession(session: RequestSession): void {
  session.auth = undefined;
  Reflect.deleteProperty(session.req, 'auth');
}

/**
 * Removes `req.auth`, and hides an inherited one. Ends the session behind it, and returns that session; `undefined` if there was none.
 *
 * @throws Error if the property is locked
 */
export function detachPreviousAuth(req: AuthRequest): Session | undefined {
  if (!('auth' in req)) return undefined;
  const session = sessionOf(req);
  if (session !== undefined) session.auth = undefined;
  Reflect.deleteProperty(req, 'auth');
  if ('auth' in req) {
    const hidden = { value: undefined, writable: true, enumerable: false, configurable: true };
    if (!Reflect.defineProperty(req, 'auth', hidden)) {
      throw new Error('req.auth was locked before tokenIntrospection() ran');
    }
  }
  return session;
}

/**
 * The session of `req.auth`; `undefined` unless the session belongs to this request. A session that waits for its request takes this one.
 */
export function sessionOf(req: AuthRequest): RequestSession | undefined {
  const session = sessionBehind(req.auth);
  if (session?.awaitsRequest && session.req === undefined) {
    session.req = req;
    // The `auth` object may be much older than this request, so its creation is not the arrival.
    session.arrivedAt = session.authenticator.introspector.clock.monotonic();
  }
  return session?.req === req ? (session as RequestSession) : undefined;
}

/** The session of an `auth` object, on whichever request the object is. `undefined` for any other value, and if the session has ended. */
export function sessionBehind(auth: unknown): Session | undefined {
  const session = boundSession(auth) as Session | undefined;
  return session?.auth === auth ? session : undefined;
}

/** @throws AuthError for the first check that fails */
export function runChecks(checks: readonly PassedCheck[], token: AuthenticatedToken): void {
  for (const { check, authenticator } of checks) check.run(token, contextOf(authenticator));
}

export function contextOf({ introspector, policy: { satisfiesScope, readRoles } }: Authenticator): CheckContext {
  return { now: introspector.clock.now(), satisfiesScope, readRoles };
}

/** Turns the policy of an earlier middleware into a check. The check uses the keys that the sender has proven to that middleware. */
function policyCheck({ authenticator, token: { sender } }: Session): PassedCheck {
  const { policy, verify } = authenticator;
  return { check: { scopes: policy.scopes, run: ({ record }) => verify(record, sender) }, authenticator };
}

function fill(auth: Auth, { present }: SessionSource, token: AuthenticatedToken): Auth {
  if (present !== undefined) return present(auth, token);
  try {
    return Object.assign(auth, token.claims);
  } catch {
    // `Object.assign` throws if `Object.prototype` is frozen and has a member with the name of a claim.
    return setMembers(auth, token.claims);
  }
}

/** Properties that the app added to `req.auth`. */
function appProperties(session: Session): Record<string, unknown> {
  const ours = {} as Auth;
  fill(ours, session, session.token);
  return Object.fromEntries(Object.entries(session.auth ?? {}).filter(([name]) => !Object.hasOwn(ours, name)));
}
