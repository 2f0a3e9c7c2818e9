import type { IncomingMessage } from 'node:http';
import type { CacheStore } from '../cache/shared/store.js';
import type { JsonWebKey, PrivateKey, PublicKey } from '../client-auth/keys.js';
import type { ClaimsSchema, RoleReader, ScopeMatcher } from '../core/claims.js';
import type { ClientAuth } from '../core/client-auth.js';
import type { Clock } from '../core/clock.js';
import type { Bivariant, RejectionHandler } from '../core/next.js';
import type { Precheck } from '../core/precheck.js';
import type { Dispatcher } from '../introspection/http.js';
import type { EndpointReply } from '../introspection/response.js';
import type { ClientCertificate } from '../verification/sender/certificate.js';
import type { ReplayStore } from '../verification/sender/replay.js';

/**
 * Options of one middleware, for `tokenIntrospection()` and for `authenticate.with()`. A middleware that `with()` creates shares the client
 * and the cache of `authenticate`, and inherits every option that is left out.
 */
export interface PolicyOptions<Claims = unknown> {
  /**
   * The audience that a token must be issued for. `aud` must contain this value, or one of the values in the list. Values are compared
   * exactly ([RFC 9068 section 4](https://www.rfc-editor.org/rfc/rfc9068#section-4)). If the response has no `aud`, the token is rejected.
   *
   * Write `false` only if the authorization server never sends `aud`. With `false`, every active token is accepted, even a token that was
   * issued for another API.
   */
  readonly audience?: string | readonly string[] | false | undefined;
  /**
   * The expected `iss`, compared exactly ([RFC 9068 section 4](https://www.rfc-editor.org/rfc/rfc9068#section-4)). If this option is set
   * and the response has no `iss`, the token is rejected. Default: `iss` is not checked, even if `authorizationServer` is set.
   *
   * In `tokenIntrospection()`, `privateKeyJwt` and `clientSecretJwt` also use this value as the audience of their assertions, unless
   * `authorizationServer` is set or they have an `audience` of their own.
   */
  readonly issuer?: string | undefined;
  /** Every token must grant all of these scopes. If one is missing, the request gets 403 `insufficient_scope`. Default: none. */
  readonly scopes?: readonly string[] | undefined;
  /**
   * A synchronous function for scopes that imply other scopes. It returns `true` if the granted scopes cover a required scope. Any other
   * result, also a promise, means that the scope is not covered. `scopes`, `requireScope()` and `requireAnyScope()` use this function.
   * Default: the scope itself must be granted.
   */
  readonly satisfiesScope?: ScopeMatcher | undefined;
  /**
   * A synchronous function that reads the roles of a token from the introspection response, for `requireRole()` and `requireAnyRole()`. If
   * the result is not a list, the token has no role. The presets of Keycloak, authentik, Zitadel, Okta and WorkOS set this option. Default:
   * the claim `roles`, a list of strings or one string.
   */
  readonly roles?: RoleReader | undefined;
  /**
   * A synchronous [Standard Schema](https://standardschema.dev) for further claims, for example a schema of zod 4. Its output replaces
   * claims of the same name in `req.auth`, except `active` and `scope`. Its output type is also the type of these claims in
   * `getAuth(req, authenticate)`. A token whose claims do not match is rejected with 401 `invalid_token`. A schema that throws, or returns
   * a promise or values that are not plain data, causes a 503. Default: no further claim is checked.
   */
  readonly claims?: ClaimsSchema<Claims> | undefined;
  /**
   * Accepts also tokens whose `token_type` or `token_use` says that they are refresh tokens. Default: `false`.
   *
   * Endpoints introspect refresh tokens too ([RFC 7662 section 2.1](https://www.rfc-editor.org/rfc/rfc7662#section-2.1)). If the response
   * does not contain the type of the token, only `audience` can tell refresh tokens from access tokens.
   */
  readonly allowRefreshTokens?: boolean | undefined;
  /**
   * Tolerated difference between the clocks of this machine and of the authorization server when `exp` and `nbf` are checked, in seconds, 0
   * to 300. Default: `5`. The tolerance does not extend the life of a cached response.
   */
  readonly clockToleranceSeconds?: number | undefined;
  /**
   * Lets requests without a token continue. `req.auth` is not set for them. A request with an invalid token is still rejected. Default:
   * `false`: a request without a token is rejected with 401.
   */
  readonly optional?: boolean | undefined;
  /**
   * Also reads the token from the parameter `access_token` of a form body
   * ([RFC 6750 section 2.2](https://www.rfc-editor.org/rfc/rfc6750#section-2.2)). A body parser that is mounted earlier must have parsed
   * the body. This option cannot be combined with `getToken` or `dpop.required`. Default: `false`.
   */
  readonly tokenFromBody?: boolean | undefined;
  /**
   * A function that reads the token from another place, such as a cookie. If it is set, the `Authorization` header is ignored. The function
   * must be synchronous. `undefined` and `null` mean that there is no token. The returned token is treated as if it came under the scheme
   * Bearer. This option cannot be combined with `tokenFromBody` or `dpop.required`. Default: the token is read from the `Authorization`
   * header.
   *
   * Cookies need protection against cross-site request forgery. Query parameters end up in logs and browser histories.
   */
  readonly getToken?: Bivariant<(req: IncomingMessage) => string | null | undefined> | undefined;
  /**
   * Accepts tokens that are bound to a key, under the scheme DPoP ([RFC 9449](https://www.rfc-editor.org/rfc/rfc9449)). Tokens that are not
   * bound to a key are still accepted under the scheme Bearer, unless `required` is set. A bound token without a proof is rejected, and so
   * is an unbound token with a proof. Default: `false`: tokens that are bound to a key are rejected.
   */
  readonly dpop?: boolean | DpopOptions | undefined;
  /**
   * Accepts tokens that are bound to a client certificate ([RFC 8705 section 3](https://www.rfc-editor.org/rfc/rfc8705#section-3)). With
   * `true`, the certificate comes from the TLS connection of the request. Your server must ask clients for it (`requestCert`). Behind a
   * proxy that ends TLS, write `{ certificate }`. Default: `false`: tokens that are bound to a certificate are rejected.
   */
  readonly mtls?: boolean | MtlsOptions | undefined;
  /**
   * Realm in the challenges, in printable ASCII ([RFC 6750 section 3](https://www.rfc-editor.org/rfc/rfc6750#section-3)). Default:
   * `'api'`.
   */
  readonly realm?: string | undefined;
  /**
   * Adds the URL of the protected resource metadata to challenges
   * ([RFC 9728 section 5.1](https://www.rfc-editor.org/rfc/rfc9728#section-5.1)). Clients use the metadata to find the authorization
   * server. With `true`, the URL is the well-known URL of the `audience`, which must then be one URL. `protectedResourceMetadata()`
   * publishes the metadata. Default: challenges name no metadata.
   */
  readonly resourceMetadata?: true | string | undefined;
  /**
   * Responds to a rejected request instead of the middleware, for example by `next(error)` to a central error handler. The challenge is not
   * on the response yet: send the `headers` of the error with your response. The function may be asynchronous. It is not called for
   * outages: they go to `next`. Default: a JSON response with status 400, 401 or 403.
   *
   * This function cannot let the request continue. If it calls its `next` without an error, the rejection is passed on. An error that it
   * throws is passed on too.
   */
  readonly onReject?: RejectionHandler | undefined;
}

/** Says how DPoP proofs are verified ([RFC 9449 section 4.3](https://www.rfc-editor.org/rfc/rfc9449#section-4.3)). */
export interface DpopOptions {
  /**
   * Accepts only tokens that are bound to a key. Every token under Bearer is rejected, and challenges offer only the scheme DPoP. This
   * option cannot be combined with `getToken` or `tokenFromBody`, which read tokens without a scheme. Default: `false`. In `with()`, the
   * default is the value of the middleware on which `with()` is called.
   */
  readonly required?: boolean | undefined;
  /**
   * Signature algorithms that are accepted in DPoP proofs. Only algorithms with a private and a public key are allowed. Default:
   * `['ES256', 'ES384', 'ES512', 'PS256', 'RS256', 'EdDSA', 'Ed25519']`.
   */
  readonly algorithms?: readonly string[] | undefined;
  /**
   * Scheme and host of the URLs that clients call, such as `https://api.example.com`. The `htu` of a proof must be such a URL. If a proxy
   * removes a prefix from the path, add the prefix: `https://api.example.com/v1`. Default: the origin of `audience`, if that is one URL;
   * otherwise the option is required.
   *
   * The option may also be a synchronous function that reads the origin from headers of a proxy that you trust. Never use the request's own
   * `Host`, because a proof that was made for another server would then be accepted.
   */
  readonly origin?: string | Bivariant<(req: IncomingMessage) => string | undefined> | undefined;
  /**
   * Requires that each proof contains a nonce of this API, so that proofs cannot be created in advance
   * ([RFC 9449 section 9](https://www.rfc-editor.org/rfc/rfc9449#section-9)). With `true`, only this process accepts its nonces. For
   * several processes, write `{ secrets }`. Default: `false`.
   */
  readonly nonce?:
    | boolean
    | {
        /**
         * At least one secret of at least 32 bytes, the same for all processes. The first secret creates nonces. Nonces of all secrets are
         * accepted, so secrets can be rotated.
         */
        readonly secrets: readonly (string | undefined)[];
      }
    | undefined;
  /**
   * Maximum age of a proof since its `iat`, in seconds, 1 to 600. Default: `60`. The `iat` may also be up to 10 seconds in the future.
   * Processes that share a `replayStore` need the same maximum age, because it decides how long used proofs are remembered.
   */
  readonly maxAgeSeconds?: number | undefined;
  /**
   * Store in which several processes remember used proofs, so that each proof is accepted only once
   * ([RFC 9449 section 11.1](https://www.rfc-editor.org/rfc/rfc9449#section-11.1)). Default: `cache.store`, otherwise the memory of this
   * process.
   */
  readonly replayStore?: ReplayStore | undefined;
}

/** Says how the client certificate of a request is found. */
export interface MtlsOptions {
  /**
   * Returns the client's certificate, for example from a header that a proxy sets ([RFC 9440](https://www.rfc-editor.org/rfc/rfc9440)). The
   * function must be synchronous. `undefined` means that the client has no certificate.
   *
   * Read the header only of requests that came through that proxy. The proxy must remove such headers that clients send.
   */
  readonly certificate: Bivariant<(req: IncomingMessage) => ClientCertificate | undefined>;
}

/** Says how introspection responses are cached. */
export interface CacheOptions {
  /**
   * How long a cached active response is used, in seconds since its introspection request, 0 to 86400. It is never used past `exp`.
   * Default: `60`. A token that is revoked at the authorization server is accepted for up to this time, unless `invalidate()` is called.
   */
  readonly ttlSeconds?: number | undefined;
  /**
   * How long a cached inactive response is used, in seconds since its introspection request, 0 to 3600. Default: `5`. Inactive responses
   * have a separate memory, so invalid tokens evict no active response.
   */
  readonly inactiveTtlSeconds?: number | undefined;
  /**
   * How long a cached response may be used while the endpoint is down (no response, 5xx or 429), in seconds since its introspection
   * request, 0 to 86400. A response that has expired but is used for this reason is called stale. Default: `0`: no stale response is used,
   * and the request gets a 503. While the endpoint is down, a revoked token is accepted for up to this time. For a stale response,
   * `getAuthDetails(req).stale` is `true`.
   *
   * No stale response is used past `exp`, for `requireFresh`, or when the endpoint rejects the client authentication of this API.
   */
  readonly staleIfErrorSeconds?: number | undefined;
  /**
   * Refreshes cached active responses in the background shortly before they expire, so that no request waits for the endpoint. Default:
   * `true`. A refresh asks the endpoint again, and extends the lifetime of no response. Responses that no request uses, and responses that
   * end at `exp`, are not refreshed.
   */
  readonly refreshAhead?: boolean | undefined;
  /**
   * A store through which several processes share responses and invalidations, such as `redisStore()` of
   * `express-token-introspection/redis`. A store requires `secrets`. Default: each process has only its own memory.
   */
  readonly store?: CacheStore | undefined;
  /**
   * Secrets that encrypt the entries of the `store`, at least 32 bytes each. Required with a `store`. The first secret encrypts. All
   * secrets decrypt, so secrets can be rotated. Somebody who can only read the store learns neither tokens nor claims. Somebody who can
   * write to the store, but has no secret, cannot create an entry that is used.
   */
  readonly secrets?: readonly (string | undefined)[] | undefined;
  /**
   * A name that keeps responses in a `store` apart that would otherwise be mixed, because their endpoint, client and parameters are the
   * same. Required with a `store` if `clientAuth` has no `identity`, or if `normalizeResponse` is set without an `identity`. Change the
   * name when a change of `clientAuth` or `normalizeResponse` gives responses another meaning. Default: none.
   */
  readonly namespace?: string | undefined;
  /**
   * Maximum number of active responses in memory, 1 to 16000000. The maximum for inactive responses is a tenth of this number. Default:
   * `10000`.
   */
  readonly maxEntries?: number | undefined;
  /**
   * Maximum memory for active responses, in bytes, at least 65536. Inactive responses get a tenth of this in addition. The size of a
   * response is estimated when it is stored. Default: 4096 for each of `maxEntries`, at least 1 MiB.
   */
  readonly maxBytes?: number | undefined;
}

/** The option `normalizeResponse` as an object: the function, with further settings. */
export interface NormalizeOptions {
  /** HTTP statuses, from 200 to 599, whose responses are passed to `normalize` besides those with status 200. Default: none. */
  readonly statuses?: readonly number[] | undefined;
  /**
   * A name for the function `normalize`. Change the name when you change the function, so that a shared cache does not mix responses of the
   * old and the new function. Without `identity`, a shared cache needs `cache.namespace`.
   */
  readonly identity?: string | undefined;
  /**
   * Converts a response of the endpoint to an introspection response. The function must be synchronous. `reply.text` is the unchanged body,
   * so parse JSON yourself. If the function throws, the request gets a 503.
   */
  normalize(reply: EndpointReply): unknown;
}

/** Options of one introspection endpoint, as the preset of a provider returns them. */
export interface EndpointOptions {
  /**
   * URL of the introspection endpoint ([RFC 7662 section 2](https://www.rfc-editor.org/rfc/rfc7662#section-2)). It must be `https:`, except
   * on loopback hosts or with `dangerouslyAllowHttp`.
   */
  readonly endpoint: string | URL;
  /**
   * How this API authenticates to the endpoint, for example `clientSecretBasic(…)`
   * ([RFC 7662 section 2.1](https://www.rfc-editor.org/rfc/rfc7662#section-2.1)). Required.
   */
  readonly clientAuth: ClientAuth;
  /**
   * Format of the body of introspection requests. Default: `'form'`, as
   * [RFC 7662 section 2.1](https://www.rfc-editor.org/rfc/rfc7662#section-2.1) requires.
   */
  readonly requestFormat?: 'form' | 'json' | undefined;
  /** Name of the parameter that holds the token. Default: `'token'`. */
  readonly tokenParameter?: string | undefined;
  /** Further parameters of introspection requests. The token and the client authentication cannot be among them. Default: none. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  /**
   * Further headers of introspection requests. Headers such as `Authorization`, `Host` and `Content-Type` cannot be among them. Requests
   * for metadata and keys have these headers too, except `Accept` and `Content-*`. There is one exception: if the URL of such a request
   * comes from metadata, and its origin is not in your options, the request has only the `User-Agent` of these headers. Default: only a
   * `User-Agent` with name and version of this package.
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * Converts responses of an endpoint that deviates from RFC 7662 to introspection responses: a synchronous function for responses with
   * status 200, or an object for further statuses. The result is validated like any other response. This option cannot be combined with
   * `jwtResponse`. Default: responses must be as [RFC 7662 section 2.2](https://www.rfc-editor.org/rfc/rfc7662#section-2.2) says.
   */
  readonly normalizeResponse?: ((reply: EndpointReply) => unknown) | NormalizeOptions | undefined;
}

/** Says how signed responses are verified ([RFC 9701 section 5](https://www.rfc-editor.org/rfc/rfc9701#section-5)). */
export interface JwtResponseOptions {
  /** Expected `iss` of the signed response. Default: `authorizationServer`, otherwise `issuer`; required if neither is set. */
  readonly issuer?: string | undefined;
  /**
   * Expected `aud` of the signed response. With a list, `aud` must contain one of its values. Default: the client identifier of
   * `clientAuth`; required if that has none.
   */
  readonly audience?: string | readonly string[] | undefined;
  /**
   * Signature algorithms that are accepted in signed responses. Only algorithms with a private and a public key are allowed. Default:
   * `['RS256']`.
   */
  readonly algorithms?: readonly string[] | undefined;
  /**
   * Public keys with which the authorization server's signed responses are verified: one key, a JWK Set, or the URL of a JWK Set. Default:
   * the `jwks_uri` of its metadata; required if `authorizationServer` is not set.
   */
  readonly keys?:
    | PublicKey
    | {
        /** Keys of a JWK Set. Keys that cannot be used are ignored. */
        readonly keys: readonly JsonWebKey[];
      }
    | URL
    | undefined;
  /**
   * Private key of this API. If this option is set, each response must be signed and then encrypted for this key. Default: responses must
   * be signed and not encrypted.
   */
  readonly decryptionKey?: PrivateKey | undefined;
}

/**
 * Location of the authorization server: either `endpoint` or `authorizationServer`. If both or neither are set, `tokenIntrospection()`
 * throws a `TypeError`.
 */
export type ServerLocation =
  | {
      /** URL of the introspection endpoint. It must be `https:`, except on loopback hosts or with `dangerouslyAllowHttp`. */
      readonly endpoint: EndpointOptions['endpoint'] | undefined;
      /** Must be omitted or `undefined`, because `endpoint` is set. */
      readonly authorizationServer?: string | undefined;
    }
  | {
      /** Must be omitted or `undefined`, because `authorizationServer` is set. */
      readonly endpoint?: EndpointOptions['endpoint'] | undefined;
      /** Issuer identifier of the authorization server. The endpoint is read from its metadata. */
      readonly authorizationServer: string | undefined;
    };

/** Options of `tokenIntrospection()`. Either `endpoint` or `authorizationServer` is required. */
export type TokenIntrospectionOptions<Claims = unknown> = ServerOptions<Claims> & ServerLocation;

/** Options of one authorization server. This type requires neither `endpoint` nor `authorizationServer`. */
export interface ServerOptions<Claims = unknown> extends Omit<EndpointOptions, 'endpoint'>, PolicyOptions<Claims> {
  /**
   * URL of the introspection endpoint. It must be `https:`, except on loopback hosts or with `dangerouslyAllowHttp`. Either `endpoint` or
   * `authorizationServer` is required.
   */
  readonly endpoint?: EndpointOptions['endpoint'] | undefined;
  /**
   * Issuer identifier of the authorization server, exactly as it is spelled in the metadata. Use this option instead of `endpoint`. The
   * endpoint is read from the metadata ([RFC 8414](https://www.rfc-editor.org/rfc/rfc8414), then OpenID Connect Discovery). The metadata
   * are fetched when they are first needed. When they are an hour old, the next lookup refreshes them in the background. As long as the
   * endpoint cannot be found, requests get a 503. This option does not check the `iss` of tokens: use `issuer` for that.
   */
  readonly authorizationServer?: string | undefined;
  readonly audience: string | readonly string[] | false;
  /**
   * Asks the endpoint for signed responses ([RFC 9701](https://www.rfc-editor.org/rfc/rfc9701)), and accepts no other responses. A response
   * that is not signed, or fails verification, causes a 503. Default: `false`: responses are plain JSON.
   */
  readonly jwtResponse?: boolean | JwtResponseOptions | undefined;
  /**
   * Allows an `http:` endpoint or authorization server on any host. Tokens and the client authentication then cross the network
   * unencrypted. Default: `false`: `http:` is allowed only on loopback hosts.
   */
  readonly dangerouslyAllowHttp?: boolean | undefined;
  /**
   * Options of the cache. With `false`, no response is cached, and each request makes its own introspection request. Default: on, with the
   * defaults of its members.
   */
  readonly cache?: false | CacheOptions | undefined;
  /**
   * Deadline of a lookup, in milliseconds since the middleware received the request, 1 to 60000. It covers all waits, the connection, the
   * headers and body of the response, and the retry. When the deadline passes, the request gets a 503, or a stale response if
   * `cache.staleIfErrorSeconds` allows one. Default: `3000`.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * A function that checks a token before the endpoint is asked about it, such as `verifyJwtFirst()` of `express-token-introspection/jwt`.
   * It runs only if neither memory nor the shared cache has a response, and once for concurrent requests with the same token. If it throws
   * an `AuthError`, the token is rejected without an introspection request, and the rejection is remembered for `cache.inactiveTtlSeconds`.
   * Any other error causes a 503. The function cannot accept a token: if it throws nothing, the endpoint decides. Default: no function, so
   * every token without a cached response causes an introspection request.
   */
  readonly precheck?: Precheck | undefined;
  /**
   * An undici dispatcher that sends the requests, for example through a proxy or with a certificate authority of your own. It must not
   * follow redirects, because the token and the client authentication would be sent to the new location. The middleware never closes the
   * dispatcher. This option cannot be combined with `tlsClientAuth(…)`, which opens its own connections. Default: a connection pool of the
   * middleware.
   */
  readonly dispatcher?: Dispatcher | undefined;
  /** Wall clock and monotonic clock, in milliseconds. Replace the clocks only in tests. Default: the clocks of the system. */
  readonly clock?: Clock | undefined;
}
