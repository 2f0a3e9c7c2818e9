import type { IncomingMessage } from 'node:http';
import type { AuthenticatedToken, Authenticator } from '../authenticator.js';
import type { Auth, ScopeMatcher } from '../core/claims.js';
import { ANY_AGE, type Credentials } from '../core/lookup.js';
import { setMembers } from '../core/own-members.js';
import { bindSession, boundSession } from './session-binding.js';

/** A request whose `auth` may be anything. */
export type AuthRequest = IncomingMessage & { auth?: unknown };

/** The check of a guard. */
export interface Check {
  /** Scopes that the check requires, for challenges; empty for a check of something else. */
  readonly scopes: readonly string[];
  /** @throws AuthError */
  run(token: AuthenticatedToken, context: CheckContext): void;
}

/** A check that the token has passed. A newer record must pass it again. */
export interface PassedCheck {
  readonly check: Check;
  /** The authenticator of the guard's middleware: its clock and its policy are the context of the check. */
  readonly authenticator: Authenticator;
}

/** The values that a check may use besides the token. */
export interface CheckContext {
  /** Wall time in milliseconds. */
  readonly now: number;
  readonly satisfiesScope: ScopeMatcher | undefined;
}

/** Fills the object that becomes `req.auth`. Returns the object with the claims, which may be another one. */
export type Presenter = (auth: object, token: AuthenticatedToken) => Auth;

/** The middleware that starts a session. */
export interface SessionSource {
  readonly authenticator: Authenticator;
  /** The server that `selectServer()` chose; `undefined` for a middleware of one server. */
  readonly selected: SelectedServer | undefined;
  /** `undefined`: `req.auth` is the claims. */
  readonly present: Presenter | undefined;
}

export interface SelectedServer {
  readonly name: string;
  /** The authenticator of the server's own middleware. */
  readonly original: Authenticator | undefined;
}

/** The authentication of one request, stream or socket. Handlers cannot reach it, so editing `req.auth` never grants access. */
export interface Session extends SessionSource {
  /** `undefined` for a token that did not come in a request. */
  req: IncomingMessage | undefined;
  /** The session has no request yet, because other code sets `req.auth`. The first request with this `auth` becomes its request. */
  awaitsRequest: boolean;
  /** When the request arrived, in monotonic milliseconds. */
  arrivedAt: number;
  token: AuthenticatedToken;
  /** The object that `req.auth` must still be; `undefined` once the session has ended. */
  auth: object | undefined;
  /** The claims: the same object as `auth`, except with a presenter. */
  claims: Auth;
  /** The checks that passed so far, in order. */
  checks: readonly PassedCheck[];
  /** Guards accept only records that were requested at this time or later, in monotonic milliseconds. */
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

/** Creates an `auth` object that other code will set on a request. The first request with it becomes the request of its session. */
export function createDetachedAuth(source: SessionSource, token: AuthenticatedToken): object {
  const session = createSession(source, undefined, Number.POSITIVE_INFINITY, token);
  session.awaitsRequest = true;
  return session.auth as object;
}

/**
 * Sets `req.auth` to a new plain object with the claims, bound to this request. Checks of an earlier middleware and its guards for the
 * same token apply to this record too.
 *
 * @param earlier the session of an earlier middleware for the same token of the same server
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

/** Whether an earlier session has the same token of the same authorization server. */
export function isSameToken(
  earlier: Session | undefined,
  { introspector }: Authenticator,
  { digest }: Credentials,
): earlier is Session {
  return earlier?.token.credentials.digest === digest && earlier.authenticator.introspector.id === introspector.id;
}

/**
 * Replaces the token of a session and sets a new `req.auth`. Properties that the app added stay, its changes of claims do not.
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

/** Ends a session. No object on the request is its `auth` any more, even if the app has locked the property. */
export function endSession(session: RequestSession): void {
  session.auth = undefined;
  Reflect.deleteProperty(session.req, 'auth');
}

/**
 * Removes `req.auth` of an earlier middleware, inherited ones included. Returns its session, which has ended.
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

/** The session of `req.auth`; `undefined` unless this library bound that object to this request. */
export function sessionOf(req: AuthRequest): RequestSession | undefined {
  const session = sessionBehind(req.auth);
  if (session?.awaitsRequest && session.req === undefined) {
    session.req = req;
    // The object may have been created long ago.
    session.arrivedAt = session.authenticator.introspector.clock.monotonic();
  }
  return session?.req === req ? (session as RequestSession) : undefined;
}

/** The session of an `auth` object, on whichever request it is; `undefined` for any other object. */
export function sessionBehind(auth: unknown): Session | undefined {
  const session = boundSession(auth) as Session | undefined;
  return session?.auth === auth ? session : undefined;
}

/** @throws AuthError for the first check that fails */
export function runChecks(checks: readonly PassedCheck[], token: AuthenticatedToken): void {
  for (const { check, authenticator } of checks) check.run(token, contextOf(authenticator));
}

export function contextOf({ introspector, policy: { satisfiesScope } }: Authenticator): CheckContext {
  return { now: introspector.clock.now(), satisfiesScope };
}

/** The policy of an earlier middleware as a check, with the keys that the sender has proven to that middleware. */
function policyCheck({ authenticator, token: { sender } }: Session): PassedCheck {
  const { policy, verify } = authenticator;
  return { check: { scopes: policy.scopes, run: ({ record }) => verify(record, sender) }, authenticator };
}

function fill(auth: Auth, { present }: SessionSource, token: AuthenticatedToken): Auth {
  if (present !== undefined) return present(auth, token);
  try {
    return Object.assign(auth, token.claims);
  } catch {
    // `Object.prototype` is frozen and has a member of that name.
    return setMembers(auth, token.claims);
  }
}

/** Properties that the app added to `req.auth`. */
function appProperties(session: Session): Record<string, unknown> {
  const ours = {} as Auth;
  fill(ours, session, session.token);
  return Object.fromEntries(Object.entries(session.auth ?? {}).filter(([name]) => !Object.hasOwn(ours, name)));
}
