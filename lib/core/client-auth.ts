/** One introspection request before it is sent. {@link ClientAuth.sign} adds credentials to the request. */
export interface IntrospectionRequest {
  /** URL of the endpoint. */
  readonly endpoint: string;
  /** Issuer identifier of the authorization server; `undefined` when it is not known. */
  readonly issuer: string | undefined;
  /** Algorithms that the endpoint accepts for client assertions; `undefined` when its metadata do not list them. */
  readonly signingAlgorithms?: readonly string[] | undefined;
  /**
   * `true` when the endpoint has just responded with 401 to the first attempt. If your `sign` keeps credentials between requests, it must
   * get new ones.
   */
  readonly refused: boolean;
  /**
   * Headers of the introspection request. `sign` may add and replace headers. A change to `content-type` or `accept-encoding` has no
   * effect.
   */
  readonly headers: Record<string, string>;
  /**
   * Body parameters of the introspection request. `sign` may add and replace parameters. A change to the parameter that holds the token has
   * no effect.
   */
  readonly parameters: Record<string, string>;
}

/** Options for `tls.connect`, for example `cert`, `key` and `ca`. */
export type TlsMaterial = Readonly<Record<string, unknown>>;

/**
 * Client authentication: how this API authenticates to the introspection endpoint.
 * Use a factory such as `clientSecretBasic`, `privateKeyJwt` or `tlsClientAuth`, or write your own.
 */
export interface ClientAuth {
  /**
   * A text that identifies the client and contains no secret. A shared cache keeps the responses of different identities apart, because a
   * server may give each client a different response about the same token. Without an identity, a shared cache needs `cache.namespace`.
   */
  readonly identity?: string | undefined;
  /**
   * Adds credentials to the headers or parameters of one attempt. Every retry calls `sign` again. If the first attempt gets a 401, `sign`
   * is called once more. The request is then repeated only if `sign` has changed it, or if the TLS material of `connect` has changed. If
   * `sign` throws, the client's request fails with 503 `credentials_unavailable`; an `IntrospectionError` that `sign` throws is passed on
   * unchanged.
   */
  sign(request: IntrospectionRequest): void | Promise<void>;
  /**
   * Client identifier. By default, signed responses ([RFC 9701](https://www.rfc-editor.org/rfc/rfc9701)) must have this identifier as
   * `aud`.
   */
  readonly clientId?: string | undefined;
  /**
   * Names that authorization server metadata use for this authentication method. A warning is emitted when the metadata list none of them.
   * Default: no comparison.
   */
  readonly methods?: readonly string[] | undefined;
  /**
   * Whether `sign` needs the authorization server's issuer identifier. If so, an `endpoint` requires the option `issuer` too. Default
   * `false`.
   */
  readonly needsIssuer?: boolean | undefined;
  /**
   * TLS options as `tls.connect` takes them, such as a client certificate, or a function that returns these options. The function is called
   * for each new connection.
   */
  readonly connect?: TlsMaterial | (() => TlsMaterial | Promise<TlsMaterial>) | undefined;
}

const constantSigners = new WeakSet<ClientAuth['sign']>();

/**
 * Registers a `sign` that adds the same headers and parameters to every request, and returns it. Then `sign` is called only once, and its
 * request is used again with every token. A function of an app that calls such a `sign` is not registered.
 */
export function registerConstant(sign: ClientAuth['sign']): ClientAuth['sign'] {
  constantSigners.add(sign);
  return sign;
}

/** Whether the `sign` of this client authentication adds the same headers and parameters to every request. */
export function isConstant({ sign }: ClientAuth): boolean {
  return constantSigners.has(sign);
}
