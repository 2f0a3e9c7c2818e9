import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Invalidation } from '../cache/invalidation.js';
import type { Auth } from '../core/claims.js';
import type { Next } from '../core/next.js';
import type { ConfigurationReport } from '../introspection/verify-configuration.js';
import type { Stats } from '../introspector.js';
import type { PolicyOptions } from '../options/types.js';

/**
 * The type of `req.auth` after a middleware with a `claims` schema. Members of the schema's output replace claims with the same names,
 * except `active` and `scope`.
 */
export type AuthOf<Claims> = unknown extends Claims
  ? Auth
  : Claims extends unknown
    ? string extends keyof Claims
      ? Auth & Claims
      : {
          [Name in keyof Auth as Name extends Exclude<keyof Claims, 'active' | 'scope'> ? never : Name]: Auth[Name];
        } & Omit<Claims, 'active' | 'scope'>
    : never;

/** Middleware that authenticates requests and sets `req.auth`. */
export interface RequestAuthenticator<RequestAuth = object> {
  (req: IncomingMessage, res: ServerResponse, next?: Next): void;

  /**
   * Authenticates a request that does not pass through the middleware, such as a WebSocket upgrade. `req.auth` is not set.
   *
   * @returns the claims
   * @throws AuthError for a rejected request, and for a request without a token, even if the option `optional` is set. The `headers` of the
   * error are the headers of the response that the middleware would send
   * @throws IntrospectionError if the endpoint cannot be asked
   */
  authenticateRequest(req: IncomingMessage): Promise<RequestAuth>;
}

/** Middleware that accepts the tokens of one authorization server. */
export interface TokenIntrospection<Claims = unknown> extends RequestAuthenticator<AuthOf<Claims>> {
  /**
   * Looks up a token that did not come in a request, and verifies it by the policy of this middleware. Resolves to the claims.
   *
   * @throws AuthError for a rejected token; sender-constrained tokens are always rejected
   * @throws IntrospectionError if the endpoint cannot be asked
   */
  introspect(token: string): Promise<AuthOf<Claims>>;

  /**
   * Invalidates a token, or every token with a certain claim value, for example after a logout. Earlier responses about these tokens are
   * not used any more: in this process at once, and in the other processes that share its `cache.store` as soon as they read the
   * invalidation from the store.
   *
   * @throws TypeError unless the target has exactly one member, AuthError for a text that cannot be a token. If the store fails, the
   * promise rejects with the error of the store. In that case other processes may not know of the invalidation, so call `invalidate()`
   * again
   */
  invalidate(target: Invalidation): Promise<void>;

  /**
   * Returns counts since `tokenIntrospection()` was called. They include all middlewares that `with()` derived, because these share the
   * cache.
   */
  stats(): Stats;

  /**
   * Creates a second middleware with the same client and cache, and another policy. Options that are omitted or `undefined` are inherited.
   * So an inherited `issuer`, schema or callback can be replaced, but not removed. The second middleware has no `close()`: close the first
   * one.
   *
   * @throws TypeError for an invalid option, or an option that does not belong to the policy
   */
  with<Derived = Claims>(options: PolicyOptions<Derived>): TokenIntrospection<Derived>;
}

/** The middleware that `tokenIntrospection()` creates. */
export interface RootTokenIntrospection<Claims = unknown> extends TokenIntrospection<Claims> {
  /**
   * Asks the endpoint about a random token, without the cache. The report says whether the endpoint is reachable, accepts your client
   * authentication and responds as RFC 7662 requires. It also says how long the response took, and how to fix a problem. A wrong
   * configuration causes no error, only a report.
   *
   * @throws IntrospectionError `closed` after `close()` was called
   */
  verifyConfiguration(): Promise<ConfigurationReport>;

  /**
   * Empties the cache at once. From the call on, requests fail with 503, also in every middleware that `with()` derived. When pending
   * lookups have ended, the connections are closed, and then the promise resolves. Your own `dispatcher` stays open.
   */
  close(): Promise<void>;
}

/** Authorization servers by name. Each value is a middleware that `tokenIntrospection()` returned. */
export type NamedServers = Readonly<
  Record<
    string,
    Pick<RootTokenIntrospection, 'invalidate' | 'stats' | 'verifyConfiguration' | 'close'> & {
      /** Looks up and verifies a token that did not come in a request. */
      introspect(token: string): Promise<object>;
    }
  >
>;

/** The type of `req.auth` when the token may come from any of these servers. */
export type AuthOfServers<Servers extends NamedServers> = Awaited<ReturnType<Servers[keyof Servers]['introspect']>>;

/** Middleware that accepts the tokens of several authorization servers, and chooses one server for each request. */
export interface SelectingMiddleware<ServerAuth = Auth> extends RequestAuthenticator<ServerAuth> {
  /**
   * Invalidates a token, or every token with a certain claim value, at all servers. Note that the same `sub` may be another user at another
   * server. To invalidate only tokens of one server, call `invalidate()` of that server's middleware.
   */
  invalidate(target: Invalidation): Promise<void>;

  /** Returns the sums of the `stats()` of all servers. */
  stats(): Stats;

  /**
   * Creates a second middleware over the same servers, with another policy. For this, `with(options)` is called on every server's
   * middleware.
   *
   * @throws TypeError for an invalid option, or an option that does not belong to the policy
   */
  with(options: PolicyOptions & { readonly claims?: undefined }): SelectingMiddleware<ServerAuth>;
  /** Creates a second middleware over the same servers, with another policy and one `claims` schema for all servers. */
  with<Claims>(options: PolicyOptions<Claims>): SelectingMiddleware<AuthOf<Claims>>;
}

/** The middleware that `selectServer()` creates. */
export interface RootSelectingMiddleware<ServerAuth = Auth, Name extends string = string>
  extends SelectingMiddleware<ServerAuth> {
  /**
   * Calls `verifyConfiguration()` of every server's middleware, and resolves to the reports by the name of the server.
   *
   * @throws IntrospectionError `closed` after `close()` was called
   */
  verifyConfiguration(): Promise<{ readonly [Server in Name]: ConfigurationReport }>;

  /** Calls `close()` of every server's middleware. Resolves when all of them are closed. */
  close(): Promise<void>;
}
