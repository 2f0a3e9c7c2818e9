import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Auth, ClaimsSchema } from '../core/claims.js';
import type { Next } from '../core/next.js';
import type { ConfigurationReport } from '../introspection/verify-configuration.js';
import type { Stats } from '../introspector.js';
import type { NamedServers, PolicyOptions, SeveralPolicyOptions } from '../options/types.js';

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
  with<Derived = Claims>(demands: PolicyOptions<Derived>): TokenIntrospection<Derived>;
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

/** By the name of each server, what its `claims` schema makes of claims, else that of all. */
export type ClaimsByName<Servers extends NamedServers, Common> = {
  readonly [Name in keyof Servers]: Servers[Name] extends {
    /** The server's own. */
    readonly claims: ClaimsSchema<infer Own>;
  }
    ? Own
    : 'claims' extends keyof Servers[Name]
      ? unknown
      : Common;
};

/**
 * One of several authorization servers, without requests. It is no middleware: mounted behind the whole, it would send a token to a
 * server that was not selected.
 */
export type SingleServer<Claims = unknown> = Pick<TokenIntrospection<Claims>, 'introspect' | 'invalidate' | 'stats'> &
  Pick<RootTokenIntrospection, 'verifyConfiguration'>;

/** The middleware over several authorization servers, and what else can be done with them. */
export interface SeveralServers<ByName extends object = Record<string, unknown>> {
  (req: IncomingMessage, res: ServerResponse, next?: Next): void;

  /** Each of them by its name, to introspect a token that came without a request, or to forget what one server said. */
  readonly servers: { readonly [Name in keyof ByName]: SingleServer<ByName[Name]> };

  /**
   * Judges a request outside the middleware, such as a WebSocket upgrade, by the server selected for it. `req.auth` is not set.
   *
   * @throws AuthError what the middleware would answer, its `headers` included; without credentials even where those are optional
   * @throws IntrospectionError when no judgement could be made
   * @throws TypeError where `select` returned no name
   */
  authenticateRequest(req: IncomingMessage): Promise<AuthOf<ByName[keyof ByName]>>;

  /**
   * Forgets a token, or every token with this claim, whichever server spoke of it; as `invalidate()` of a single one. The same `sub`
   * may be somebody else at another server: `servers.name.invalidate({ sub })` spares that one a credentials.
   */
  invalidate(of: Invalidation): Promise<void>;

  /** Counts since creation, of all servers together; each has its own. */
  stats(): Stats;

  /**
   * A second middleware over the same servers, selected the same way, with other demands; what is given replaces those of all.
   *
   * @throws TypeError for a wrong option, or one that is not a demand
   */
  with(demands: SeveralPolicyOptions & { readonly claims?: undefined }): SeveralServers<ByName>;
  /** The same with a `claims` schema, which then is that of all servers. */
  with<Claims>(demands: SeveralPolicyOptions<Claims>): SeveralServers<{ readonly [Name in keyof ByName]: Claims }>;
}

export interface RootSeveralServers<ByName extends object = Record<string, unknown>> extends SeveralServers<ByName> {
  /**
   * Asks each endpoint about a random token, past the caches, and says by name what that taught.
   *
   * @throws IntrospectionError `closed`
   */
  verifyConfiguration(): Promise<{ readonly [Name in keyof ByName]: ConfigurationReport }>;

  /** Closes them all, as `close()` of a single one. */
  close(): Promise<void>;
}
