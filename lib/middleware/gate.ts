import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { isNativeError } from 'node:util/types';
import { type Authenticator, createAuthenticator, type Verified } from '../authenticator.js';
import { AuthError, IntrospectionError } from '../errors.js';
import type { SharedLookup } from '../lookup.js';
import { publishRefusal } from '../observe/decisions.js';
import type { Next } from '../options.js';
import type { Demands, Settings } from '../settings.js';
import type { Auth, Clock } from '../types.js';
import { addChallenge, answerError, answerRejection, type ChallengeSettings } from './challenge.js';
import { ownHeader } from './request-facts.js';

type Asked = Pick<SharedLookup, 'authority' | 'requireOpen' | 'lookup'> & Gate['shared'];

/** What a middleware and the guards behind it share: how to judge, how to answer. */
export interface Gate {
  /** Who is asked, as a digest. */
  readonly authority: string;
  readonly authenticator: Authenticator;
  readonly demands: Demands;
  readonly clock: Clock;
  /** For whoever relies on an answer for longer than a request takes. */
  readonly shared: Pick<SharedLookup, 'watch' | 'lifeMs' | 'staleLifeMs'>;
  /** The issuer identifiers of those who may be asked, as far as they are known. */
  readonly issuers: readonly string[];
  /** Whose demands these inherit from. */
  readonly derivedFrom: Gate | undefined;
  /** Where its authorization server was chosen among several: which of them it is. */
  readonly oneOf: OneOf | undefined;
  /** Where `req.auth` is something else than the claims: fills that object, and returns one with the claims. */
  readonly present: ((auth: object, verified: Verified) => Auth) | undefined;
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
  demands: Demands,
  clock: Clock,
  { issuers, derivedFrom, oneOf }: Origin,
): Gate {
  const authenticator = createAuthenticator(shared, demands, clock);
  const { authority } = shared;
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
export function issuersOf({ whom }: Pick<Settings, 'whom'>, { issuer }: Demands): readonly string[] {
  const known = whom.endpoint === undefined ? whom.issuer : issuer;
  return known === undefined ? [] : [known];
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
export function usesDpop(req: IncomingMessage): boolean {
  return DPOP.test(ownHeader(req, 'authorization') ?? '');
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
  addChallenge(error, challengeOf(gate), scopes, res, usesDpop(req));
  if (gate.demands.onReject === undefined) answerRejection(res, error);
  else delegate(error, gate.demands.onReject, passage);
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
