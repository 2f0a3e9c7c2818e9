import { AuthError, IntrospectionError } from '../core/errors.js';
import { optionError } from '../core/option-error.js';
import { tokenDigest } from '../core/token-digest.js';
import { publishAccepted, publishRejected } from '../diagnostics/decisions.js';
import { createUnboundAuth } from '../middleware/session.js';
import type { TokenIntrospection } from '../middleware/types.js';
import type { AuthInfo } from './auth-info.js';
import { mcpGateOf } from './mcp-gate.js';
import { createSdkError, type SdkErrorCode, type SdkErrors } from './sdk-errors.js';

/** What the SDK's `requireBearerAuth` takes as its `verifier`. */
export interface McpTokenVerifier {
  /** Judges a token; what it throws, the SDK's middleware answers. */
  verifyAccessToken(token: string): Promise<AuthInfo>;
}

/** How a verifier tells the SDK what is wrong. */
export interface McpTokenVerifierOptions {
  /**
   * What the SDK's errors are made of, for an app that is bundled or has the SDK in several copies: the module
   * `@modelcontextprotocol/sdk/server/auth/errors.js` of version 1, or `{ OAuthError }` of `@modelcontextprotocol/server`, version 2.
   * Default: whichever is installed beside this package.
   */
  readonly errors?: SdkErrors | undefined;
}

const BY = 'mcpTokenVerifier';

const CODES: Readonly<Record<AuthError['status'], SdkErrorCode>> = {
  400: 'invalid_request',
  401: 'invalid_token',
  403: 'insufficient_scope',
};

const OUTAGE = 'The token cannot be judged at the moment';

/**
 * A verifier for the `requireBearerAuth` of the MCP SDK, version 1 or 2: it judges tokens by the demands of `authenticate`. Rejected
 * ones become the SDK's own errors, which it answers 401 or 403; an outage becomes its `server_error`, which it answers 500 without a
 * `Retry-After`, where {@link mcpAuthentication} would answer 503 with one.
 *
 * The SDK refuses tokens without `exp`, and its challenges name only its own `requiredScopes`. Sender-constrained tokens are refused:
 * they need `mcpAuthentication()`. Guards and `getAuth(req)` accept what the SDK then leaves on `req.auth`, on one request.
 *
 * @example
 * app.use('/mcp', requireBearerAuth({ verifier: mcpTokenVerifier(authenticate), resourceMetadataUrl }));
 *
 * @throws TypeError unless `authenticate` names an audience, does not demand `offline_access` or DPoP, and its metadata have been
 * published
 */
export function mcpTokenVerifier(
  authenticate: TokenIntrospection,
  options: McpTokenVerifierOptions = {},
): McpTokenVerifier {
  const gate = mcpGateOf('mcpTokenVerifier', authenticate);
  if (gate.demands.dpop?.isRequired) {
    throw optionError('dpop.required', true, 'write mcpAuthentication(authenticate): the SDK does not pass proofs on');
  }
  const { errors, ...unknown } = options;
  for (const [name, value] of Object.entries(unknown)) throw optionError(name, value, 'there is no such option');
  if (errors !== undefined && !('InvalidTokenError' in Object(errors) || 'OAuthError' in Object(errors))) {
    throw optionError('errors', errors, "write what `import * as errors` gives of the SDK's module");
  }
  return {
    async verifyAccessToken(token) {
      try {
        const authenticated = await gate.authenticator.introspect(token);
        publishAccepted('accepted', BY, authenticated.credentials.digest, authenticated.record);
        return createUnboundAuth(gate, authenticated) as AuthInfo;
      } catch (error) {
        throw await translate(error, token, errors);
      }
    },
  };
}

/** What is neither a rejection nor an outage stays as it is: the SDK answers 500. */
async function translate(error: unknown, token: string, errors: SdkErrors | undefined): Promise<unknown> {
  if (error instanceof AuthError) {
    const digested = error.reason === 'malformed_credentials' ? undefined : tokenDigest(token);
    publishRejected('rejected', BY, digested, { status: error.status, reason: error.reason }, { error });
    return (await createSdkError(CODES[error.status], error.message, errors)) ?? error;
  }
  if (error instanceof IntrospectionError) {
    publishRejected('outage', BY, tokenDigest(token), { status: error.status, reason: error.code }, { error });
    return (await createSdkError('server_error', OUTAGE, errors)) ?? error;
  }
  return error;
}
