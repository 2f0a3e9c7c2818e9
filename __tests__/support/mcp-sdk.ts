import type { RequestHandler } from 'express';
import type { McpTokenVerifier } from '../../lib/mcp/index.js';

export interface BearerAuthOptions {
  readonly verifier: McpTokenVerifier;
  readonly requiredScopes?: string[];
  readonly resourceMetadataUrl?: string;
  readonly expectedResource?: URL;
}

type RequireBearerAuth = (options: BearerAuthOptions) => RequestHandler;

/** Both packages declare `req.auth` with different types, so the compiler must see neither here. */
const MODULES = {
  'version 1': '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js',
  'version 2': '@modelcontextprotocol/express',
} as const;

/** The `requireBearerAuth` of the MCP SDK's own middleware. */
export const REQUIRE_BEARER_AUTH = Object.entries(MODULES).map(
  ([version, name]) => [version, require(name).requireBearerAuth as RequireBearerAuth] as const,
);
