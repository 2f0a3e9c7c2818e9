import type { AuthenticatedToken } from '../authenticator.js';
import type { Auth } from '../core/claims.js';

/** The token of a request and its claims, in the form that versions 1 and 2 of the MCP SDK expect. */
export interface AuthInfo {
  /**
   * The access token, which a tool may exchange for another token. Never send it to another API. The property is not enumerable, so JSON,
   * logs and spread copies do not contain the token.
   */
  token: string;
  /** The client that requested the token: the claim `client_id`, or `''` if the introspection response has none. */
  clientId: string;
  /** The granted scopes, one scope per item. */
  scopes: string[];
  /** When the token expires: the claim `exp`, in seconds since the epoch; absent if the introspection response has none. */
  expiresAt?: number;
  /** The first audience in the option `audience` that is a URL and is in the token's `aud`; absent if there is none. */
  resource?: URL;
  /** URL of the protected resource metadata. Challenges contain the same URL. */
  resourceMetadataUrl: string;
  /** All claims of the token. `getAuth(req)` returns this object. */
  extra: Auth;
}

/** Sets the members of {@link AuthInfo} on an object. */
export function fillAuthInfo(
  target: object,
  { credentials, record, claims }: AuthenticatedToken,
  audience: readonly string[],
  resourceMetadataUrl: string,
): AuthInfo {
  const { aud, exp, client_id: clientId = '' } = record.claims;
  const named = audience.find((name) => isNamed(name, aud) && URL.canParse(name));
  const described = Object.assign(target, {
    clientId,
    scopes: [...record.scopes],
    ...(exp !== undefined && { expiresAt: exp }),
    ...(named !== undefined && { resource: new URL(named) }),
    resourceMetadataUrl,
    extra: { ...claims } as Auth,
  });
  const hidden = { value: credentials.token, writable: true, enumerable: false, configurable: true };
  return Object.defineProperty(described, 'token', hidden) as typeof described & { token: string };
}

function isNamed(name: string, aud: Auth['aud']): boolean {
  return typeof aud === 'string' ? aud === name : (aud?.includes(name) ?? false);
}
