import { AuthError, IntrospectionError } from '../core/errors.js';
import { checkOptions } from '../core/option-check.js';
import { optionError } from '../core/option-error.js';
import { tokenDigest } from '../core/token-digest.js';
import { publishAccepted } from '../diagnostics/decisions.js';
import { publishFailure } from '../middleware/reject.js';
import { createDetachedAuth } from '../middleware/session.js';
import type { TokenIntrospection } from '../middleware/types.js';
import type { AuthInfo } from './auth-info.js';
import { createSdkError, isSdkErrors, type SdkErrorCode, type SdkErrors } from './sdk-errors.js';
import { mcpSessionSource } from './session-source.js';

/** The option `verifier` of `requireBearerAuth` of the MCP SDK. */
export interface McpTokenVerifier {
  /** Verifies a token. If the promise rejects, the middleware of the MCP SDK turns the error into a response. */
  verifyAccessToken(token: string): Promise<AuthInfo>;
}

/** Options of `mcpTokenVerifier()`. */
export interface McpTokenVerifierOptions {
  /**
   * The error classes of the MCP SDK in the version that the app uses: the module `@modelcontextprotocol/sdk/server/auth/errors.js` of
   * version 1, or `{ OAuthError }` from `@modelcontextprotocol/server` of version 2.
   */
  readonly errors: SdkErrors;
}

const BY = 'mcpTokenVerifier';

const CODES: Readonly<Record<AuthError['status'], SdkErrorCode>> = {
  400: 'invalid_request',
  401: 'invalid_token',
  403: 'insufficient_scope',
};

const OUTAGE = 'The token cannot be verified at the moment';

/**
 * Creates a verifier for `requireBearerAuth` of the MCP SDK, version 1 or 2. The verifier uses the policy of `authenticate`. To a rejected
 * token, the SDK responds with 400, 401 or 403. During an outage, the SDK responds with 500 and without `Retry-After`. With
 * {@link mcpAuthentication} instead, the response is 503 with `Retry-After`.
 *
 * The SDK rejects tokens without `exp`, and its challenges list only its own `requiredScopes`. Sender-constrained tokens are rejected,
 * because the SDK does not pass DPoP proofs and certificates on; use `mcpAuthentication()` for such tokens. Guards and `getAuth(req)`
 * accept the `req.auth` that the SDK sets, but only on the first request that has this object.
 *
 * @example
 * import * as errors from '@modelcontextprotocol/sdk/server/auth/errors.js';
 * app.use('/mcp', requireBearerAuth({ verifier: mcpTokenVerifier(authenticate, { errors }), resourceMetadataUrl }));
 *
 * @throws TypeError unless `authenticate` has an `audience` and `resourceMetadata`. Also throws if `authenticate` requires DPoP or the
 * scope `offline_access`, and for an unknown or invalid option
 */
export function mcpTokenVerifier(authenticate: TokenIntrospection, options: McpTokenVerifierOptions): McpTokenVerifier {
  const source = mcpSessionSource('mcpTokenVerifier', authenticate);
  const { authenticator } = source;
  if (authenticator.policy.dpop?.isRequired) {
    throw optionError('dpop.required', true, 'write mcpAuthentication(authenticate): the SDK does not pass proofs on');
  }
  const given: Partial<McpTokenVerifierOptions> = Object(options);
  checkOptions(given, ['errors']);
  const { errors } = given;
  if (!isSdkErrors(errors)) {
    throw optionError('errors', errors, "write the module that `import * as errors` of the SDK's errors returns");
  }
  return {
    async verifyAccessToken(token) {
      try {
        const verified = await authenticator.introspect(token);
        publishAccepted('accepted', BY, verified.credentials.digest, verified.record);
        return createDetachedAuth(source, verified) as AuthInfo;
      } catch (error) {
        publishFailure(error, BY, typeof token === 'string' ? tokenDigest(token) : undefined, { error });
        throw translate(error, errors);
      }
    },
  };
}

/**
 * Turns a rejection or an outage into an error of the MCP SDK. Any other error is returned unchanged, and the SDK responds to it with 500.
 */
function translate(error: unknown, errors: SdkErrors): unknown {
  if (error instanceof AuthError) return createSdkError(errors, CODES[error.status], error.message);
  if (error instanceof IntrospectionError) return createSdkError(errors, 'server_error', OUTAGE);
  return error;
}
