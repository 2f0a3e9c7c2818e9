/** One attempt at the introspection endpoint, as a {@link ClientAuth} sees it before it is sent. */
export interface IntrospectionRequest {
  /** URL of the endpoint. */
  readonly endpoint: string;
  /** Issuer identifier of the authorization server; `undefined` when it is not known. */
  readonly issuer: string | undefined;
  /** Algorithms that the endpoint accepts for client assertions; `undefined` when its metadata do not list them. */
  readonly signingAlgorithms?: readonly string[] | undefined;
  /** `true` when the endpoint has just responded with 401. Renew credentials that you keep. */
  readonly refused: boolean;
  /** Headers of the request. Add yours. */
  readonly headers: Record<string, string>;
  /** Body parameters. Add yours. A value that you write to the token's parameter is overwritten. */
  readonly parameters: Record<string, string>;
}

/** TLS options, for example `cert`, `key` and `ca`. */
export type TlsMaterial = Readonly<Record<string, unknown>>;

/**
 * Client authentication: how this API authenticates to the introspection endpoint.
 * Use a factory such as `clientSecretBasic`, `privateKeyJwt` or `tlsClientAuth`, or write your own.
 */
export interface ClientAuth {
  /**
   * Names the client, without any secret. Responses to clients with different identities are kept apart, because a server may tell
   * them different things about one token. Without it, a shared cache needs `cache.namespace`.
   */
  readonly identity?: string | undefined;
  /**
   * Adds credentials to the headers or parameters of one attempt. Every retry calls it again.
   * After a 401 it is called once more, and the request is repeated if the credentials have changed.
   * If it throws, the request fails with 503 `credentials_unavailable`; an `IntrospectionError` is passed on unchanged.
   */
  sign(request: IntrospectionRequest): void | Promise<void>;
  /** Client identifier: the expected audience of signed replies ([RFC 9701](https://www.rfc-editor.org/rfc/rfc9701)). */
  readonly clientId?: string | undefined;
  /**
   * Names of this method in authorization server metadata. A warning is emitted when the metadata list none of them.
   * Default: no comparison.
   */
  readonly methods?: readonly string[] | undefined;
  /** Whether `sign` needs the authorization server's issuer identifier. Default `false`. */
  readonly needsIssuer?: boolean | undefined;
  /** TLS material as `tls.connect` takes it, or a function that returns it for each new connection. */
  readonly connect?: TlsMaterial | (() => TlsMaterial | Promise<TlsMaterial>) | undefined;
}
