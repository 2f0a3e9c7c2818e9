import { ACCEPTED } from './cases/accepted.js';
import { CORS } from './cases/cors.js';
import { DPOP } from './cases/dpop.js';
import { ELSEWHERE } from './cases/elsewhere.js';
import { MALFORMED } from './cases/malformed.js';
import { METADATA } from './cases/metadata.js';
import { NO_TOKEN } from './cases/no-token.js';
import { UNKNOWN_TOKEN } from './cases/unknown-token.js';
import type { ProbeCase } from './probe-case.js';

/** All cases by their headings, in the order in which they run. Those that depend on nothing come first. */
export const GROUPS: ReadonlyMap<string, readonly ProbeCase[]> = new Map([
  ['No token', NO_TOKEN],
  ['Malformed credentials', MALFORMED],
  ['Invalid tokens', UNKNOWN_TOKEN],
  ['Valid tokens', ACCEPTED],
  ['Tokens elsewhere', ELSEWHERE],
  ['Browsers', CORS],
  ['Metadata', METADATA],
  ['DPoP', DPOP],
]);
