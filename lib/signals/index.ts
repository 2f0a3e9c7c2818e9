export type { SignalEvent } from '../diagnostics/channels.js';
export { type BackChannelLogoutOptions, backChannelLogout } from './back-channel-logout.js';
export { type GlobalTokenRevocationOptions, globalTokenRevocation } from './global-token-revocation.js';
export type { SignalHandler } from './handle-post.js';
export type { InvalidatedMiddleware } from './invalidate-everywhere.js';
export { type InvalidationEndpointOptions, invalidationEndpoint } from './invalidation-endpoint.js';
export type { ScopeOptions, SignalOptions, SubjectIdentifier, SubjectOptions, TokenTypeOptions } from './options.js';
export { type Polling, type PollSecurityEventsOptions, pollSecurityEvents } from './poll-security-events.js';
export { type SecurityEventsOptions, securityEvents } from './security-events.js';
