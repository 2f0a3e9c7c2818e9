import type { IncomingMessage } from 'node:http';
import type { AuthenticatedToken, Authenticator } from '../authenticator.js';
import type { Auth, ScopeMatcher } from '../core/claims.js';
import { ANY_AGE, type Credentials } from '../core/lookup.js';
import { setMembers } from '../core/own-members.js';
import { bindSession, boundSession } from './session-binding.js';

/** A request whose `auth` may be anything. */
export type AuthRequest = IncomingMessage & { auth?: unknown };

/** What a guard requires of a token. */
export interface Check {
  /** Scopes that the check requires, for challenges; empty for a check of something else. */
  readonly scopes: readonly string[];
  /** @throws AuthError */
  run(token: AuthenticatedToken, context: CheckContext): void;
}

/** A check that a token passed, of a guard or an earlier middleware. A newer record must pass it again. */
export interface PassedCheck {
  readonly scopes: readonly string[];
  /** @throws AuthError */
  run(token: AuthenticatedToken): void;
}

/** What a check may depend on besides the token. */
export interface CheckContext {
  /** Wall time in milliseconds. */
  readonly now: number;
  readonly satisfiesScope: ScopeMatcher | undefined;
}

/** Fills the object that becomes `req.auth`, and returns the object that has the claims. */
export type Presenter = (auth: object, token: AuthenticatedToken) => Auth;

/** Where a session comes from. */
export interface Origin {
  readonly authenticator: Authenticator;
  /** The server that `selectServer()` chose; `undefined` for a middleware of one server. */
  readonly selected: SelectedServer | undefined;
  /** `undefined`: `req.auth` is the claims. */
  readonly present: Presenter | undefined;
}

export interface SelectedServer {
  readonly name: string;
  /** The same object for all middlewares that choose among the same servers. */
  readonly servers: object;
}

/** The authentication of one request, stream or socket. Handlers cannot reach it, so no edit of `req.auth` widens access. */
export interface Session extends Origin {
  /** `undefined` for a token that did not come in a request. */
  req: IncomingMessage | undefined;
  /** The first request with this `auth` becomes its request, because somebody else puts `auth` on the request. */
  awaitsRequest: boolean;
  /** When the request came, in monotonic milliseconds. */
  arrivedAt: number;
  token: AuthenticatedToken;
  /** The object that `req.auth` must still be; `undefined` once the session has ended. */
  auth: object | undefined;
  /** The claims: the same object as `auth`, except with a presenter. */
  claims: Auth;
  /** Passed so far, in their order. */
  checks: readonly PassedCheck[];
  /** The earliest lookup that guards accept for this request, in monotonic milliseconds. */
  notBefore: number;
}

/** A session behind `req.auth`. */
export interface RequestSession extends Session {
  readonly req: IncomingMessage;
}

const NO_CHECKS: readonly PassedCheck[] = [];

/** Starts a session, and returns the object that carries it. */
export function createAuth(
  { authenticator, selected, present }: Origin,
  req: IncomingMessage | undefined,
  arrivedAt: number,
  token: AuthenticatedToken,
  checks = NO_CHECKS,
  notBefore = ANY_AGE,
): object {
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
  return auth;
}

/** An `auth` that somebody else puts on the request: the first request that has it becomes its request. */
export function createDetachedAuth(origin: Origin, token: AuthenticatedToken): object {
  const auth = createAuth(origin, undefined, Number.POSITIVE_INFINITY, token);
  (boundSession(auth) as Session).awaitsRequest = true;
  return auth;
}

/**
 * Sets `req.auth` to a fresh plain object with the claims, bound to this request. Checks that an earlier middleware and its guards
 * made for the same token hold for this record too.
 *
 * @throws AuthError if the record fails an earlier check
 */
export function startSession(
  req: AuthRequest,
  origin: Origin,
  arrivedAt: number,
  token: AuthenticatedToken,
  earlier: Session | undefined,
): void {
  if (!isSameToken(earlier, origin.authenticator, token.credentials)) {
    req.auth = createAuth(origin, req, arrivedAt, token);
    return;
  }
  const checks = [...earlier.checks, policyCheck(earlier.authenticator)];
  if (earlier.token.record !== token.record) runChecks(checks, token);
  req.auth = createAuth(origin, req, arrivedAt, token, checks, earlier.notBefore);
}

/** Whether an earlier session is about the same token at the same authorization server. */
export function isSameToken(
  earlier: Session | undefined,
  { introspector }: Authenticator,
  { digest }: Credentials,
): earlier is Session {
  return earlier?.token.credentials.digest === digest && earlier.authenticator.introspector.id === introspector.id;
}

/**
 * Replaces the token that `req.auth` rests on. Properties that the app added to the object stay, its edits of claims do not.
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

/** Ends a session: nothing on the request counts as its `auth` any more, even if the app has locked the property. */
export function endSession(session: RequestSession): void {
  session.auth = undefined;
  Reflect.deleteProperty(session.req, 'auth');
}

/**
 * Removes the `auth` that an earlier middleware set, from the request and its prototypes, and returns its session, now ended.
 *
 * @throws Error if the property is locked
 */
export function detachPreviousAuth(req: AuthRequest): Session | undefined {
  if (!('auth' in req)) return undefined;
  const session = sessionOf(req);
  if (session !== undefined) session.auth = undefined;
  Reflect.deleteProperty(req, 'auth');
  if ('auth' in req) {
    const own = { value: undefined, writable: true, enumerable: false, configurable: true };
    if (!Reflect.defineProperty(req, 'auth', own)) {
      throw new Error('req.auth was locked before tokenIntrospection() ran');
    }
  }
  return session;
}

/** The session behind `req.auth`, if that is the object that this library bound to this request. */
export function sessionOf(req: AuthRequest): RequestSession | undefined {
  const session = sessionBehind(req.auth);
  if (session?.awaitsRequest && session.req === undefined) {
    session.req = req;
    // Somebody may have kept the object for long.
    session.arrivedAt = session.authenticator.introspector.clock.monotonic();
  }
  return session?.req === req ? (session as RequestSession) : undefined;
}

/** The session behind claims, wherever they are. */
export function sessionBehind(auth: unknown): Session | undefined {
  const session = boundSession(auth) as Session | undefined;
  return session?.auth === auth ? session : undefined;
}

/** @throws AuthError for the first check that fails */
export function runChecks(checks: readonly PassedCheck[], token: AuthenticatedToken): void {
  for (const check of checks) check.run(token);
}

/** A check in the context of the middleware that a guard stood behind. */
export function bindCheck(check: Check, authenticator: Authenticator): PassedCheck {
  return { scopes: check.scopes, run: (token) => check.run(token, contextOf(authenticator)) };
}

export function contextOf({ introspector, policy: { satisfiesScope } }: Authenticator): CheckContext {
  return { now: introspector.clock.now(), satisfiesScope };
}

function policyCheck({ policy, verify }: Authenticator): PassedCheck {
  return { scopes: policy.scopes, run: ({ record, sender }) => verify(record, sender) };
}

function fill(auth: Auth, { present }: Origin, token: AuthenticatedToken): Auth {
  if (present !== undefined) return present(auth, token);
  try {
    return Object.assign(auth, token.claims);
  } catch {
    // `Object.prototype` is frozen and has a member of that name.
    return setMembers(auth, token.claims);
  }
}

/** Properties of `req.auth` that are not ours. */
function appProperties(session: Session): Record<string, unknown> {
  const ours = {} as Auth;
  fill(ours, session, session.token);
  return Object.fromEntries(Object.entries(session.auth ?? {}).filter(([name]) => !Object.hasOwn(ours, name)));
}
