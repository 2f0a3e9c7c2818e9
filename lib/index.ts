// The middleware

// Errors
export {
  AuthError,
  type AuthErrorCode,
  type AuthErrorReason,
  IntrospectionError,
  type IntrospectionErrorCode,
} from './errors.js';
// Client authentication
export { bearerToken } from './introspection/client-auth/bearer-token.js';
export { type ClientSecretBasicOptions, clientSecretBasic } from './introspection/client-auth/client-secret-basic.js';
export { type ClientSecretPostOptions, clientSecretPost } from './introspection/client-auth/client-secret-post.js';
export { noClientAuth } from './introspection/client-auth/no-client-auth.js';
// Seams
export type { Dispatcher } from './introspection/http.js';
export type { EndpointReply } from './introspection/response.js';
export type { Stats } from './lookup.js';
// Behind it
export { getAuth } from './middleware/get-auth.js';
export {
  type ClaimPredicate,
  type ClaimValue,
  type Guard,
  requireAnyScope,
  requireClaim,
  requireFresh,
  requireScope,
} from './middleware/guards.js';
export {
  type AuthOf,
  type RootTokenIntrospection,
  type TokenIntrospection,
  tokenIntrospection,
} from './middleware/token-introspection.js';
export type { Decision } from './observe/decisions.js';
export type {
  CacheOptions,
  DemandOptions,
  EndpointOptions,
  Next,
  NormalizeOptions,
  TokenIntrospectionOptions,
} from './options.js';
export type { Auth, ClaimsSchema, ClientAuth, Clock, IntrospectionRequest } from './types.js';
