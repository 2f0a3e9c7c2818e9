export { type InvalidationEndpointOptions, invalidationEndpoint } from './invalidation-endpoint.js';
