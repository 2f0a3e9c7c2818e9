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
import { giveNonce, markPrivate } from './respond.js';
import {
  createAuth,
  detachPreviousAuth,
  isSameToken,
  type Origin,
  type Presenter,
  type SelectedServer,
  type Session,
  startSession,
} from './session.js';
import { whenSettled } from './settle.js';
import type { RequestAuthenticator } from './types.js';

/** Chooses the server that is asked about the token of a request. Nobody has been asked yet. */
export type SelectServer = (
  req: IncomingMessage,
  credentials: Credentials,
  earlier: Session | undefined,
) => { readonly authenticator: Authenticator; readonly selected: SelectedServer };

export interface HandleSettings {
  /** Reads requests, and authenticates them unless `select` chooses another. */
  readonly authenticator: Authenticator;
  readonly select?: SelectServer | undefined;
  readonly present?: Presenter | undefined;
}

const BY = 'tokenIntrospection';

/** Creates middleware, whether it has one authorization server or several. */
export function createHandle({ authenticator, select, present }: HandleSettings): RequestAuthenticator {
  const { policy, introspector } = authenticator;
  const { clock } = introspector;
  const isPrivate = policy.tokenFromBody || policy.getToken !== undefined;
  const single: Origin = { authenticator, selected: undefined, present };

  function originFor(req: IncomingMessage, credentials: Credentials, earlier: Session | undefined): Origin {
    return select === undefined ? single : { ...select(req, credentials, earlier), present };
  }

  function tokenIntrospectionMiddleware(req: IncomingMessage, res: ServerResponse, next?: Next): void {
    const context = { req, res, next, by: BY };
    let digest: string | undefined;
    let answering = policy;
    try {
      const now = readClock(clock);
      const earlier = detachPreviousAuth(req);
      const credentials = authenticator.readCredentials(req);
      if (credentials === undefined) {
        letAnonymousGoOn(context, authenticator);
      } else {
        digest = credentials.digest;
        const origin = originFor(req, credentials, earlier);
        answering = origin.authenticator.policy;
        const outcome = authenticate(origin.authenticator, credentials, now, earlier);
        if (outcome instanceof Promise) {
          whenSettled(
            outcome,
            (token) => accept(context, origin, now, token, earlier),
            () => next?.(),
            (error) => rejectRequest(error, answering, context, digest),
          );
          return;
        }
        accept(context, origin, now, outcome, earlier);
      }
    } catch (error) {
      rejectRequest(error, answering, context, digest);
      return;
    }
    next?.();
  }

  /** Does all that is left before the app goes on. The response comes first, because it may throw. */
  function accept(
    { req, res, by }: RequestContext,
    origin: Origin,
    now: Instant,
    token: AuthenticatedToken,
    earlier: Session | undefined,
  ): void {
    if (isPrivate) markPrivate(res);
    if (token.needsNonce) giveNonce(res, origin.authenticator.policy);
    startSession(req, origin, now.monotonic, token, earlier);
    if (decisions.hasSubscribers || isDebugging) {
      publishAccepted('accepted', by, token.credentials.digest, token.record, debugContext(policy, req));
    }
  }

  async function authenticateRequest(req: IncomingMessage): Promise<object> {
    let answering = policy;
    try {
      const now = readClock(clock);
      const credentials = authenticator.readCredentials(req);
      if (credentials === undefined) throw new AuthError('no_credentials');
      const origin = originFor(req, credentials, undefined);
      answering = origin.authenticator.policy;
      const token = await authenticate(origin.authenticator, credentials, now, undefined);
      return createAuth(origin, req, now.monotonic, token);
    } catch (error) {
      throw withHeaders(error, answering, usesDpop(req));
    }
  }

  return Object.assign(tokenIntrospectionMiddleware, { authenticateRequest }) as RequestAuthenticator;
}

/** A token that an earlier middleware of the same introspector has looked up is not looked up again. */
function authenticate(
  authenticator: Authenticator,
  credentials: Credentials,
  now: Instant,
  earlier: Session | undefined,
): AuthenticatedToken | Promise<AuthenticatedToken> {
  const isSame = isSameToken(earlier, authenticator, credentials);
  const isShared = isSame && earlier.authenticator.introspector === authenticator.introspector;
  if (isShared && !earlier.token.record.stale) {
    return authenticator.adopt(earlier.token, credentials, earlier.authenticator.policy);
  }
  const notBefore = isSame ? earlier.notBefore : ANY_AGE;
  return authenticator.authenticate(credentials, { notBefore, now, background: false, isKnown: false });
}

function letAnonymousGoOn({ req, by }: RequestContext, { policy }: Authenticator): void {
  markAnonymous(req, policy);
  publishAccepted('anonymous', by, undefined, undefined, isDebugging ? debugContext(policy, req) : undefined);
}

/** Gives a rejection the headers that the middleware would answer with. */
export function withHeaders(error: unknown, policy: Policy, isDpop?: boolean): unknown {
  if (error instanceof AuthError) addChallenge(error, policy, undefined, undefined, isDpop);
  return error;
}
