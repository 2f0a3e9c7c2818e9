/** Members of an introspection response ([RFC 7662 section 2.2](https://www.rfc-editor.org/rfc/rfc7662#section-2.2)). */
export type FakeClaims = Readonly<Record<string, unknown>>;

/** An introspection request to a fake authorization server. It contains the token and the client's credentials, so keep it out of logs. */
export interface FakeRequest {
  /** URL of the endpoint. */
  readonly url: string;
  /** Headers, with names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Body parameters, including the token. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** A reply of a fake authorization server. */
export interface FakeReply {
  /** HTTP status. Default: 200. */
  readonly status?: number | undefined;
  /** Value of `Content-Type`. Default: `'application/json'`. */
  readonly contentType?: string | undefined;
  /** Text of the body. Default: an empty text. */
  readonly body?: string | undefined;
}

const WELL_KNOWN = /^\/\.well-known\/(oauth-authorization-server|openid-configuration)(\/.*)?$/;
const APPENDED = /^(.*)\/\.well-known\/openid-configuration$/;

export function jsonReply(value: object): FakeReply {
  return { body: JSON.stringify(value) };
}

export function readRequest(url: string, headers: Readonly<Record<string, string>>, body: string): FakeRequest {
  const isForm = headers['content-type'] === 'application/x-www-form-urlencoded';
  return { url, headers, parameters: isForm ? Object.fromEntries(new URLSearchParams(body)) : JSON.parse(body) };
}

/**
 * Returns the reply to a request for metadata. At the URLs of RFC 8414 section 3.1 and OpenID Connect Discovery section 4, the reply
 * contains metadata. At any other URL, it is a 404. If `issuer` is `undefined`, the issuer is derived from the URL: without a slash at its
 * end for RFC 8414, and with a slash for OpenID Connect. So the middleware finds the metadata of an issuer in either form.
 */
export function metadataReply(origin: string, path: string, issuer: string | undefined): FakeReply {
  const [, place, suffix] = WELL_KNOWN.exec(path) ?? [];
  const prefix = APPENDED.exec(path)?.[1];
  if (place === undefined && prefix === undefined) return { status: 404 };
  const derived = `${origin}${suffix ?? prefix ?? ''}`;
  return jsonReply({
    issuer: issuer ?? (place === 'oauth-authorization-server' ? derived : `${derived}/`),
    introspection_endpoint: `${origin}/introspect`,
  });
}
