import type { IncomingMessage, ServerResponse } from 'node:http';
import { isNativeError } from 'node:util/types';
import { AuthError, IntrospectionError } from '../core/errors.js';
import type { Next, RejectionHandler } from '../core/next.js';
import { hasScheme, ownHeader } from '../credentials/headers.js';
import { type DebugContext, isDebugging } from '../diagnostics/debug.js';
import { publishRejected } from '../diagnostics/decisions.js';
import type { Policy } from '../policy.js';
import { addChallenge } from './challenge.js';
import { isAnswerable, respondWithError, respondWithRejection } from './respond.js';
import { routeOf } from './route-of.js';
import { throwUncaught } from './settle.js';

/** One request on its way through a middleware or guard. */
export interface RequestContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly next: Next | undefined;
  /** Name of the middleware or guard, for diagnostics. */
  readonly by: string;
}

/** Whether the credentials came under the scheme DPoP (RFC 9449 section 7.1). */
export function usesDpop(req: IncomingMessage): boolean {
  return hasScheme(ownHeader(req, 'authorization') ?? '', 'dpop');
}

/**
 * Ends a request that failed. A rejection is answered. An outage and anything unexpected goes to `next`, and so does an error of the
 * response while the rejection is written to it.
 *
 * @param digest of the token, if there was one
 * @param scopes that the guards of the route require
 */
export function rejectRequest(
  error: unknown,
  policy: Policy,
  context: RequestContext,
  digest?: string,
  scopes?: readonly string[],
): void {
  const { req, res } = context;
  publishFailure(error, context.by, digest, debugContext(policy, req, error));
  if (!(error instanceof AuthError)) {
    forwardError(error, context);
    return;
  }
  try {
    addChallenge(error, policy, scopes, res, usesDpop(req));
  } catch (thrown) {
    forwardError(thrown, context);
    return;
  }
  if (policy.onReject === undefined) respondOrForward(error, context);
  else callOnReject(error, policy.onReject, context);
}

/** Publishes a rejection or an outage. Errors of the app are not published, and neither is the end of the middleware. */
export function publishFailure(error: unknown, by: string, digest: string | undefined, context?: DebugContext): void {
  if (error instanceof AuthError) {
    // A malformed token may be a password.
    const published = error.reason === 'malformed_credentials' ? undefined : digest;
    publishRejected('rejected', by, published, { status: error.status, reason: error.reason }, context);
  } else if (error instanceof IntrospectionError) {
    publishRejected('outage', by, digest, { status: error.status, reason: error.code }, context);
  }
}

/** Printed with a decision while `NODE_DEBUG` asks for it. */
export function debugContext({ getToken }: Policy, req: IncomingMessage, error?: unknown): DebugContext | undefined {
  return isDebugging ? { error, route: routeOf(req, getToken !== undefined) } : undefined;
}

/** Forwards an error to the app. Without a `next` it is answered here. */
export function forwardError(thrown: unknown, { req, res, next }: Omit<RequestContext, 'by'>): void {
  const error = toObject(thrown);
  if (next === undefined) respondWithError(req, res, error);
  else next(error);
}

/** Express takes a falsy error for "go on", and `'route'` for "skip ahead". Such values that the app throws must not get there. */
function toObject(thrown: unknown): object {
  if (typeof thrown === 'object' && thrown !== null) return thrown;
  return Object.assign(new Error('Something other than an error was thrown during authentication'), { status: 500 });
}

/** Without a response that can be written, the rejection goes to `next`. */
function respondOrForward(error: AuthError, context: RequestContext): void {
  const { req, res } = context;
  let failure: unknown = error;
  try {
    if (isAnswerable(res)) {
      respondWithRejection(req, res, error);
      return;
    }
  } catch (thrown) {
    failure = thrown;
  }
  forwardError(failure, context);
}

/** Lets the app answer a rejection. Whatever it passes to `next`, one error at most goes through, and never the request. */
function callOnReject(error: AuthError, onReject: RejectionHandler, context: RequestContext): void {
  const { req, res, next } = context;
  let isDone = false;
  const passOn = (thrown: unknown): void => {
    if (isDone) return;
    isDone = true;
    const failure = isNativeError(thrown) ? thrown : error;
    if (next !== undefined) {
      // Later, so that what the app throws there does not come back here by way of `onReject`.
      Promise.resolve()
        .then(() => void next(failure))
        .catch(throwUncaught);
    } else if (failure === error) {
      respondOrForward(error, context);
    } else {
      forwardError(failure, context);
    }
  };
  try {
    Promise.resolve(onReject(error, req, res, passOn)).catch(passOn);
  } catch (thrown) {
    passOn(thrown);
  }
}
