import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Invalidation } from '../cache/invalidation.js';
import type { Auth } from '../core/claims.js';
import type { Next } from '../core/next.js';
import type { ConfigurationReport } from '../introspection/verify-configuration.js';
import type { Stats } from '../introspector.js';
import type { PolicyOptions } from '../options/types.js';

/**
 * `req.auth` after a middleware with a `claims` schema. The output of the schema replaces claims with the same names, except `active` and
 * `scope`.
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

/** Middleware that authenticates requests. */
export interface RequestAuthenticator<RequestAuth = object> {
  (req: IncomingMessage, res: ServerResponse, next?: Next): void;

  /**
   * Authenticates a request outside the middleware, such as a WebSocket upgrade. `req.auth` is not set.
   *
   * @returns the claims
   * @throws AuthError for a rejected request, and for a request without a token even if the option `optional` is set. The `headers` of the
   * error are those of the middleware's response
   * @throws IntrospectionError if the endpoint cannot be asked
   */
  authenticateRequest(req: IncomingMessage): Promise<RequestAuth>;
}

/** The middleware of one authorization server. */
export interface TokenIntrospection<Claims = unknown> extends RequestAuthenticator<AuthOf<Claims>> {
  /**
   * Verifies a token that did not come in a request, by the policy of this middleware.
   *
   * @throws AuthError for a rejected token; sender-constrained tokens are always rejected
   * @throws IntrospectionError if the endpoint cannot be asked
   */
  introspect(token: string): Promise<AuthOf<Claims>>;

  /**
   * Invalidates a token, or every token with a claim, for example because it was just revoked. Earlier responses are not used any more:
   * at once in this process, and in all processes that share its `cache.store` once the promise has resolved.
   *
   * @throws TypeError unless the target has exactly one member, AuthError for a text that cannot be a token. If the store fails, the
   * promise rejects with the error of the store. Other processes may not know of the invalidation then, so call `invalidate()` again
   */
  invalidate(target: Invalidation): Promise<void>;

  /** Counts since `tokenIntrospection()` was called, of all middlewares that share this cache. */
  stats(): Stats;

  /**
   * A second middleware with the same client and cache, and another policy. Options that are omitted or `undefined` are inherited. An
   * `issuer`, a schema or a callback can be replaced and not removed. Only the first middleware can be closed.
   *
   * @throws TypeError for a wrong option, or one that does not belong to the policy
   */
  with<Derived = Claims>(options: PolicyOptions<Derived>): TokenIntrospection<Derived>;
}

/** The middleware that `tokenIntrospection()` creates. */
export interface RootTokenIntrospection<Claims = unknown> extends TokenIntrospection<Claims> {
  /**
   * Asks the endpoint about a random token, without the cache. The report tells whether the endpoint is reachable, accepts your client
   * credentials and responds as RFC 7662 requires. It also tells how long the response took and how to fix a problem. A wrong configuration
   * does not throw.
   *
   * @throws IntrospectionError `closed`
   */
  verifyConfiguration(): Promise<ConfigurationReport>;

  /**
   * Empties the cache at once. From the call on, requests fail with 503, also in every middleware derived from this one. The connections
   * are closed once pending introspection requests have ended; then the promise resolves. Your own `dispatcher` stays open.
   */
  close(): Promise<void>;
}

/** Servers by name, each with the middleware that `tokenIntrospection()` returned. */
export type NamedServers = Readonly<
  Record<
    string,
    Pick<RootTokenIntrospection, 'invalidate' | 'stats' | 'verifyConfiguration' | 'close'> & {
      /** Verifies a token that did not come in a request. */
      introspect(token: string): Promise<object>;
    }
  >
>;

/** `req.auth` for a token of one of these servers. */
export type AuthOfServers<Servers extends NamedServers> = Awaited<ReturnType<Servers[keyof Servers]['introspect']>>;

/** The middleware of several authorization servers. */
export interface SelectingMiddleware<ServerAuth = Auth> extends RequestAuthenticator<ServerAuth> {
  /**
   * Invalidates a token, or every token with a claim, at all servers. The same `sub` may be another user at another server: to
   * keep the tokens of the other servers, use `invalidate()` of one server's middleware.
   */
  invalidate(target: Invalidation): Promise<void>;

  /** The sum of the `stats()` of all servers. */
  stats(): Stats;

  /**
   * A second middleware over the same servers, with another policy. `with(options)` is called on every server's middleware.
   *
   * @throws TypeError for a wrong option, or one that does not belong to the policy
   */
  with(options: PolicyOptions & { readonly claims?: undefined }): SelectingMiddleware<ServerAuth>;
  /** A second middleware over the same servers, with another policy and one `claims` schema for all servers. */
  with<Claims>(options: PolicyOptions<Claims>): SelectingMiddleware<AuthOf<Claims>>;
}

/** The middleware that `selectServer()` creates. */
export interface RootSelectingMiddleware<ServerAuth = Auth, Name extends string = string>
  extends SelectingMiddleware<ServerAuth> {
  /**
   * The report of `verifyConfiguration()` of each server, by the name of the server.
   *
   * @throws IntrospectionError `closed`
   */
  verifyConfiguration(): Promise<{ readonly [Server in Name]: ConfigurationReport }>;

  /** Calls `close()` of every server's middleware. */
  close(): Promise<void>;
}
