import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Invalidation } from '../cache/invalidation.js';
import type { Auth } from '../core/claims.js';
import type { Next } from '../core/next.js';
import type { ConfigurationReport } from '../introspection/verify-configuration.js';
import type { Stats } from '../introspector.js';
import type { PolicyOptions } from '../options/types.js';

/**
 * `req.auth` behind a middleware with a `claims` schema. The schema's output replaces claims of the same name, except `active` and
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
   * @throws AuthError for a rejected request, and for one without a token even if the option `optional` is set. Its `headers` are those
   * of the middleware's response
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
   * @throws TypeError unless the target has exactly one member, AuthError for a text that cannot be a token. It rejects with the error of
   * the store; other processes may not know of the invalidation then, so call it again
   */
  invalidate(target: Invalidation): Promise<void>;

  /** Counts since creation, of all middlewares that share this cache. */
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
   * Asks the endpoint about a random token, past the cache. The report tells whether the endpoint is reachable, accepts the credentials
   * and responds as RFC 7662 requires, how long that took, and how to fix a problem. Wrong configuration does not throw.
   *
   * @throws IntrospectionError `closed`
   */
  verifyConfiguration(): Promise<ConfigurationReport>;

  /**
   * Closes the connections once pending requests have ended, and empties the cache. From then on requests fail with 503, in every
   * middleware derived from this one too. Your own `dispatcher` stays open.
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
   * Invalidates a token, or every token with a claim, at all servers. The same `sub` may be another user at another server: use
   * `invalidate()` of one server's middleware to keep the tokens of the others.
   */
  invalidate(target: Invalidation): Promise<void>;

  /** Counts since creation, of all servers together. */
  stats(): Stats;

  /**
   * A second middleware over the same servers, with another policy. It calls `with(options)` of every server's middleware.
   *
   * @throws TypeError for a wrong option, or one that does not belong to the policy
   */
  with(options: PolicyOptions & { readonly claims?: undefined }): SelectingMiddleware<ServerAuth>;
  /** The same with one `claims` schema for all servers. */
  with<Claims>(options: PolicyOptions<Claims>): SelectingMiddleware<AuthOf<Claims>>;
}

/** The middleware that `selectServer()` creates. */
export interface RootSelectingMiddleware<ServerAuth = Auth, Name extends string = string>
  extends SelectingMiddleware<ServerAuth> {
  /**
   * `verifyConfiguration()` of each server, by name.
   *
   * @throws IntrospectionError `closed`
   */
  verifyConfiguration(): Promise<{ readonly [Server in Name]: ConfigurationReport }>;

  /** Closes all servers. */
  close(): Promise<void>;
}
