import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BindingSurroundings } from '../binding-settings.js';
import { createSharedLookup, type SharedLookup, type Stats } from '../lookup.js';
import type {
  DemandOptions,
  NamedServers,
  Next,
  SeveralServersOptions,
  TokenIntrospectionOptions,
} from '../options.js';
import { ownMember } from '../own-members.js';
import { type Demands, deriveDemands, parseOptions, type Settings } from '../settings.js';
import { parseSeveral } from '../several-settings.js';
import type { Auth } from '../types.js';
import type { ConfigurationReport } from '../verify-configuration.js';
import { createGate, type Gate, issuersOf } from './gate.js';
import { createHandler, introspect, invalidate, ownGates } from './handler.js';
import { type ClaimsByName, createSeveralServers, type RootSeveralServers } from './several-servers.js';

/** `req.auth` as a middleware with a `claims` schema leaves it: what the schema makes lies over the claims, but for `active` and `scope`. */
export type AuthOf<Claims> = unknown extends Claims
  ? Auth
  : Claims extends unknown
    ? string extends keyof Claims
      ? Auth & Claims
      : {
          [Name in keyof Auth as Name extends Exclude<keyof Claims, 'active' | 'scope'> ? never : Name]: Auth[Name];
        } & Omit<Claims, 'active' | 'scope'>
    : never;

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
  /** The token itself, and every token with the same `jti`: servers may take one token in several spellings. */
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

/**
 * Creates middleware that authenticates each request by its bearer token: it asks the introspection endpoint
 * ([RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)), remembers the answer for a bounded time, and sets `req.auth`.
 * A request it refuses is answered 400, 401 or 403; when no judgement can be made, an `IntrospectionError` (503) goes to `next`.
 *
 * With `authorizationServers`, one of several is chosen for each request, and no other is asked about its token.
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
): RootTokenIntrospection<Claims>;
/**
 * The same for several authorization servers. `select` chooses one of `authorizationServers` for each request, and no other is asked
 * about its token.
 *
 * @throws TypeError for an invalid, unknown or contradictory option, naming it
 */
export function tokenIntrospection<Claims = unknown, Servers extends NamedServers = NamedServers>(
  options: SeveralServersOptions<Claims, Servers>,
): RootSeveralServers<ClaimsByName<Servers, Claims>>;
// Again: editors show the first overload, and `ReturnType` takes the last.
export function tokenIntrospection<Claims = unknown>(
  options: TokenIntrospectionOptions<Claims>,
): RootTokenIntrospection<Claims>;
export function tokenIntrospection(
  options: TokenIntrospectionOptions | SeveralServersOptions,
): RootTokenIntrospection | RootSeveralServers {
  if (isSeveral(options)) return createSeveralServers(parseSeveral(options));
  const { demands, ...settings } = parseOptions(options);
  const shared = createSharedLookup(settings);
  const { clock, cache, whom } = settings;
  const surroundings = { clock, whom, replayStore: (cache || undefined)?.shared?.store };
  return Object.assign(createMiddleware(shared, surroundings, demands), {
    verifyConfiguration: shared.verifyConfiguration,
    close: shared.close,
  });
}

function isSeveral(options: TokenIntrospectionOptions | SeveralServersOptions): options is SeveralServersOptions {
  return ownMember(options, 'authorizationServers') !== undefined;
}

/** What a middleware shares with all that are derived from it. */
interface Surroundings extends BindingSurroundings, Pick<Settings, 'whom'> {}

function createMiddleware<Claims>(
  shared: SharedLookup,
  surroundings: Surroundings,
  demands: Demands,
  derivedFrom?: Gate,
): TokenIntrospection<Claims> {
  const issuers = issuersOf(surroundings, demands);
  const gate = createGate(shared, demands, surroundings.clock, { issuers, derivedFrom, oneOf: undefined });
  const middleware: TokenIntrospection<Claims> = Object.assign(createHandler<Claims>(gate), {
    introspect: (token: string) => introspect<Claims>(gate, token),
    invalidate: (of: Invalidation) => invalidate(shared, of),
    stats: shared.stats,
    with<Derived = Claims>(derived: DemandOptions<Derived>) {
      return createMiddleware<Derived>(shared, surroundings, deriveDemands(demands, derived, surroundings), gate);
    },
  });
  return ownGates(middleware, gate);
}
