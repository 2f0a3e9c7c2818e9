/** One attempt at the endpoint, as a {@link ClientAuth} sees it before it is sent. */
export interface IntrospectionRequest {
  /** URL of the endpoint. */
  readonly endpoint: string;
  /** The authorization server's issuer identifier, where it is known. */
  readonly issuer: string | undefined;
  /** Algorithms of client assertions that the endpoint takes, where its metadata say so. */
  readonly signingAlgorithms?: readonly string[] | undefined;
  /** Whether the endpoint has just answered 401: credentials that are kept somewhere should be renewed. */
  readonly refused: boolean;
  /** Headers, to be added to. */
  readonly headers: Record<string, string>;
  /** Body parameters, the token's among them; what is written to the token's own parameter is overwritten. */
  readonly parameters: Record<string, string>;
}

/** For example `cert`, `key` and `ca`. */
export type TlsMaterial = Readonly<Record<string, unknown>>;

/**
 * How this resource server proves itself to the introspection endpoint.
 * The factories (`clientSecretBasic`, `privateKeyJwt`, `tlsClientAuth` and their like) make them; your own is welcome.
 */
export interface ClientAuth {
  /**
   * Names the client, without any secret. Responses to clients with different identities are kept apart, because a server may tell
   * them different things about one token. Without it, a shared cache needs `cache.namespace`.
   */
  readonly identity?: string | undefined;
  /**
   * Adds credentials to the headers or parameters of one attempt; called again for a retry.
   * When the endpoint answers 401 it is called once more, and the question is put again if the credentials have changed.
   * What it throws is a 503 `credentials_unavailable`; an `IntrospectionError` is passed on as it is.
   */
  sign(request: IntrospectionRequest): void | Promise<void>;
  /** The client identifier: who signed replies are for ([RFC 9701](https://www.rfc-editor.org/rfc/rfc9701)). */
  readonly clientId?: string | undefined;
  /** The names under which metadata advertise this method, any of them; a warning tells when none is. Default: not compared. */
  readonly methods?: readonly string[] | undefined;
  /** Whether `sign` cannot do without the authorization server's issuer. Default `false`. */
  readonly needsIssuer?: boolean | undefined;
  /** TLS material as `tls.connect` takes it, or a function that returns it for each new connection. */
  readonly connect?: TlsMaterial | (() => TlsMaterial | Promise<TlsMaterial>) | undefined;
}
