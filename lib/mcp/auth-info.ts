import type { AuthenticatedToken } from '../authenticator.js';
import type { Auth } from '../core/claims.js';

/** What the MCP SDK, version 1 or 2, knows about a request's token. */
export interface AuthInfo {
  /**
   * The access token, for what a tool may exchange it for; it must not be passed on to another API as it is. Not enumerable: JSON,
   * logs and copies made by spreading do not have it.
   */
  token: string;
  /** `client_id`; `''` when the endpoint named none. */
  clientId: string;
  /** The granted scopes, one each. */
  scopes: string[];
  /** `exp`, in seconds since the epoch; absent when the endpoint named none. */
  expiresAt?: number;
  /** Which of the middleware's audiences the token names, where that is a URI. */
  resource?: URL;
  /** Where the protected resource metadata are, as the challenges say too. */
  resourceMetadataUrl: string;
  /** The claims, all of them; `getAuth(req)` returns this object. */
  extra: Auth;
}

/** Fills the object that the SDK will be shown. */
export function fillAuthInfo(
  target: object,
  { credentials, record, claims }: AuthenticatedToken,
  audience: readonly string[],
  resourceMetadataUrl: string,
): AuthInfo {
  const { aud, exp, client_id: clientId = '' } = record.claims;
  const named = audience.find((each) => isNamed(each, aud) && URL.canParse(each));
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

function isNamed(audience: string, aud: Auth['aud']): boolean {
  return typeof aud === 'string' ? aud === audience : (aud?.includes(audience) ?? false);
}
