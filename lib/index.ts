// The middleware

// Seams
export type {
  CacheStore,
  LeaseRequest,
  LogEntry,
  LogReader,
  StoredEntry,
  StoreReply,
} from './cache/shared/store.js';
// Errors
export {
  AuthError,
  type AuthErrorCode,
  type AuthErrorReason,
  IntrospectionError,
  type IntrospectionErrorCode,
  type RequiredAuthentication,
} from './errors.js';
// Client authentication
export { bearerToken, type TokenSource } from './introspection/client-auth/bearer-token.js';
export { type ClientSecretBasicOptions, clientSecretBasic } from './introspection/client-auth/client-secret-basic.js';
export { type ClientSecretJwtOptions, clientSecretJwt } from './introspection/client-auth/client-secret-jwt.js';
export { type ClientSecretPostOptions, clientSecretPost } from './introspection/client-auth/client-secret-post.js';
export { noClientAuth } from './introspection/client-auth/no-client-auth.js';
export { type PrivateKeyJwtOptions, privateKeyJwt } from './introspection/client-auth/private-key-jwt.js';
export type { Secret } from './introspection/client-auth/secret.js';
export { type Pem, type TlsClientAuthOptions, tlsClientAuth } from './introspection/client-auth/tls-client-auth.js';
export type { Dispatcher } from './introspection/http.js';
export type { PrivateKey, PublicKey } from './introspection/key-object.js';
export type { EndpointReply } from './introspection/response.js';
export type { Stats } from './lookup.js';
export { type AuthDetails, getAuth, getAuthDetails } from './middleware/get-auth.js';
// Behind it
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
export { type RevocationEndpointOptions, revocationEndpoint } from './middleware/revocation-endpoint.js';
export type { ClaimsByName, RootSeveralServers, SeveralServers, SingleServer } from './middleware/several-servers.js';
export {
  type AuthOf,
  type Invalidation,
  type RootTokenIntrospection,
  type TokenIntrospection,
  tokenIntrospection,
} from './middleware/token-introspection.js';
export type {
  CacheEvent,
  CircuitEvent,
  Decision,
  EndpointCall,
  Misconfiguration,
  StoreEvent,
} from './observe/channels.js';
export type {
  AuthorizationServerOptions,
  CacheOptions,
  DemandOptions,
  DpopOptions,
  EndpointOptions,
  JwtResponseOptions,
  MtlsOptions,
  NamedServers,
  Next,
  NormalizeOptions,
  ServerLocation,
  SeveralDemandOptions,
  SeveralServersOptions,
  SingleServerOptions,
  TokenIntrospectionOptions,
} from './options.js';
export type {
  Auth,
  ClaimsSchema,
  ClientAuth,
  Clock,
  IntrospectionRequest,
  SchemaResult,
  ScopeMatcher,
  TlsMaterial,
} from './types.js';
export type { ClientCertificate } from './verification/binding/certificate.js';
export type { ReplayStore } from './verification/binding/replay.js';
export type { ConfigurationProblem, ConfigurationReport } from './verify-configuration.js';
