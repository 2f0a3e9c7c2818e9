import type { IncomingMessage, ServerResponse } from 'node:http';
import { isNativeError } from 'node:util/types';
import { AuthError, IntrospectionError } from '../core/errors.js';
import type { Next, RejectionHandler } from '../core/next.js';
import { hasScheme, ownHeader } from '../credentials/headers.js';
import { type DebugContext, isDebugging } from '../diagnostics/debug.js';
import { publishRejected } from '../diagnostics/decisions.js';
import type { Policy } from '../policy.js';
import { addChallenge } from './challenge.js';
import { canRespond, respondWithError, respondWithRejection } from './respond.js';
import { routeOf } from './route-of.js';
import { throwUncaught } from './when-settled.js';

/** A request that a middleware or guard handles, with its response and `next`. */
export interface RequestContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly next: Next | undefined;
  /** Name of the middleware or guard, for diagnostics. */
  readonly by: string;
}

/** Whether the request uses the scheme DPoP (RFC 9449 section 7.1). */
export function usesDpop(req: IncomingMessage): boolean {
  return hasScheme(ownHeader(req, 'authorization') ?? '', 'dpop');
}

/**
 * Ends a request that failed with `error`. For a rejection, sends the response or calls the option `onReject`. Any other error, such as an
 * outage, goes to `next`. An error that is thrown while the response is written goes to `next` too. Rejections and outages are published as
 * decisions.
 *
 * @param digest digest of the token; `undefined` without a token
 * @param scopes scopes that the guards of the route require, for the challenge
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

/** Publishes the decision to reject a request, or to respond with 503 because of an outage. Any other error is not published. */
export function publishFailure(error: unknown, by: string, digest: string | undefined, context?: DebugContext): void {
  if (error instanceof AuthError) {
    // A malformed token may be a password, so not even its digest is published.
    const published = error.reason === 'malformed_credentials' ? undefined : digest;
    publishRejected('rejected', by, published, { status: error.status, reason: error.reason }, context);
  } else if (error instanceof IntrospectionError) {
    publishRejected('outage', by, digest, { status: error.status, reason: error.code }, context);
  }
}

/** Returns details that are printed with a decision, or `undefined` if decisions are not printed, because `NODE_DEBUG` does not say so. */
export function debugContext({ getToken }: Policy, req: IncomingMessage, error?: unknown): DebugContext | undefined {
  return isDebugging ? { error, route: routeOf(req, getToken !== undefined) } : undefined;
}

/** Passes an error to `next`. If there is no `next`, sends the response to the error: 503 for an outage, 500 for any other error. */
export function forwardError(thrown: unknown, { req, res, next }: Omit<RequestContext, 'by'>): void {
  const error = toObject(thrown);
  if (next === undefined) respondWithError(req, res, error);
  else next(error);
}

/**
 * Returns a thrown value if it is an object, otherwise a new `Error`. Other values must not go to `next`: Express would continue the
 * request for a falsy value, and would take `'route'` as a command to skip handlers.
 */
function toObject(thrown: unknown): object {
  if (typeof thrown === 'object' && thrown !== null) return thrown;
  return Object.assign(new Error('Something other than an error was thrown during authentication'), { status: 500 });
}

/**
 * Sends the response to a rejection. If `res` cannot respond, the rejection goes to `next` instead. If sending throws, the thrown error
 * goes to `next`.
 */
function respondOrForward(error: AuthError, context: RequestContext): void {
  const { req, res } = context;
  let failure: unknown = error;
  try {
    if (canRespond(res)) {
      respondWithRejection(req, res, error);
      return;
    }
  } catch (thrown) {
    failure = thrown;
  }
  forwardError(failure, context);
}

/**
 * Calls `onReject`, so that the app sends the response to a rejection. If `onReject` throws or calls its `next`, exactly one error is
 * passed on: the error that `onReject` threw or passed to `next`. If that is not an `Error`, the rejection is passed on. So the request
 * never reaches a handler.
 */
function callOnReject(error: AuthError, onReject: RejectionHandler, context: RequestContext): void {
  const { req, res, next } = context;
  let isDone = false;
  const passOn = (thrown: unknown): void => {
    if (isDone) return;
    isDone = true;
    const failure = isNativeError(thrown) ? thrown : error;
    if (next !== undefined) {
      // `next` runs after `onReject`. If `next` threw inside `onReject`, its error would look like a failure of `onReject`.
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
