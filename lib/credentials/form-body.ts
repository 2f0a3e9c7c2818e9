import { AuthError } from '../core/errors.js';
import { mediaType } from '../core/syntax.js';

const PARAMETER = 'access_token';

/** Methods whose request bodies have a defined meaning. RFC 6750 section 2.2 allows a token in the body only for such methods. */
const METHODS: ReadonlySet<string | undefined> = new Set(['POST', 'PUT', 'PATCH']);

export interface FormRequest {
  readonly method: string | undefined;
  readonly contentType: string | undefined;
  /** The body that a form parser, mounted earlier, has put on the request. */
  readonly body: unknown;
}

/**
 * Reads `access_token` from a parsed form body (RFC 6750 section 2.2). Returns `undefined` without this parameter, without a parsed form
 * body, and for methods other than POST, PUT and PATCH. The body stream is never read.
 *
 * @throws AuthError `malformed_credentials` for an empty parameter, and for a repeated parameter, which form parsers turn into a list
 */
export function readFormBody({ method, contentType, body }: FormRequest): string | undefined {
  if (!METHODS.has(method) || mediaType(contentType) !== 'application/x-www-form-urlencoded') return undefined;
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, PARAMETER)) return undefined;
  const token = (body as Record<string, unknown>)[PARAMETER];
  if (typeof token !== 'string' || token === '') throw new AuthError('malformed_credentials');
  return token;
}
