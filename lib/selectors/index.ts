// Functions for the parameter `select` of `selectServer()`

export { type ByHostOptions, byHost } from './by-host.js';
export { byIssuer } from './by-issuer.js';
export { type ByPathSegmentOptions, byPathSegment } from './by-path-segment.js';
export { byTokenPrefix } from './by-token-prefix.js';
export type { Names, Selector } from './selector.js';
