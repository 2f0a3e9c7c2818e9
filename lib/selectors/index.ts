// Functions for the option `select`, with several authorization servers

export { type ByHostOptions, byHost } from './by-host.js';
export { byIssuer } from './by-issuer.js';
export { type ByPathSegmentOptions, byPathSegment } from './by-path-segment.js';
export { byTokenPrefix } from './by-token-prefix.js';
export type { Names, Selector } from './selector.js';
