// Middleware
export { type AuthDetails, getActor, getAuth, getAuthDetails } from './middleware/get-auth.js';
export { type Select, selectServer } from './middleware/select-server.js';
export { tokenIntrospection } from './middleware/token-introspection.js';
export type {
  AuthOf,
  AuthOfServers,
  NamedServers,
  RequestAuthenticator,
  RootSelectingMiddleware,
  RootTokenIntrospection,
  SelectingMiddleware,
  TokenIntrospection,
} from './middleware/types.js';

// Guards
export {
  type ActorPredicate,
  type ExpectedActor,
  requireActor,
  requireNoActor,
  requireUser,
} from './middleware/actor-guards.js';
export type { Guard } from './middleware/guard.js';
export {
  type AuthorizationDetail,
  type AuthorizationDetailPredicate,
  type ClaimPredicate,
  type ClaimValue,
  requireAnyScope,
  requireAuthentication,
  requireAuthorizationDetails,
  requireClaim,
  requireScope,
} from './middleware/guards.js';
export { requireFresh } from './middleware/require-fresh.js';
export { requireAnyRole, requireRole } from './middleware/role-guards.js';

// Options
export type { Next, RejectionHandler } from './core/next.js';
export type {
  CacheOptions,
  DpopOptions,
  EndpointOptions,
  JwtResponseOptions,
  MtlsOptions,
  NormalizeOptions,
  PolicyOptions,
  ServerLocation,
  ServerOptions,
  TokenIntrospectionOptions,
} from './options/types.js';

// Client authentication
export { bearerToken, type TokenSource } from './client-auth/bearer-token.js';
export { type ClientAssertionOptions, clientAssertion } from './client-auth/client-assertion.js';
export { type ClientSecretBasicOptions, clientSecretBasic } from './client-auth/client-secret-basic.js';
export { type ClientSecretJwtOptions, clientSecretJwt } from './client-auth/client-secret-jwt.js';
export { type ClientSecretPostOptions, clientSecretPost } from './client-auth/client-secret-post.js';
export type { JsonWebKey, PrivateKey, PublicKey } from './client-auth/keys.js';
export { noClientAuth } from './client-auth/no-client-auth.js';
export { type PrivateKeyJwtOptions, privateKeyJwt } from './client-auth/private-key-jwt.js';
export type { Secret } from './client-auth/secret.js';
export { type Pem, type TlsClientAuthOptions, tlsClientAuth } from './client-auth/tls-client-auth.js';
export type { ClientAuth, IntrospectionRequest, TlsMaterial } from './core/client-auth.js';

// Claims
export type { Auth, ClaimsSchema, RoleReader, SchemaResult, ScopeMatcher } from './core/claims.js';
export type { Actor } from './verification/actor.js';

// Errors
export {
  AuthError,
  type AuthErrorCode,
  type AuthErrorReason,
  IntrospectionError,
  type IntrospectionErrorCode,
  type RequiredAuthentication,
} from './core/errors.js';

// Operation
export type {
  CacheEvent,
  CircuitEvent,
  Decision,
  EndpointCall,
  JwtEvent,
  Misconfiguration,
  StoreEvent,
} from './diagnostics/channels.js';
export type { ConfigurationProblem, ConfigurationReport } from './introspection/verify-configuration.js';
export type { Stats } from './introspector.js';
export type { Invalidation } from './cache/invalidation.js';

// Interfaces that an app can implement
export type {
  CacheStore,
  LeaseRequest,
  LogEntry,
  LogReader,
  StoredEntry,
  StoreReply,
} from './cache/shared/store.js';
export type { Clock } from './core/clock.js';
export type { Precheck, PrecheckContext } from './core/precheck.js';
export type { Dispatcher } from './introspection/http.js';
export type { EndpointReply } from './introspection/response.js';
export type { ClientCertificate } from './verification/sender/certificate.js';
export type { ReplayStore } from './verification/sender/replay.js';
