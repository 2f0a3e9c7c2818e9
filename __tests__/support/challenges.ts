/** The complete challenges of a middleware with default options. */
export const BARE = 'Bearer realm="api"';

export const INVALID_REQUEST =
  'Bearer realm="api", error="invalid_request", error_description="The request must carry exactly one well-formed bearer token"';

export const INVALID_TOKEN =
  'Bearer realm="api", error="invalid_token", error_description="The access token is not valid for this resource"';

export const INSUFFICIENT_SCOPE =
  'Bearer realm="api", error="insufficient_scope", error_description="The access token does not grant what this resource requires"';

/** The challenge of a 403 for these scopes. */
export function insufficientScope(scope: string): string {
  return `${INSUFFICIENT_SCOPE}, scope="${scope}"`;
}
