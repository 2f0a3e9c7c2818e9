export type { AuthInfo } from './auth-info.js';
export { mcpAuthentication } from './authentication.js';
export type { MessageErrorClass, OAuthErrorClass, SdkErrors, SdkErrorsV1, SdkErrorsV2 } from './sdk-errors.js';
export { tokenEndedEvent } from './token-ended-event.js';
export { type McpTokenVerifier, type McpTokenVerifierOptions, mcpTokenVerifier } from './token-verifier.js';
export { requireToolScopes, type ToolScopesGuard } from './tool-scopes.js';
