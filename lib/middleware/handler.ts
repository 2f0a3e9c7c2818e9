import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthenticatedToken } from '../authenticator.js';
import { REVOCABLE_CLAIMS, type RevocableClaim } from '../cache/shared/revocations.js';
import { readClock } from '../core/clock.js';
import { AuthError } from '../core/errors.js';
import { ANY_AGE, type Credentials } from '../core/lookup.js';
import type { Next } from '../core/next.js';
import { optionError, secretError } from '../core/option-error.js';
import { tokenDigest } from '../core/token-digest.js';
import { readToken, requireB64Token } from '../credentials/token.js';
import { isDebugging } from '../diagnostics/debug.js';
import { publishAccepted } from '../diagnostics/decisions.js';
import type { Introspector } from '../introspector.js';
import { askedSinceAfter, detachPreviousAuth, markAnonymous, startSession } from './bound-auth.js';
import { addChallenge, giveNonce, markPrivate } from './challenge.js';
import { introduce, isOfAnotherCopy, ONE_COPY } from './copies.js';
import {
  challengeOf,
  debugContext,
  type Gate,
  type RequestContext,
  rejectRequest,
  usesDpop,
  whenSettled,
} from './gate.js';
import { factsOf } from './request-facts.js';
import { createAuth, type Session } from './session.js';
import type { AuthOf, Invalidation } from './types.js';

/** Tells which gate a request's token goes through, before anybody is asked about it. */
export type Choose = (req: IncomingMessage, credentials: Credentials, earlier: Session | undefined) => Gate;

/** What every middleware does, whether it has one authorization server or several. */
export interface Handler<Claims> {
  (req: IncomingMessage, res: ServerResponse, next?: Next): void;
  authenticateRequest(req: IncomingMessage): Promise<AuthOf<Claims>>;
}

/** What stands behind a middleware: where requests come in, and who may judge them. */
interface Gates {
  readonly entrance: Gate;
  readonly judges: readonly Gate[];
}

const gates = new WeakMap<object, Gates>();
introduce((value) => gates.has(value));

/** Notes whose gates these are. */
export function ownGates<T extends object>(middleware: T, entrance: Gate, judges: readonly Gate[] = [entrance]): T {
  gates.set(middleware, { entrance, judges });
  return middleware;
}

/**
 * Where requests come in; `undefined` for what is no middleware of ours.
 *
 * @throws TypeError for a middleware that another copy of this package made
 */
export function entranceOf(middleware: unknown): Gate | undefined {
  const entrance = typeof middleware === 'function' ? gates.get(middleware)?.entrance : undefined;
  if (entrance === undefined && isOfAnotherCopy(middleware)) throw optionError('authenticate', middleware, ONE_COPY);
  return entrance;
}

/** The gate of a middleware that has one authorization server; `undefined` for anything else. */
export function singleGateOf(middleware: unknown): Gate | undefined {
  const entrance = entranceOf(middleware);
  return entrance !== undefined && isGateOf(middleware as object, entrance) ? entrance : undefined;
}

/** Whether this very middleware judged, however that is presented: so that `getAuth(req, authenticate)` can tell. */
export function isGateOf(middleware: object, { authenticator }: Gate): boolean {
  return gates.get(middleware)?.judges.some((judge) => judge.authenticator === authenticator) === true;
}

/**
 * Creates what authenticates requests.
 *
 * @param entrance reads the request, and judges it too unless there is a choice
 */
export function createHandler<Claims>(entrance: Gate, choose?: Choose): Handler<Claims> {
  const { demands, clock } = entrance;
  const privately = demands.tokenFromBody || demands.usesGetToken;

  function tokenIntrospectionMiddleware(req: IncomingMessage, res: ServerResponse, next?: Next): void {
    const passage = { req, res, next, by: 'tokenIntrospection' };
    let gate = entrance;
    let credentials: Credentials | undefined;
    try {
      const now = readClock(clock);
      const earlier = detachPreviousAuth(req);
      credentials = entrance.authenticator.identify(factsOf(req, demands));
      if (credentials === undefined) {
        markAnonymous(req, gate);
        const context = isDebugging ? debugContext(gate, req) : undefined;
        publishAccepted('anonymous', passage.by, undefined, undefined, context);
      } else {
        if (choose !== undefined) gate = choose(req, credentials, earlier);
        const options = {
          notBefore: askedSinceAfter(earlier, gate, credentials),
          now,
          background: false,
          isKnown: false,
        };
        const outcome = gate.authenticator.authenticate(credentials, options);
        if (outcome instanceof Promise) {
          whenSettled(
            outcome,
            (authenticated) => accept(passage, gate, now.monotonic, authenticated, earlier),
            () => next?.(),
            (error) => rejectRequest(error, gate, passage, credentials?.digest),
          );
          return;
        }
        accept(passage, gate, now.monotonic, outcome, earlier);
      }
    } catch (error) {
      rejectRequest(error, gate, passage, credentials?.digest);
      return;
    }
    next?.();
  }

  /** Everything that is left to do before the app goes on. The response comes first: it may throw. */
  function accept(
    { req, res, by }: RequestContext,
    gate: Gate,
    arrivedAt: number,
    authenticated: AuthenticatedToken,
    earlier: Session | undefined,
  ): void {
    const { credentials, record } = authenticated;
    if (privately) markPrivate(res);
    if (credentials.dpop?.renewsNonce) giveNonce(res, demands);
    startSession(req, gate, arrivedAt, authenticated, earlier);
    publishAccepted('accepted', by, credentials.digest, record, isDebugging ? debugContext(gate, req) : undefined);
  }

  async function authenticateRequest(req: IncomingMessage): Promise<AuthOf<Claims>> {
    let gate = entrance;
    try {
      const now = readClock(clock);
      const credentials = entrance.authenticator.identify(factsOf(req, demands));
      if (credentials === undefined) throw new AuthError('no_credentials');
      if (choose !== undefined) gate = choose(req, credentials, undefined);
      const authenticated = await gate.authenticator.authenticate(credentials, {
        notBefore: ANY_AGE,
        now,
        background: false,
        isKnown: false,
      });
      return createAuth(req, gate, now.monotonic, authenticated) as AuthOf<Claims>;
    } catch (error) {
      throw withHeaders(error, gate, usesDpop(req));
    }
  }

  return Object.assign(tokenIntrospectionMiddleware, { authenticateRequest });
}

/** Judges a token that came some other way than in a request. */
export async function introspect<Claims>(gate: Gate, token: string): Promise<AuthOf<Claims>> {
  if (typeof token !== 'string') throw secretError('token', token, 'write introspect(token), with a string');
  try {
    const arrivedAt = gate.clock.monotonic();
    return createAuth(undefined, gate, arrivedAt, await gate.authenticator.introspect(token)) as AuthOf<Claims>;
  } catch (error) {
    throw withHeaders(error, gate);
  }
}

/** Forgets what is known about a token, or about all with a claim. */
export function invalidate({ forget, forgetClaim }: Introspector, of: Invalidation): Promise<void> {
  const [named, another] = Object.entries(of ?? {}).filter(([, value]) => value !== undefined);
  const [name, value] = named ?? ['token'];
  if (typeof value !== 'string' || (value === '' && name !== 'token') || another !== undefined || !isRevocable(name)) {
    throw secretError(
      name,
      value,
      'write invalidate({ token }), or one of { sub }, { sid }, { client_id } and { jti }',
    );
  }
  if (name !== 'token') return forgetClaim(name, value);
  const token = readToken(value);
  requireB64Token(token);
  return forget({ token, digest: tokenDigest(token) });
}

function isRevocable(name: string): name is 'token' | RevocableClaim {
  return name === 'token' || (REVOCABLE_CLAIMS as readonly string[]).includes(name);
}

/** A rejection has the headers that the middleware would answer with. */
function withHeaders(error: unknown, gate: Gate, usesDpop?: boolean): unknown {
  if (error instanceof AuthError) addChallenge(error, challengeOf(gate), undefined, undefined, usesDpop);
  return error;
}
