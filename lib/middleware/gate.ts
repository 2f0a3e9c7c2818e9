import type { IncomingMessage, ServerResponse } from 'node:http';
import { isNativeError } from 'node:util/types';
import type { Authenticator } from '../authenticator.js';
import { AuthError, IntrospectionError } from '../errors.js';
import type { SharedLookup } from '../lookup.js';
import { publishRefusal } from '../observe/decisions.js';
import type { Next } from '../options.js';
import type { Demands } from '../settings.js';
import type { Clock } from '../types.js';
import { addChallenge, answerError, answerRejection } from './challenge.js';

/** What a middleware and the guards behind it share: how to judge, how to answer. */
export interface Gate {
  /** Who is asked, as a digest. */
  readonly authority: string;
  readonly authenticator: Authenticator;
  readonly demands: Demands;
  readonly clock: Clock;
  /** For whoever relies on an answer for longer than a request takes. */
  readonly shared: Pick<SharedLookup, 'watch' | 'lifeMs' | 'staleLifeMs'>;
}

/** One passage through a middleware or guard. */
export interface Passage {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly next: Next | undefined;
  /** Who decides: the middleware's or the guard's name. */
  readonly by: string;
}

/** Cut off after the scheme, it is still that scheme (RFC 9110 section 5.6.2). */
const DPOP = /^dpop(?![!#$%&'*+\-.^_`|~0-9a-z])/i;

/** Whether the credentials came under that scheme (RFC 9449 section 7.1). */
export function usesDpop({ headers }: IncomingMessage): boolean {
  return DPOP.test(headers.authorization ?? '');
}

/**
 * Ends a passage that failed: a rejection is answered, an outage and anything unexpected is passed on as an error.
 *
 * @param key of the token, where there was one
 * @param scopes what the guards of the route need
 */
export function refuse(error: unknown, gate: Gate, passage: Passage, key?: string, scopes?: readonly string[]): void {
  const { req, res, next, by } = passage;
  if (!(error instanceof AuthError)) {
    if (error instanceof IntrospectionError) {
      publishRefusal('outage', by, key, { status: error.status, reason: error.code });
    }
    passError(error, res, next);
    return;
  }
  // What is no token may be a password.
  const digested = error.reason === 'malformed_credentials' ? undefined : key;
  publishRefusal('rejected', by, digested, { status: error.status, reason: error.reason });
  addChallenge(error, gate.demands, scopes, res, usesDpop(req));
  if (gate.demands.onReject === undefined) answerRejection(res, error);
  else delegate(error, gate.demands.onReject, passage);
}

/** Passes an error to the app; where nobody takes errors, answers itself. */
export function passError(thrown: unknown, res: ServerResponse, next: Next | undefined): void {
  const error = errorFrom(thrown);
  if (next === undefined) answerError(res, error);
  else next(error);
}

/** Express takes a falsy value for "go on", and `'route'` for "skip ahead": app code that throws such must not get there. */
function errorFrom(thrown: unknown): object {
  if (typeof thrown === 'object' && thrown !== null) return thrown;
  return Object.assign(new Error('Something other than an error was thrown during authentication'), { status: 500 });
}

/**
 * Uses what a promise brings and goes on: from a microtask of its own, so that what the app throws surfaces as its own
 * exception and not as a rejected promise of ours.
 */
export function settle<T>(
  outcome: Promise<T>,
  use: (value: T) => void,
  onDone: () => void,
  onError: (error: unknown) => void,
): void {
  outcome.then(use).then(
    () => queueMicrotask(onDone),
    (error: unknown) => queueMicrotask(() => onError(error)),
  );
}

/** Lets the app answer a rejection. Whatever it passes on, at most one error goes through, and never a request. */
function delegate(error: AuthError, onReject: NonNullable<Demands['onReject']>, { req, res, next }: Passage): void {
  let done = false;
  const passOn = (given: unknown): void => {
    if (done) return;
    done = true;
    if (next !== undefined) queueMicrotask(() => next(isNativeError(given) ? given : error));
    else if (isNativeError(given) && given !== error) answerError(res, given);
    else answerRejection(res, error);
  };
  try {
    Promise.resolve(onReject(error, req, res, passOn)).catch((thrown: unknown) => queueMicrotask(() => passOn(thrown)));
  } catch (thrown) {
    passOn(thrown);
  }
}
