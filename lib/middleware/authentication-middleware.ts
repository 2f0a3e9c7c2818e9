import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthenticatedToken, Authenticator } from '../authenticator.js';
import { type Instant, readClock } from '../core/clock.js';
import { AuthError } from '../core/errors.js';
import { ANY_AGE, type Credentials } from '../core/lookup.js';
import type { Next } from '../core/next.js';
import { decisions } from '../diagnostics/channels.js';
import { isDebugging } from '../diagnostics/debug.js';
import { publishAccepted } from '../diagnostics/decisions.js';
import type { Policy } from '../policy.js';
import { markAnonymous } from './anonymous.js';
import { addChallenge } from './challenge.js';
import { debugContext, type RequestContext, rejectRequest, usesDpop } from './reject.js';
import { markPrivate, setNonce } from './respond.js';
import {
  createSession,
  detachPreviousAuth,
  isSameToken,
  type Presenter,
  type SelectedServer,
  type Session,
  type SessionSource,
  startSession,
} from './session.js';
import type { RequestAuthenticator } from './types.js';
import { whenSettled } from './when-settled.js';

/**
 * Chooses the authorization server for a request. The function runs before the token is looked up.
 *
 * @throws AuthError if no server is chosen
 */
export type SelectServer = (
  req: IncomingMessage,
  credentials: Credentials,
  earlier: Session | undefined,
) => { readonly authenticator: Authenticator; readonly selected: SelectedServer };

export interface AuthenticationMiddlewareSettings {
  /**
   * Reads the credentials of every request. If there is no `select`, this authenticator also authenticates the request; otherwise the
   * authenticator that `select` returns does.
   */
  readonly authenticator: Authenticator;
  readonly select?: SelectServer | undefined;
  readonly present?: Presenter | undefined;
}

const NAME = 'tokenIntrospection';

/** Creates middleware that accepts the tokens of one authorization server or, with `select`, of several servers. */
export function createAuthenticationMiddleware({
  authenticator,
  select,
  present,
}: AuthenticationMiddlewareSettings): RequestAuthenticator {
  const { policy, introspector } = authenticator;
  const { clock } = introspector;
  const isPrivate = policy.tokenFromBody || policy.getToken !== undefined;
  const defaultSource: SessionSource = { authenticator, selected: undefined, present };

  function sourceFor(req: IncomingMessage, credentials: Credentials, earlier: Session | undefined): SessionSource {
    if (select === undefined) return defaultSource;
    authenticator.requireWellFormed(credentials);
    return { ...select(req, credentials, earlier), present };
  }

  function tokenIntrospectionMiddleware(req: IncomingMessage, res: ServerResponse, next?: Next): void {
    const context = { req, res, next, by: NAME };
    let digest: string | undefined;
    let responsePolicy = policy;
    try {
      const now = readClock(clock);
      const earlier = detachPreviousAuth(req);
      const credentials = authenticator.readCredentials(req);
      if (credentials === undefined) {
        continueAnonymously(context, authenticator);
      } else {
        digest = credentials.digest;
        const source = sourceFor(req, credentials, earlier);
        responsePolicy = source.authenticator.policy;
        const same = isSameToken(earlier, source.authenticator, credentials) ? earlier : undefined;
        const outcome = authenticate(source.authenticator, credentials, now, same);
        if (outcome instanceof Promise) {
          acceptLater(outcome, context, source, now, digest, same);
          return;
        }
        accept(context, source, now, outcome, same);
      }
    } catch (error) {
      rejectRequest(error, responsePolicy, context, digest);
      return;
    }
    next?.();
  }

  /** Waits for the token, then accepts the request or rejects it. A function of its own, so that a cache hit creates no closures. */
  function acceptLater(
    outcome: Promise<AuthenticatedToken>,
    context: RequestContext,
    source: SessionSource,
    now: Instant,
    digest: string,
    earlier: Session | undefined,
  ): void {
    whenSettled(
      outcome,
      (token) => accept(context, source, now, token, earlier),
      () => context.next?.(),
      (error) => rejectRequest(error, source.authenticator.policy, context, digest),
    );
  }

  /**
   * Sets the response headers, then starts the session. The headers come first, because setting them may throw, and in that case no session
   * must exist.
   */
  function accept(
    { req, res, by }: RequestContext,
    source: SessionSource,
    now: Instant,
    token: AuthenticatedToken,
    earlier: Session | undefined,
  ): void {
    if (isPrivate) markPrivate(res);
    if (token.needsNonce) setNonce(res, source.authenticator.policy);
    startSession(req, source, now.monotonic, token, earlier);
    if (decisions.hasSubscribers || isDebugging) {
      publishAccepted('accepted', by, token.credentials.digest, token.record, debugContext(policy, req));
    }
  }

  async function authenticateRequest(req: IncomingMessage): Promise<object> {
    let responsePolicy = policy;
    try {
      const now = readClock(clock);
      const credentials = authenticator.readCredentials(req);
      if (credentials === undefined) throw new AuthError('no_credentials');
      const source = sourceFor(req, credentials, undefined);
      responsePolicy = source.authenticator.policy;
      const token = await authenticate(source.authenticator, credentials, now, undefined);
      return createSession(source, req, now.monotonic, token).auth as object;
    } catch (error) {
      throw withChallenge(error, responsePolicy, usesDpop(req));
    }
  }

  return Object.assign(tokenIntrospectionMiddleware, { authenticateRequest }) as RequestAuthenticator;
}

/**
 * Looks up and verifies the token of a request.
 *
 * @param earlier the session that an earlier middleware of the request started for the same token at the same authorization server, if
 * there is one
 */
function authenticate(
  authenticator: Authenticator,
  credentials: Credentials,
  now: Instant,
  earlier: Session | undefined,
): AuthenticatedToken | Promise<AuthenticatedToken> {
  const { notBefore = ANY_AGE } = earlier ?? {};
  const options = { notBefore, now, background: false, isKnown: earlier !== undefined };
  return authenticator.authenticate(credentials, options, earlier);
}

function continueAnonymously({ req, by }: RequestContext, { policy }: Authenticator): void {
  markAnonymous(req, policy);
  publishAccepted('anonymous', by, undefined, undefined, isDebugging ? debugContext(policy, req) : undefined);
}

/** Returns the error. If it is a rejection, first sets its `headers` to the headers of the response that the middleware would send. */
export function withChallenge(error: unknown, policy: Policy, isDpop?: boolean): unknown {
  if (error instanceof AuthError) addChallenge(error, policy, undefined, undefined, isDpop);
  return error;
}
