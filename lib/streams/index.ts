export { endWithToken } from './end-with-token.js';
export type { StreamOptions, TokenEndReason } from './options.js';
export { streamGuard } from './stream-guard.js';
