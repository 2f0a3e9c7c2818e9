import type { IncomingMessage } from 'node:http';
import type { CacheStore } from '../cache/shared/store.js';
import type { JsonWebKey, PrivateKey, PublicKey } from '../client-auth/keys.js';
import type { ClaimsSchema, ScopeMatcher } from '../core/claims.js';
import type { ClientAuth } from '../core/client-auth.js';
import type { Clock } from '../core/clock.js';
import type { Bivariant, RejectionHandler } from '../core/next.js';
import type { Dispatcher } from '../introspection/http.js';
import type { EndpointReply } from '../introspection/response.js';
import type { ClientCertificate } from '../verification/sender/certificate.js';
import type { ReplayStore } from '../verification/sender/replay.js';

/**
 * What one route may demand otherwise than another over the same client, cache and flights: see `authenticate.with()`.
 */
export interface PolicyOptions<Claims = unknown> {
  /**
   * Who tokens must be meant for: `aud` must name it, or one of the list. Compared exactly.
   * `false` says out loud that this authorization server names no audience; then any token it calls active is accepted.
   */
  readonly audience?: string | readonly string[] | false | undefined;
  /**
   * Expected `iss`, compared exactly. Left out: not checked. Given and the claim absent: rejected.
   * The middleware's own is also who signed client authentication (`privateKeyJwt`, `clientSecretJwt`) is meant for, unless
   * `authorizationServer` says so.
   */
  readonly issuer?: string | undefined;
  /** Scopes every request needs, all of them. Default none. */
  readonly scopes?: readonly string[] | undefined;
  /**
   * Whether what is granted covers a scope that is required, for scopes that imply others; used for `scopes` and by every guard.
   * Synchronous; only `true` itself will do. Default: one of the granted is exactly the required.
   */
  readonly satisfiesScope?: ScopeMatcher | undefined;
  /**
   * A synchronous [Standard Schema](https://standardschema.dev) (zod 4 schemas are such) for claims beyond the RFC's.
   * What it makes of them is laid over `req.auth` and types `getAuth(req, authenticate)`. No match is `invalid_token`.
   */
  readonly claims?: ClaimsSchema<Claims> | undefined;
  /**
   * Accept tokens whose `token_type` or `token_use` says refresh token. Default `false`.
   * A server that does not say what it was asked about cannot be helped here; only `audience` tells them apart then.
   */
  readonly allowRefreshTokens?: boolean | undefined;
  /** Seconds of clock difference tolerated for `exp` and `nbf`, 0 to 300. Default 5. Never lengthens cache life. */
  readonly clockToleranceSeconds?: number | undefined;
  /** Let requests without credentials go on, without `req.auth`. A bad token is rejected all the same. Default `false`. */
  readonly optional?: boolean | undefined;
  /**
   * Also accept `access_token` of a form body that a parser mounted earlier has read
   * ([RFC 6750 section 2.2](https://www.rfc-editor.org/rfc/rfc6750#section-2.2)). Default `false`.
   */
  readonly tokenFromBody?: boolean | undefined;
  /**
   * Takes the token from elsewhere; the `Authorization` header is then not looked at. Synchronous; `undefined` or `null` is none.
   * Cookies need protection against cross-site request forgery, and query parameters end up in logs and histories.
   */
  readonly getToken?: Bivariant<(req: IncomingMessage) => string | null | undefined> | undefined;
  /**
   * Accept tokens that are bound to a key, under the scheme DPoP ([RFC 9449](https://www.rfc-editor.org/rfc/rfc9449)), beside plain
   * ones under Bearer. Bound tokens without a proof, and plain ones with one, are refused. `{ required: true }` refuses all tokens
   * under Bearer. Default `false`: bound tokens are refused.
   */
  readonly dpop?: boolean | DpopOptions | undefined;
  /**
   * Accept tokens that are bound to a client certificate ([RFC 8705](https://www.rfc-editor.org/rfc/rfc8705)): `true` for that of the
   * request's own TLS connection, which the server must ask for (`requestCert`). Default `false`: such tokens are refused.
   */
  readonly mtls?: boolean | MtlsOptions | undefined;
  /** Realm of the challenges. Default `'api'`. */
  readonly realm?: string | undefined;
  /**
   * Challenges name the protected resource metadata
   * ([RFC 9728 section 5.1](https://www.rfc-editor.org/rfc/rfc9728#section-5.1)). `true` for the well-known URL of the `audience`, which
   * must be one URL then, or another URL as text. `protectedResourceMetadata()` publishes them there. Default: challenges name none.
   */
  readonly resourceMetadata?: true | string | undefined;
  /**
   * Replaces the answer to a rejected request, `next(error)` for a central error handler being the usual one.
   * It cannot let the request through: whatever its `next` is given, an error is passed on. It is awaited, a throw is passed on too.
   */
  readonly onReject?: RejectionHandler | undefined;
}

/** How DPoP proofs are judged. */
export interface DpopOptions {
  /**
   * Accept only tokens that are bound to a key: tokens under Bearer are refused, and challenges name only the scheme DPoP. Not
   * together with `getToken` and `tokenFromBody`, which take tokens without that scheme. Default `false`; with `with()`, what
   * the middleware demands from which it derives.
   */
  readonly required?: boolean | undefined;
  /** The algorithms proofs may be signed with. Default `['ES256', 'ES384', 'ES512', 'PS256', 'RS256', 'EdDSA', 'Ed25519']`. */
  readonly algorithms?: readonly string[] | undefined;
  /**
   * Scheme and host that clients ask, such as `https://api.example.com`, or a function that tells them of a request by what a proxy
   * you trust says. Where the proxy takes a prefix off the path, add it: `https://api.example.com/v1`. Never what the request's own `Host` says: a proof made for another server would do. Default the origin of
   * `audience`, where that is one URL.
   */
  readonly origin?: string | Bivariant<(req: IncomingMessage) => string | undefined> | undefined;
  /** Demand a nonce of the server's in each proof; for several processes with secrets of at least 32 bytes in common. Default `false`. */
  readonly nonce?:
    | boolean
    | {
        /** The first makes them, all know them, so that they can be changed. */
        readonly secrets: readonly (string | undefined)[];
      }
    | undefined;
  /** How old a proof may be, in seconds, 1 to 600. Default 60. All processes that share a `replayStore` need the same. */
  readonly maxAgeSeconds?: number | undefined;
  /** Where several processes remember which proofs were used. Default `cache.store`, else the memory of this process. */
  readonly replayStore?: ReplayStore | undefined;
}

/** Where the client certificate is found. */
export interface MtlsOptions {
  /**
   * Takes the client's certificate from elsewhere, such as from a header that a proxy sets
   * ([RFC 9440](https://www.rfc-editor.org/rfc/rfc9440)): only from requests that came through that proxy, which must drop such
   * headers of clients.
   */
  readonly certificate: Bivariant<(req: IncomingMessage) => ClientCertificate | undefined>;
}

/** How answers are remembered. */
export interface CacheOptions {
  /**
   * Longest life of an active answer, in seconds, 0 to 86400; always cut at `exp`. Default 60.
   * A revoked token is accepted for at most this long.
   */
  readonly ttlSeconds?: number | undefined;
  /** Life of an inactive answer, in seconds, 0 to 3600. Default 5. These have a small memory of their own. */
  readonly inactiveTtlSeconds?: number | undefined;
  /**
   * How long an active answer may stand in while the endpoint is in trouble (no answer, 5xx, 429), in seconds from when it was
   * asked for, 0 to 86400; never past `exp`, never for `requireFresh`, never when the endpoint refuses our credentials.
   * `getAuthDetails(req).stale` tells. Default 0: such a request is answered 503. A revoked token is accepted for that long then.
   */
  readonly staleIfErrorSeconds?: number | undefined;
  /**
   * Renew answers that are used again shortly before they end, in the background, so that no request waits for it. Default `true`.
   * It lengthens no life, and idle answers are not renewed.
   */
  readonly refreshAhead?: boolean | undefined;
  /**
   * What several processes share their answers and their invalidations through, such as `redisStore(…)` of
   * `express-token-introspection/redis`. It takes `secrets`.
   */
  readonly store?: CacheStore | undefined;
  /**
   * What entries of the `store` are sealed with, each at least 32 bytes: the first seals, all open, so that they can be changed.
   * Those who can read the store learn neither tokens nor claims from it, and those who can write it cannot make an entry.
   */
  readonly secrets?: readonly (string | undefined)[] | undefined;
  /**
   * Keeps responses apart that share a `store` and do not differ by endpoint, client and parameters. Required beside a store if
   * `clientAuth` or `normalizeResponse` has no `identity`. Change it when one of them changes the meaning of responses.
   */
  readonly namespace?: string | undefined;
  /** Most active answers kept, and a tenth as many inactive ones. Default 10000. */
  readonly maxEntries?: number | undefined;
  /**
   * Most memory that active answers may take, in bytes, as estimated when they are stored, from 65536; a tenth of that for inactive
   * ones. Default 4096 for each of `maxEntries`, at least 1 MiB.
   */
  readonly maxBytes?: number | undefined;
}

/** What `normalizeResponse` does for the statuses it names. */
export interface NormalizeOptions {
  /** Statuses that say something about the token at this endpoint, besides 200. Default none. */
  readonly statuses?: readonly number[] | undefined;
  /**
   * Names this function. Change it when the function changes, so that responses in a shared cache are kept apart. Without it, a shared
   * cache needs `cache.namespace`.
   */
  readonly identity?: string | undefined;
  /** Synchronous. `text` is the body as it came; JSON is for you to parse. */
  normalize(reply: EndpointReply): unknown;
}

/** What a provider's preset returns. */
export interface EndpointOptions {
  /** The introspection endpoint. `https:`, but for loopback hosts. */
  readonly endpoint: string | URL;
  /** How this resource server proves itself to the endpoint. */
  readonly clientAuth: ClientAuth;
  /** Body of the question. Default `'form'`, as RFC 7662 section 2.1 has it. */
  readonly requestFormat?: 'form' | 'json' | undefined;
  /** Name of the token's parameter. Default `'token'`. */
  readonly tokenParameter?: string | undefined;
  /** Further parameters of the question; the token and credentials cannot be among them. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  /**
   * Further headers of introspection requests; credentials and framing cannot be among them. They also go with requests for
   * metadata and keys, except `Accept` and `Content-*`. An origin that only the metadata name gets no more than `User-Agent`.
   * Default: only a `User-Agent`, with name and version of this package.
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * For an endpoint that deviates from RFC 7662: a synchronous function from its reply to an introspection response,
   * for status 200, or for the statuses named beside it too. What it returns is checked like any other response.
   */
  readonly normalizeResponse?: ((reply: EndpointReply) => unknown) | NormalizeOptions | undefined;
}

/** How signed replies are verified ([RFC 9701](https://www.rfc-editor.org/rfc/rfc9701)). */
export interface JwtResponseOptions {
  /** Their `iss`. Default `authorizationServer`, else `issuer`. */
  readonly issuer?: string | undefined;
  /** Their `aud`, or several of which one must be there. Default the client identifier of `clientAuth`. */
  readonly audience?: string | readonly string[] | undefined;
  /** The algorithms they may be signed with, of a key pair. Default `['RS256']`. */
  readonly algorithms?: readonly string[] | undefined;
  /** The server's public keys: one, a JWK Set, or the URL of one. Default the `jwks_uri` of the metadata. */
  readonly keys?:
    | PublicKey
    | {
        /** Those of a JWK Set. */
        readonly keys: readonly JsonWebKey[];
      }
    | URL
    | undefined;
  /** This resource server's private key. Given: replies must be encrypted for it (sign, then encrypt). */
  readonly decryptionKey?: PrivateKey | undefined;
}

/** Where the authorization server is. One of the two has to be written; both together are refused at creation. */
export type ServerLocation =
  | {
      /** The introspection endpoint. `https:`, except for loopback hosts. */
      readonly endpoint: EndpointOptions['endpoint'] | undefined;
      /** Leave it out beside `endpoint`. */
      readonly authorizationServer?: string | undefined;
    }
  | {
      /** Leave it out beside `authorizationServer`. */
      readonly endpoint?: EndpointOptions['endpoint'] | undefined;
      /** The issuer identifier of the authorization server, whose metadata name the endpoint. */
      readonly authorizationServer: string | undefined;
    };

/** What `tokenIntrospection()` takes. Either `endpoint` or `authorizationServer` is required. */
export type TokenIntrospectionOptions<Claims = unknown> = ServerOptions<Claims> & ServerLocation;

/** The options of one authorization server, wherever it is. */
export interface ServerOptions<Claims = unknown> extends Omit<EndpointOptions, 'endpoint'>, PolicyOptions<Claims> {
  /** The introspection endpoint. `https:`, but for loopback hosts. Either this or `authorizationServer` is required. */
  readonly endpoint?: EndpointOptions['endpoint'] | undefined;
  /**
   * Instead of `endpoint`: the issuer identifier of the authorization server, spelled as its metadata spell it. The endpoint is
   * taken from there ([RFC 8414](https://www.rfc-editor.org/rfc/rfc8414), then OpenID Connect Discovery) when it is first needed,
   * and looked at anew every hour. Until it is found, requests are answered 503.
   */
  readonly authorizationServer?: string | undefined;
  readonly audience: string | readonly string[] | false;
  /**
   * Ask for signed replies ([RFC 9701](https://www.rfc-editor.org/rfc/rfc9701)) and take nothing else: one that is not signed, or
   * not as demanded, is a 503. Default: plain JSON.
   */
  readonly jwtResponse?: boolean | JwtResponseOptions | undefined;
  /** Allow an `http:` endpoint (or authorization server) on another host. Tokens and credentials then cross the network in the clear. Default `false`. */
  readonly dangerouslyAllowHttp?: boolean | undefined;
  /** `false`: every request asks on its own, nothing is shared. Default: on, with the defaults of its members. */
  readonly cache?: false | CacheOptions | undefined;
  /** One deadline, in milliseconds, 1 to 60000, over connect, headers, body and retry. Default 3000. */
  readonly timeoutMs?: number | undefined;
  /** An undici dispatcher to ask through (a proxy, a CA of your own), which must not follow redirects. Never closed by the middleware. Default: a pool of its own. */
  readonly dispatcher?: Dispatcher | undefined;
  /** Wall and monotonic time. Default: the system's. */
  readonly clock?: Clock | undefined;
}
