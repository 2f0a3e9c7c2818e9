import type { IncomingMessage } from 'node:http';
import type { AuthenticatedToken, Authenticator } from '../authenticator.js';
import type { Auth, RoleReader, ScopeMatcher } from '../core/claims.js';
import { ANY_AGE, type Credentials } from '../core/lookup.js';
import { setMembers } from '../core/own-members.js';
import { bindSession, boundSession } from './session-binding.js';

/** A request whose property `auth` may be anything. */
export type AuthRequest = IncomingMessage & { auth?: unknown };

/** A check of a token: the check of a guard, or all checks of a policy. */
export interface Check {
  /** Scopes that the check requires, for challenges. Empty if the check requires no scopes. */
  readonly scopes: readonly string[];
  /**
   * Runs the check.
   *
   * @throws AuthError if the token fails the check
   */
  run(token: AuthenticatedToken, context: CheckContext): void;
}

/** A check that the token has passed. A new record of the token must pass the check again. */
export interface PassedCheck {
  readonly check: Check;
  /**
   * The authenticator of the middleware behind which the token passed the check. The check uses the clock and the policy of this
   * authenticator.
   */
  readonly authenticator: Authenticator;
}

/** The values besides the token that a check may use. */
export interface CheckContext {
  /** The current wall time, in milliseconds since the epoch. */
  readonly now: number;
  readonly satisfiesScope: ScopeMatcher | undefined;
  readonly readRoles: RoleReader | undefined;
}

/**
 * Adds members to `auth`, the object that becomes `req.auth`. Returns the object that holds the claims: `auth` itself, or another object.
 */
export type Presenter = (auth: object, token: AuthenticatedToken) => Auth;

/** The values that a session takes from the middleware that starts the session. */
export interface SessionSource {
  readonly authenticator: Authenticator;
  /** The server that `selectServer()` chose; `undefined` for a middleware of one server. */
  readonly selected: SelectedServer | undefined;
  /** Fills the object `req.auth` of a session whose claims are in another object. `undefined` if `req.auth` itself holds the claims. */
  readonly present: Presenter | undefined;
}

export interface SelectedServer {
  readonly name: string;
  /** The authenticator of the middleware that was passed to `selectServer()` for this server. */
  readonly original: Authenticator | undefined;
}

/** The authentication of one request, stream or socket. Handlers cannot reach the session, so editing `req.auth` never grants access. */
export interface Session extends SessionSource {
  /**
   * The request of the session. `undefined` for a token that did not come in a request, and as long as the session waits for its request.
   */
  req: IncomingMessage | undefined;
  /**
   * True if other code, not this library, sets the `auth` object on a request. The first request with this `auth` becomes `req`. The flag
   * stays true afterwards.
   */
  awaitsRequest: boolean;
  /** When the request or the token arrived, in monotonic milliseconds. `Infinity` as long as the session waits for its request. */
  arrivedAt: number;
  token: AuthenticatedToken;
  /**
   * The object that was set as `req.auth`. The session counts only while `req.auth` is still this object. `undefined` when the session has
   * ended.
   */
  auth: object | undefined;
  /** The object that holds the claims: `auth` itself, or the object that `present` returned. */
  claims: Auth;
  /** The checks that the token has passed so far, in the order in which they ran. */
  checks: readonly PassedCheck[];
  /**
   * The endpoint must have been asked at this time or later, in monotonic milliseconds, because `requireFresh` required that. A later
   * middleware of the request requires the same time for the same token.
   */
  notBefore: number;
}

/** A session whose request is known. */
export interface RequestSession extends Session {
  readonly req: IncomingMessage;
}

const NO_CHECKS: readonly PassedCheck[] = [];

/**
 * Creates a {@link Session}: the authentication of one request, stream or socket. Its object `auth` gets the claims of the token, or the
 * members that `present` adds. Does not set `req.auth`.
 */
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
 * Creates a session without a request, and returns its `auth` object, which other code will set on a request. The first request that is
 * seen with this object becomes the request of the session.
 */
export function createDetachedAuth(source: SessionSource, token: AuthenticatedToken): object {
  const session = createSession(source, undefined, Number.POSITIVE_INFINITY, token);
  session.awaitsRequest = true;
  return session.auth as object;
}

/**
 * Sets `req.auth` to a new plain object, and binds a new session of this request to the object. An earlier middleware of the request may
 * have used another record of the same token. Then the new record must also pass the checks of that middleware, and of the guards after it.
 *
 * @param earlier the session that an earlier middleware of the request started for the same token at the same authorization server, if
 * there is one
 * @throws AuthError if the new record fails one of these checks
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

/** True if the earlier session is for the same token, and looked the token up at the same authorization server as the same client. */
export function isSameToken(
  earlier: Session | undefined,
  { introspector }: Authenticator,
  { digest }: Credentials,
): earlier is Session {
  return earlier?.token.credentials.digest === digest && earlier.authenticator.introspector.id === introspector.id;
}

/**
 * Replaces the token of a session and sets a new `req.auth`. Properties that the app added to `req.auth` are kept. Claims that the app
 * changed in `req.auth` get the values of the new record.
 *
 * @throws AuthError if the new record fails a check that the old record passed
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

/**
 * Ends a session and deletes `req.auth`. If the app has locked the property `auth`, the object stays on the request, but no session belongs
 * to it any more.
 */
export function endSession(session: RequestSession): void {
  session.auth = undefined;
  Reflect.deleteProperty(session.req, 'auth');
}

/**
 * Removes `req.auth`. If the request inherits an `auth`, hides it. If a session belongs to `req.auth`, ends that session and returns it;
 * otherwise returns `undefined`.
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
 * Returns the session of `req.auth`; `undefined` if there is none, or if it belongs to another request. If the session still waits for its
 * request, `req` becomes the request of the session.
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

/**
 * Returns the session of an `auth` object, whatever request the object is on. Returns `undefined` for any other value, and if the session
 * has ended.
 */
export function sessionBehind(auth: unknown): Session | undefined {
  const session = boundSession(auth) as Session | undefined;
  return session?.auth === auth ? session : undefined;
}

/**
 * Runs all checks again on a token.
 *
 * @throws AuthError for the first check that fails
 */
export function runChecks(checks: readonly PassedCheck[], token: AuthenticatedToken): void {
  for (const { check, authenticator } of checks) check.run(token, contextOf(authenticator));
}

export function contextOf({ introspector, policy: { satisfiesScope, readRoles } }: Authenticator): CheckContext {
  return { now: introspector.clock.now(), satisfiesScope, readRoles };
}

/**
 * Returns a check that verifies a record against the policy of an earlier middleware. The check uses the keys that the sender has proven to
 * that middleware.
 */
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

/** Returns the properties that the app has added to `req.auth`. */
function appProperties(session: Session): Record<string, unknown> {
  const ours = {} as Auth;
  fill(ours, session, session.token);
  return Object.fromEntries(Object.entries(session.auth ?? {}).filter(([name]) => !Object.hasOwn(ours, name)));
}
