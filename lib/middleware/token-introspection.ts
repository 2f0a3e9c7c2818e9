import type { IncomingMessage, ServerResponse } from 'node:http';
import { createAuthenticator, type Verified } from '../authenticator.js';
import type { BindingSurroundings } from '../binding-settings.js';
import { keyOf } from '../cache/key.js';
import { REVOCABLE_CLAIMS, type RevocableClaim } from '../cache/shared/revocations.js';
import { readToken, requireB64Token } from '../credentials/token.js';
import { AuthError } from '../errors.js';
import { createSharedLookup, type SharedLookup, type Stats } from '../lookup.js';
import { publishPassage } from '../observe/decisions.js';
import { secretError } from '../option-error.js';
import type { DemandOptions, Next, TokenIntrospectionOptions } from '../options.js';
import { type Demands, deriveDemands, parseOptions } from '../settings.js';
import { type ActiveRecord, ANY_AGE, type Auth, type Question, readClock } from '../types.js';
import type { ConfigurationReport } from '../verify-configuration.js';
import { askedSinceAfter, bindAuth, markAnonymous, takeEarlier } from './bound-auth.js';
import { addChallenge, giveNonce, markPrivate } from './challenge.js';
import { type Gate, type Passage, refuse, settle, usesDpop } from './gate.js';
import { factsOf } from './request-facts.js';

/** `req.auth` as a middleware with a `claims` schema leaves it: what the schema makes lies over the claims, but for `active` and `scope`. */
export type AuthOf<Claims> = unknown extends Claims
  ? Auth
  : string extends keyof Claims
    ? Auth & Claims
    : {
        [Name in keyof Auth as Name extends Exclude<keyof Claims, 'active' | 'scope'> ? never : Name]: Auth[Name];
      } & Omit<Claims, 'active' | 'scope'>;

/** The middleware, and what else can be done with its client and cache. */
export interface TokenIntrospection<Claims = unknown> {
  (req: IncomingMessage, res: ServerResponse, next?: Next): void;

  /**
   * Judges a token that came some other way than in a request, by the demands of this middleware.
   *
   * @throws AuthError what the middleware would answer; sender-constrained tokens are refused
   * @throws IntrospectionError when no judgement could be made
   */
  introspect(token: string): Promise<AuthOf<Claims>>;

  /**
   * Judges a request outside the middleware, such as a WebSocket upgrade, by its demands. `req.auth` is not set.
   *
   * @throws AuthError what the middleware would answer, its `headers` included; without credentials even where those are optional
   * @throws IntrospectionError when no judgement could be made
   */
  authenticateRequest(req: IncomingMessage): Promise<AuthOf<Claims>>;

  /**
   * Forgets what is known about a token, or about every token with this claim, for example because it has just been revoked. An
   * answer that was asked for before is neither stored nor given to anyone who comes later: at once in this process, and in all
   * that share its `cache.store` a moment later. The promise ends once they have been told.
   *
   * @throws TypeError when nothing, or more than one thing, is named, AuthError when it cannot be a token; what the store fails
   * with rejects the promise: then other processes may not have been told, and should be told again
   */
  invalidate(of: Invalidation): Promise<void>;

  /** Counts since creation, over this middleware and all that share its cache. */
  stats(): Stats;

  /**
   * A second middleware over the same client, cache and flights, with other demands.
   * What is omitted (or `undefined`) is inherited, what is given replaces; an `issuer`, a schema or a callback can be replaced
   * but not taken off again. Only the root can be closed.
   *
   * @throws TypeError for a wrong option, or one that is not a demand
   */
  with<Derived = Claims>(demands: DemandOptions<Derived>): TokenIntrospection<Derived>;
}

export interface RootTokenIntrospection<Claims = unknown> extends TokenIntrospection<Claims> {
  /**
   * Asks the endpoint about a random token, past the cache, and says what that taught: whether it can be reached, takes the
   * credentials and answers well, how long that took, and what to do where it does not. What is wrong does not throw.
   *
   * @throws IntrospectionError `closed`
   */
  verifyConfiguration(): Promise<ConfigurationReport>;

  /**
   * Closes the connections once answers under way are in, and forgets everything. Requests are answered 503 from then on,
   * by this middleware and all derived from it. A `dispatcher` of your own stays open.
   */
  close(): Promise<void>;
}

/** What is forgotten: one token, or all that name this user, session, client or identifier. Exactly one is given. */
export interface Invalidation {
  /** The token itself. */
  readonly token?: string | undefined;
  /** All tokens of this subject. */
  readonly sub?: string | undefined;
  /** All tokens of this session. */
  readonly sid?: string | undefined;
  /** All tokens of this client. */
  readonly client_id?: string | undefined;
  /** The token with this identifier. */
  readonly jti?: string | undefined;
}

function isRevocable(name: string): name is 'token' | RevocableClaim {
  return name === 'token' || (REVOCABLE_CLAIMS as readonly string[]).includes(name);
}

/** Middleware to the gate behind it, so that `getAuth(req, authenticate)` can tell who judged. */
const gates = new WeakMap<object, Gate>();

/**
 * Creates middleware that authenticates each request by its bearer token: it asks the introspection endpoint
 * ([RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)), remembers the answer for a bounded time, and sets `req.auth`.
 * A request it refuses is answered 400, 401 or 403; when no judgement can be made, an `IntrospectionError` (503) goes to `next`.
 *
 * Not checked: that the token travelled over TLS, and what the endpoint does not say.
 *
 * @example
 * app.use('/api', tokenIntrospection({
 *   endpoint: 'https://as.example.com/oauth2/introspect',
 *   clientAuth: clientSecretBasic('reports-api', process.env.CLIENT_SECRET),
 *   audience: 'https://api.example.com',
 * }));
 *
 * @throws TypeError for an invalid, unknown or contradictory option, naming it
 */
export function tokenIntrospection<Claims = unknown>(
  options: TokenIntrospectionOptions<Claims>,
): RootTokenIntrospection<Claims> {
  const { demands, ...settings } = parseOptions(options);
  const shared = createSharedLookup(settings);
  const { clock, cache } = settings;
  const surroundings = { clock, replayStore: (cache || undefined)?.shared?.store };
  return Object.assign(createMiddleware<Claims>(shared, surroundings, demands), {
    verifyConfiguration: shared.verifyConfiguration,
    close: shared.close,
  });
}

/** Whether this very middleware set the gate. */
export function isGateOf(middleware: object, gate: Gate): boolean {
  return gates.get(middleware) === gate;
}

function createMiddleware<Claims>(
  shared: SharedLookup,
  surroundings: BindingSurroundings,
  demands: Demands,
): TokenIntrospection<Claims> {
  const { clock } = surroundings;
  const authenticator = createAuthenticator(shared, demands, clock);
  const gate: Gate = { authority: shared.authority, authenticator, demands, clock };
  const privately = demands.tokenFromBody || demands.usesGetToken;

  function tokenIntrospectionMiddleware(req: IncomingMessage, res: ServerResponse, next?: Next): void {
    const passage = { req, res, next, by: 'tokenIntrospection' };
    let question: Question | undefined;
    let record: ActiveRecord | undefined;
    try {
      const now = readClock(clock);
      const earlier = takeEarlier(req);
      question = authenticator.identify(factsOf(req, demands));
      if (question === undefined) {
        markAnonymous(req, gate);
      } else {
        const freshness = { askedSince: askedSinceAfter(earlier, gate, question), now };
        const outcome = authenticator.authenticate(question, freshness);
        if (outcome instanceof Promise) {
          settle(
            outcome,
            (verified) => {
              bindAuth(req, gate, now.monotonic, verified, earlier);
              record = verified.record;
            },
            () => accept(passage, question, record),
            (error) => refuse(error, gate, passage, question?.key),
          );
          return;
        }
        bindAuth(req, gate, now.monotonic, outcome, earlier);
        record = outcome.record;
      }
    } catch (error) {
      refuse(error, gate, passage, question?.key);
      return;
    }
    accept(passage, question, record);
  }

  function accept({ res, next, by }: Passage, question: Question | undefined, record: ActiveRecord | undefined): void {
    if (privately && question !== undefined) markPrivate(res);
    if (question?.dpop?.renewsNonce) giveNonce(res, demands);
    publishPassage(record === undefined ? 'anonymous' : 'accepted', by, question?.key, record);
    next?.();
  }

  /** Claims of the caller's own; a rejection has the headers that the middleware would answer with. */
  async function judged(work: () => Promise<Verified>, usesDpop?: boolean): Promise<AuthOf<Claims>> {
    try {
      return { ...(await work()).claims } as AuthOf<Claims>;
    } catch (error) {
      if (error instanceof AuthError) addChallenge(error, demands, undefined, undefined, usesDpop);
      throw error;
    }
  }

  const middleware: TokenIntrospection<Claims> = Object.assign(tokenIntrospectionMiddleware, {
    async introspect(token: string) {
      if (typeof token !== 'string') throw secretError('token', token, 'write introspect(token), with a string');
      return judged(() => authenticator.introspect(token));
    },
    authenticateRequest(req: IncomingMessage) {
      return judged(async () => {
        const question = authenticator.identify(factsOf(req, demands));
        if (question === undefined) throw new AuthError('no_credentials');
        return authenticator.authenticate(question, { askedSince: ANY_AGE, now: readClock(clock) });
      }, usesDpop(req));
    },
    invalidate(of: Invalidation) {
      const [named, another] = Object.entries(of ?? {}).filter(([, value]) => value !== undefined);
      const [name, value] = named ?? ['token'];
      if (
        typeof value !== 'string' ||
        (value === '' && name !== 'token') ||
        another !== undefined ||
        !isRevocable(name)
      ) {
        throw secretError(
          name,
          value,
          'write invalidate({ token }), or one of { sub }, { sid }, { client_id } and { jti }',
        );
      }
      if (name !== 'token') return shared.forgetClaim(name, value);
      const token = readToken(value);
      requireB64Token(token);
      return shared.forget(keyOf(token));
    },
    stats: shared.stats,
    with<Derived = Claims>(derived: DemandOptions<Derived>) {
      return createMiddleware<Derived>(shared, surroundings, deriveDemands(demands, derived, surroundings));
    },
  });
  gates.set(middleware, gate);
  return middleware;
}
