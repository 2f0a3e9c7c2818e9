import { authorizationHeader } from './authorization-header.mjs';
import { cliArguments } from './cli-arguments.mjs';
import { dpopProof } from './dpop-proof.mjs';
import { formBody } from './form-body.mjs';
import { introspectionResponse } from './introspection-response.mjs';
import { mcpRequestBody } from './mcp-request-body.mjs';
import { retryAfter } from './retry-after.mjs';
import { securityEventToken } from './security-event-token.mjs';
import { sharedCacheEntry } from './shared-cache-entry.mjs';
import { signedResponse } from './signed-response.mjs';

/** All targets, in the order of the documentation. */
export const TARGETS = [
  ...[authorizationHeader, formBody, introspectionResponse, signedResponse, dpopProof, securityEventToken],
  ...[mcpRequestBody, sharedCacheEntry, retryAfter, cliArguments],
];
