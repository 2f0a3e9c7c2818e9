import type { IncomingMessage, ServerResponse } from 'node:http';
import * as timers from 'node:timers';
import { isDeepStrictEqual } from 'node:util';
import { isNativeError } from 'node:util/types';
import { type AuthenticatedToken, type Authenticator, createAuthenticator } from '../authenticator.js';
import type { Auth } from '../core/claims.js';
import type { Clock } from '../core/clock.js';
import { AuthError, IntrospectionError } from '../core/errors.js';
import type { Next } from '../core/next.js';
import { type DebugContext, isDebugging } from '../diagnostics/debug.js';
import { publishRejected } from '../diagnostics/decisions.js';
import type { Introspector } from '../introspector.js';
import type { Settings } from '../options/settings.js';
import type { Policy } from '../policy.js';
import { addChallenge, answerError, answerRejection, type ChallengeSettings, isAnswerable } from './challenge.js';
import { ownHeader } from './request-facts.js';
import { routeOf } from './route-of.js';

type Asked = Pick<Introspector, 'id' | 'requireOpen' | 'lookup' | 'watchRefusals'> & Gate['shared'];

/** What a middleware and the guards behind it share: how to judge, how to answer. */
export interface Gate {
  /** Who is asked, as a digest. */
  readonly authority: string;
  readonly authenticator: Authenticator;
  readonly demands: Policy;
  readonly clock: Clock;
  /** For whoever relies on an answer for longer than a request takes. */
  readonly shared: Pick<Introspector, 'watch' | 'lifeMs' | 'staleLifeMs'>;
  /** The issuer identifiers of those who may be asked, as far as they are known. */
  readonly issuers: readonly string[];
  /** Whose demands these inherit from. */
  readonly derivedFrom: Gate | undefined;
  /** Where its authorization server was chosen among several: which of them it is. */
  readonly oneOf: OneOf | undefined;
  /** Where `req.auth` is something else than the claims: fills that object, and returns one with the claims. */
  readonly present: ((auth: object, authenticated: AuthenticatedToken) => Auth) | undefined;
  /** Where the protected resource metadata are, once somebody has published them. */
  metadataUrl: string | undefined;
}

export interface OneOf {
  readonly name: string;
  /** The same object for all that one middleware, or one derived from it, may choose. */
  readonly family: object;
  /** Where requests come in, before one is chosen. */
  readonly entrance: Gate;
}

interface Origin {
  readonly issuers: readonly string[];
  readonly derivedFrom: Gate | undefined;
  readonly oneOf: OneOf | undefined;
}

export function createGate(
  shared: Asked,
  demands: Policy,
  clock: Clock,
  { issuers, derivedFrom, oneOf }: Origin,
): Gate {
  const authenticator = createAuthenticator(shared, demands, clock);
  const { id: authority } = shared;
  return {
    authority,
    authenticator,
    demands,
    clock,
    shared,
    issuers,
    derivedFrom,
    oneOf,
    present: undefined,
    metadataUrl: undefined,
  };
}

/** Whose issuer identifier is known, from the options alone. */
export function issuersOf({ location }: Pick<Settings, 'location'>, { issuer }: Policy): readonly string[] {
  const known = location.endpoint === undefined ? location.issuer : issuer;
  return known === undefined ? [] : [known];
}

/** One passage through a middleware or guard. */
export interface RequestContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly next: Next | undefined;
  /** Who decides: the middleware's or the guard's name. */
  readonly by: string;
}

/** Cut off after the scheme, it is still that scheme (RFC 9110 section 5.6.2). */
const DPOP = /^dpop(?![!#$%&'*+\-.^_`|~0-9a-z])/i;

/** Whether the credentials came under that scheme (RFC 9449 section 7.1). */
export function usesDpop(req: IncomingMessage): boolean {
  return DPOP.test(ownHeader(req, 'authorization') ?? '');
}

/**
 * Ends a passage that failed: a rejection is answered, an outage and anything unexpected is passed on as an error. So is what the
 * response throws while the rejection is written to it.
 *
 * @param key of the token, where there was one
 * @param scopes what the guards of the route need
 */
export function rejectRequest(
  error: unknown,
  gate: Gate,
  passage: RequestContext,
  key?: string,
  scopes?: readonly string[],
): void {
  const { req, res, by } = passage;
  if (!(error instanceof AuthError)) {
    if (error instanceof IntrospectionError) {
      publishRejected('outage', by, key, { status: error.status, reason: error.code }, debugContext(gate, req, error));
    }
    forwardError(error, passage);
    return;
  }
  // What is no token may be a password.
  const digested = error.reason === 'malformed_credentials' ? undefined : key;
  const why = { status: error.status, reason: error.reason };
  publishRejected('rejected', by, digested, why, debugContext(gate, req, error));
  try {
    addChallenge(error, challengeOf(gate), scopes, res, usesDpop(req));
  } catch (thrown) {
    forwardError(thrown, passage);
    return;
  }
  if (gate.demands.onReject === undefined) answerOrPass(error, passage);
  else callOnReject(error, gate.demands.onReject, passage);
}

/** What is printed besides the decision while `NODE_DEBUG` asks for it. */
export function debugContext({ demands }: Gate, req: IncomingMessage, error?: unknown): DebugContext | undefined {
  return isDebugging ? { error, route: routeOf(req, demands.usesGetToken) } : undefined;
}

/** How challenges of this gate are rendered: what is published meanwhile is in them. */
export function challengeOf(gate: Gate): ChallengeSettings {
  const { realm, scopes, dpop, resourceMetadata = publishedMetadata(gate) } = gate.demands;
  return { realm, scopes, dpop, resourceMetadata };
}

/** Its own, or those of the nearest gate it was derived from that stands before the same resource. */
function publishedMetadata(gate: Gate): string | undefined {
  const entrance = gate.oneOf?.entrance ?? gate;
  for (let at: Gate | undefined = entrance; at !== undefined; at = at.derivedFrom) {
    if (at.metadataUrl !== undefined && hasAudienceOf(at, entrance)) return at.metadataUrl;
  }
  return undefined;
}

function hasAudienceOf(gate: Gate, { demands: { audience } }: Gate): boolean {
  return isDeepStrictEqual(gate.demands.audience, audience);
}

/** Answers a rejection. Without a response that can be written, the rejection itself is passed on. */
function answerOrPass(error: AuthError, passage: RequestContext): void {
  const { req, res } = passage;
  let failure: unknown = error;
  try {
    if (isAnswerable(res)) {
      answerRejection(req, res, error);
      return;
    }
  } catch (thrown) {
    failure = thrown;
  }
  forwardError(failure, passage);
}

/** Passes an error to the app; where nobody takes errors, answers itself. */
export function forwardError(thrown: unknown, { req, res, next }: Omit<RequestContext, 'by'>): void {
  const error = errorFrom(thrown);
  if (next === undefined) answerError(req, res, error);
  else next(error);
}

/** Express takes a falsy value for "go on", and `'route'` for "skip ahead": app code that throws such must not get there. */
function errorFrom(thrown: unknown): object {
  if (typeof thrown === 'object' && thrown !== null) return thrown;
  return Object.assign(new Error('Something other than an error was thrown during authentication'), { status: 500 });
}

/**
 * Uses the result of a promise and goes on. The app runs in `onDone` and `onError`: what it throws becomes an uncaught exception of
 * its own, and reaches neither the other of them nor a promise of ours.
 */
export function whenSettled<T>(
  outcome: Promise<T>,
  use: (value: T) => void,
  onDone: () => void,
  onError: (error: unknown) => void,
): void {
  outcome
    .then(use)
    .then(
      () => void onDone(),
      (error: unknown) => void onError(error),
    )
    .catch(throwUncaught);
}

/** Taken when this file is loaded: tests may fake the timers later. */
const { setImmediate } = timers;

function throwUncaught(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

/** Lets the app answer a rejection. Whatever it passes on, at most one error goes through, and never a request. */
function callOnReject(error: AuthError, onReject: NonNullable<Policy['onReject']>, passage: RequestContext): void {
  const { req, res, next } = passage;
  let done = false;
  const passOn = (given: unknown): void => {
    if (done) return;
    done = true;
    const failure = isNativeError(given) ? given : error;
    // Later: what the app throws there must not come back here by way of `onReject`.
    if (next !== undefined)
      Promise.resolve()
        .then(() => void next(failure))
        .catch(throwUncaught);
    else if (failure === error) answerOrPass(error, passage);
    else forwardError(failure, passage);
  };
  try {
    Promise.resolve(onReject(error, req, res, passOn)).catch(passOn);
  } catch (thrown) {
    passOn(thrown);
  }
}
