/** Members of an introspection response ([RFC 7662 section 2.2](https://www.rfc-editor.org/rfc/rfc7662#section-2.2)). */
export type FakeClaims = Readonly<Record<string, unknown>>;

/** What a fake authorization server was asked. It holds tokens and credentials: keep it out of logs. */
export interface FakeQuestion {
  /** The endpoint's URL. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The token's among them. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** A reply of a fake authorization server. */
export interface FakeReply {
  /** Default 200. */
  readonly status?: number | undefined;
  /** Default `'application/json'`. */
  readonly contentType?: string | undefined;
  /** Default empty. */
  readonly body?: string | undefined;
}

const WELL_KNOWN = /^\/\.well-known\/(oauth-authorization-server|openid-configuration)(\/.*)?$/;
const APPENDED = /^(.*)\/\.well-known\/openid-configuration$/;

export function jsonReply(value: object): FakeReply {
  return { body: JSON.stringify(value) };
}

export function readQuestion(url: string, headers: Readonly<Record<string, string>>, body: string): FakeQuestion {
  const isForm = headers['content-type'] === 'application/x-www-form-urlencoded';
  return { url, headers, parameters: isForm ? Object.fromEntries(new URLSearchParams(body)) : JSON.parse(body) };
}

/**
 * Metadata at the places of RFC 8414 section 3.1 and OpenID Connect Discovery section 4. Where nobody says how the issuer is
 * spelled, the first place has it without a slash at its end and the others with one, so that either is found.
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
