import { AuthError, IntrospectionError } from '../core/errors.js';
import { checkOptions } from '../core/option-check.js';
import { optionError } from '../core/option-error.js';
import { tokenDigest } from '../core/token-digest.js';
import { publishAccepted } from '../diagnostics/decisions.js';
import { publishFailure } from '../middleware/reject.js';
import { createDetachedAuth } from '../middleware/session.js';
import type { TokenIntrospection } from '../middleware/types.js';
import type { AuthInfo } from './auth-info.js';
import { mcpOrigin } from './mcp-authenticator.js';
import { createSdkError, isSdkErrors, type SdkErrorCode, type SdkErrors } from './sdk-errors.js';

/** The `verifier` that the SDK's `requireBearerAuth` takes. */
export interface McpTokenVerifier {
  /** Verifies a token. The SDK's middleware answers what it throws. */
  verifyAccessToken(token: string): Promise<AuthInfo>;
}

/** The error classes of the SDK that the app uses. */
export interface McpTokenVerifierOptions {
  /**
   * The module `@modelcontextprotocol/sdk/server/auth/errors.js` of version 1, or `{ OAuthError }` of `@modelcontextprotocol/server`,
   * version 2.
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
 * A verifier for the `requireBearerAuth` of the MCP SDK, version 1 or 2. It verifies tokens by the policy of `authenticate`. A rejected
 * token becomes an error of the SDK, which answers it 401 or 403. An outage becomes its `server_error`, which it answers 500 without a
 * `Retry-After`; {@link mcpAuthentication} answers 503 with one.
 *
 * The SDK rejects tokens without `exp`, and its challenges name only its own `requiredScopes`. Sender-constrained tokens are rejected:
 * they need `mcpAuthentication()`. Guards and `getAuth(req)` accept the `req.auth` that the SDK sets, on one request.
 *
 * @example
 * import * as errors from '@modelcontextprotocol/sdk/server/auth/errors.js';
 * app.use('/mcp', requireBearerAuth({ verifier: mcpTokenVerifier(authenticate, { errors }), resourceMetadataUrl }));
 *
 * @throws TypeError unless `authenticate` names an audience and `resourceMetadata` and requires neither `offline_access` nor DPoP, and
 * for a wrong option
 */
export function mcpTokenVerifier(authenticate: TokenIntrospection, options: McpTokenVerifierOptions): McpTokenVerifier {
  const origin = mcpOrigin('mcpTokenVerifier', authenticate);
  const { authenticator } = origin;
  if (authenticator.policy.dpop?.isRequired) {
    throw optionError('dpop.required', true, 'write mcpAuthentication(authenticate): the SDK does not pass proofs on');
  }
  const given: Partial<McpTokenVerifierOptions> = Object(options);
  checkOptions(given, ['errors']);
  const { errors } = given;
  if (!isSdkErrors(errors)) {
    throw optionError('errors', errors, "write what `import * as errors` gives of the SDK's module");
  }
  return {
    async verifyAccessToken(token) {
      try {
        const verified = await authenticator.introspect(token);
        publishAccepted('accepted', BY, verified.credentials.digest, verified.record);
        return createDetachedAuth(origin, verified) as AuthInfo;
      } catch (error) {
        publishFailure(error, BY, typeof token === 'string' ? tokenDigest(token) : undefined, { error });
        throw translate(error, errors);
      }
    },
  };
}

/** Any other error stays as it is. The SDK answers it 500. */
function translate(error: unknown, errors: SdkErrors): unknown {
  if (error instanceof AuthError) return createSdkError(errors, CODES[error.status], error.message);
  if (error instanceof IntrospectionError) return createSdkError(errors, 'server_error', OUTAGE);
  return error;
}
